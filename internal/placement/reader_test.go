package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
)

func TestLines(t *testing.T) {
	const file = "mc/a.yaml"
	line := func(version, reason string) batch.Line {
		l := batch.Line{File: file, Line: 8, Value: version}
		if reason != "" {
			l.Problem = finding(reason)
		}
		return l
	}
	for name, tc := range map[string]struct {
		files map[string]string
		pin   Pin
		want  batch.Line
	}{
		"as it should be": {map[string]string{file: app("a", with("1.0.0", "a"))}, pinOf("a"), line("1.0.0", "")},
		"no marker":       {map[string]string{file: app("a", "1.0.0")}, pinOf("a"), line("1.0.0", "MarkerMissing")},
		"another marker": {map[string]string{file: app("a", with("1.0.0", "b"))}, pinOf("a"), batch.Line{
			File: file, Line: 8, Value: "1.0.0", Foreign: "org/pin.app.b", Problem: finding("ForeignMarker"),
		}},
		"its layout would change, which is refused": {
			map[string]string{file: "\n" + app("a", with("1.0.0", "a"))}, pinOf("a", refusesReformat),
			batch.Line{File: file, Line: 9, Value: "1.0.0", Problem: finding("WouldReformat")},
		},
		"its layout would change": {
			map[string]string{file: "\n" + app("a", with("1.0.0", "a"))}, pinOf("a"), batch.Line{File: file, Line: 9, Value: "1.0.0"},
		},
		"for more than the tag": {
			map[string]string{file: app("a", `1.0.0 # {"$imagepolicy": "org:pin.app.a"}`)}, pinOf("a"), line("1.0.0", "MarkerMissing"),
		},
		"copied in the file": {
			map[string]string{file: app("a", with("1.0.0", "a")) + "---\n" + app("b", with("1.0.0", "a"))}, pinOf("a"), line("1.0.0", "MarkerCopied"),
		},
		"copied in the folder": {
			map[string]string{file: app("a", with("1.0.0", "a")), "mc/sub/b.yaml": app("b", with("1.0.0", "a"))}, pinOf("a"), line("1.0.0", "MarkerCopied"),
		},
		"copied where Flux does not write": {
			map[string]string{file: app("a", with("1.0.0", "a")), "other/b.yaml": app("b", with("1.0.0", "a"))}, pinOf("a"), line("1.0.0", ""),
		},
		"a file that nobody can look into": {
			map[string]string{file: app("a", with("1.0.0", "a")), "mc/sub/huge.yaml": huge}, pinOf("a"), line("1.0.0", "TooLarge"),
		},
		"gone":              {map[string]string{}, pinOf("a"), batch.Line{Problem: finding("NotFound")}},
		"source is refused": {map[string]string{file: app("a", with("1.0.0", "a"))}, pinOf("a", refused), batch.Line{Problem: finding("SourceForbidden")}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := NewReader(mapFS(tc.files), nil).Lines("r1", []Pin{tc.pin})
			if err != nil {
				t.Fatal(err)
			}
			l := got.Lines[tc.pin.Key]
			if l.Problem != nil {
				t.Log(l.Problem.Message)
				l.Problem = finding(l.Problem.Reason)
			}
			if diff := cmp.Diff(tc.want, l); diff != "" || got.Revision != "r1" {
				t.Errorf("Lines at %s (-want +got):\n%s", got.Revision, diff)
			}
		})
	}
}
