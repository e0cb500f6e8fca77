package markers

import (
	"errors"
	"strings"
	"testing"
)

// valuesOf is a document with that many nodes: the mapping, its key, the list
// and the items.
func valuesOf(nodes int) string { return "spec: [" + strings.Repeat("x,", nodes-3) + "]\n" }

// directives is a document that cannot be parsed, since the handles are all
// without a use; the parser compares each with all others.
func directives(n int) string { return "# App\n" + numbered("%%TAG !a%d! x\n", n) + "---\n" }

// TestFileBounds has files with as much as a file may have, and with one more.
func TestFileBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		says string
	}{
		"values":               {text: valuesOf(maxFileNodes)},
		"too many values":      {text: valuesOf(maxFileNodes + 1), says: "more than 600000 values and keys"},
		"values of documents":  {text: valuesOf(maxFileNodes-3) + "---\nb: c\n---\n# nothing\n"},
		"too many in all":      {text: valuesOf(maxFileNodes-3) + "---\nb: c\nd: e\n", says: "more than 600000 values and keys"},
		"directives":           {text: directives(maxDirectives)},
		"too many directives":  {text: directives(maxDirectives + 1), says: "more than 1000 directives"},
		"percents of a string": {text: "b: |\n" + strings.Repeat("  %\n", maxDirectives+1)},
	} {
		t.Run(name, func(t *testing.T) {
			f := parseFile("f.yaml", []byte(tc.text), nil)
			checkBound(t, tc.says, f.refused.orNil())
			if f.parsed() != (tc.says == "") || (len(f.docs) == 0) != (tc.says != "") {
				t.Errorf("%d documents", len(f.docs))
			}
		})
	}
}

// TestRefusedFiles has a file that is over a bound. It is neither read nor
// changed, whoever asks, and the others of the repository are.
func TestRefusedFiles(t *testing.T) {
	const says = "more than 1000 directives"
	content := "a: 1.4.2" + pinComment + "\n---\n" + directives(maxDirectives+1)
	at := Location{File: "f.yaml", Line: 1, Column: 4, Value: "1.4.2"}
	adopted := at
	adopted.Marker = &Found{Raw: pin.Comment()}
	good := app("org", "nginx", "1.4.2") + "b: 1" + pinComment + "\n"
	files := mapFS(map[string]string{"a/bad.yaml": content, "a/good.yaml": good})
	for name, ask := range map[string]func() error{
		"Place":  func() error { _, err := Place([]byte(content), at, pin); return err },
		"Remove": func() error { _, _, err := Remove([]byte(content), pin); return err },
		"Adopt":  func() error { _, err := Adopt([]byte(content), adopted, pin); return err },
		"Read":   func() error { _, err := Read(files, "a/bad.yaml", pin); return err },
		"Scan": func() error {
			found, err := scan(t, files, "a")
			if len(found) != 1 || !strings.HasPrefix(found[0], "a/good.yaml") {
				t.Errorf("found %v", found)
			}
			return err
		},
		"Locate": func() error {
			if loc, err := Locate(files, Source{Path: "a"}, target("org", "nginx")); err != nil || loc.File != "a/good.yaml" {
				t.Errorf("%+v %v", loc, err)
			}
			_, err := Locate(files, Source{Path: "a"}, target("org", "other"))
			return err
		},
		"its kustomization": func() error {
			files := mapFS(map[string]string{"a/good.yaml": good, "a/kustomization.yaml": content})
			_, err := Locate(files, Source{Path: "a"}, target("org", "nginx"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { checkBound(t, says, ask()) })
	}
	if SetOnly("f.yaml", []byte(content), []byte(content), func(Ref, string) bool { return true }) {
		t.Error("nobody can say what was set in the file")
	}
}

// TestRefusedPatches: what is over a bound may set the version, so nothing is
// marked below it.
func TestRefusedPatches(t *testing.T) {
	bad := directives(maxDirectives + 1)
	for says, patches := range map[string]string{
		"a/kustomization.yaml: the patch bad.yaml cannot be read here": "patches:\n- path: bad.yaml\n",
		"a/kustomization.yaml: the patch inside this file cannot":      "patches:\n- patch: |\n" + indented(bad),
	} {
		files := mapFS(map[string]string{
			"a/bad.yaml": bad, "a/good.yaml": app("org", "nginx", "1.4.2"), "a/kustomization.yaml": resources("good.yaml") + patches,
		})
		_, err := Locate(files, Source{Path: "a"}, target("org", "nginx"))
		if !hasReason(err, NotMarkable) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ") + "\n"
}

// checkBound holds an outcome against what its message must say; "" stands for
// none.
func checkBound(t *testing.T, says string, err error) {
	t.Helper()
	var p *Problem
	switch {
	case says == "" && err != nil:
		t.Errorf("refused: %v", err)
	case says != "" && (!errors.As(err, &p) || !strings.Contains(p.Message, says) || !strings.Contains(p.Message, "split it")):
		t.Errorf("%v, want %q", err, says)
	}
}

// TestBuildBound builds with as many nodes as may be parsed, and with one less.
// A file that is built twice counts once, and one of another kind not at all.
func TestBuildBound(t *testing.T) {
	one := app("org", "nginx", "1.4.2")
	nodes := parseFile("", []byte(one), nil).nodes
	repo := newRepository(mapFS(map[string]string{
		"mc/kustomization.yaml": resources("../a", "../b", "none.yaml"),
		"mc/none.yaml":          configMap("ConfigMap", "one", "a: b"),
		"a/kustomization.yaml":  resources("../app.yaml"), "b/kustomization.yaml": resources("../app.yaml"), "app.yaml": one,
	}))
	for left, want := range map[int]string{nodes: "", nodes - 1: "app.yaml: with this file the path has more than 12000000 keys and values to read; use a smaller path"} {
		b := newBuilder(target("org", "nginx").kind())
		b.nodes = left
		built, err := b.source(repo, Source{Path: "mc"})
		switch {
		case want == "" && (err != nil || len(built.objects) != 2):
			t.Errorf("%+v %v", built, err)
		case want != "" && (!hasReason(err, TooLarge) || err.Error() != want):
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestSurveyBound asks for the uses of a variable with as many nodes left as
// two roots need that build one file, and with one less.
func TestSurveyBound(t *testing.T) {
	text := app("org", "nginx", "${version}")
	nodes := parseFile("", []byte(text), nil).nodes
	files := mapFS(map[string]string{"mc/app.yaml": text})
	sources := []Source{of(map[string]string{"version": "1.4.2"}), of(map[string]string{"version": "1.4.2"})}
	sources[1].Kustomization.Name = "second"
	for left, want := range map[int]bool{2 * nodes: true, 2*nodes - 1: false} {
		survey := NewSurvey(files, sources)
		survey.nodes = left
		if err := survey.discover(); err != nil {
			t.Fatal(err)
		}
		for i := range sources {
			_, err := survey.mentionedBy(i)
			if fits := want || i == 0; fits != (err == nil) || !fits && !hasReason(err, TooLarge) {
				t.Errorf("%d left, root %d: %v", left, i, err)
			}
		}
	}
}

// TestRefusedOnce: a file that is over a bound is read once, however often it
// is named.
func TestRefusedOnce(t *testing.T) {
	b := newBuilder(target("org", "nginx").kind())
	b.repo = newRepository(mapFS(map[string]string{"bad.yaml": "# App\n" + directives(maxDirectives+1)}))
	_, first := b.parse("bad.yaml")
	b.repo = newRepository(mapFS(nil))
	if _, again := b.parse("bad.yaml"); !hasReason(first, TooLarge) || again == nil || again.Error() != first.Error() {
		t.Errorf("%v, then %v", first, again)
	}
}
