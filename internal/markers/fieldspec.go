package markers

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/kustomize/kyaml/utils"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// fieldSpec is a field to which a field of a kustomization, such as namePrefix,
// writes because a file of its configurations says so. It counts in that
// kustomization and in all that build on it.
type fieldSpec struct {
	// by is the field that writes; empty if that cannot be told.
	by  string
	gvk resid.Gvk
	// path is empty for what may be any field.
	path    []string
	creates bool
	// blocked is about a version there, and relabeled about patches that
	// select by labels or annotations there.
	blocked, relabeled *Problem
}

// nameReference corrects the references to what was renamed, once all is built.
const nameReference = "nameReference"

// specPath splits the path of a field spec, in which [] only says that there is
// a list.
func specPath(text string) []string {
	path := utils.PathSplitter(text, "/")
	for i, key := range path {
		path[i] = strings.TrimSuffix(key, "[]")
	}
	return path
}

// writes reports whether the kustomization has what writes by a field spec.
func (k *kustomization) writes(by string) bool {
	switch by {
	case "":
		return true
	case "namePrefix":
		return k.NamePrefix != ""
	case "nameSuffix":
		return k.NameSuffix != ""
	case "namespace":
		return k.Namespace != ""
	case "labels":
		return len(k.CommonLabels)+len(k.Labels) > 0
	case "commonAnnotations":
		return len(k.CommonAnnotations) > 0
	case "images":
		return len(k.Images) > 0
	case "replicas":
		return len(k.Replicas) > 0
	}
	return false
}

// writeConfigured lets what writes by field specs write into the objects.
func (b *builder) writeConfigured(k *kustomization, specs []fieldSpec, writes func(by string) bool, objects []*object) error {
	for _, s := range specs {
		if !writes(s.by) {
			continue
		}
		if err := b.spend(k.file, 1+len(objects)); err != nil {
			return err
		}
		if s.renames() {
			b.note(s.blocked.File, s.blocked.Message)
		}
		for _, o := range objects {
			if !o.removed && o.gvk.IsSelected(&s.gvk) {
				s.writeInto(o)
			}
		}
	}
	return nil
}

func (s fieldSpec) writeInto(o *object) {
	if s.renames() {
		o.loseName(s.blocked)
	} else {
		o.layers = append(o.layers, s)
	}
	if relabels(s.path) && s.relabeled != nil {
		o.relabeled = s.relabeled
	}
}

// renames reports whether nobody can tell which object it is afterwards.
func (s fieldSpec) renames() bool {
	return renames(s.path) || reaches(s.path, []string{"apiVersion"}) || reaches(s.path, []string{"kind"})
}

// renames reports whether what writes to a path writes the name or the
// namespace.
func renames(path []string) bool {
	return reaches(path, []string{yaml.MetadataField, "name"}) || reaches(path, []string{yaml.MetadataField, "namespace"})
}

// apply blocks a field that is written to. What was there may still be a part
// of the value.
func (s fieldSpec) apply(field []string, before *place) *place {
	if !reaches(s.path, field) || before == nil && !s.creates && len(s.path) == len(field) {
		return before
	}
	return unread{s.blocked}.apply(field, before)
}
