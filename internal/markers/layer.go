package markers

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// layer is something that writes into an object.
type layer interface {
	// apply returns the place of the field's value after this layer, given
	// the one before; nil means that the field has no value.
	apply(field []string, before *place) *place
}

// remover is a layer that may take a field away.
type remover interface {
	layer
	// removes tells where it does.
	removes(field []string) (file string, line int)
}

// merge is a resource, or a strategic merge patch on one.
type merge struct {
	file string
	doc  *document
	root *yaml.Node
	// patch tells a patch, in which null takes the value away, from a
	// resource, in which it is an empty value.
	patch bool
	// blocked is set for a patch that is text inside another file.
	blocked *Problem
}

func (m merge) apply(field []string, before *place) *place {
	at := &place{file: m.file, doc: m.doc, blocked: m.blocked}
	node := m.root
	aliased := false
	for _, key := range field {
		aliased = aliased || node.Kind == yaml.AliasNode
		mapping := follow(node)
		if mapping.Kind != yaml.MappingNode {
			return nil
		}
		if directive(mapping) != "" {
			before = nil
		}
		keyNode, value, index, merged := childOf(mapping, key)
		if value == nil {
			return before
		}
		aliased = aliased || merged
		at.site = site{
			node: value, key: keyNode, path: append(at.site.path, index),
			flow: at.site.flow || mapping.Style&yaml.FlowStyle != 0,
		}
		node = value
	}
	return m.end(at, aliased)
}

func (m merge) removes([]string) (file string, line int) {
	if m.blocked != nil {
		return m.blocked.File, m.blocked.Line
	}
	return m.file, m.doc.line(m.root)
}

// end judges the node at the field's end.
func (m merge) end(at *place, aliased bool) *place {
	node := at.site.node
	target := follow(node)
	if target.ShortTag() == yaml.NodeTagNull && m.patch {
		return nil
	}
	switch {
	case at.blocked != nil:
	case target.Kind != yaml.ScalarNode:
		at.blocked = problem(NotMarkable, m.file, m.doc.line(node), "the version is not a plain value; write it as text")
	case aliased:
		at.blocked = problem(NotMarkable, m.file, m.doc.line(node),
			"the version comes from a YAML alias or merge key (<<), so Flux would change every object that uses it; write the version in the object itself")
	}
	return at
}

// directive returns the `$patch` instruction of a strategic merge patch that
// discards what was there before: delete or replace.
func directive(mapping *yaml.Node) string {
	value := scalarValue(child(mapping, "$patch"))
	if value == "delete" || value == "replace" {
		return value
	}
	return ""
}

// childOf finds a key in a mapping, or in the mappings that it merges with <<.
// index is the value's position in the mapping's Content.
func childOf(mapping *yaml.Node, key string) (keyNode, value *yaml.Node, index int, merged bool) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i], mapping.Content[i+1], i + 1, false
		}
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].ShortTag() != "!!merge" {
			continue
		}
		sources := []*yaml.Node{follow(mapping.Content[i+1])}
		if sources[0] != nil && sources[0].Kind == yaml.SequenceNode {
			sources = sources[0].Content
		}
		for _, source := range sources {
			if value := child(follow(source), key); value != nil {
				return nil, value, 0, true
			}
		}
	}
	return nil, nil, 0, false
}
