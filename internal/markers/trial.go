package markers

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// trial is a document with a marker, and the same as Flux writes it.
type trial struct {
	with    *document
	written []byte
}

// try passes a document, with the marker of ref at s, through Flux's reader and
// writer. Where it is ok that one pass proves all: the marker works, and the
// document, which is a file or could be one, says the same before and after.
// Where it is not, markable and sameAfterRewrite tell why.
func (d *document) try(name string, s site, ref Ref) (t trial, ok bool) {
	if d == nil || d.unmarkable(name, s) != nil {
		return trial{}, false
	}
	with := d.with(s, ref)
	if with == nil {
		return trial{}, false
	}
	written, err := passThrough([]byte(with.text), func(nodes []*yaml.RNode) bool {
		if len(nodes) != 1 {
			return false
		}
		with.root = withoutNotes(nodes[0].YNode(), d.root)
		return sameTree(d.root, with.root) && d.gains(with, s, ref)
	})
	if err != nil {
		return trial{}, false
	}
	t = trial{with: with, written: written}
	return t, with.text == string(written) || slices.EqualFunc([]*document{d}, parseFile("", t.written, nil).docs, saysTheSame)
}

// withoutNotes is what an object says but for the annotations in which Flux's
// library notes where it comes from. What had to be made for these is as it was
// before.
func withoutNotes(root, before *yaml.Node) *yaml.Node {
	root = copyToAnnotate(root)
	metadata := child(root, yaml.MetadataField)
	annotations := child(metadata, yaml.AnnotationsField)
	if annotations == nil {
		return root
	}
	removePairs(annotations, func(key string, _ *yaml.Node) bool { return isNote(key) })
	putBack(metadata, yaml.AnnotationsField, child(before, yaml.MetadataField))
	putBack(root, yaml.MetadataField, before)
	return root
}

// putBack takes a field that has become empty out of a mapping, and puts it in
// as it was before, where it was, if it was there.
func putBack(mapping *yaml.Node, field string, before *yaml.Node) {
	if len(child(mapping, field).Content) > 0 {
		return
	}
	removePairs(mapping, func(key string, _ *yaml.Node) bool { return key == field })
	if before == nil {
		return
	}
	for i := 0; i+1 < len(before.Content); i += 2 {
		if before.Content[i].Value == field {
			mapping.Content = slices.Insert(mapping.Content, min(i, len(mapping.Content)), before.Content[i:i+2]...)
			return
		}
	}
}

func isNote(key string) bool {
	return strings.HasPrefix(key, "internal.config.kubernetes.io/") || key == "config.kubernetes.io/index" || key == "config.kubernetes.io/path"
}

func removePairs(mapping *yaml.Node, remove func(key string, value *yaml.Node) bool) {
	var kept []*yaml.Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if !remove(mapping.Content[i].Value, mapping.Content[i+1]) {
			kept = append(kept, mapping.Content[i], mapping.Content[i+1])
		}
	}
	mapping.Content = kept
}
