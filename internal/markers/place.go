package markers

import (
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
	d := NewDraft(at.File, content)
	if err := d.Place(at, ref); err != nil {
		return nil, err
	}
	return d.Content(), nil
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

// markable is the document with a marker of ref at s, or a Problem if that does
// not work there.
func (d *document) markable(name string, s site, ref Ref) (*document, *Problem) {
	if p := d.unmarkable(name, s); p != nil {
		return nil, p
	}
	with := d.worksAt(s, ref)
	if with == nil {
		return nil, problem(NotMarkable, name, d.line(s.node),
			"Flux would not recognize a marker on this line; write the value on one line as `key: value`, with no comment right below it")
	}
	return with, nil
}

// unmarkable returns a Problem if no marker can work at s, or another or a
// comment stands there.
func (d *document) unmarkable(name string, s site) *Problem {
	if reason, message := unmarkableStyle(s); reason != "" {
		return problem(reason, name, d.line(s.node), "%s", message)
	}
	if s.node == child(child(d.root, yaml.MetadataField), yaml.AnnotationsField) {
		return problem(NotMarkable, name, d.line(s.node), "Flux writes annotations in the place of this value while it works; no version is written here")
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
// find it at s, and see no other marker differently. It returns the document
// with the marker, nil if it does not work.
func (d *document) worksAt(s site, ref Ref) *document {
	with := d.with(s, ref)
	if with == nil {
		return nil
	}
	if with.parse(); with.root == nil || !sameTree(d.root, with.root) || !d.gains(with, s, ref) {
		return nil
	}
	return with
}

// with is the document, not parsed yet, with the marker of ref at s; nil if
// there is no such line.
func (d *document) with(s site, ref Ref) *document {
	end, ok := beforeLF([]byte(d.text), d.line(s.node)-d.firstLine+1)
	if !ok {
		return nil
	}
	text := d.text[:end] + " " + ref.Comment() + d.text[end:]
	return &document{index: d.index, text: text, whole: d.whole, firstLine: d.firstLine, lines: d.lines}
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
