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
	// from is where the value comes from: who has it uses that line.
	from origin
}

func (r replacement) apply(field []string, before *place) *place {
	i := slices.IndexFunc(r.fields, func(f []string) bool { return reaches(f, field) })
	if i < 0 {
		return before
	}
	return &place{file: r.blocked.File, blocked: r.blocked, below: r.from.lookup(field[len(r.fields[i]):])}
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
			from, err := b.copies(objects, r, blocked)
			if err != nil {
				return err
			}
			for _, target := range r.Targets {
				if err := b.replaceIn(objects, target, replacement{blocked: blocked, from: from}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (b *builder) replaceIn(objects []*object, target *kustypes.TargetSelector, r replacement) error {
	blocked := r.blocked
	if target == nil || target.Select == nil || slices.Contains(target.Reject, nil) {
		return nil
	}
	if err := b.spend(blocked.File, replaceSteps(target, len(objects))); err != nil {
		return err
	}
	by, ok := selectorOf(target)
	if !ok {
		b.note(blocked.File, "the target of a replacement is no selector")
		return nil
	}
	r.fields = writtenFields(target)
	if slices.ContainsFunc(r.fields, renames) {
		b.note(blocked.File, "a replacement sets names or namespaces")
	}
	for _, o := range objects {
		if !o.removed && (o.renamed != nil || by.selects(o)) {
			r.writeInto(o)
		}
	}
	return nil
}

// writtenFields are those that a target names; without any it is the name.
func writtenFields(target *kustypes.TargetSelector) (fields [][]string) {
	for _, path := range target.FieldPaths {
		fields = append(fields, utils.SmarterPathSplitter(path, "."))
	}
	if len(fields) == 0 {
		return [][]string{{yaml.MetadataField, "name"}}
	}
	return fields
}

func (r replacement) writeInto(o *object) {
	o.layers = append(o.layers, r)
	if slices.ContainsFunc(r.fields, renames) {
		o.loseName(problem(NotMarkable, r.blocked.File, r.blocked.Line,
			"a replacement sets the name or the namespace, so nobody can tell here which object it is; take it out and write them in the object itself"))
	}
	if r.relabels() {
		o.relabeled = problem(NotMarkable, r.blocked.File, r.blocked.Line,
			"a replacement sets labels or annotations, and a patch that may set the version selects by them; let the patch select by name")
	}
}

// relabels reports whether the replacement writes labels or annotations.
func (r replacement) relabels() bool {
	return slices.ContainsFunc(r.fields, relabels)
}

func relabels(path []string) bool {
	return reaches(path, []string{yaml.MetadataField}) || len(path) > 1 && path[0] == yaml.MetadataField && path[1] != "name" && path[1] != "namespace"
}

// replaceSteps is the work of a target on that many objects.
func replaceSteps(target *kustypes.TargetSelector, objects int) int {
	steps := len(target.FieldPaths) + (1+len(target.Reject))*objects + patternSteps(target.Select)
	for _, reject := range target.Reject {
		steps += patternSteps(reject)
	}
	return steps
}

// selectorOf compiles the expressions of a target.
func selectorOf(target *kustypes.TargetSelector) (by replaceSelector, ok bool) {
	for i, selector := range append([]*kustypes.Selector{target.Select}, target.Reject...) {
		p := patch{target: selector}
		if p.compile() != nil {
			return by, false
		}
		switch {
		case i == 0:
			by.labelled = p
		case p.byLabels():
			by.rejects = append(by.rejects, p)
		}
	}
	re, err := kustypes.NewTargetSelectorRegex(target)
	by.names = re
	return by, err == nil
}

// replaceSelector selects by names, and apart from these by labels and
// annotations, as kustomize does: what any of rejects fits is not selected.
type replaceSelector struct {
	names    *kustypes.TargetSelectorRegex
	labelled patch
	rejects  []patch
}

// selects says yes of an object whose labels cannot be told, if its names fit.
func (by replaceSelector) selects(o *object) bool {
	if !slices.ContainsFunc(o.maybeIDs(), by.names.Selects) || by.names.RejectsAny(o.resIDs()) {
		return false
	}
	if o.relabeled != nil {
		return true
	}
	return by.labelled.labelsFit(o) && !slices.ContainsFunc(by.rejects, func(p patch) bool { return p.labelsFit(o) })
}

// resIDs are the identities of the object in kustomize's type. It remembers
// those before with the namespace that they stand for.
func (o *object) resIDs() []resid.ResId {
	ids := []resid.ResId{resid.NewResIdWithNamespace(o.gvk, o.name, o.namespace)}
	for _, id := range o.previous {
		ids = append(ids, resid.NewResIdWithNamespace(o.gvk, id.name, id.effective()))
	}
	return ids
}

// maybeIDs has the present one like that, too: kustomize remembers it also
// where nothing changes.
func (o *object) maybeIDs() []resid.ResId {
	return append(o.resIDs(), resid.NewResIdWithNamespace(o.gvk, o.name, o.effective()))
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
