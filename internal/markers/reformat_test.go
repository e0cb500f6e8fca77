package markers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReformatted names what Flux changes in the layout of a file. kyaml's own setter is asked as well: it writes a marked
// file exactly so.
func TestReformatted(t *testing.T) {
	for name, tc := range map[string]struct {
		text, change string
		line         int
	}{
		"plain":                {text: "spec:\n  version: 1.4.2@\n"},
		"quotes":               {text: "a: \"b\"\nspec:\n  version: '1.4.2'@\n"},
		"list with indent":     {text: "a:\n  - b\nspec:\n  version: 1.4.2@\n"},
		"list without indent":  {text: "a:\n- b\nspec:\n  version: 1.4.2@\n"},
		"two documents":        {text: "a: b\n---\nspec:\n  version: 1.4.2@\n"},
		"block text":           {text: "a: |\n  b\n\n  c\nspec:\n  version: 1.4.2@\n"},
		"CRLF":                 {text: "spec:\r\n  version: 1.4.2@\r\n", change: "CRLF line ends become LF", line: 1},
		"one CRLF":             {text: "spec:\n  version: 1.4.2@\n  a: b\r\n", change: "CRLF line ends become LF", line: 3},
		"BOM":                  {text: "\ufeffspec:\n  version: 1.4.2@\n", change: "the byte order mark goes", line: 1},
		"blank line":           {text: "spec:\n\n  version: 1.4.2@\n", change: "blank lines go", line: 2},
		"4 blanks of indent":   {text: "spec:\n    version: 1.4.2@\n", change: "the indentation changes", line: 2},
		"aligned comments":     {text: "a: 1    # x\nbbb: 22 # y\nspec:\n  version: 1.4.2@\n", change: "needless blanks go", line: 1},
		"aligned values":       {text: "a:   1\nspec:\n  version: 1.4.2@\n", change: "needless blanks go", line: 1},
		"trailing blanks":      {text: "a: 1  \nspec:\n  version: 1.4.2@\n", change: "needless blanks go", line: 1},
		"folded text":          {text: "a: >\n  b\n  c\nspec:\n  version: 1.4.2@\n", change: "a text or comment is written in another form", line: 2},
		"merge key":            {text: "a: &x\n  b: c\nd:\n  <<: *x\nspec:\n  version: 1.4.2@\n", change: "the merge key << is written as !!merge <<", line: 4},
		"leading separator":    {text: "---\nspec:\n  version: 1.4.2@\n", change: "a document separator moves or goes", line: 1},
		"no line end":          {text: "spec:\n  version: 1.4.2@", change: "the last line gets a line end", line: 2},
		"document of comments": {text: "spec:\n  version: 1.4.2@\n---\n# words\n---\na: b\n", change: "a text or comment is written in another form", line: 4},
	} {
		t.Run(name, func(t *testing.T) {
			plain := []byte(strings.Replace(tc.text, "@", "", 1))
			var want *Reformat
			if tc.change != "" {
				want = &Reformat{File: "f.yaml", Line: tc.line, Change: tc.change}
			}
			if diff := cmp.Diff(want, Reformatted("f.yaml", plain)); diff != "" {
				t.Errorf("Reformatted (-want +got):\n%s", diff)
			}
			marked := strings.Replace(tc.text, "@", pinComment, 1)
			written, set, err := setterPass([]byte(marked), map[string]string{pin.String(): "1.5.0"})
			if err != nil || set != 1 {
				t.Fatalf("the setter set %d values: %v", set, err)
			}
			oneLine := string(written) == strings.Replace(marked, "1.4.2", "1.5.0", 1)
			if oneLine != (want == nil) {
				t.Errorf("the setter wrote\n%s", written)
			}
		})
	}
}

// TestReformattedAgreesWithFlux: where a recording of Flux shows more than one changed line, the file is named, and where it
// shows one it is not.
func TestReformattedAgreesWithFlux(t *testing.T) {
	seen := 0
	for _, tc := range recorded(t) {
		for name, before := range tc.Before {
			after, stays := tc.After[name]
			if !stays || after == before || len(tc.After) != len(tc.Before) {
				continue // Flux wrote nothing, or not in place
			}
			f := parseFile(name, []byte(before), nil)
			if f.readable([]byte(before)) != nil || sameAfterRewrite(name, []byte(before), func() *file { return f }) != nil {
				continue // refused anyway
			}
			seen++
			more := differing(before, after) > strings.Count(before, shortHand)
			if got := Reformatted(name, []byte(before)); (got != nil) != more {
				t.Errorf("%s: %s: %v, although Flux changed more than values: %v", tc.Name, name, got, more)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d recordings were compared", seen)
	}
}

// differing counts the lines that are not the same, or not there.
func differing(a, b string) int {
	x, y := strings.SplitAfter(a, "\n"), strings.SplitAfter(b, "\n")
	n := max(len(x), len(y)) - min(len(x), len(y))
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			n++
		}
	}
	return n
}

func TestReformattedLeavesOthersOut(t *testing.T) {
	for name, content := range map[string]string{
		"notes.txt": "a:    b\n", "broken.yaml": "a: [\n", "list.yaml": "kind: List\nitems:\n-   a: b\n", "huge.yaml": strings.Repeat("a: b  \n", maxFileSize/6),
	} {
		if got := Reformatted(name, []byte(content)); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}
