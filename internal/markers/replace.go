package markers

import (
	"slices"

	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/kustomize/kyaml/utils"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// replacement is a target of a kustomization's replacements.
type replacement struct {
	fields  [][]string
	blocked *Problem
}

func (r replacement) apply(field []string, before *place) *place {
	if !slices.ContainsFunc(r.fields, func(f []string) bool { return reaches(f, field) }) {
		return before
	}
	return &place{file: r.blocked.File, blocked: r.blocked}
}

// reaches reports whether a replacement's path is the field, or something that
// the field is in. An element * stands for any key.
func reaches(path, field []string) bool {
	if len(path) > len(field) {
		return false
	}
	for i, key := range field[:len(path)] {
		if path[i] != key && path[i] != "*" {
			return false
		}
	}
	return true
}

// replace adds the kustomization's replacements to the objects they write to.
func (b *builder) replace(dir string, k *kustomization, objects []*object) error {
	lines := k.lines("replacements", "")
	for i, entry := range k.Replacements {
		all := []kustypes.Replacement{entry.Replacement}
		if entry.Path != "" {
			read, err := b.readReplacements(dir, entry.Path)
			if err := b.leaveOut(entry.Path, err); err != nil {
				return err
			}
			all = read
		}
		blocked := problem(NotMarkable, k.file, lines.at(i),
			"the version is set by a replacement; take it out and write the version in the object itself")
		for _, r := range all {
			for _, target := range r.Targets {
				if err := b.replaceIn(objects, target, blocked); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (b *builder) replaceIn(objects []*object, target *kustypes.TargetSelector, blocked *Problem) error {
	if target == nil || target.Select == nil || slices.Contains(target.Reject, nil) {
		return nil
	}
	if err := b.spend(blocked.File, replaceSteps(target, len(objects))); err != nil {
		return err
	}
	re, ok := targetRegex(target)
	if !ok {
		b.note(blocked.File, "the target of a replacement is no selector")
		return nil
	}
	r := replacement{blocked: blocked}
	for _, path := range target.FieldPaths {
		r.fields = append(r.fields, utils.SmarterPathSplitter(path, "."))
	}
	for _, o := range objects {
		ids := o.resIDs()
		if !o.removed && slices.ContainsFunc(ids, re.Selects) && !re.RejectsAny(ids) {
			r.writeInto(o)
		}
	}
	return nil
}

func (r replacement) writeInto(o *object) {
	o.layers = append(o.layers, r)
	if r.relabels() {
		o.relabeled = problem(NotMarkable, r.blocked.File, r.blocked.Line,
			"a replacement sets labels or annotations, and a patch that may set the version selects by them; let the patch select by name")
	}
}

// relabels reports whether the replacement writes labels or annotations.
func (r replacement) relabels() bool {
	return slices.ContainsFunc(r.fields, func(f []string) bool {
		return reaches(f, []string{yaml.MetadataField}) || len(f) > 1 && f[0] == yaml.MetadataField && f[1] != "name" && f[1] != "namespace"
	})
}

// replaceSteps is the work of a target on that many objects.
func replaceSteps(target *kustypes.TargetSelector, objects int) int {
	steps := len(target.FieldPaths) + (1+len(target.Reject))*objects + patternSteps(target.Select)
	for _, reject := range target.Reject {
		steps += patternSteps(reject)
	}
	return steps
}

// targetRegex compiles the expressions of a target.
func targetRegex(target *kustypes.TargetSelector) (*kustypes.TargetSelectorRegex, bool) {
	for _, selector := range append([]*kustypes.Selector{target.Select}, target.Reject...) {
		if p := (&patch{target: selector}); p.compile() != nil {
			return nil, false
		}
	}
	re, err := kustypes.NewTargetSelectorRegex(target)
	return re, err == nil
}

// resIDs are the identities of the object in kustomize's type.
func (o *object) resIDs() []resid.ResId {
	var ids []resid.ResId
	for _, id := range append(slices.Clone(o.previous), o.identity) {
		ids = append(ids, resid.NewResIdWithNamespace(o.gvk, id.name, id.namespace))
	}
	return ids
}

// readReplacements reads a file with one replacement or a list of them.
func (b *builder) readReplacements(dir, name string) ([]kustypes.Replacement, error) {
	resolved, err := b.resolve(dir, name)
	if err != nil {
		return nil, err
	}
	content, err := b.repo.read(resolved)
	if err != nil {
		return nil, err
	}
	if err := b.spend(resolved, len(content)/bytesPerStep); err != nil {
		return nil, err
	}
	if p := parseFile(resolved, content, nil).unfoldable(); p != nil {
		return nil, p
	}
	var list []kustypes.Replacement
	if sigsyaml.Unmarshal(content, &list) == nil {
		return list, nil
	}
	var one kustypes.Replacement
	if err := sigsyaml.Unmarshal(content, &one); err != nil {
		return nil, problem(Unreadable, resolved, 0, "the replacement cannot be parsed (%v); correct it", err)
	}
	return []kustypes.Replacement{one}, nil
}
