package markers

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSetOnly(t *testing.T) {
	const theirs = ` # {"$imagepolicy": "other:pin.app.b:tag"}`
	text := "a: b\nspec:\n  version: 1.4.2@\n  c: d # words\n"
	for name, tc := range map[string]struct {
		before, after string
		want          bool
	}{
		"nothing changed":             {before: text, after: text, want: true},
		"a value that is admitted":    {before: text, after: strings.Replace(text, "1.4.2", "1.5.0", 1), want: true},
		"quoted":                      {before: text, after: strings.Replace(text, "1.4.2", `"1.5.0"`, 1), want: true},
		"a value that is not":         {before: text, after: strings.Replace(text, "1.4.2", "1.4.9", 1)},
		"another field":               {before: text, after: strings.Replace(text, "c: d", "c: e", 1)},
		"both":                        {before: text, after: strings.NewReplacer("1.4.2", "1.5.0", "a: b", "a: c").Replace(text)},
		"a comment":                   {before: text, after: strings.Replace(text, "words", "other words", 1)},
		"a field more":                {before: text, after: text + "e: f\n"},
		"a document more":             {before: text, after: text + "---\ne: f\n"},
		"the marker is gone":          {before: text, after: strings.Replace(text, "@", "", 1)},
		"the marker comes":            {before: strings.Replace(text, "@", "", 1), after: text},
		"no marker":                   {before: "version: 1.4.2\n", after: "version: 1.5.0\n"},
		"another marker's value":      {before: text + "x: 1.4.2" + theirs + "\n", after: text + "x: 1.5.0" + theirs + "\n"},
		"beside another marker":       {before: text + "x: 1.4.2" + theirs + "\n", after: strings.Replace(text, "1.4.2", "1.5.0", 1) + "x: 1.4.2" + theirs + "\n", want: true},
		"the marker moves":            {before: text + "x: 1.4.2" + theirs + "\n", after: strings.Replace(text, "@", theirs, 1) + "x: 1.4.2@\n"},
		"written in Flux's layout":    {before: "spec:\n\n    version: '1.4.2'@\n", after: "spec:\n  version: '1.5.0'@\n", want: true},
		"a layout that changes twice": {before: "\ne: 'f'\n# words\n\nx: 1.4.2@\n", after: "e: 'f'\n# words\n\nx: 1.5.0@\n", want: true},
		"written in another kind":     {before: text, after: strings.Replace(text, "1.4.2", "[1.5.0]", 1)},
		"what cannot be parsed":       {before: text, after: text + "\t: [\n"},
		"the value is in two places":  {before: text + "x: 1.4.2@\n", after: strings.ReplaceAll(text+"x: 1.4.2@\n", "1.4.2", "1.5.0"), want: true},
		"a marker for another suffix": {before: text, after: strings.Replace(text, "@", strings.Replace(pinComment, ":tag", ":name", 1), 1)},
	} {
		t.Run(name, func(t *testing.T) {
			mark := func(text string) []byte { return []byte(strings.ReplaceAll(text, "@", pinComment)) }
			admits := func(ref Ref, value string) bool { return ref == pin && value == "1.5.0" }
			if got := SetOnly("f.yaml", mark(tc.before), mark(tc.after), admits); got != tc.want {
				t.Errorf("SetOnly() = %v", got)
			}
		})
	}
	if SetOnly("f.txt", []byte(text), []byte(text), func(Ref, string) bool { return true }) {
		t.Error("Flux does not write such a file")
	}
}

// What Flux's own setter makes of a file is what it may have made of it, and no more is.
func TestSetOnlyAgreesWithFlux(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := []string{"a: b", "", "# words", "c:   d", "e: 'f'", "g: |", "  text", "h:", "- i", "--- ", "spec:", "    version: 1.4.2" + pinComment}
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom(lines)).Draw(t, "lines"), "\n") + "\nx: 1.4.2" + pinComment + "\n"
		written, set, err := setterPass([]byte(text), map[string]string{pin.String(): "1.5.0"})
		if err != nil || set == 0 {
			return
		}
		if len(liveMarkers(t, "f.yaml", []byte(text))) != set {
			return
		}
		admits := func(value string) func(Ref, string) bool {
			return func(ref Ref, is string) bool { return ref == pin && is == value }
		}
		if !SetOnly("f.yaml", []byte(text), written, admits("1.5.0")) {
			t.Fatalf("it is not seen in\n%s", written)
		}
		if SetOnly("f.yaml", []byte(text), written, admits("1.4.9")) || SetOnly("f.yaml", []byte(text), append(written, "zz: y\n"...), admits("1.5.0")) {
			t.Fatalf("too much is seen in\n%s", written)
		}
	})
}
