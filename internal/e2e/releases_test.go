package e2e

import (
	"fmt"
	"strings"
	"testing"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

// helmRepository is where HelmReleases take charts from.
const helmRepository = `apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata:
  name: charts
  namespace: %[1]s
spec:
  type: oci
  insecure: true
  url: %[2]s
`

// templated is a HelmRelease that has its version itself.
const templated = `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: %[1]s
  namespace: %[2]s
spec:
  interval: 1h
  chart:
    spec:
      chart: %[3]s
      version: 1.0.0%[4]s
      sourceRef:
        kind: HelmRepository
        name: charts
`

// ociSource is an OCIRepository, of which the HelmRelease consumer takes its chart.
const ociSource = `apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata:
  name: %[1]s
  namespace: %[2]s
spec:
  interval: 1h
  insecure: true
  url: %[3]s
  ref:
    tag: 1.0.0%[4]s
`

const consumer = `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: %[1]s
  namespace: %[2]s
spec:
  interval: 1h
  chartRef:
    kind: OCIRepository
    name: %[3]s
`

// newReleaseFleet makes a namespace in which Flux applies four HelmReleases of one chart: two have their version themselves, one
// in the OCIRepository referred, and one in the OCIRepository source.
func newReleaseFleet(t *testing.T) *fleet {
	t.Helper()
	id := fmt.Sprintf("releases-%d", fleets.Add(1))
	f := &fleet{T: t, namespace: "org-" + id, chart: "chart-" + id, branch: gitserver.DefaultBranch}
	must(t, env.CreateNamespace(t.Context(), f.namespace))
	f.Helper()
	f.release("1.0.0")
	files := map[string]string{
		path("charts"):   fmt.Sprintf(helmRepository, f.namespace, strings.TrimSuffix(env.Registry.CatalogURL(), "/")),
		path("one"):      f.templated("one", ""),
		path("two"):      f.templated("two", ""),
		path("referred"): f.ociSource("referred", ""),
		path("refers"):   fmt.Sprintf(consumer, "refers", f.namespace, "referred"),
		path("source"):   f.ociSource("source", ""),
		path("consumes"): fmt.Sprintf(consumer, "consumes", f.namespace, "source"),
	}
	var err error
	f.repo, err = env.Git.Create(t.Context(), f.namespace, files)
	must(t, err)
	f.sync("gitops", f.repo)
	eventually(t, "the HelmReleases are installed", func() error { return f.releasesRun("1.0.0", "one", "two", "refers", "consumes") })
	return f
}

func (f *fleet) templated(name, marker string) string {
	return fmt.Sprintf(templated, name, f.namespace, f.chart, marker)
}

func (f *fleet) ociSource(name, marker string) string {
	return fmt.Sprintf(ociSource, name, f.namespace, env.Registry.CatalogURL()+f.chart, marker)
}

// pinned is the comment on the line of a pin.
func (f *fleet) pinned(pin string) string {
	return fmt.Sprintf(` # {"$imagepolicy": "%s:%s:tag"}`, f.namespace, pin)
}

// releasesRun complains unless HelmReleases run a version.
func (f *fleet) releasesRun(version string, names ...string) error {
	for _, name := range names {
		release := &helmv2.HelmRelease{}
		if err := env.Client.Get(f.Context(), client.ObjectKey{Namespace: f.namespace, Name: name}, release); err != nil {
			return err
		}
		latest := release.Status.History.Latest()
		if latest == nil {
			return fmt.Errorf("HelmRelease %s runs nothing: %+v", name, release.Status.Conditions)
		}
		if running, _, _ := strings.Cut(latest.ChartVersion, "+"); running != version || latest.Status != "deployed" {
			return fmt.Errorf("HelmRelease %s runs %s (%s), want %s", name, latest.ChartVersion, latest.Status, version)
		}
	}
	return nil
}

func ofTargets(targets ...v1alpha1.TargetReference) change {
	return func(p *v1alpha1.AppUpgradePolicy) { p.Spec.Targets = targets }
}

// hasFiles complains unless the files of the fleet that have versions have one, with the markers, and nothing else has changed.
func (f *fleet) hasFiles(version string) error {
	for name, want := range map[string]string{
		"one":      f.templated("one", f.pinned("pin.helmrelease.one")),
		"two":      f.templated("two", f.pinned("pin.helmrelease.two")),
		"referred": f.ociSource("referred", f.pinned("pin.helmrelease.refers")),
		"source":   f.ociSource("source", f.pinned("pin.ocirepository.source")),
		"refers":   fmt.Sprintf(consumer, "refers", f.namespace, "referred"),
	} {
		if got := f.file(name); got != strings.Replace(want, "1.0.0", version, 1) {
			return fmt.Errorf("%s is\n%s", path(name), got)
		}
	}
	return nil
}

// Flux's HelmReleases and OCIRepositories are upgraded in Git, wherever their version is written, and a version that Helm cannot
// install is taken back there.
func TestFluxKinds(t *testing.T) {
	f := newReleaseFleet(t)
	startOperator(t, environment.OperatorOptions{})
	f.policy("releases", ">=1.0.0", nil, onFailure(v1alpha1.FailureRollback), ofTargets(
		v1alpha1.TargetReference{Kind: "HelmRelease", Name: "one"}, v1alpha1.TargetReference{Kind: "HelmRelease", Name: "two"},
		v1alpha1.TargetReference{Kind: "HelmRelease", Name: "refers"}, v1alpha1.TargetReference{Kind: "OCIRepository", Name: "source"},
	))
	eventually(t, "the lines are marked", func() error { return f.hasFiles("1.0.0") })

	f.release("1.1.0")
	f.scan()
	reached := func(version string, state v1alpha1.TargetState) func() error {
		return func() error {
			if err := f.releasesRun(version, "one", "two", "refers", "consumes"); err != nil {
				return err
			}
			for _, target := range f.get("releases").Status.Targets {
				if target.Installed != version || target.State != state {
					return fmt.Errorf("%s %s is %s at %s (finding %+v)", target.Kind, target.Name, target.State, target.Installed, target.Finding)
				}
			}
			return f.atRest()
		}
	}
	eventually(t, "all run 1.1.0", reached("1.1.0", v1alpha1.TargetDeployed))
	must(t, f.hasFiles("1.1.0"))
	if n := len(f.upgrades()); n != 1 {
		t.Errorf("%d commits for one upgrade", n)
	}

	env.Releases.Fail(f.chart, "1.2.0", true)
	f.release("1.2.0")
	f.scan()
	eventually(t, "1.2.0 is blocked", func() error { return f.blocked("releases", "1.2.0") })
	eventually(t, "1.2.0 is taken back", func() error {
		if err := f.hasFiles("1.1.0"); err != nil {
			return err
		}
		for _, entry := range f.get("releases").Status.History {
			if entry.Result == "" {
				return fmt.Errorf("it has not ended: %+v", entry)
			}
		}
		if counts := f.get("releases").Status.Counts; counts == nil || counts.Healthy != 4 {
			return fmt.Errorf("counts are %+v", counts)
		}
		return f.releasesRun("1.1.0", "one", "two", "refers", "consumes")
	})
	if n := len(f.upgrades()); n != 3 {
		t.Errorf("%d commits, want two upgrades and the rollback", n)
	}

	// A HelmRelease that is suspended takes no part: it can neither prove a version nor fail with it.
	release := &helmv2.HelmRelease{}
	must(t, env.Client.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: "two"}, release))
	f.edit("Suspend two", map[string]string{path("two"): strings.Replace(f.file("two"), "  interval: 1h\n", "  interval: 1h\n  suspend: true\n", 1)})
	eventually(t, "two is suspended", func() error {
		must(t, env.Client.Get(t.Context(), client.ObjectKeyFromObject(release), release))
		if !release.Spec.Suspend {
			return fmt.Errorf("it is not")
		}
		return nil
	})
	f.release("1.3.0")
	f.scan()
	eventually(t, "the others run 1.3.0", func() error { return f.releasesRun("1.3.0", "one", "refers", "consumes") })
	must(t, f.releasesRun("1.1.0", "two"))
}
