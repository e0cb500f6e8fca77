package rollout

import (
	"reflect"
	"strings"
	"testing"
)

// TestStatusStrings knows every word that a release's status can be.
func TestStatusStrings(t *testing.T) {
	type verdict struct{ deployed, failing, hopeless bool }
	cases := map[string]verdict{
		"deployed": {deployed: true}, "failed": {failing: true, hopeless: true},
		"invalid-manifest": {failing: true, hopeless: true}, "validation-failed": {failing: true, hopeless: true}, "values-schema-violation": {failing: true, hopeless: true},
	}
	for word := range strings.FieldsSeq("not-installed chart-pull-failed already-exists unknown-error app-not-found app-version-not-found " +
		"catalog-empty index-not-found configmap-merge-failed secret-merge-failed resource-not-found cordon-failed") {
		cases[word] = verdict{failing: true}
	}
	for word := range strings.FieldsSeq("pending-install pending-upgrade pending-rollback superseded uninstalling uninstalled unknown CORDONED cordoned") {
		cases[word] = verdict{}
	}
	cases[""] = verdict{}
	for word, want := range cases {
		t.Run(word, func(t *testing.T) {
			target := Target{Spec: "v1.5.0", Installed: "1.5.0", ReleaseStatus: word}
			failing, hopeless := Failing(target)
			if got := (verdict{Deployed(target), failing, hopeless}); got != want {
				t.Errorf("is %+v, want %+v", got, want)
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
			target: Target{Spec: "1.5.0", Installed: "", ReleaseStatus: "validation-failed"}, failing: true,
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
