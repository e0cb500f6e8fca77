package markers

import (
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Place appends the marker of ref to the line of content that at names, and
// changes nothing else. Content that has the marker there already is returned
// as it is.
//
// It refuses with a Problem where Flux would ignore the marker or damage the
// file (NotMarkable), where another marker or a comment stands on the line
// (ForeignMarker), where the file names ref elsewhere (MarkerCopied), and where
// the value is not where at says (NotFound).
func Place(content []byte, at Location, ref Ref) ([]byte, error) {
	if !ref.valid() {
		return nil, fmt.Errorf("cannot write a marker for %q: namespace and name must be DNS names", ref.String())
	}
	if p := checkSize(at.File, content); p != nil {
		return nil, p
	}
	f := parseFile(at.File, content, nil)
	if p := f.readable(content); p != nil {
		return nil, p
	}
	doc, s := f.find(at)
	_, proven := doc.try(f.name, s, ref)
	if p := f.keeps(content, proven); p != nil {
		return nil, p
	}
	if doc == nil {
		return nil, problem(NotFound, at.File, at.Line, "the value %q is no longer here; locate it again", at.Value)
	}
	if p := f.namesElsewhere(ref, at.Line); p != nil {
		return nil, p
	}
	if found := doc.markerAt(f.name, s.node); found != nil && found.Ref == ref && found.Suffix == SuffixTag {
		return content, nil
	}
	if p := doc.markable(f.name, s, ref, proven); p != nil {
		return nil, p
	}
	end, _ := lineEnd(content, at.Line)
	return splice(content, end, " "+ref.Comment()), nil
}

func splice(content []byte, at int, text string) []byte {
	out := make([]byte, 0, len(content)+len(text))
	out = append(out, content[:at]...)
	out = append(out, text...)
	return append(out, content[at:]...)
}

// find returns the document and the site of a location; nil if the content
// has another value there.
func (f *file) find(at Location) (in *document, found site) {
	for _, doc := range f.docs {
		if doc.index != at.Document || doc.root == nil {
			continue
		}
		sites(doc.root, func(s site) bool {
			if doc.line(s.node) == at.Line && (at.Column == 0 || s.node.Column == at.Column) && s.value() == at.Value {
				in, found = doc, s
				found.path = slices.Clone(s.path)
			}
			return in == nil
		})
	}
	return in, found
}

// namesElsewhere returns a Problem if another line than the given one carries
// a marker of ref.
func (f *file) namesElsewhere(ref Ref, line int) *Problem {
	for _, doc := range f.docs {
		for _, m := range doc.markers(f.name) {
			if m.found.Ref == ref && m.found.Line != line {
				return problem(MarkerCopied, f.name, m.found.Line,
					"this line already carries the marker %s; remove it here", ref)
			}
		}
	}
	return nil
}

// markable returns a Problem if a marker of ref does not work at s, else nil.
// It need not be tried where that is proven.
func (d *document) markable(name string, s site, ref Ref, proven bool) *Problem {
	if p := d.unmarkable(name, s); p != nil {
		return p
	}
	if !proven && !d.worksAt(s, ref) {
		return problem(NotMarkable, name, d.line(s.node),
			"Flux would not recognize a marker on this line; write the value on one line as `key: value`, with no comment right below it")
	}
	return nil
}

// unmarkable returns a Problem if no marker can work at s, or another or a
// comment stands there.
func (d *document) unmarkable(name string, s site) *Problem {
	if reason, message := unmarkableStyle(s); reason != "" {
		return problem(reason, name, d.line(s.node), "%s", message)
	}
	return d.foreign(name, s)
}

// unmarkableStyle names the ways to write a value at which Flux ignores a
// marker, or changes more than this value. An empty reason means none.
func unmarkableStyle(s site) (reason, message string) {
	n := s.node
	switch {
	case n.Kind == yaml.AliasNode:
		return NotMarkable, "the value is a YAML alias (*" + n.Value + "), which Flux does not update; write the version here"
	case n.Anchor != "":
		return NotMarkable, "the value has a YAML anchor (&" + n.Anchor + "), so Flux would change every place that uses it; write the version here without it"
	case s.flow:
		return NotMarkable, "Flux ignores markers inside { } and [ ]; write the mapping in block style, one key per line"
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return NotMarkable, "Flux ignores markers in block text (| and >); write the value on the line of its key"
	case n.ShortTag() == yaml.NodeTagNull:
		return NotMarkable, `the value is empty; write "" or a version`
	case n.ShortTag() != yaml.NodeTagString:
		// Flux would write `!!float 1.5.0`, which nothing can read.
		return NotMarkable, "YAML reads the value as " + n.ShortTag() + " and Flux would keep that type; put quotes around it"
	case s.key != nil && s.key.Line != n.Line:
		return NotMarkable, "Flux ignores a marker when the value is not on the line of its key; write `key: value`"
	}
	return "", ""
}

// worksAt tries the marker: the document must say the same with it, Flux must
// find it at s, and see no other marker differently.
func (d *document) worksAt(s site, ref Ref) bool {
	with := d.with(s, ref)
	if with == nil {
		return false
	}
	with.parse()
	return with.root != nil && sameTree(d.root, with.root) && d.gains(with, s, ref)
}

// with is the document, not parsed yet, with the marker of ref at s; nil if
// there is no such line.
func (d *document) with(s site, ref Ref) *document {
	end, ok := beforeLF([]byte(d.text), d.line(s.node)-d.firstLine+1)
	if !ok {
		return nil
	}
	return &document{text: d.text[:end] + " " + ref.Comment() + d.text[end:], firstLine: d.firstLine}
}

// gains reports whether Flux finds in a document, which says the same, the
// marker of ref at s besides those of this document.
func (d *document) gains(with *document, s site, ref Ref) bool {
	marker := nodeAt(with.root, s.path)
	if marker == nil || marker.LineComment != ref.Comment() {
		return false
	}
	before, after := d.markers(""), with.markers("")
	if len(after) != len(before)+1 {
		return false
	}
	for _, m := range after {
		switch {
		case m.scalar == marker:
		case len(before) == 0 || m.found != before[0].found:
			return false
		default:
			before = before[1:]
		}
	}
	return true
}
