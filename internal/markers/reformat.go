package markers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Reformat is what Flux changes in the layout of a file, besides the version,
// when it writes the file for the first time. What the file says stays the
// same; a file in which it would not is NotMarkable.
type Reformat struct {
	File string
	// Line is the first that changes, from 1.
	Line int
	// Change says what becomes of that line. It does not quote the file, which
	// may hold what is not for everybody's eyes.
	Change string
}

// String says it in one sentence, with the place.
func (r Reformat) String() string {
	return fmt.Sprintf("%s:%d: Flux changes the layout of this file when it first writes a version into it: %s, and maybe more below",
		r.File, r.Line, r.Change)
}

// Reformatted tells how Flux would change the layout of content, by its own
// library; nil if it writes the version alone, and for a file that Flux does
// not write at all.
func Reformatted(name string, content []byte) *Reformat {
	if checkSize(name, content) != nil || !fluxReads(name) {
		return nil
	}
	written, err := rewrite(content)
	if err != nil || bytes.Equal(content, written) {
		return nil
	}
	before, after := strings.SplitAfter(string(content), "\n"), strings.SplitAfter(string(written), "\n")
	i := 0
	for i < len(before) && i < len(after) && before[i] == after[i] {
		i++
	}
	return &Reformat{File: name, Line: i + 1, Change: changeOf(textOf(before, i), textOf(after, i))}
}

func textOf(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// changeOf names the difference between a line and what Flux has in its place.
func changeOf(before, after string) string {
	switch text := strings.TrimRight(before, " \t\r\n"); {
	case strings.HasPrefix(before, "\ufeff"):
		return "the byte order mark goes"
	case strings.HasSuffix(before, "\r\n"):
		return "CRLF line ends become LF"
	case before+"\n" == after:
		return "the last line gets a line end"
	case text == "":
		return "blank lines go"
	case strings.HasPrefix(text, "---"):
		return "a document separator moves or goes"
	case strings.HasPrefix(strings.TrimLeft(after, " "), "!!merge <<"):
		return "the merge key << is written as !!merge <<"
	case sameWords(before, after) && indent(before) != indent(after):
		return "the indentation changes"
	case sameWords(before, after):
		return "needless blanks go"
	default:
		return "a text or comment is written in another form"
	}
}

func sameWords(a, b string) bool { return slices.Equal(strings.Fields(a), strings.Fields(b)) }

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
