package batch

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// fluxChange, fluxObject and fluxChanged are what image-automation-controller's templates see of a commit.
type fluxChange struct{ OldValue, NewValue, Setter string }

type fluxObject struct{ yaml.ResourceIdentifier }

type fluxChanged struct {
	FileChanges map[string]map[fluxObject][]fluxChange
}

// Changes are the distinct ones, in no order.
func (c fluxChanged) Changes() []fluxChange {
	distinct := map[fluxChange]bool{}
	for _, objects := range c.FileChanges {
		for _, changes := range objects {
			for _, change := range changes {
				distinct[change] = true
			}
		}
	}
	return slices.Collect(maps.Keys(distinct))
}

// app names the document of an App.
func app(name string) fluxObject {
	var o fluxObject
	o.Kind, o.Name = "App", name
	return o
}

// changedIn is a commit that changes the document of one App.
func changedIn(file, name string, changes ...fluxChange) fluxChanged {
	return fluxChanged{map[string]map[fluxObject][]fluxChange{file: {app(name): changes}}}
}

// render is the message that Flux gives a commit by a template.
func render(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, text, id string, changed fluxChanged) string {
	t.Helper()
	parsed, err := template.New("message").Funcs(sprig.HermeticTxtFuncMap()).Parse(text)
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	var b strings.Builder
	err = parsed.Execute(&b, struct {
		AutomationObject struct{ Namespace, Name string }
		Changed          fluxChanged
		Values           map[string]string
	}{Changed: changed, Values: map[string]string{"batch": id, "verb": "Upgrade"}})
	if err != nil {
		t.Fatalf("execute: %v", err)
	}
	return b.String()
}

func TestMessageTemplate(t *testing.T) {
	a, b := fluxChange{"1.0.0", "1.2.0", "org:pin.app.a:tag"}, fluxChange{"v1.1.0", "1.2.0", "org:pin.app.b:tag"}
	one := changedIn("apps/a.yaml", "a", a)
	two := fluxChanged{map[string]map[fluxObject][]fluxChange{"b.yaml": {app("b"): {b}, app("copy"): {a}}, "a.yaml": {app("a"): {a}}}}
	trailer := "\n\nUpgrade-Batch: b1-2\nUpgrade-File: \"apps/a.yaml\" \"App a\"\n" +
		"Upgrade-Change: org:pin.app.a:tag \"1.0.0\" -> \"1.2.0\"\n"
	change := func(file, object, name, old string) Change {
		return Change{Pin: key(name), File: file, Object: object, Old: old, New: "1.2.0", Commit: "c1"}
	}
	ofOne := []Change{change("apps/a.yaml", "App a", "a", "1.0.0")}
	for name, tc := range map[string]struct {
		template string
		changed  fluxChanged
		want     string
		changes  []Change
	}{
		"default, one":     {"", one, "Upgrade 1 version" + trailer, ofOne},
		"user's":           {"chore: {{ range .Changed.Changes }}{{ .NewValue | upper }}{{ end }}\n\n\n", one, "chore: 1.2.0" + trailer, ofOne},
		"user's with body": {"chore\n\nby {{ .Values.batch }}", one, "chore\n\nby b1-2" + trailer, ofOne},
		"default, two files": {
			" \n", two, "Upgrade 2 versions\n\nUpgrade-Batch: b1-2\n" +
				"Upgrade-File: \"a.yaml\" \"App a\"\nUpgrade-Change: org:pin.app.a:tag \"1.0.0\" -> \"1.2.0\"\n" +
				"Upgrade-File: \"b.yaml\" \"App b\"\nUpgrade-Change: org:pin.app.b:tag \"v1.1.0\" -> \"1.2.0\"\n" +
				"Upgrade-File: \"b.yaml\" \"App copy\"\nUpgrade-Change: org:pin.app.a:tag \"1.0.0\" -> \"1.2.0\"\n",
			[]Change{
				change("a.yaml", "App a", "a", "1.0.0"), change("b.yaml", "App b", "b", "v1.1.0"), change("b.yaml", "App copy", "a", "1.0.0"),
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := render(t, MessageTemplate(tc.template), "b1-2", tc.changed)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			parsed, ok := ParseTrailer("c1", got)
			if diff := cmp.Diff(Trailer{Batch: "b1-2", Changes: tc.changes}, parsed); diff != "" || !ok {
				t.Errorf("ParseTrailer ok=%v (-want +got):\n%s", ok, diff)
			}
		})
	}
}

func TestVerb(t *testing.T) {
	up, back := Pin{Intent: pin.Intent{Want: "1.5.0"}}, Pin{Intent: pin.Intent{Want: "1.4.0", Back: "1.5.0"}}
	for want, pins := range map[string][]Pin{"Upgrade": {up, up}, "Roll back": {back, back}, "Upgrade and roll back": {up, back}} {
		if got := Verb(pins); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestParseTrailer(t *testing.T) {
	const plain = "Upgrade-Change: org:pin.app.a:tag \"1\" -> \"2\"\n"
	one := []Change{{Pin: key("a"), Old: "1", New: "2"}}
	for name, tc := range map[string]struct {
		message string
		want    Trailer
		ok      bool
	}{
		"a human's":         {message: "Revert \"Upgrade 1 version\"\n\nThis reverts commit 123.\n"},
		"changes, no batch": {message: "x\n\n" + plain, want: Trailer{Changes: one}},
		"batch, no changes": {message: "x\n\nUpgrade-Batch: b1\n", want: Trailer{Batch: "b1"}, ok: true},
		"no files":          {message: "Upgrade-Batch: b1\n" + plain, want: Trailer{Batch: "b1", Changes: one}, ok: true},
		"CRLF and spaces": {
			message: "x\r\n\r\n  Upgrade-Batch: b1 \r\n" + strings.TrimSpace(plain) + "\r\n", want: Trailer{Batch: "b1", Changes: one}, ok: true,
		},
		"of other setters": {
			message: "Upgrade-Batch: b1\nUpgrade-Change: org:a:name \"1\" -> \"2\"\nUpgrade-Change: org:a \"1\" -> \"2\"\n" +
				"Upgrade-Change: nonsense\nUpgrade-File: nonsense\n",
			want: Trailer{Batch: "b1"}, ok: true,
		},
		"quotes in a value": {
			message: "Upgrade-Batch: b1\nUpgrade-Change: org:pin.app.a:tag \"a\\\" -> \\\"b\" -> \"2\"\n",
			want:    Trailer{Batch: "b1", Changes: []Change{{Pin: key("a"), Old: `a" -> "b`, New: "2"}}}, ok: true,
		},
		"quotes that are none": {
			message: "Upgrade-Batch: b1\nUpgrade-Change: org:pin.app.a:tag \"\\q\" -> \"2\"\n",
			want:    Trailer{Batch: "b1", Changes: []Change{{Pin: key("a"), Old: `"\q"`, New: "2"}}}, ok: true,
		},
		"a user's text that looks alike does not count": {
			message: "Upgrade-Batch: mine\n" + plain + "\nUpgrade-Batch: b1\n" + plain, want: Trailer{Batch: "b1", Changes: one}, ok: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := ParseTrailer("", tc.message)
			if diff := cmp.Diff(tc.want, got); diff != "" || ok != tc.ok {
				t.Errorf("ok = %v, want %v (-want +got):\n%s", ok, tc.ok, diff)
			}
		})
	}
}

func TestCombine(t *testing.T) {
	if got := Combine(nil); got != nil {
		t.Errorf("Combine(nil) = %v, want none", got)
	}
	newer, older := Change{Pin: key("a"), Commit: "c3"}, Change{Pin: key("a"), Commit: "c1"}
	got := Combine([]Trailer{{Batch: "b1", Changes: []Change{newer}}, {Batch: "b1", Changes: []Change{older}}})
	if diff := cmp.Diff(&Trailer{Batch: "b1", Changes: []Change{newer, older}}, got); diff != "" {
		t.Errorf("Combine (-want +got):\n%s", diff)
	}
}

func TestChangesOf(t *testing.T) {
	change := func(file, object, old string) Change {
		return Change{Pin: key("a"), File: file, Object: object, Old: old, New: "1.2.0"}
	}
	for name, tc := range map[string]struct {
		changes []Change
		line    Line
		// want are the indices of the changes.
		want []int
	}{
		"none":            {},
		"of another pin":  {changes: []Change{{Pin: key("b"), File: "a.yaml"}}},
		"the file":        {changes: []Change{change("a.yaml", "App a", "1.1.0")}, want: []int{0}},
		"below a path":    {changes: []Change{change("apps/a.yaml", "App a", "1.1.0")}, line: Line{File: "mc/apps/a.yaml"}, want: []int{0}},
		"another file":    {changes: []Change{change("b/a.yaml", "App a", "1.0.0"), change("aa.yaml", "App a", "1.0.0")}},
		"no file said":    {changes: []Change{change("", "", "1.1.0")}, want: []int{0}},
		"twice":           {changes: []Change{change("a.yaml", "App a", "1.1.0"), change("a.yaml", "App a", "1.0.0")}, want: []int{0, 1}},
		"a copy and ours": {changes: []Change{change("a.yaml", "App 1", "1.1.0"), change("a.yaml", "App 2", "1.0.0")}, want: []int{1}},
		"two files end alike": {
			changes: []Change{change("a.yaml", "App a", "1.1.0"), change("apps/a.yaml", "App a", "1.1.0")}, line: Line{File: "mc/apps/a.yaml"}, want: []int{1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var want []Change
			for _, i := range tc.want {
				want = append(want, tc.changes[i])
			}
			got := (&Trailer{Changes: tc.changes}).changesOf(placed("a", in(batchID)), tc.line)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("changesOf (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever stands in a line, the trailer gives it back.
func TestTrailerRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		c := Change{
			Pin: key("a"), Old: rapid.String().Draw(t, "old"), New: rapid.String().Draw(t, "new"),
			File: rapid.String().Draw(t, "file"), Object: "App " + name, Commit: "c1",
		}
		subject := rapid.StringMatching(`[a-zA-Z: ]{0,20}`).Draw(t, "subject")
		message := render(t, MessageTemplate(subject), "b1-2", changedIn(c.File, name, fluxChange{c.Old, c.New, "org:pin.app.a:tag"}))
		got, ok := ParseTrailer("c1", message)
		if diff := cmp.Diff(Trailer{Batch: "b1-2", Changes: []Change{c}}, got); diff != "" || !ok {
			t.Fatalf("ok = %v (-want +got):\n%s\n%s", ok, diff, message)
		}
	})
}

func FuzzParseTrailer(f *testing.F) {
	f.Add("Upgrade 1 version", "a.yaml", "1.0.0", "1.2.0")
	f.Add("", "", "a\" -> \"b", "\n\\")
	f.Add("Upgrade-Batch: b0\nUpgrade-Change: org:pin.app.a:tag \"1\" -> \"2\"", "a b/\" \"c.yaml", "\x00", "\xff")
	f.Fuzz(func(t *testing.T, subject, file, old, value string) {
		ParseTrailer("c0", subject) // never panics
		c := Change{Pin: key("a"), File: file, Object: "App a", Old: old, New: value, Commit: "c1"}
		message := subject + "\n\n" + render(t, MessageTemplate("x"), "b1-2", changedIn(file, "a", fluxChange{old, value, "org:pin.app.a:tag"}))
		got, ok := ParseTrailer("c1", message)
		if diff := cmp.Diff(Trailer{Batch: "b1-2", Changes: []Change{c}}, got); diff != "" || !ok {
			t.Fatalf("ok = %v of %q (-want +got):\n%s", ok, message, diff)
		}
	})
}
