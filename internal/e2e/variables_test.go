package e2e

import (
	"fmt"
	"strings"
	"testing"

	fluxmeta "github.com/fluxcd/pkg/apis/meta"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
)

// tenantFile is the manifest of a Flux Kustomization that sets the versions of the Apps which it applies, and
// configMapFile that of the ConfigMap from which it may have them.
const (
	tenantFile    = "apps/tenant.yaml"
	configMapFile = "apps/versions.yaml"
)

// setInline sets variables in the Kustomization itself, and setByConfigMap some of them in the ConfigMap, too.
const (
	setInline = `    substitute:
      cluster: dev
      hello_version: 1.0.0
`
	setByConfigMap = `    substitute:
      cluster: dev
    substituteFrom:
    - kind: Secret
      name: none
      optional: true
    - kind: ConfigMap
      name: versions
`
)

// tenant is the manifest of the Kustomization, with what it says of variables.
func (f *fleet) tenant(variables string) string {
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
%s`, f.namespace, variables)
}

// versions is the manifest of the ConfigMap. The label makes Flux apply what takes variables from it as soon as it changes.
func (f *fleet) versions() string {
	return fmt.Sprintf(`apiVersion: v1
kind: ConfigMap
metadata:
  name: versions
  namespace: %s
  labels:
    %s: %s
data:
  cluster: nobody
  hello_version: 1.0.0
`, f.namespace, fluxmeta.LabelKeyWatch, fluxmeta.LabelValueWatchEnabled)
}

// The version of an App is a variable of the Kustomization that applies it: the marker stands where the variable is set, and
// Flux writes the version there.
func TestVersionIsVariable(t *testing.T) {
	f := newFleet(t, map[string]string{"alone": "1.0.0"})
	f.edit("A tenant with variables", f.tenantFiles(setInline))
	f.upgradesVariable(tenantFile)
}

// The same with a variable of a ConfigMap, which Flux applies from the repository, too.
func TestVersionIsVariableOfConfigMap(t *testing.T) {
	f := newFleet(t, map[string]string{"alone": "1.0.0"})
	all := f.tenantFiles(setByConfigMap)
	all[configMapFile] = f.versions()
	f.edit("A tenant with variables of a ConfigMap", all)
	f.upgradesVariable(configMapFile)
	if got, want := f.content(tenantFile), all[tenantFile]; got != want {
		t.Errorf("the manifest of the Kustomization is\n%s", got)
	}
}

// tenantFiles are the tenant and its Apps, of which one has a version that nobody sets.
func (f *fleet) tenantFiles(variables string) map[string]string {
	return map[string]string{
		tenantFile:          f.tenant(variables),
		"tenant/hello.yaml": f.manifest("${cluster}-hello", "${hello_version}"),
		"tenant/other.yaml": f.manifest("${cluster}-other", "${other_version:=1.0.0}"),
	}
}

// upgradesVariable lets a policy upgrade the tenant's Apps, whose version is set in the file.
func (f *fleet) upgradesVariable(file string) {
	f.Helper()
	unmarked := f.content(file)
	for _, app := range []string{"dev-hello", "dev-other"} {
		eventually(f.T, app+" is installed", func() error { return f.deployed(app, "1.0.0") })
	}
	startOperator(f.T, environment.OperatorOptions{})
	f.policy("variable", ">=1.0.0", []string{"dev-hello", "dev-other"})
	eventually(f.T, "the line of the variable is marked", func() error {
		marker := markers.Ref{Namespace: f.namespace, Policy: "pin.app.dev-hello"}.Comment()
		want := strings.Replace(unmarked, "hello_version: 1.0.0", "hello_version: 1.0.0 "+marker, 1)
		if got := f.content(file); got != want {
			return fmt.Errorf("%s is\n%s", file, got)
		}
		return f.atRest()
	})
	eventually(f.T, "a variable that nobody sets is a finding", func() error {
		return f.target("variable", "dev-other", withFinding(markers.Substituted))
	})
	f.release("1.1.0")
	f.scan()
	eventually(f.T, "the App is upgraded, and all is at rest", func() error {
		if err := f.target("variable", "dev-hello", inState(v1alpha1.TargetDeployed)); err != nil {
			return err
		}
		if err := f.deployed("dev-hello", "1.1.0"); err != nil {
			return err
		}
		return f.atRest()
	})
	if text := f.content(file); !strings.Contains(text, "hello_version: 1.1.0 # {") {
		f.Errorf("%s is\n%s", file, text)
	}
	must(f.T, f.deployed("dev-other", "1.0.0"))
	f.onlyMarkersAndUpgrades()
}

// Nobody sets the variable in the App's name, and Flux takes its default, since it always substitutes: the App is found.
func TestNameIsDefault(t *testing.T) {
	const file = "tenant/hello.yaml"
	f := newFleet(t, map[string]string{"alone": "1.0.0"})
	f.edit("A tenant without variables", map[string]string{
		tenantFile: f.tenant("    substituteStrategy: Always\n"), file: f.manifest("${cluster:=dev}-hello", "1.0.0"),
	})
	eventually(t, "the App is installed", func() error { return f.deployed("dev-hello", "1.0.0") })
	startOperator(t, environment.OperatorOptions{})
	f.policy("default", ">=1.0.0", []string{"dev-hello"})
	eventually(t, "the App is marked", func() error {
		return f.target("default", "dev-hello", inState(v1alpha1.TargetCurrent))
	})
	f.release("1.1.0")
	f.scan()
	eventually(t, "the App is upgraded", func() error { return f.upgraded("1.1.0", "dev-hello") })
	if text := f.content(file); !strings.Contains(text, "version: 1.1.0 # {") {
		t.Errorf("%s is\n%s", file, text)
	}
	f.onlyMarkersAndUpgrades()
}
