package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
)

// tenantFile is the manifest of a Flux Kustomization that sets the versions of the Apps which it applies.
const tenantFile = "apps/tenant.yaml"

func (f *fleet) tenant() string {
	return fmt.Sprintf(`apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: tenant
  namespace: %s
spec:
  interval: 1m
  retryInterval: 2s
  path: ./tenant
  prune: true
  sourceRef:
    kind: GitRepository
    name: gitops
  postBuild:
    substitute:
      cluster: dev
      hello_version: 1.0.0
`, f.namespace)
}

// The version of an App is a variable of the Kustomization that applies it: the marker stands where the variable is set, and
// Flux writes the version there.
func TestVersionIsVariable(t *testing.T) {
	f := newFleet(t, map[string]string{"alone": "1.0.0"})
	f.edit("A tenant with variables", map[string]string{
		tenantFile:          f.tenant(),
		"tenant/hello.yaml": f.manifest("${cluster}-hello", "${hello_version}"),
		"tenant/other.yaml": f.manifest("${cluster}-other", "${other_version:=1.0.0}"),
	})
	for _, app := range []string{"dev-hello", "dev-other"} {
		eventually(t, app+" is installed", func() error { return f.deployed(app, "1.0.0") })
	}
	startOperator(t, environment.OperatorOptions{})
	f.policy("variable", ">=1.0.0", []string{"dev-hello", "dev-other"})
	eventually(t, "the line of the variable is marked", func() error {
		marker := markers.Ref{Namespace: f.namespace, Policy: "pin.app.dev-hello"}.Comment()
		want := strings.Replace(f.tenant(), "hello_version: 1.0.0", "hello_version: 1.0.0 "+marker, 1)
		if got := f.content(tenantFile); got != want {
			return fmt.Errorf("the manifest is\n%s", got)
		}
		return f.atRest()
	})
	eventually(t, "a variable that nobody sets is a finding", func() error {
		return f.target("variable", "dev-other", withFinding(markers.Substituted))
	})
	f.release("1.1.0")
	f.scan()
	eventually(t, "the App is upgraded, and all is at rest", func() error {
		if err := f.target("variable", "dev-hello", inState(v1alpha1.TargetDeployed)); err != nil {
			return err
		}
		if err := f.deployed("dev-hello", "1.1.0"); err != nil {
			return err
		}
		return f.atRest()
	})
	if text := f.content(tenantFile); !strings.Contains(text, "hello_version: 1.1.0 # {") {
		t.Errorf("the manifest is\n%s", text)
	}
	must(t, f.deployed("dev-other", "1.0.0"))
	f.onlyMarkersAndUpgrades()
}
