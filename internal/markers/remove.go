package markers

import (
	"bytes"
	"fmt"
	"strings"
)

// Remove takes away the markers of ref that name its tag, with the one space
// before each, and reports whether there was one. What Place returned becomes
// again what Place was given. Documents that cannot be parsed stay untouched.
func Remove(content []byte, ref Ref) ([]byte, bool, error) {
	if !bytes.Contains(content, []byte(token)) {
		return content, false, nil
	}
	if p := checkSize("", content); p != nil {
		return nil, false, p
	}
	f := parseFile("", content, nil)
	if f.refused != nil {
		return nil, false, f.refused
	}
	out := cut(content, f.commentSpans(content, ref))
	if len(out) == len(content) {
		return content, false, nil
	}
	if !f.sameDocuments(out) {
		return nil, false, fmt.Errorf("removing the marker %s would change the file's content; remove it by hand", ref)
	}
	return out, true, nil
}

// span is a range of bytes.
type span struct{ from, to int }

// cut returns content without the spans, which are in order.
func cut(content []byte, spans []span) []byte {
	out, end := make([]byte, 0, len(content)), 0
	for _, s := range spans {
		if s.from >= end {
			out, end = append(out, content[end:s.from]...), s.to
		}
	}
	return append(out, content[end:]...)
}

// commentSpans finds the comments of ref's markers, each with the one space
// before it, in file order.
func (f *file) commentSpans(content []byte, ref Ref) []span {
	var spans []span
	lines := &lineReader{content: content}
	for _, doc := range f.docs {
		all := doc.markers("")
		last := doc.firstLine + strings.Count(doc.text, "\n")
		for i, m := range all {
			if m.found.Ref != ref || m.found.Suffix != SuffixTag || m.scalar.LineComment == "" {
				continue
			}
			until := last
			if i+1 < len(all) {
				until = all[i+1].found.Line
			}
			if s, ok := lines.commentSpan(m, until); ok {
				spans = append(spans, s)
			}
		}
	}
	return spans
}

// lineReader goes through content line by line, forward only: markers are in
// file order.
type lineReader struct {
	content []byte
	// line counts from 1 the lines that were read; 0 before the first.
	line int
	// start and end are those of the line, without its LF.
	start, end int
}

// next goes to the next line.
func (r *lineReader) next() bool {
	if r.line > 0 {
		if r.end == len(r.content) {
			return false
		}
		r.start = r.end + 1
	}
	r.line++
	if r.end = bytes.IndexByte(r.content[r.start:], '\n'); r.end < 0 {
		r.end = len(r.content)
	} else {
		r.end += r.start
	}
	return true
}

// commentSpan finds the bytes of a marker's comment and the space before it.
// The comment ends its line; below a text of several lines that is not the
// line on which the scalar starts.
func (r *lineReader) commentSpan(m marked, until int) (span, bool) {
	raw := strings.TrimRight(m.found.Raw, " \t")
	for r.line < m.found.Line {
		if !r.next() {
			return span{}, false
		}
	}
	for r.line >= m.found.Line && r.line <= until {
		end := r.end
		if end < len(r.content) && end > r.start && r.content[end-1] == '\r' {
			end--
		}
		head := strings.TrimRight(string(r.content[r.start:end]), " \t")
		if head, ok := strings.CutSuffix(head, raw); ok {
			return span{r.start + len(strings.TrimSuffix(head, " ")), end}, true
		}
		if r.line == until || !r.next() {
			break
		}
	}
	return span{}, false
}

// sameDocuments reports whether content says what f says.
func (f *file) sameDocuments(content []byte) bool {
	other := parseFile(f.name, content, nil)
	if other.err != nil || len(other.docs) != len(f.docs) {
		return false
	}
	for i, doc := range f.docs {
		a, b := doc.root, other.docs[i].root
		if (a == nil) != (b == nil) || a != nil && !sameTree(a, b) {
			return false
		}
	}
	return true
}
