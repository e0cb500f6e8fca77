package markers

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const pinComment = ` # {"$imagepolicy": "org-acme:pin.app.nginx:tag"}`

// TestPlaceBytes names what must survive to the byte. `@` is where the marker
// goes.
func TestPlaceBytes(t *testing.T) {
	for name, text := range map[string]string{
		"plain":                   "spec:\n  version: 1.4.2@\n",
		"CRLF":                    "spec:\r\n  version: 1.4.2@\r\nother: x\r\n",
		"mixed line ends":         "spec:\r\n  version: 1.4.2@\nother: x\r\n",
		"BOM":                     "\ufeffspec:\n  version: 1.4.2@\n",
		"no final newline":        "spec:\n  version: 1.4.2@",
		"trailing blanks":         "spec:\n  version: 1.4.2 \t @\nother: x   \n",
		"double quoted":           "spec:\n  version: \"1.4.2\"@\n",
		"single quoted":           "spec:\n  version: '1.4.2'@\n",
		"four blanks of indent":   "spec:\n    version: 1.4.2@\n    a: b\n",
		"wide characters":         "a: \"\u00fc\u4e16\U0001f600\"\n\u4e16: 1.4.2@\n",
		"blank lines":             "spec:\n\n  version: 1.4.2@\n\n\n# end\n",
		"list item":               "versions:\n- 1.4.2@\n- 1.0.0\n",
		"second document":         "a: b\n--- # two\n\nspec:\n  version: 1.4.2@\n---\nc: d\n",
		"leading separator":       "---\nspec:\n  version: 1.4.2@\n",
		"comment document":        "# only words\n---\nspec:\n  version: 1.4.2@\n",
		"folded text beside":      "text: >\n  a\n  b\nspec:\n  version: 1.4.2@\n",
		"quoted template beside":  "text: '{{ .x }}'\nmore: |\n  {{ .y }}\nspec:\n  version: 1.4.2@\n",
		"another pin's marker":    "a: 1.0.0 # {\"$imagepolicy\": \"org-acme:other:tag\"}\nspec:\n  version: 1.4.2@\n",
		"anchors elsewhere":       "a: &a {b: c}\nd: *a\nspec:\n  version: 1.4.2@\n",
		"empty annotations":       "metadata:\n  name: a\n  annotations: {}\nspec:\n  version: 1.4.2@\n",
		"Unicode line separators": "a: \"x\u2028y\"\nspec:\n  version: 1.4.2@\n",
	} {
		t.Run(name, func(t *testing.T) {
			before := strings.Replace(text, "@", "", 1)
			want := strings.Replace(text, "@", pinComment, 1)
			at, path := Location{}, []int(nil)
			for i := range uint(100) {
				if at, path, _ = valueAt([]byte(before), i); at.Value == "1.4.2" {
					break
				}
			}
			got, err := Place([]byte(before), at, pin)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Fatal(diff)
			}
			checkPlaced(t, []byte(before), got, at, path)
		})
	}
}

func TestPlaceRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		file, text, reason string
		line               int
	}{
		"another marker":             {"", "version: 1.4.2 # {\"$imagepolicy\": \"a:b:tag\"}\n", ForeignMarker, 1},
		"our marker without :tag":    {"", "version: 1.4.2 # {\"$imagepolicy\": \"org-acme:pin.app.nginx\"}\n", ForeignMarker, 1},
		"comment":                    {"", "version: 1.4.2 # note\n", ForeignMarker, 1},
		"our marker elsewhere":       {"", "version: 1.4.2\nother: 1.0.0" + pinComment + "\n", MarkerCopied, 2},
		"flow map":                   {"", "{version: 1.4.2}\n", NotMarkable, 1},
		"comment continued below":    {"", "a:\n  version: 1.4.2\n" + strings.Repeat(" ", 17) + "# more\n", "", 0},
		"JSON6902":                   {"", "- op: replace\n  path: /spec/version\n  value: 1.4.2\n", NotMarkable, 1},
		"list":                       {"", "kind: List\nitems:\n- version: 1.4.2\n", NotMarkable, 1},
		"unparsable sibling":         {"", "version: 1.4.2\n---\na: [\n", NotMarkable, 3},
		"template sibling":           {"", "version: 1.4.2\n---\na: {{ b }}\n", NotMarkable, 3},
		"list sibling":               {"", "version: 1.4.2\n---\n- a\n", NotMarkable, 3},
		"text sibling":               {"", "version: 1.4.2\n---\nhello\n", NotMarkable, 3},
		"text after separator":       {"", "version: 1.4.2\n--- a\nb: c\n", NotMarkable, 0},
		"document after dots":        {"", "version: 1.4.2\n...\na: b\n", NotMarkable, 0},
		"repeated key":               {"", "version: 1.4.2\na: 1\na: 2\n", NotMarkable, 3},
		"malformed metadata":         {"", "version: 1.4.2\nmetadata: text\n", NotMarkable, 1},
		"text as annotations":        {"", "version: 1.4.2\nmetadata: {annotations: text}\n", NotMarkable, 1},
		"typed value":                {"", "version: !!binary 1.4.2\n", NotMarkable, 1},
		"file that Flux ignores":     {"app.yaml.tmpl", "version: 1.4.2\n", NotMarkable, 0},
		"path that Flux cannot keep": {"a..b.yaml", "version: 1.4.2\n", NotMarkable, 0},
		"not UTF-8":                  {"", "version: 1.4.2\na: \"\xff\"\n", NotMarkable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.file == "" {
				tc.file = "f.yaml"
			}
			before, _, _ := strings.Cut(tc.text, "1.4.2")
			at := Location{File: tc.file, Line: 1 + strings.Count(before, "\n"), Value: "1.4.2"}
			_, err := Place([]byte(tc.text), at, pin)
			p := &Problem{}
			if err != nil && !errors.As(err, &p) {
				t.Fatal(err)
			}
			t.Log(p.Message)
			if diff := cmp.Diff([]any{tc.reason, tc.line}, []any{p.Reason, p.Line}); diff != "" {
				t.Error(diff)
			}
			if err != nil && p.File != tc.file {
				t.Errorf("file %q", p.File)
			}
		})
	}
}

func TestPlaceNeedsTheValueThere(t *testing.T) {
	content := []byte("spec:\n  version: 1.4.2\n")
	for name, at := range map[string]Location{
		"other value":    {Line: 2, Value: "1.4.3"},
		"other line":     {Line: 1, Value: "1.4.2"},
		"other column":   {Line: 2, Column: 3, Value: "1.4.2"},
		"other document": {Document: 1, Line: 2, Value: "1.4.2"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Place(content, at, pin)
			var p *Problem
			if !errors.As(err, &p) || p.Reason != NotFound {
				t.Error(err)
			}
		})
	}
}

func TestPlaceRefusesNamesThatAreNone(t *testing.T) {
	for _, ref := range []Ref{{}, {Namespace: "a"}, {Namespace: "a", Policy: `x"}`}, {Namespace: "${ns}", Policy: "x"}, {Namespace: "a", Policy: "x\ny"}} {
		if _, err := Place([]byte("version: 1.4.2\n"), Location{Line: 1, Value: "1.4.2"}, ref); err == nil {
			t.Errorf("%+v was accepted", ref)
		}
	}
}

func TestRemove(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"none":                 {"a: 1 # note\n", "a: 1 # note\n"},
		"other pin":            {"a: 1 # {\"$imagepolicy\": \"x:y:tag\"}\n", "a: 1 # {\"$imagepolicy\": \"x:y:tag\"}\n"},
		"other suffix":         {"a: 1 # {\"$imagepolicy\": \"org-acme:pin.app.nginx:name\"}\n", "a: 1 # {\"$imagepolicy\": \"org-acme:pin.app.nginx:name\"}\n"},
		"written by hand":      {"a: 1   #{\"$imagepolicy\":\"org-acme:pin.app.nginx:tag\"}  \r\nb: 2\r\n", "a: 1  \r\nb: 2\r\n"},
		"copies":               {"a: 1" + pinComment + "\n---\nb:\n- 2" + pinComment + "\n", "a: 1\n---\nb:\n- 2\n"},
		"below text":           {"a: \"1\n  2\"" + pinComment + "\n", "a: \"1\n  2\"\n"},
		"block text stays":     {"a: |\n  x: 1" + pinComment + "\nb: 2" + pinComment + "\n", "a: |\n  x: 1" + pinComment + "\nb: 2\n"},
		"unparsable document":  {"a: 1" + pinComment + "\n---\nb: [" + pinComment + "\n", "a: 1\n---\nb: [" + pinComment + "\n"},
		"text in a quoted key": {"\"x" + strings.ReplaceAll(pinComment, `"`, `\"`) + "\": 1" + pinComment + "\n", "\"x" + strings.ReplaceAll(pinComment, `"`, `\"`) + "\": 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, removed, err := Remove([]byte(tc.text), pin)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Error(diff)
			}
			if removed != (tc.text != tc.want) {
				t.Errorf("removed: %v", removed)
			}
		})
	}
}

// TestPlaceManyPins marks all Apps of a file, in random order, and takes the
// markers out again in another.
func TestPlaceManyPins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "apps")
		var docs []string
		for i := range n {
			value := rapid.SampledFrom([]string{"1.4.2", `""`, "'1'", `"v2.0.0"`, "'1.10'"}).Draw(t, "version")
			docs = append(docs, app("org", string(rune('a'+i)), value))
		}
		eol := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "line end")
		original := []byte(strings.ReplaceAll(strings.Join(docs, "---\n"), "\n", eol))
		files := map[string]string{"apps.yaml": string(original)}
		content := original
		order := rapid.Permutation(docs).Draw(t, "order")
		refs := map[string]Ref{}
		for _, doc := range order {
			name := strings.Fields(strings.SplitAfter(doc, "name: ")[1])[0]
			at, err := Locate(mapFS(files), Source{}, target("org", name))
			if err != nil {
				t.Fatal(err)
			}
			refs[name] = Ref{Namespace: "org", Policy: "pin.app." + name}
			if content, err = Place(content, at, refs[name]); err != nil {
				t.Fatal(err)
			}
			read, err := Read(mapFS(map[string]string{"apps.yaml": string(content)}), "apps.yaml", refs[name])
			if err != nil || read.Line != at.Line || read.Value != at.Value || read.Document != at.Document || read.Column != at.Column {
				t.Fatalf("placed %+v, read %+v (%v)", at, read, err)
			}
		}
		for _, ref := range refs {
			var removed bool
			var err error
			if content, removed, err = Remove(content, ref); err != nil || !removed {
				t.Fatal(removed, err)
			}
		}
		if !bytes.Equal(content, original) {
			t.Fatalf("%q became %q", original, content)
		}
	})
}

// TestPlaceAtAnnotations: Flux's library notes where an object comes from in its annotations, so no value of them stands alone.
func TestPlaceAtAnnotations(t *testing.T) {
	content := []byte("metadata:\n  annotations: \"\"\n")
	at, _, _ := valueAt(content, 0)
	var p *Problem
	if got, err := Place(content, at, pin); !errors.As(err, &p) || p.Reason != NotMarkable {
		t.Errorf("placed %s (%v)", got, err)
	}
}
