package markers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// separator is where kyaml, and so Flux and kustomize, splits a file; what
// follows the dashes may only be a comment.
var separator = regexp.MustCompile(`\n---.*\n`)

// file is the content of one file, split and parsed as Flux does it.
type file struct {
	name string
	// docs are the documents that hold something, or cannot be parsed, or
	// that nobody wanted to be parsed.
	docs []*document
	// err says why the file cannot be split into documents.
	err error
	// more is set if something follows the end marker `...` of a document.
	more bool
	// nodes counts those of the documents that were parsed.
	nodes int
	// refused is set if the file is over a bound; then it has no documents.
	refused *Problem
}

// document is one document of a file.
type document struct {
	// index counts the parts between separators from 0, empty ones too.
	index int
	// text has LF line ends.
	text string
	// whole is set if text is all of the file, to the byte.
	whole bool
	// firstLine is the line of the file, from 1, at which text starts.
	firstLine int
	// root is nil if err is set, or if the document was not parsed.
	root *yaml.Node
	err  error
	// empty documents were parsed and hold nothing.
	empty bool
	// lines are, for each line of text as YAML counts them, the lines that
	// end with LF before it; nil if these are the same.
	lines []int
}

// parseFile splits content and parses each document that wanted accepts.
// A nil wanted accepts all.
func parseFile(name string, content []byte, wanted func(text string) bool) *file {
	f := &file{name: name}
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	if strings.Count(text, "\n%") > maxDirectives {
		return f.refuse("directives (lines that begin with %)", maxDirectives)
	}
	start, line := 0, 1
	for i, at := range append(separator.FindAllStringIndex(text, -1), []int{len(text), len(text)}) {
		if err := checkSeparator(text[at[0]:at[1]]); err != nil {
			f.err = fmt.Errorf("line %d: %w", 1+strings.Count(text[:at[0]+1], "\n"), err)
			return f
		}
		chunk := text[start:at[0]]
		if at[0] != len(text) {
			chunk += "\n"
		}
		doc := &document{index: i, text: chunk, whole: len(chunk) == len(content), firstLine: line}
		if wanted == nil || wanted(chunk) {
			f.more = doc.parse() || f.more
			f.nodes += countNodes(doc.root)
		}
		if f.nodes > maxFileNodes {
			return f.refuse("values and keys", maxFileNodes)
		}
		if !doc.empty {
			f.docs = append(f.docs, doc)
		}
		line += strings.Count(text[start:at[1]], "\n")
		start = at[1]
	}
	return f
}

// parsed reports whether every document was parsed.
func (f *file) parsed() bool {
	return f.err == nil && f.refused == nil && !slices.ContainsFunc(f.docs, func(d *document) bool { return d.root == nil && d.err == nil })
}

func checkSeparator(s string) error {
	if len(s) < 4 {
		return nil
	}
	rest := strings.TrimSpace(s[4:])
	if rest == "" || rest[0] == '#' {
		return nil
	}
	return errors.New("text follows the document separator ---")
}

// parse reports whether text goes on after the document.
func (d *document) parse() (more bool) {
	d.root, more, d.err = decode(d.text)
	d.empty = d.err == nil && d.root == nil
	if strings.ContainsAny(d.text, "\r\u0085\u2028\u2029") {
		d.lines = countLines(d.text)
	}
	return more
}

// decode parses the first document of text; root is nil if there is nothing,
// and more tells whether there is another. The parser has panicked on hostile
// input before; that is an error here.
func decode(text string) (root *yaml.Node, more bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("the YAML parser failed: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var first, second yaml.Node
	err = decoder.Decode(&first)
	if errors.Is(err, io.EOF) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if rest := decoder.Decode(&second); !errors.Is(rest, io.EOF) {
		more = rest != nil || !isNull(&second)
	}
	if isNull(&first) {
		return nil, more, nil
	}
	return first.Content[0], more, nil
}

func isNull(doc *yaml.Node) bool {
	return len(doc.Content) == 0 || doc.Content[0].ShortTag() == yaml.NodeTagNull
}

// countLines counts the LF before each line of text as YAML counts lines: a
// lone CR and three Unicode characters end a line as well.
func countLines(text string) []int {
	lines, ended := []int{0}, 0
	for _, r := range text {
		switch r {
		case '\n':
			ended++
			lines = append(lines, ended)
		case '\r', '\u0085', '\u2028', '\u2029':
			lines = append(lines, ended)
		}
	}
	return lines
}

// line is the line of the file, from 1, at which node starts.
func (d *document) line(node *yaml.Node) int {
	if d.lines == nil || node.Line < 1 || node.Line > len(d.lines) {
		return d.firstLine + node.Line - 1
	}
	return d.firstLine + d.lines[node.Line-1]
}

// lineEnd is the offset in content at which line (from 1) ends, before its LF
// or CRLF.
func lineEnd(content []byte, line int) (int, bool) {
	end, ok := beforeLF(content, line)
	if ok && end > 0 && end < len(content) && content[end-1] == '\r' {
		end--
	}
	return end, ok
}

// beforeLF is the offset in content at which line (from 1) ends, before its
// LF. In a document's text, which has no CRLF any more, a CR is a line end of
// its own.
func beforeLF(content []byte, line int) (int, bool) {
	start := 0
	for ; line > 1; line-- {
		next := bytes.IndexByte(content[start:], '\n')
		if next < 0 {
			return 0, false
		}
		start += next + 1
	}
	if next := bytes.IndexByte(content[start:], '\n'); next >= 0 {
		return start + next, true
	}
	return len(content), true
}
