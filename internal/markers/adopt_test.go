package markers

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAdopt names what must survive to the byte when a marker takes the place of another. `@` is where they go, with what is
// between the value and the comment. kyaml's own setter then follows the new one, and the old one no more.
func TestAdopt(t *testing.T) {
	for name, tc := range map[string]struct{ text, theirs string }{
		"plain":           {"spec:\n  version: 1.4.2@\n", ` # {"$imagepolicy": "org:hand:tag"}`},
		"without a tag":   {"spec:\n  version: 1.4.2@\n", ` # {"$imagepolicy": "org:hand"}`},
		"written tightly": {"spec:\n  version: 1.4.2@\nother: x\n", ` #{"$imagepolicy":"org:hand:tag"}`},
		"as a reference":  {"spec:\n  version: 1.4.2@\nx: '\"$imagepolicy\"'\n", ` # {"$ref": "#/definitions/io.k8s.cli.setters.org:hand:tag"}`},
		"CRLF":            {"spec:\r\n  version: 1.4.2@\r\nother: x\r\n", ` # {"$imagepolicy": "org:hand:tag"}`},
		"no line end":     {"spec:\n  version: '1.4.2'@", ` # {"$imagepolicy": "org:hand:tag"}`},
		"aligned":         {"spec:\n  version: 1.4.2   @\n", ` # {"$imagepolicy": "org:hand:tag"}`},
		"its other lines": {"a: 1 # {\"$imagepolicy\": \"org:hand:tag\"}\nspec:\n  version: 1.4.2@\n", ` # {"$imagepolicy": "org:hand:tag"}`},
	} {
		t.Run(name, func(t *testing.T) {
			before, want := strings.Replace(tc.text, "@", tc.theirs, 1), strings.Replace(tc.text, "@", pinComment, 1)
			at := markedLocation(t, before)
			got, err := Adopt([]byte(before), at, pin)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Fatalf("Adopt (-want +got):\n%s", diff)
			}
			written, _, err := setterPass(got, map[string]string{pin.String(): "1.5.0", at.Marker.Ref.String(): "6.6.6", "org:hand": "6.6.6"})
			if err != nil || !strings.Contains(string(written), "1.5.0") || strings.Contains(string(written), "version: 6.6.6") {
				t.Errorf("kyaml's setter wrote (%v)\n%s", err, written)
			}
			without, removed, err := Remove(got, pin)
			if diff := cmp.Diff(strings.Replace(tc.text, "@", "", 1), string(without)); err != nil || !removed || diff != "" {
				t.Errorf("removed: %v, %v (-want +got):\n%s", removed, err, diff)
			}
		})
	}
}

// markedLocation is the place of the version 1.4.2 and its marker.
func markedLocation(t *testing.T, text string) Location {
	t.Helper()
	for _, m := range liveMarkers(t, "f.yaml", []byte(text)) {
		if m.found.Value == "1.4.2" {
			found := m.found
			return Location{File: "f.yaml", Document: m.doc.index, Line: found.Line, Column: m.scalar.Column, Value: found.Value, Marker: &found}
		}
	}
	t.Fatalf("no marker in %q", text)
	return Location{}
}

func TestAdoptRefuses(t *testing.T) {
	const theirs = ` # {"$imagepolicy": "org:hand:tag"}`
	other := func(at *Location) { at.Marker.Raw = "# other" }
	for name, tc := range map[string]struct {
		text   string
		change func(*Location)
		reason string
	}{
		"another marker by now": {"version: 1.4.2" + theirs + "\n", other, NotFound},
		"another value by now":  {"version: 1.4.2" + theirs + "\n", func(at *Location) { at.Value = "1.4.1" }, NotFound},
		"no marker wanted":      {"version: 1.4.2" + theirs + "\n", func(at *Location) { at.Marker = nil }, NotFound},
		"above a list item":     {"a:\n" + theirs[1:] + "\n- 1.4.2\n", nil, NotMarkable},
		"below quoted text":     {"version: \"1.4.2\\\n  \"" + theirs + "\n", nil, NotMarkable},
		"anchor":                {"version: &v 1.4.2" + theirs + "\nb: *v\n", nil, NotMarkable},
		"template beside":       {"version: 1.4.2" + theirs + "\n---\na: {{ b }}\n", nil, NotMarkable},
		"ours elsewhere":        {"version: 1.4.2" + theirs + "\nb: 1" + pinComment + "\n", nil, MarkerCopied},
	} {
		t.Run(name, func(t *testing.T) {
			at := markedLocation(t, tc.text)
			if tc.change != nil {
				tc.change(&at)
			}
			got, err := Adopt([]byte(tc.text), at, pin)
			var p *Problem
			if !errors.As(err, &p) || p.Reason != tc.reason || p.File != "f.yaml" {
				t.Fatalf("%q, %v; want %s", got, err, tc.reason)
			}
		})
	}
}
