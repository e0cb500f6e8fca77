package markers

import (
	"maps"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// mergeInto writes the labels or annotations of a strategic merge patch over
// others. A null is a value like any other here.
func mergeInto(m, patch map[string]string) {
	if discards(patch) {
		clear(m)
	}
	if patch["$patch"] != "delete" {
		maps.Copy(m, patch)
		delete(m, "$patch")
	}
}

// discards reports whether a patch of labels or annotations takes away all that
// there were.
func discards(patch map[string]string) bool {
	return patch["$patch"] == "replace" || patch["$patch"] == "delete"
}

// identify carries out what the operations do to the object's name, labels and
// annotations, by which later patches select it.
func (p operations) identify(o *object) {
	for _, step := range p {
		step.identify(o)
	}
}

func (o operation) identify(object *object) {
	if o.op == "move" || o.op == "copy" {
		o.copyIn(object)
		return
	}
	if len(o.path) < 2 {
		o.become(object)
		return
	}
	if !o.sets() && o.op != "remove" || o.path[0] != yaml.MetadataField {
		return
	}
	switch o.path[1] {
	case "name":
		o.rename(object, identity{namespace: object.namespace, name: scalarValue(o.value)})
	case "namespace":
		o.rename(object, identity{namespace: scalarValue(o.value), name: object.name})
	case yaml.LabelsField:
		o.edit(object.labels)
	case yaml.AnnotationsField:
		o.edit(object.annotations)
	}
}

// become gives an object other metadata, if the operation sets it or all of the object.
func (o operation) become(object *object) {
	metadata := follow(o.value)
	if len(o.path) == 0 {
		metadata = follow(child(metadata, yaml.MetadataField))
	}
	if !o.sets() || len(o.path) > 0 && o.path[0] != yaml.MetadataField {
		return
	}
	object.turned = true
	object.rename(identity{namespace: scalarValue(child(metadata, "namespace")), name: scalarValue(child(metadata, "name"))})
	object.labels, object.annotations = stringMap(child(metadata, yaml.LabelsField)), stringMap(child(metadata, yaml.AnnotationsField))
}

// copyIn is for operations that copy or move. What they write is not looked
// for.
func (o operation) copyIn(object *object) {
	if renames(o.path) {
		object.loseName(problem(NotMarkable, o.blocked.File, o.blocked.Line,
			"a JSON6902 patch copies or moves the name or the namespace, so nobody can tell here which object it is; write them out"))
	}
	if relabels(o.path) || o.op == "move" && relabels(o.from) {
		object.relabeled = problem(NotMarkable, o.blocked.File, o.blocked.Line,
			"a JSON6902 patch copies or moves labels or annotations, and a patch that may set the version selects by them; let the patch select by name")
	}
}

// sets reports whether the operation writes its value.
func (o operation) sets() bool { return o.op == "replace" || o.op == "add" }

func (o operation) rename(object *object, to identity) {
	if len(o.path) == 2 {
		object.turned = true
		object.rename(to)
	}
}

// edit carries out an operation on the labels or annotations.
func (o operation) edit(m map[string]string) {
	switch {
	case len(o.path) == 3 && o.sets():
		m[o.path[2]] = scalarValue(o.value)
	case len(o.path) == 3:
		delete(m, o.path[2])
	case len(o.path) == 2:
		clear(m)
		maps.Copy(m, stringMap(o.value))
	}
}
