package versions

import (
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// FuzzWithin: a version is in the composed range exactly if it is in the range, in the span, and not left out.
func FuzzWithin(f *testing.F) {
	f.Add(">=1.0.0 <2.0.0 || 1.0.0 - 1.4.2", "1.3.2", true, "1.4.0", "1.4.1")
	f.Add("1||2 - 3", "1.9.0", false, "2.0.0", "2.0.1")
	f.Add("*-0", "1.0.0-rc.1", true, "1.1.0-0", "1.1.0-rc.1")
	f.Add("x.1|2", "0.9.0", false, "1.0.0", "1.0.1")
	f.Add(">=0.0.0+a-b", "0.0.0", true, "0.1.0", "0.1.0-rc.1")
	f.Fuzz(func(t *testing.T, text, current string, minor bool, excluded, tag string) {
		step := v1alpha1.StepMajor
		if minor {
			step = v1alpha1.StepMinor
		}
		whole, err := ParseRange(text)
		if err != nil {
			return
		}
		search, err := NewSearch(current, step)
		if err != nil {
			return
		}
		again, err := ParseSearch(search.String())
		if err != nil || again != search {
			t.Fatalf("%q reads as %q, %v", search, again, err)
		}
		composed, err := search.Within(text, []string{excluded}, nil)
		if err != nil {
			return
		}
		if len(composed) > semver.MaxConstraintLen {
			t.Fatalf("%q is too long for Flux", composed)
		}
		within, err := ParseRange(composed)
		if err != nil {
			t.Fatalf("%q for %q is %q: %v", text, search, composed, err)
		}
		of, ok := StepOf(tag, step)
		want := ok && of == search.From && whole.Contains(tag) && !Same(tag, excluded)
		if got := within.Contains(tag); got != want {
			t.Fatalf("%q for %q without %q is %q: contains %q is %v", text, search, excluded, composed, tag, got)
		}
	})
}
