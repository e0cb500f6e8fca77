package markers

import "sigs.k8s.io/kustomize/kyaml/yaml"

// Bounds of what is parsed. The parser and Flux's rewriting, which proves a
// marker, take their time by the node and not by the byte: there are files with
// one for every two bytes, where manifests have one for ten or more.
const (
	// maxFileNodes bounds the keys and values of a file. The largest file that
	// is read has no more if it is full of small objects.
	maxFileNodes = 600_000
	// maxNodes bounds those that one build parses, and by that its memory: each
	// takes about 200 bytes. A file counts once. 100 MB of small objects, all of
	// the kind that is built, have fewer.
	maxNodes = 12_000_000
	// surveyNodes bounds what is parsed to find the uses of variables: there a
	// file counts for each root that builds it.
	surveyNodes = 4 * maxNodes
	// maxDirectives bounds the lines of a file that may be directives. The parser
	// compares each with all before it.
	maxDirectives = 1_000
)

// refuse makes the file one that is over a bound.
func (f *file) refuse(what string, bound int) *file {
	return &file{name: f.name, nodes: f.nodes, refused: problem(TooLarge, f.name, 0, "the file has more than %d %s, and it is not read; split it", bound, prose(what))}
}

// countNodes counts a node and all below it; aliases are not followed.
func countNodes(node *yaml.Node) int {
	if node == nil {
		return 0
	}
	count := 1
	for _, child := range node.Content {
		count += countNodes(child)
	}
	return count
}

// parses counts what was parsed of a file.
func (b *builder) parses(f *file) *Problem {
	if b.nodes -= f.nodes; b.nodes < 0 {
		return problem(TooLarge, f.name, 0, "with this file the path has more than %d keys and values to read; use a smaller path", maxNodes)
	}
	return nil
}
