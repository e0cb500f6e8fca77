package markers

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// writer writes random YAML in the styles that people use.
type writer struct {
	t *rapid.T
	strings.Builder
	values int
	// odd files have what Flux ignores or damages, too.
	odd bool
}

func (w *writer) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(w.t, label)
}

// oddly picks one of the odd values in odd files, else the plain one.
func (w *writer) oddly(label, plain string, odd ...string) string {
	if !w.odd || rapid.IntRange(0, 3).Draw(w.t, label+" is odd") > 0 {
		return plain
	}
	return w.pick(label, odd...)
}

// scalar is a value, and the comment behind it.
func (w *writer) scalar(indent string) string {
	w.values++
	version := fmt.Sprintf("1.4.%d", w.values)
	value := w.pick("style", version, `"`+version+`"`, "'"+version+"'", "v"+version, `""`, "\u00fc "+version)
	value = w.oddly("odd style", value, "1.4", "true", "null", "", "!!str "+version, "{a: "+version+"}", "["+version+", b]", "&x "+version, "*x",
		"|\n"+indent+"  "+version, ">-\n"+indent+"  "+version+"\n"+indent+"  more", "\n"+indent+"  "+version, `"`+version+"\n"+indent+`  more"`)
	comment := w.oddly("comment", w.pick("blanks", "", "", " ", "\t"), " # note", "   # note", ` # {"$imagepolicy": "org-acme:other:tag"}`, pinComment, " #"+pinComment[2:])
	return value + comment
}

// mapping writes a mapping of a few keys.
func (w *writer) mapping(indent string, depth int) {
	for i := range rapid.IntRange(1, 3).Draw(w.t, "keys") {
		above := w.pick("above", "", "", "", "\n", indent+"# words\n")
		w.WriteString(w.oddly("odd above", above, indent+`# {"$imagepolicy": "org-acme:pin.app.nginx:tag"}`+"\n"))
		w.WriteString(indent + w.oddly("key", fmt.Sprintf("k%d", i), "version", `"quoted"`, "<<", "metadata", "annotations") + ":")
		w.value(indent, depth)
	}
}

func (w *writer) value(indent string, depth int) {
	step := w.pick("indent", "  ", "  ", "    ")
	switch kind := w.pick("kind", "scalar", "scalar", "mapping", "list", "flush list"); {
	case kind == "scalar" || depth == 0:
		w.WriteString(" " + w.scalar(indent) + "\n")
	case kind == "mapping":
		w.WriteString("\n")
		w.mapping(indent+step, depth-1)
	default:
		if w.WriteString("\n"); kind == "list" {
			indent += step
		}
		for range rapid.IntRange(1, 3).Draw(w.t, "items") {
			w.WriteString(indent + "- " + w.scalar(indent) + "\n")
		}
	}
}

func (w *writer) file() []byte {
	w.odd = rapid.Bool().Draw(w.t, "odd")
	w.WriteString(w.oddly("start", w.pick("plain start", "", "---\n", "# words\n"), "\ufeff", "%YAML 1.1\n---\n"))
	for i := range rapid.IntRange(1, 3).Draw(w.t, "documents") {
		if i > 0 {
			w.WriteString(w.pick("separator", "---\n", "--- # words\n", "---\n---\n"))
		}
		w.mapping("", 2)
	}
	text := w.String()
	if w.pick("end", "newline", "newline", "none") == "none" {
		text = strings.TrimSuffix(text, "\n")
	}
	if w.pick("line ends", "LF", "LF", "CRLF") == "CRLF" {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return []byte(text)
}

// TestPlaceAgreesWithSetter places a marker at every value of random files.
// Where that works, kyaml's own reader and setter change this value to the new
// tag and nothing else; it works for a good part of them.
func TestPlaceAgreesWithSetter(t *testing.T) {
	placed, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		content := (&writer{t: t}).file()
		for i := range uint(20) {
			at, path, ok := valueAt(content, i)
			if !ok {
				return
			}
			marked, err := Place(content, at, pin)
			if p := (*Problem)(nil); errors.As(err, &p) {
				refused++
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(marked, content) {
				checkPlaced(t, content, marked, at, path)
				placed++
			}
		}
	})
	t.Logf("%d markers placed, %d refused", placed, refused)
	if placed == 0 || refused == 0 {
		t.Error("the files are too much alike")
	}
}
