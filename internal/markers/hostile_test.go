package markers

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// bomb is a document whose aliases stand for 10^9 values.
func bomb() string {
	text := "a0: &a0 x\n"
	for i := 1; i < 10; i++ {
		text += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10))
	}
	return text
}

// hostile are files that have brought YAML tools down.
func hostile() map[string]string {
	return map[string]string{
		"alias bomb":         bomb(),
		"deep flow":          strings.Repeat("[", 11_000),
		"deep flow, closed":  strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000),
		"deep block":         strings.Repeat("- ", 11_000),
		"deep maps":          strings.Repeat("{a: ", 2_000) + strings.Repeat("}", 2_000),
		"wide map":           wide(),
		"many documents":     strings.Repeat("a: 1\n---\n", 300),
		"many comments":      strings.Repeat("# c\n", 20_000) + "a: 1\n",
		"self reference":     "spec: &s\n  <<: *s\n  version: *s\nmetadata: &m {name: *m}\nkind: App\n",
		"invalid UTF-8":      "a: \xff\xfe\n",
		"UTF-16":             "\xff\xfea\x00:\x00 \x001\x00\n\x00",
		"null bytes":         "a: \x00\n",
		"many line ends":     strings.Repeat("\r", 100_000) + "a: 1\n",
		"long key":           strings.Repeat("k", 1<<16) + ": 1\n",
		"only separators":    strings.Repeat("---\n", 1_000),
		"many directives":    numbered("%%TAG !a%d! x\n", 900) + "---\na: 1\n",
		"flow pairs":         "a: [" + strings.Repeat("b: c,", 1_000) + "]\n",
		"many aliases":       "a: [&x 1" + strings.Repeat(",*x", 2_000) + "]\n",
		"many anchors":       "a:\n" + numbered("- &a%d x\n", 2_000),
		"merge keys":         "x: &x {a: b}\ny:\n" + strings.Repeat("  <<: *x\n", 2_000),
		"repeated keys":      strings.Repeat("a: 1\n", 2_000),
		"keys that ask":      strings.Repeat("- ? a\n", 2_000),
		"unfinished literal": "a: |" + strings.Repeat(" ", 100_000),
	}
}

func wide() string {
	var b strings.Builder
	for i := range 2_000 {
		fmt.Fprintf(&b, "key-%d: 1 # note\n", i)
	}
	return b.String()
}

// TestHostileFiles puts such files wherever a file is read. They may cost the
// file, but neither a panic nor another file.
func TestHostileFiles(t *testing.T) {
	good := app("org", "nginx", "1.4.2")
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			files := mapFS(map[string]string{
				"mc/kustomization.yaml": resources("bad.yaml", "good.yaml", "sub") + "patches:\n- path: bad.yaml\n  target: {kind: None}\n",
				"mc/bad.yaml":           text + "# App\n", "mc/good.yaml": good, "mc/sub/kustomization.yaml": text,
				"mc/marked.yaml": text + "\n---\na: 1" + pinComment + "\n",
			})
			at, err := Locate(files, Source{Path: "mc"}, target("org", "nginx"))
			if err != nil || at.File != "mc/good.yaml" {
				t.Errorf("%+v %v", at, err)
			}
			if _, err := scan(t, files, "."); err != nil {
				t.Error(err)
			}
			if _, _, err := Remove([]byte(text+"\n---\na: 1"+pinComment+"\n"), pin); err != nil {
				t.Error(err)
			}
			_, err = Place([]byte(text+"\n---\na: 1.4.2\n"), Location{File: "f.yaml", Document: 1, Line: 3, Value: "1.4.2"}, pin)
			var p *Problem
			if err != nil && !errors.As(err, &p) {
				t.Error(err)
			}
		})
	}
}

// TestKustomizationsThatMultiply has folders that each name the next one
// twice: a few files that ask for 2^40 builds.
func TestKustomizationsThatMultiply(t *testing.T) {
	files := map[string]string{"f40/kustomization.yaml": ""}
	for i := range 40 {
		next := fmt.Sprintf("../f%d", i+1)
		files[fmt.Sprintf("f%d/kustomization.yaml", i)] = resources(next, next)
	}
	_, err := Locate(mapFS(files), Source{Path: "f0"}, target("org", "nginx"))
	var p *Problem
	if !errors.As(err, &p) || p.Reason != TooLarge {
		t.Error(err)
	}
}

func TestPlaceBounds(t *testing.T) {
	for _, rest := range []string{strings.Repeat("# filler\n", maxFileSize/9), strings.Repeat("\n---", maxDocuments)} {
		content := []byte("a: 1.4.2" + pinComment + "\n" + rest)
		_, err := Place(content, Location{Line: 1, Value: "1.4.2"}, pin)
		var p *Problem
		if !errors.As(err, &p) || p.Reason != TooLarge {
			t.Error(err)
		}
		if _, _, err := Remove(content, pin); !errors.As(err, &p) || p.Reason != TooLarge {
			t.Error(err)
		}
	}
}
