package markers

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// renaming says what to do about a file whose name Flux leaves alone. JSON would be refused under another name, too.
func renaming(name string) string {
	if path.Ext(name) == ".json" {
		return "write it as YAML, with each key on a line of its own, in a file named *.yaml"
	}
	return "rename the file"
}

// readable returns a Problem if Flux would skip the file or is known to damage
// it.
func (f *file) readable(content []byte) *Problem {
	refuse := func(line int, format string, args ...any) *Problem {
		return problem(NotMarkable, f.name, line, format, args...)
	}
	switch {
	case f.refused != nil:
		return f.refused
	case f.name != "" && !fluxReads(f.name):
		return refuse(0, "Flux updates files named *.yaml, *.yml or Kustomization only; %s", renaming(f.name))
	case strings.Contains(f.name, ".."):
		return refuse(0, "Flux refuses to write a file with two dots in its path; rename it")
	case strings.ContainsFunc(f.name, unicode.IsControl):
		return refuse(0, "neither Flux nor the operator can push a file with a control character in its path; rename it")
	case !utf8.Valid(content):
		return refuse(0, "the file is not UTF-8 text, which Flux cannot update; convert it")
	case f.err != nil:
		return refuse(0, "Flux skips the whole file because it cannot be split into documents (%v); correct it", f.err)
	case f.more:
		return refuse(0, "Flux drops what follows the document end marker `...`; separate documents with ---")
	}
	for _, doc := range f.docs {
		if p := doc.readable(refuse); p != nil {
			return p
		}
	}
	return nil
}

func (d *document) readable(refuse func(int, string, ...any) *Problem) *Problem {
	switch {
	case d.err != nil:
		return refuse(d.firstLine, "Flux skips the whole file because a document cannot be parsed (%s); correct it or move it into another file", d.err)
	case d.root.Kind == yaml.SequenceNode:
		return refuse(d.line(d.root), "Flux skips a file that holds a list (a JSON6902 patch is one); use a strategic merge patch in a file of its own")
	case d.root.Kind != yaml.MappingNode:
		return refuse(d.line(d.root), "Flux skips a file with a document that is not a mapping; remove that document")
	case isList(d.root):
		return refuse(d.line(d.root), "Flux does not update objects inside a kind: List, and leaves stray files; write them as documents separated by ---")
	case deeper(d.root, maxDepth):
		return refuse(d.line(d.root), "the document has values more than %d levels deep; nothing in Kubernetes has", maxDepth)
	case hasTextAnnotations(d.root):
		return refuse(d.line(d.root), "Flux would drop the metadata.annotations of this document, which are no mapping; correct them")
	case !takesAnnotations(d.root):
		return refuse(d.line(d.root), "Flux skips a file with a malformed metadata; correct it")
	}
	switch key := oddKey(d.root); {
	case key == nil:
		return nil
	case key.Kind == yaml.ScalarNode || key.Kind == yaml.AliasNode:
		return refuse(d.line(key), "the key %q is repeated, which Kubernetes does not accept; remove one", key.Value)
	default:
		return refuse(d.line(key), "Flux would corrupt the template expression {{ }}; move the template into another file")
	}
}

// maxDepth bounds the levels of a document in which a marker is placed.
const maxDepth = 1000

// deeper reports whether a node has more levels below it.
func deeper(node *yaml.Node, levels int) bool {
	return levels < 0 || slices.ContainsFunc(node.Content, func(n *yaml.Node) bool { return deeper(n, levels-1) })
}

// hasTextAnnotations reports whether a text stands where annotations should.
func hasTextAnnotations(root *yaml.Node) bool {
	return scalarValue(child(follow(child(root, yaml.MetadataField)), yaml.AnnotationsField)) != ""
}

// isList reports whether kyaml would unwrap the document.
func isList(root *yaml.Node) bool {
	kind := scalarValue(child(root, "kind"))
	return (kind == "List" || kind == kio.ResourceListKind) &&
		(child(root, "items") != nil || child(root, "functionConfig") != nil)
}

// oddKey returns the first mapping key that is no scalar, or that its mapping
// has already. YAML reads `{{ x }}` as a key that is a mapping, and Flux writes
// it in another form; of a repeated key it sees only the first.
func oddKey(node *yaml.Node) *yaml.Node {
	seen := map[string]bool{}
	for i, c := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 {
			if seen[c.Value] || c.Kind == yaml.MappingNode || c.Kind == yaml.SequenceNode {
				return c
			}
			seen[c.Value] = true
		}
		if key := oddKey(c); key != nil {
			return key
		}
	}
	return nil
}

// sameAfterRewrite passes the content of a readable file through the reader and
// the writer that Flux uses, and returns a Problem if the documents say
// something else then. They are parsed only if the text changes.
func sameAfterRewrite(name string, content []byte, parsed func() *file) *Problem {
	written, err := rewrite(content)
	switch {
	case err == nil && bytes.Equal(written, content):
		return nil
	case err == nil && slices.EqualFunc(parsed().docs, parseFile(name, written, nil).docs, saysTheSame):
		return nil
	default:
		return problem(NotMarkable, name, 0, "Flux would change the meaning of this file when it writes it; move the object into a file of its own")
	}
}

// saysTheSame compares a document with what Flux makes of it, which drops empty
// annotations; nobody misses them.
func saysTheSame(before, after *document) bool {
	if before.root == nil || after.root == nil {
		return false
	}
	root := copyToAnnotate(before.root)
	return yaml.ClearEmptyAnnotations(yaml.NewRNode(root)) == nil && sameTree(root, after.root)
}

// rewrite returns content as Flux writes it when it has set a value.
func rewrite(content []byte) ([]byte, error) { return rewriteWith(content, func(*yaml.Node) {}) }

// rewriteWith is rewrite of content in which scalars were changed.
func rewriteWith(content []byte, change func(*yaml.Node)) ([]byte, error) {
	return passThrough(content, func(nodes []*yaml.RNode) bool {
		for _, node := range nodes {
			visitScalars(node.YNode(), change)
		}
		return true
	})
}

// errLeft is returned if whoever looks at the documents has seen enough.
var errLeft = errors.New("not written")

// passThrough reads content and writes it as Flux does, if between looks at the
// documents, which may change them, and wants that. They have the annotations
// then with which the library notes where they come from.
func passThrough(content []byte, between func([]*yaml.RNode) bool) (written []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the YAML library failed: %v", r)
		}
	}()
	reader := kio.ByteReader{
		Reader:            bytes.NewReader(content),
		SetAnnotations:    map[string]string{kioutil.PathAnnotation: "file.yaml"},
		PreserveSeqIndent: true,
	}
	nodes, err := reader.Read()
	if err != nil {
		return nil, err
	}
	if reader.WrappingKind != "" {
		return nil, errors.New("a list is unwrapped")
	}
	if !between(nodes) {
		return nil, errLeft
	}
	var out bytes.Buffer
	writer := kio.ByteWriter{
		Writer:           &out,
		ClearAnnotations: []string{kioutil.PathAnnotation, kioutil.LegacyPathAnnotation},
	}
	if err := writer.Write(nodes); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
