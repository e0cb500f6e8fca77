package markers

import (
	"bytes"
	"fmt"
)

// Draft is a file that gets several markers. What is known of the file is found
// out once, and for each marker its own document is all that is looked at.
type Draft struct {
	name    string
	content []byte
	file    *file
	// refused says why nothing can be placed in the file.
	refused *Problem
	// judged is set once the file is known to be kept, or lost says why not.
	judged bool
	lost   *Problem
	// lines are those that name a pin.
	lines map[Ref][]int
}

// NewDraft reads a file.
func NewDraft(name string, content []byte) *Draft {
	d := &Draft{name: name, content: content, lines: map[Ref][]int{}}
	if d.refused = checkSize(name, content); d.refused != nil {
		return d
	}
	d.file = parseFile(name, content, nil)
	if d.refused = d.file.readable(content); d.refused != nil {
		return d
	}
	for _, doc := range d.file.docs {
		for _, m := range doc.markers(name) {
			d.lines[m.found.Ref] = append(d.lines[m.found.Ref], m.found.Line)
		}
	}
	return d
}

// Is reports whether the draft is of this file, and has this content.
func (d *Draft) Is(name string, content []byte) bool {
	return d.name == name && bytes.Equal(d.content, content)
}

// Content is the file with all markers that were placed.
func (d *Draft) Content() []byte { return d.content }

// Place is the function Place for one more marker. One that is refused changes
// nothing.
func (d *Draft) Place(at Location, ref Ref) error {
	if !ref.valid() {
		return fmt.Errorf("cannot write a marker for %q: namespace and name must be DNS names", ref.String())
	}
	if d.refused != nil {
		return d.refused
	}
	doc, s := d.file.find(at)
	tried, proven := doc.try(d.name, s, ref)
	if p := d.keeps(proven && doc.whole); p != nil {
		return p
	}
	if doc == nil {
		return problem(NotFound, at.File, at.Line, "the value %q is no longer here; locate it again", at.Value)
	}
	if p := d.namesElsewhere(ref, at.Line); p != nil {
		return p
	}
	if proven {
		d.put(doc, tried.with, at.Line, ref)
		return nil
	}
	return d.placeUnproven(doc, s, at.Line, ref)
}

// placeUnproven is Place where the one pass has not told that the marker works.
func (d *Draft) placeUnproven(doc *document, s site, line int, ref Ref) error {
	if found := doc.markerAt(d.name, s.node); found != nil && found.Ref == ref && found.Suffix == SuffixTag {
		return nil
	}
	with, p := doc.markable(d.name, s, ref)
	if p == nil {
		d.put(doc, with, line, ref)
	}
	return p.orNil()
}

// keeps returns a Problem if the file means something else after Flux has
// written it, unless it is proven that it does not. Flux never changes one line
// only: it parses the file and writes all of it again.
func (d *Draft) keeps(proven bool) *Problem {
	if proven {
		return nil
	}
	if !d.judged {
		d.judged = true
		d.lost = sameAfterRewrite(d.name, d.content, func() *file { return d.file })
	}
	return d.lost
}

// namesElsewhere returns a Problem if another line than the given one carries
// a marker of ref.
func (d *Draft) namesElsewhere(ref Ref, line int) *Problem {
	for _, other := range d.lines[ref] {
		if other != line {
			return problem(MarkerCopied, d.name, other, "this line already carries the marker %s; remove it here", ref)
		}
	}
	return nil
}

// put writes the marker, with which the document doc becomes with.
func (d *Draft) put(doc, with *document, line int, ref Ref) {
	end, _ := lineEnd(d.content, line)
	d.content = splice(d.content, end, " "+ref.Comment())
	d.lines[ref] = append(d.lines[ref], line)
	for i := range d.file.docs {
		if d.file.docs[i] == doc {
			d.file.docs[i] = with
		}
	}
}
