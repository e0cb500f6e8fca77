package setters

import "sigs.k8s.io/kustomize/kyaml/yaml"

// Result says what one pass changed. Commit message templates see it as `.Changed`, with Flux's field names.
type Result struct {
	// FileChanges has the changes of each file, by its path relative to the directory of the pass.
	FileChanges map[string]ObjectChanges
}

// ObjectChanges has the changes of each object, in the order of the file.
type ObjectChanges map[ObjectIdentifier][]Change

// ObjectIdentifier names an object as far as its document does; a kustomization.yaml has no name.
type ObjectIdentifier struct{ yaml.ResourceIdentifier }

// Change is one field that got another value.
type Change struct {
	OldValue string
	NewValue string
	// Setter is the marker's text: `namespace:policy:tag`.
	Setter string
}

// Changes returns each distinct change once. Their order is random, as in Flux: templates must not depend on it.
func (r Result) Changes() []Change {
	distinct := map[Change]struct{}{}
	for _, objects := range r.FileChanges {
		for _, changes := range objects {
			for _, change := range changes {
				distinct[change] = struct{}{}
			}
		}
	}
	var all []Change
	for change := range distinct {
		all = append(all, change)
	}
	return all
}

// Objects returns the changes of each object, whatever file it is in.
func (r Result) Objects() ObjectChanges {
	merged := ObjectChanges{}
	for _, objects := range r.FileChanges {
		for object, changes := range objects {
			merged[object] = append(merged[object], changes...)
		}
	}
	return merged
}

func (r *Result) add(file string, object ObjectIdentifier, changes []Change) {
	if r.FileChanges == nil {
		r.FileChanges = map[string]ObjectChanges{}
	}
	if r.FileChanges[file] == nil {
		r.FileChanges[file] = ObjectChanges{}
	}
	r.FileChanges[file][object] = append(r.FileChanges[file][object], changes...)
}
