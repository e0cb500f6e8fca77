package markers

import (
	"math"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// maxUnfolded bounds what a file may say with its aliases followed, in bytes.
const maxUnfolded = 4 * maxFileSize

// unfoldable returns a Problem if the file would be too large with its aliases
// followed, which the libraries that decode it into values do.
func (f *file) unfoldable() *Problem {
	if f.refused != nil {
		return f.refused
	}
	for _, doc := range f.docs {
		if doc.root != nil && unfolded(doc.root, map[*yaml.Node]int{}) > maxUnfolded {
			return problem(TooLarge, f.name, doc.firstLine, "the aliases of this file stand for more than %d MiB; write out what they mean", maxUnfolded>>20)
		}
	}
	return nil
}

// unfolded is the size of a node in bytes with its aliases followed; known has
// those of nodes with an anchor, and no size that one can have for the nodes
// that are being looked at.
func unfolded(node *yaml.Node, known map[*yaml.Node]int) int {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if size, ok := known[node]; ok {
		return size
	}
	if node.Anchor != "" {
		known[node] = math.MaxInt32 // if it refers to itself
	}
	size := 1 + len(node.Value)
	for _, child := range node.Content {
		size = min(size+unfolded(child, known), math.MaxInt32)
	}
	if node.Anchor != "" {
		known[node] = size
	}
	return size
}
