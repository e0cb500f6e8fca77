package batch

import (
	"strings"
	"testing"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// fluxChange is one change of a commit of image-automation-controller, as its templates see it.
type fluxChange struct{ OldValue, NewValue, Setter string }

// changed is what its templates see of a whole commit: Changes, each once, in no order.
type changed struct{ Changes []fluxChange }

// render is the message that Flux gives a commit by a template.
func render(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, text, id string, changes ...fluxChange) string {
	t.Helper()
	parsed, err := template.New("message").Funcs(sprig.HermeticTxtFuncMap()).Parse(text)
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	var b strings.Builder
	err = parsed.Execute(&b, struct {
		AutomationObject struct{ Namespace, Name string }
		Changed          changed
		Values           map[string]string
	}{Changed: changed{changes}, Values: map[string]string{"batch": id}})
	if err != nil {
		t.Fatalf("execute: %v", err)
	}
	return b.String()
}

func TestMessageTemplate(t *testing.T) {
	one := fluxChange{"1.0.0", "1.2.0", "org:pin.app.a:tag"}
	two := fluxChange{"v1.1.0", "1.2.0", "org:pin.app.b:tag"}
	trailer := "\n\nUpgrade-Batch: b1-2\n" +
		"Upgrade-Change: org:pin.app.a:tag \"1.0.0\" -> \"1.2.0\"\n"
	for name, tc := range map[string]struct {
		template string
		changes  []fluxChange
		want     string
	}{
		"default, one":     {"", []fluxChange{one}, "Upgrade 1 version" + trailer},
		"default, two":     {" \n", []fluxChange{one, two}, "Upgrade 2 versions" + trailer + "Upgrade-Change: org:pin.app.b:tag \"v1.1.0\" -> \"1.2.0\"\n"},
		"user's":           {"chore: {{ range .Changed.Changes }}{{ .NewValue | upper }}{{ end }}\n\n\n", []fluxChange{one}, "chore: 1.2.0" + trailer},
		"user's with body": {"chore\n\nby {{ .Values.batch }}", []fluxChange{one}, "chore\n\nby b1-2" + trailer},
	} {
		t.Run(name, func(t *testing.T) {
			got := render(t, MessageTemplate(tc.template), "b1-2", tc.changes...)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			parsed, ok := ParseTrailer("c1", got)
			want := Trailer{Hash: "c1", Batch: "b1-2", Old: map[Key]string{}, New: map[Key]string{}}
			for _, change := range tc.changes {
				key := Key{"org", strings.Split(change.Setter, ":")[1]}
				want.Old[key], want.New[key] = change.OldValue, change.NewValue
			}
			if diff := cmp.Diff(want, parsed); diff != "" || !ok {
				t.Errorf("ParseTrailer ok=%v (-want +got):\n%s", ok, diff)
			}
		})
	}
}

func TestParseTrailer(t *testing.T) {
	a := Key{"org", "pin.app.a"}
	for name, tc := range map[string]struct {
		message string
		want    Trailer
		ok      bool
	}{
		"a human's":         {message: "Revert \"Upgrade 1 version\"\n\nThis reverts commit 123.\n"},
		"changes, no batch": {message: "x\n\nUpgrade-Change: org:pin.app.a:tag \"1\" -> \"2\"\n", want: Trailer{Old: map[Key]string{a: "1"}, New: map[Key]string{a: "2"}}},
		"batch, no changes": {message: "x\n\nUpgrade-Batch: b1\n", want: Trailer{Batch: "b1"}, ok: true},
		"CRLF and spaces": {
			message: "x\r\n\r\n  Upgrade-Batch: b1 \r\nUpgrade-Change: org:pin.app.a:tag \"1\" -> \"2\"\r\n",
			want:    Trailer{Batch: "b1", Old: map[Key]string{a: "1"}, New: map[Key]string{a: "2"}}, ok: true,
		},
		"of other setters": {
			message: "Upgrade-Batch: b1\nUpgrade-Change: org:a:name \"1\" -> \"2\"\nUpgrade-Change: org:a \"1\" -> \"2\"\nUpgrade-Change: nonsense\n",
			want:    Trailer{Batch: "b1"}, ok: true,
		},
		"quotes in a value": {
			message: "Upgrade-Batch: b1\nUpgrade-Change: org:pin.app.a:tag \"a\\\" -> \\\"b\" -> \"2\"\n",
			want:    Trailer{Batch: "b1", Old: map[Key]string{a: `a" -> "b`}, New: map[Key]string{a: "2"}}, ok: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.want.Old == nil {
				tc.want.Old, tc.want.New = map[Key]string{}, map[Key]string{}
			}
			got, ok := ParseTrailer("", tc.message)
			if diff := cmp.Diff(tc.want, got); diff != "" || ok != tc.ok {
				t.Errorf("ok = %v, want %v (-want +got):\n%s", ok, tc.ok, diff)
			}
		})
	}
}

func TestCombine(t *testing.T) {
	a, b := key("a"), key("b")
	if got := Combine(nil); got != nil {
		t.Errorf("Combine(nil) = %v, want none", got)
	}
	got := Combine([]Trailer{
		{Hash: "c3", Batch: "b1", Old: map[Key]string{a: "1.0.0"}, New: map[Key]string{a: "1.2.0"}},
		{Hash: "c1", Batch: "b1", Old: map[Key]string{a: "0.9.0", b: "1.0.0"}, New: map[Key]string{a: "1.2.0", b: "1.2.0"}},
	})
	want := &Trailer{
		Hash: "c3", Batch: "b1", Again: map[Key]bool{a: true},
		Old: map[Key]string{a: "1.0.0", b: "1.0.0"}, New: map[Key]string{a: "1.2.0", b: "1.2.0"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Combine (-want +got):\n%s", diff)
	}
}

// Whatever stands in a line, the trailer gives it back.
func TestTrailerRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, value := rapid.String().Draw(t, "old"), rapid.String().Draw(t, "new")
		subject := rapid.StringMatching(`[a-zA-Z: ]{0,20}`).Draw(t, "subject")
		message := render(t, MessageTemplate(subject), "b1-2", fluxChange{old, value, "org:pin.app.a:tag"})
		got, ok := ParseTrailer("c1", message)
		want := Trailer{Hash: "c1", Batch: "b1-2", Old: map[Key]string{key("a"): old}, New: map[Key]string{key("a"): value}}
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Fatalf("ok = %v (-want +got):\n%s\n%s", ok, diff, message)
		}
	})
}

func FuzzParseTrailer(f *testing.F) {
	f.Add("Upgrade 1 version", "1.0.0", "1.2.0")
	f.Add("", "a\" -> \"b", "\n\\")
	f.Add("Upgrade-Batch: b0\nUpgrade-Change: org:pin.app.a:tag \"1\" -> \"2\"", "\x00", "\xff")
	f.Fuzz(func(t *testing.T, subject, old, value string) {
		ParseTrailer("c0", subject) // never panics
		message := subject + "\n\n" + render(t, MessageTemplate("x"), "b1-2", fluxChange{old, value, "org:pin.app.a:tag"})
		got, ok := ParseTrailer("c1", message)
		if !ok || got.Batch != "b1-2" || got.Old[key("a")] != old || got.New[key("a")] != value {
			t.Fatalf("ok = %v, got %+v of %q", ok, got, message)
		}
	})
}
