package markers

import (
	"cmp"
	"slices"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/kustomize/kyaml/utils"

	"github.com/giantswarm/app-upgrade-operator/internal/message"
)

// origin is a field of an object, and what wrote into it until then.
type origin struct {
	field  []string
	layers []layer
}

// lookup returns the place of what is at the path in the field.
func (o origin) lookup(path []string) *place {
	if len(o.layers) == 0 {
		return nil
	}
	return lookup(o.layers, slices.Concat(o.field, path))
}

// copied is what a replacement takes from an object, to write it into others of
// another kind, which are not built beside it.
type copied struct {
	origin
	// to is the other object, as the replacement selects it.
	to Target
	// file and line are the replacement's.
	file string
	line int
}

// lookup returns the place of the field's value if that is copied.
func (c copied) lookup(field []string) *place {
	if !reaches(c.field, field) {
		return nil
	}
	return lookup(c.layers, field)
}

// use is that of the other object, which may be of a kind that is not built.
func (c copied) use(r root) use {
	u := r.mayUse("a replacement in " + message.Place(c.file, c.line) + " copies it")
	u.Target = c.to
	return u
}

// copies finds what a replacement takes, and remembers it where it goes to
// objects of other kinds.
func (b *builder) copies(objects []*object, r types.Replacement, at *Problem) (from origin, err error) {
	if r.Source == nil {
		return from, nil
	}
	if err := b.spend(at.File, (1+len(r.Targets))*len(objects)); err != nil {
		return from, err
	}
	field := utils.SmarterPathSplitter(cmp.Or(r.Source.FieldPath, types.DefaultReplacementFieldPath), ".")
	for _, o := range objects {
		if err := b.spend(at.File, len(o.previous)); err != nil {
			return from, err
		}
		if o.removed || !slices.ContainsFunc(o.maybeIDs(), func(id resid.ResId) bool { return id.IsSelectedBy(r.Source.ResId) }) {
			continue
		}
		from = origin{field: field, layers: o.layers}
		for _, target := range r.Targets {
			if target != nil && target.Select != nil && target.Select.Kind != o.gvk.Kind {
				o.copies = append(o.copies, copied{origin: from, to: selected(target.Select), file: at.File, line: at.Line})
			}
		}
	}
	return from, nil
}

// selected is what a selector names; what it says nothing about is *.
func selected(s *types.Selector) Target {
	return Target{APIVersion: s.ApiVersion(), Kind: cmp.Or(s.Kind, "*"), Namespace: s.Namespace, Name: cmp.Or(s.Name, "*")}
}
