package rollout

import (
	"reflect"
	"strings"
	"testing"
)

// TestHealth knows what the words of Helm mean, and that trouble is about the spec's version whatever runs.
func TestHealth(t *testing.T) {
	type verdict struct{ deployed, failing, hopeless bool }
	for name, tc := range map[string]struct {
		status  string
		trouble Trouble
		want    verdict
	}{
		"nothing is known": {},
		"deployed":         {status: "deployed", want: verdict{deployed: true}},
		"failed":           {status: "failed", want: verdict{failing: true, hopeless: true}},
		"at work":          {status: "pending-upgrade"},
		"passing":          {status: "chart-pull-failed", trouble: TroublePassing, want: verdict{failing: true}},
		"lasting":          {status: "invalid-manifest", trouble: TroubleLasting, want: verdict{failing: true, hopeless: true}},
	} {
		t.Run(name, func(t *testing.T) {
			target := Target{Spec: "v1.5.0", Installed: "1.5.0", ReleaseStatus: tc.status, Trouble: tc.trouble}
			failing, hopeless := Failing(target)
			if got := (verdict{Deployed(target), failing, hopeless}); got != tc.want {
				t.Errorf("is %+v, want %+v", got, tc.want)
			}
		})
	}
}

// TestStatusOfAnotherVersion: a status has no observed generation, so what it says of another version is of before.
func TestStatusOfAnotherVersion(t *testing.T) {
	for name, tc := range map[string]struct {
		target            Target
		deployed, failing bool
	}{
		"deployed before": {target: Target{Spec: "1.5.0", Installed: "1.4.0", ReleaseStatus: "deployed"}},
		"failed before":   {target: Target{Spec: "1.5.0", Installed: "1.4.0", ReleaseStatus: "failed"}},
		"failed now":      {target: Target{Spec: "1.5.0", Installed: "1.5.0", ReleaseStatus: "failed"}, failing: true},
		"no spec":         {target: Target{Installed: "", ReleaseStatus: "deployed"}},
		"refused, which blanks the version": {
			target: Target{Spec: "1.5.0", Installed: "", ReleaseStatus: "validation-failed", Trouble: TroubleLasting}, failing: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			failing, _ := Failing(tc.target)
			if got := Deployed(tc.target); got != tc.deployed || failing != tc.failing {
				t.Errorf("deployed %v, failing %v", got, failing)
			}
		})
	}
}

// TestNothingOfAStatusIsInput: a status that is lost changes no decision, because none goes into one.
func TestNothingOfAStatusIsInput(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var look func(of reflect.Type, path string)
	look = func(of reflect.Type, path string) {
		if seen[of] {
			return
		}
		seen[of] = true
		if strings.HasPrefix(of.PkgPath(), "github.com/giantswarm/app-upgrade-operator/api/") && of.Kind() == reflect.Struct {
			t.Errorf("%s is a %s of the API, which may be a status", path, of)
		}
		switch of.Kind() {
		case reflect.Struct:
			for field := range of.NumField() {
				look(of.Field(field).Type, path+"."+of.Field(field).Name)
			}
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			look(of.Elem(), path)
		}
	}
	look(reflect.TypeFor[Input](), "Input")
	if len(seen) < 20 {
		t.Errorf("looked at %d types only", len(seen))
	}
}
