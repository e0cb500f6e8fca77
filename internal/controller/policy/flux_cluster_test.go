package policy

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/hack/local/crds"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
)

// A cluster may know only the kinds that its users have: what is missing stops the policies that need it, and no others.
func (e *environment) testFluxMissing(t *testing.T) {
	f := &fleet{environment: e, t: t, namespace: e.cluster.Namespace(t)}
	f.policy("apps", nil, "one")
	f.says("apps", v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.FluxMissingReason)
	f.policy("releases", ofKind("HelmRelease", "one"))
	f.policy("gone", nil, "two")
	f.says("gone", v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.FluxMissingReason)
	f.delete("gone", &v1alpha1.AppUpgradePolicy{})
	f.gone("gone", &v1alpha1.AppUpgradePolicy{})

	dirs, err := crds.Dirs()
	must(t, err)
	flux, err := filepath.Glob(filepath.Join(dirs[0], "*.yaml"))
	must(t, err)
	var helm string
	for i, path := range flux {
		if strings.Contains(path, "helmreleases") {
			helm, flux = path, append(flux[:i:i], flux[i+1:]...)
			break
		}
	}
	must(t, e.cluster.InstallCRDs(t.Context(), flux...))
	f.lacks("apps", "App (application.giantswarm.io/v1alpha1)", "Giant Swarm's App Platform")
	f.lacks("releases", "HelmRelease (helm.toolkit.fluxcd.io/v2)", "helm-controller")
	must(t, e.cluster.InstallCRDs(t.Context(), helm)) // nobody tells the policies
	f.finds("releases", "one", v1alpha1.TargetMissingReason)
	f.lacks("apps", "App (application.giantswarm.io/v1alpha1)", "Giant Swarm's App Platform")
	must(t, e.cluster.InstallCRDs(t.Context(), dirs[1]))
	f.finds("apps", "one", v1alpha1.TargetMissingReason)
}

// lacks waits until a policy says that the cluster lacks one kind, and what brings it, and nothing else.
func (f *fleet) lacks(policy, kind, install string) {
	f.t.Helper()
	f.asks(policy)
	cluster.Eventually(f.t, func() error {
		condition := f.says(policy, v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.FluxMissingReason)
		if !strings.Contains(condition.Message, kind) || !strings.Contains(condition.Message, install) || strings.Contains(condition.Message, "ImagePolicy") {
			return wrong("message is %q", condition.Message)
		}
		return nil
	})
}

// asks asks for a look at a policy.
func (f *fleet) asks(policy string) {
	f.t.Helper()
	change(f, policy, &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) {
		p.Annotations = map[string]string{v1alpha1.ReconcileRequestAnnotation: time.Now().Format(time.RFC3339Nano)}
	})
}

// ofKind gives a policy one target.
func ofKind(kind, name string) func(*v1alpha1.AppUpgradePolicySpec) {
	return func(s *v1alpha1.AppUpgradePolicySpec) {
		s.Targets = []v1alpha1.TargetReference{{Kind: kind, Name: name}}
	}
}

func (e *environment) testHelmRelease(t *testing.T) {
	f := e.newFleet(t)
	f.create(f.release("one", helmv2.HelmReleaseSpec{Chart: &helmv2.HelmChartTemplate{Spec: helmv2.HelmChartTemplateSpec{
		Chart: "hello", Version: "v1.0.0", SourceRef: helmv2.CrossNamespaceObjectReference{Kind: "HelmRepository", Name: "charts"},
	}}}))
	f.applies(f.namespace + "_one_helm.toolkit.fluxcd.io_HelmRelease")
	f.policy("policy", ofKind("HelmRelease", "one"))
	f.finds("policy", "one", v1alpha1.ChartSourceMissingReason)
	f.create(&sourcev1.HelmRepository{ObjectMeta: f.named("charts"), Spec: sourcev1.HelmRepositorySpec{URL: "oci://registry.example.com/charts", Type: "oci"}})
	f.scanned()
	f.intendsFor("HelmRelease", "one", func(i pin.Intent) error {
		want := pin.Target{
			APIVersion: "helm.toolkit.fluxcd.io/v2", Kind: "HelmRelease", Namespace: f.namespace, Name: "one",
			Field: []string{"spec", "chart", "spec", "version"}, Verbatim: true,
		}
		if diff := cmp.Diff(want, i.Place()); diff != "" || i.Written != nil || !i.Mark {
			return wrong("intent is %+v: %s", i, diff)
		}
		return nil
	})
	f.remembersFor("HelmRelease", "one", marked("v1.0.0"))
	f.selects("policy", "v1.5.0")
	f.intendsFor("HelmRelease", "one", func(i pin.Intent) error {
		if i.Want != "v1.5.0" {
			return wrong("wants %q", i.Want)
		}
		return nil
	})
	moved := marked("v1.5.0")
	moved.From, moved.Wanted, moved.Commit = "v1.0.0", "v1.5.0", "c1"
	f.remembersFor("HelmRelease", "one", moved)
	change(f, "one", &helmv2.HelmRelease{}, false, func(r *helmv2.HelmRelease) { r.Spec.Chart.Spec.Version = "v1.5.0" })
	f.stateOf("policy", "one", v1alpha1.TargetApplied, "")
	f.runs("one", "1.5.0", "")
	f.stateOf("policy", "one", v1alpha1.TargetDeployed, "1.5.0")
}

// A HelmRelease with a chartRef has its version in its OCIRepository, and what applies that one counts.
func (e *environment) testChartRef(t *testing.T) {
	f := e.newFleet(t)
	f.source("source", "1.0.0")
	f.create(f.release("one", helmv2.HelmReleaseSpec{ChartRef: &helmv2.CrossNamespaceSourceReference{Kind: "OCIRepository", Name: "source"}}))
	f.policy("policy", ofKind("HelmRelease", "one"))
	f.finds("policy", "one", v1alpha1.KustomizationUnprovenReason)
	f.applies(f.namespace + "_source_source.toolkit.fluxcd.io_OCIRepository")
	f.scanned()
	f.intendsFor("HelmRelease", "one", func(i pin.Intent) error {
		want := pin.Target{
			APIVersion: "source.toolkit.fluxcd.io/v1", Kind: "OCIRepository", Namespace: f.namespace, Name: "source",
			Field: []string{"spec", "ref", "tag"},
		}
		if diff := cmp.Diff(want, i.Place()); diff != "" || i.Target.Kind != "HelmRelease" || i.Target.Name != "one" {
			return wrong("intent is %+v: %s", i, diff)
		}
		return nil
	})
	f.remembersFor("HelmRelease", "one", marked("1.0.0"))
	f.selects("policy", "1.0.0")
	f.runs("one", "1.0.0", "sha256:abc")
	f.stateOf("policy", "one", v1alpha1.TargetCurrent, "1.0.0")
}

// An OCIRepository runs what the HelmReleases run that name it.
func (e *environment) testOCIRepository(t *testing.T) {
	f := e.newFleet(t)
	f.source("source", "1.0.0")
	f.applies(f.namespace + "_source_source.toolkit.fluxcd.io_OCIRepository")
	f.policy("policy", ofKind("OCIRepository", "source"))
	f.scanned()
	f.remembersFor("OCIRepository", "source", marked("1.0.0"))
	f.selects("policy", "1.0.0")
	f.healthy("policy", 1)
	f.create(f.release("late", helmv2.HelmReleaseSpec{ChartRef: &helmv2.CrossNamespaceSourceReference{Kind: "OCIRepository", Name: "source"}}))
	f.healthy("policy", 0)
	f.runs("late", "1.0.0+abc", "sha256:abc")
	f.healthy("policy", 1)
}

// release is a HelmRelease that the Kustomization seems to have applied.
func (f *fleet) release(name string, spec helmv2.HelmReleaseSpec) *helmv2.HelmRelease {
	release := &helmv2.HelmRelease{ObjectMeta: f.named(name), Spec: spec}
	release.Labels = f.labels()
	release.Spec.Interval = metav1.Duration{Duration: time.Hour}
	return release
}

func (f *fleet) labels() map[string]string {
	return map[string]string{resolve.KustomizationNameLabel: "apps", resolve.KustomizationNamespaceLabel: f.namespace}
}

// source creates an OCIRepository that has pulled a tag.
func (f *fleet) source(name, tag string) {
	f.t.Helper()
	source := &sourcev1.OCIRepository{ObjectMeta: f.named(name), Spec: sourcev1.OCIRepositorySpec{
		URL: "oci://registry.example.com/charts/hello", Reference: &sourcev1.OCIRepositoryRef{Tag: tag}, Interval: metav1.Duration{Duration: time.Hour},
	}}
	source.Labels = f.labels()
	f.create(source)
	change(f, name, &sourcev1.OCIRepository{}, true, func(s *sourcev1.OCIRepository) {
		s.Status.ObservedGeneration = s.Generation
		s.Status.Artifact = &meta.Artifact{
			Path: "p", URL: "http://source.example.com/p", Revision: tag + "@sha256:abc", Digest: "sha256:def", LastUpdateTime: metav1.Now(),
		}
		s.Status.Conditions = isReady(s.Generation)
	})
}

func isReady(generation int64) []metav1.Condition {
	return []metav1.Condition{{
		Type: meta.ReadyCondition, Status: metav1.ConditionTrue, Reason: meta.SucceededReason, ObservedGeneration: generation, LastTransitionTime: metav1.Now(),
	}}
}

// runs plays helm-controller that has installed a version of a chart.
func (f *fleet) runs(name, version, digest string) {
	f.t.Helper()
	change(f, name, &helmv2.HelmRelease{}, true, func(r *helmv2.HelmRelease) {
		r.Status.ObservedGeneration, r.Status.LastAttemptedGeneration, r.Status.LastAttemptedRevision = r.Generation, r.Generation, version
		r.Status.History = helmv2.Snapshots{{
			Version: 1, Name: name, Namespace: f.namespace, Status: "deployed", ChartName: "hello", ChartVersion: version, OCIDigest: digest,
			Digest: "sha256:1", ConfigDigest: "sha256:2", FirstDeployed: metav1.Now(), LastDeployed: metav1.Now(),
		}}
		r.Status.Conditions = isReady(r.Generation)
	})
}

// applies adds an entry to the inventory of the Kustomization.
func (f *fleet) applies(id string) {
	f.t.Helper()
	change(f, "apps", &kustomizev1.Kustomization{}, true, func(k *kustomizev1.Kustomization) {
		if k.Status.Inventory == nil {
			k.Status.Inventory = &kustomizev1.ResourceInventory{}
		}
		k.Status.Inventory.Entries = append(k.Status.Inventory.Entries, kustomizev1.ResourceRef{ID: id, Version: "v1"})
	})
}

func (f *fleet) intendsFor(kind, name string, check func(pin.Intent) error) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		object := &imagev1.ImagePolicy{}
		if err := f.get(pin.Name(kind, name), object); err != nil {
			return err
		}
		intent, err := pin.IntentOf(object)
		if err != nil {
			return err
		}
		return check(intent)
	})
}

func (f *fleet) remembersFor(kind, name string, memory pin.Memory) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error { return f.get(pin.Name(kind, name), &imagev1.ImagePolicy{}) })
	change(f, pin.Name(kind, name), client.Object(&imagev1.ImagePolicy{}), false, func(p client.Object) {
		annotations := p.GetAnnotations()
		annotations[pin.MemoryAnnotation] = memory.Encode()
		p.SetAnnotations(annotations)
	})
}

// stateOf waits until a target is in a state, and runs a version unless that is empty.
func (f *fleet) stateOf(policy, name string, state v1alpha1.TargetState, installed string) {
	f.t.Helper()
	f.target(policy, name, func(target v1alpha1.TargetStatus) bool {
		return target.State == state && (installed == "" || target.Installed == installed)
	})
}

// healthy waits until so many targets of a policy are healthy.
func (f *fleet) healthy(policy string, count int32) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		object := &v1alpha1.AppUpgradePolicy{}
		if err := f.get(policy, object); err != nil {
			return err
		}
		if object.Status.Counts == nil || object.Status.Counts.Healthy != count {
			return wrong("counts are %+v", object.Status.Counts)
		}
		return nil
	})
}
