package message

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestBounded(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "",
		"short":             "short",
		"just right":        "just right",
		"a bit long!":       "a bit l…",
		"too löngöö longer": "too lö…",
	} {
		if got := Bounded(text, 10); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text, most := rapid.String().Draw(t, "text"), rapid.IntRange(len(ellipsis), 100).Draw(t, "most")
		if got := Bounded(text, most); len(got) > most || !utf8.ValidString(got) || len(text) <= most && got != text {
			t.Fatalf("%q becomes %q", text, got)
		}
	})
}

func TestBrief(t *testing.T) {
	for text, want := range map[string]string{
		"apps/nginx.yaml":              "apps/nginx.yaml",
		"a\nb\x1b[31mc\x00":            "a?b?[31mc?",
		"right\u202eleft\u200bnothing": "right?left?nothing",
		"broken\xff":                   "broken?",
		strings.Repeat("x", 301):       strings.Repeat("x", 300) + "…",
		strings.Repeat("x", 299) + "ö": strings.Repeat("x", 299) + "?…",
	} {
		if got := Brief(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	if got, want := Line(" install failed:\n\tno such\x1b[2J kind\n"), "install failed: no such?[2J kind"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPlace(t *testing.T) {
	if got, want := Place("a\nb.yaml", 7), "a?b.yaml:7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := Place("a.yaml", 0), "a.yaml"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
