package markers

import (
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// site is a place in a document where a value stands.
type site struct {
	// node is a scalar or an alias.
	node *yaml.Node
	// key is nil for a list item.
	key *yaml.Node
	// flow is set inside {} and [].
	flow bool
	// path is the way from the root: indices into Content.
	path []int
}

// value is the decoded scalar, an alias followed.
func (s site) value() string { return scalarValue(s.node) }

// sites visits the places of values below root in file order, until visit
// returns false. The path of a site is valid only during its visit: a copy for
// each would cost the depth of the document times its size.
func sites(root *yaml.Node, visit func(site) bool) { visitSites(root, site{node: root}, visit) }

func visitSites(node *yaml.Node, at site, visit func(site) bool) bool {
	at.node = node
	at.flow = at.flow || node.Style&yaml.FlowStyle != 0
	switch node.Kind {
	case yaml.ScalarNode, yaml.AliasNode:
		return visit(at)
	case yaml.SequenceNode:
		for i, item := range node.Content {
			if !visitSites(item, site{flow: at.flow, path: append(at.path, i)}, visit) {
				return false
			}
		}
	case yaml.MappingNode:
		for i := 1; i < len(node.Content); i += 2 {
			if !visitSites(node.Content[i], site{key: node.Content[i-1], flow: at.flow, path: append(at.path, i)}, visit) {
				return false
			}
		}
	}
	return true
}

// nodeAt follows a site's path; nil if the tree is shaped differently.
func nodeAt(root *yaml.Node, path []int) *yaml.Node {
	for _, i := range path {
		if i >= len(root.Content) {
			return nil
		}
		root = root.Content[i]
	}
	return root
}

// child returns the value of the first key of that name, or nil.
func child(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// scalarValue is the text of a scalar or of the scalar that an alias names,
// and empty for everything else.
func scalarValue(node *yaml.Node) string {
	if node = follow(node); node == nil || node.Kind != yaml.ScalarNode || node.ShortTag() == yaml.NodeTagNull {
		return ""
	}
	return node.Value
}

// follow returns what an alias stands for. The parser resolves an alias to an
// anchored node, never to another alias.
func follow(node *yaml.Node) *yaml.Node {
	if node != nil && node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// sameTree compares what two documents say; comments, quoting and positions
// do not count. Aliases are compared by name and never followed.
func sameTree(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Value == b.Value && a.Anchor == b.Anchor &&
		a.ShortTag() == b.ShortTag() && slices.EqualFunc(a.Content, b.Content, sameTree)
}
