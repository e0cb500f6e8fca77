package markers

import (
	"bytes"
	"errors"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// fluxReads reports whether Flux's setter opens a file of this name.
func fluxReads(name string) bool {
	ext := path.Ext(name)
	return ext == ".yaml" || ext == ".yml" || path.Base(name) == "Kustomization"
}

// marked is a scalar that carries a marker.
type marked struct {
	doc    *document
	scalar *yaml.Node
	found  Found
}

// markersIn lists the markers of content that Flux acts on, in file order. A
// file that Flux cannot read whole has none; of one that is over a bound nobody
// knows, which is a Problem.
func markersIn(name string, content []byte) ([]marked, *Problem) {
	if !bytes.Contains(content, []byte(token)) {
		return nil, nil
	}
	f := parseFile(name, content, nil)
	if f.unreadable() != nil {
		return nil, f.refused
	}
	var all []marked
	for _, doc := range f.docs {
		all = append(all, doc.markers(name)...)
	}
	return all, nil
}

// unreadable returns the first document for which Flux skips the whole file,
// or a stand-in for it if the file cannot be split or is over a bound.
func (f *file) unreadable() *document {
	if err := errors.Join(f.err, f.refused.orNil()); err != nil {
		return &document{err: err}
	}
	for _, doc := range f.docs {
		if doc.err != nil || !takesAnnotations(doc.root) {
			return doc
		}
	}
	return nil
}

// takesAnnotations reports whether Flux can note a file's name in the
// document, which it does to every document before it looks for markers.
func takesAnnotations(root *yaml.Node) bool {
	if root.Kind != yaml.MappingNode {
		return false
	}
	return yaml.NewRNode(copyToAnnotate(root)).PipeE(yaml.SetAnnotation("a", "b")) == nil
}

// copyToAnnotate copies as much of an object as changes when an annotation is
// set or cleared.
func copyToAnnotate(root *yaml.Node) *yaml.Node {
	c := copyNode(root)
	for i := 1; i < len(c.Content); i += 2 {
		if c.Content[i-1].Value != yaml.MetadataField {
			continue
		}
		metadata := copyNode(c.Content[i])
		for j, child := range metadata.Content {
			metadata.Content[j] = copyNode(child)
		}
		c.Content[i] = metadata
	}
	return c
}

func copyNode(node *yaml.Node) *yaml.Node {
	c := *node
	c.Content = slices.Clone(node.Content)
	return &c
}

// markers lists the document's live markers in file order.
func (d *document) markers(name string) []marked {
	if d.root == nil || !strings.Contains(d.text, "#") || !strings.Contains(d.text, "{") { // a marker is a comment with an object
		return nil
	}
	var all []marked
	visitScalars(d.root, func(scalar *yaml.Node) {
		if found := d.markerAt(name, scalar); found != nil {
			all = append(all, marked{doc: d, scalar: scalar, found: *found})
		}
	})
	return all
}

// markerAt returns the live marker of scalar, or nil.
func (d *document) markerAt(name string, scalar *yaml.Node) *Found {
	raw := commentOf(scalar)
	if raw == "" {
		return nil
	}
	ref, suffix, ok := parseComment(raw)
	if !ok {
		return nil
	}
	return &Found{File: name, Line: d.line(scalar), Ref: ref, Suffix: suffix, Value: scalar.Value, Raw: raw}
}

// visitScalars calls visit for the scalars that Flux's setter reaches: values
// and list items, never keys or aliases, and of a repeated key the first.
func visitScalars(node *yaml.Node, visit func(*yaml.Node)) {
	switch node.Kind {
	case yaml.ScalarNode:
		visit(node)
	case yaml.SequenceNode:
		for _, item := range node.Content {
			visitScalars(item, visit)
		}
	case yaml.MappingNode:
		seen := make(map[string]bool, len(node.Content)/2)
		for i := 0; i+1 < len(node.Content); i += 2 {
			if key := node.Content[i].Value; !seen[key] {
				seen[key] = true
				visitScalars(node.Content[i+1], visit)
			}
		}
	}
}
