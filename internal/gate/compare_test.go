package gate

import (
	"testing"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// FuzzCompare: the shorter ways agree with package versions.
func FuzzCompare(f *testing.F) {
	texts := []string{
		"1.4.0", "v1.4.0", "vv1.4.0", "1.4.1", "1.5.0", "2.0.0", "01.4.0", "1.04.0", "1.4", "1.4.0.0", "1..0", "1.4.", ".4.0", "", "0.0.0", "1.4.0-rc.1",
		"1.4.0+b", "999999999999999999.0.0", "1000000000000000000.0.0", "18446744073709551616.0.0", "1.4.0 ", "latest",
	}
	for _, a := range texts {
		for _, b := range texts {
			f.Add(a, b)
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if _, err := versions.Parse(a); isVersion(a) != (err == nil) {
			t.Errorf("isVersion(%q) = %v, but %v", a, isVersion(a), err)
		}
		if newer(a, b) != versions.Newer(a, b) {
			t.Errorf("newer(%q, %q) = %v", a, b, newer(a, b))
		}
		got, ok := changeOf(a, b)
		if want, wantOK := versions.ChangeOf(a, b); got != want || ok != wantOK {
			t.Errorf("changeOf(%q, %q) = %v, %v, want %v, %v", a, b, got, ok, want, wantOK)
		}
		for _, step := range []v1alpha1.Step{v1alpha1.StepMinor, v1alpha1.StepMajor} {
			left, leftOK := versions.StepOf(a, step)
			right, rightOK := versions.StepOf(b, step)
			if want := leftOK && rightOK && left == right; sameStep(a, b, step) != want {
				t.Errorf("sameStep(%q, %q, %s) = %v", a, b, step, !want)
			}
		}
	})
}
