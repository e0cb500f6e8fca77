package resolve

import (
	"strings"
	"testing"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// fluxWorld is a world with Flux's objects in place of the App: two HelmReleases that are applied from Git, of which one has its
// version itself and a HelmRepository, and the other an OCIRepository.
type fluxWorld struct {
	*world
	plain, referring *helmv2.HelmRelease
	repository       *sourcev1.HelmRepository
	source           *sourcev1.OCIRepository
}

func newFluxWorld(kind, name string) *fluxWorld {
	w := &fluxWorld{world: newWorld()}
	w.app, w.catalog = nil, nil
	w.policy.Spec.Targets = []v1alpha1.TargetReference{{Kind: kind, Name: name}}
	applied := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "org-acme", Name: name, Labels: map[string]string{
			KustomizationNameLabel: "mc", KustomizationNamespaceLabel: "default",
		}}
	}
	isReady := []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionTrue}}
	w.plain = &helmv2.HelmRelease{ObjectMeta: applied("plain"), Spec: helmv2.HelmReleaseSpec{Chart: &helmv2.HelmChartTemplate{
		Spec: helmv2.HelmChartTemplateSpec{
			Chart: "hello", Version: "1.2.3",
			SourceRef: helmv2.CrossNamespaceObjectReference{Kind: "HelmRepository", Name: "charts", Namespace: "flux-system"},
		},
	}}}
	w.plain.Status = helmv2.HelmReleaseStatus{Conditions: isReady, History: helmv2.Snapshots{{ChartVersion: "1.2.3", Status: "deployed"}}}
	w.referring = &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "org-acme", Name: "referring"}, Spec: helmv2.HelmReleaseSpec{
		ChartRef: &helmv2.CrossNamespaceSourceReference{Kind: "OCIRepository", Name: "source"},
	}}
	w.referring.Status = helmv2.HelmReleaseStatus{Conditions: isReady, History: helmv2.Snapshots{{ChartVersion: "1.2.3+abc", OCIDigest: "sha256:abc", Status: "deployed"}}}
	w.repository = &sourcev1.HelmRepository{
		ObjectMeta: metav1.ObjectMeta{Namespace: "flux-system", Name: "charts"},
		Spec:       sourcev1.HelmRepositorySpec{Type: "oci", URL: "oci://example.com/charts/"},
	}
	w.source = &sourcev1.OCIRepository{ObjectMeta: applied("source"), Spec: sourcev1.OCIRepositorySpec{
		URL: "oci://example.com/charts/hello", Reference: &sourcev1.OCIRepositoryRef{Tag: "v1.2.3"},
	}}
	w.source.Status = sourcev1.OCIRepositoryStatus{Conditions: isReady, Artifact: &meta.Artifact{Revision: "v1.2.3@sha256:abc"}}
	w.kustomization.Status.Inventory = &kustomizev1.ResourceInventory{Entries: []kustomizev1.ResourceRef{
		{ID: "org-acme_plain_helm.toolkit.fluxcd.io_HelmRelease"}, {ID: "org-acme_source_source.toolkit.fluxcd.io_OCIRepository"},
	}}
	return w
}

func (w *fluxWorld) target(t *testing.T) Target {
	t.Helper()
	w.others = append(w.others, w.plain, w.referring)
	if w.repository != nil {
		w.others = append(w.others, w.repository)
	}
	if w.source != nil {
		w.others = append(w.others, w.source)
	}
	result := w.resolve(t)
	if len(result.Targets) != 1 {
		t.Fatalf("got %+v", result)
	}
	return result.Targets[0]
}

func TestFluxTargets(t *testing.T) {
	type seen struct{ kind, version, written, field, chart, installed, status string }
	for name, test := range map[string]struct {
		kind, name string
		want       seen
	}{
		"version in the HelmRelease": {"HelmRelease", "plain", seen{
			"HelmRelease", "1.2.3", "HelmRelease plain", "spec.chart.spec.version", "oci://example.com/charts/hello", "1.2.3", "deployed",
		}},
		"version in its OCIRepository": {"HelmRelease", "referring", seen{
			"HelmRelease", "v1.2.3", "OCIRepository source", "spec.ref.tag", "oci://example.com/charts/hello", "1.2.3", "deployed",
		}},
		"OCIRepository": {"OCIRepository", "source", seen{
			"OCIRepository", "v1.2.3", "OCIRepository source", "spec.ref.tag", "oci://example.com/charts/hello", "1.2.3", "deployed",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			target := newFluxWorld(test.kind, test.name).target(t)
			if target.Finding != nil || target.Location == nil || target.Location.Source.Kustomization.Name != "mc" {
				t.Fatalf("finding %+v, location %+v", target.Finding, target.Location)
			}
			in, written := target.Input(), target.Facts.Written
			got := seen{
				in.Kind, in.Spec, written.Kind.Kind + " " + written.Object.GetName(), strings.Join(written.Field, "."), in.Chart, in.Installed, in.ReleaseStatus,
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(seen{})); diff != "" || !in.Verbatim {
				t.Error(diff)
			}
		})
	}
}

func TestFluxFindings(t *testing.T) {
	unsupported, missing, version := v1alpha1.ChartSourceUnsupportedReason, v1alpha1.ChartSourceMissingReason, v1alpha1.VersionUnsupportedReason
	for name, test := range map[string]struct {
		kind, name string
		edit       func(*fluxWorld)
		reason     string
		words      []string
	}{
		"no such HelmRelease":   {"HelmRelease", "absent", func(*fluxWorld) {}, v1alpha1.TargetMissingReason, []string{"HelmRelease org-acme/absent"}},
		"no such OCIRepository": {"OCIRepository", "absent", func(*fluxWorld) {}, v1alpha1.TargetMissingReason, []string{"OCIRepository org-acme/absent"}},
		"range":                 {"HelmRelease", "plain", func(w *fluxWorld) { w.plain.Spec.Chart.Spec.Version = "1.x" }, version, []string{`"1.x"`, "range", "1.2.3"}},
		"any version":           {"HelmRelease", "plain", func(w *fluxWorld) { w.plain.Spec.Chart.Spec.Version = "*" }, version, []string{`"*"`, "range"}},
		"no version":            {"HelmRelease", "plain", func(w *fluxWorld) { w.plain.Spec.Chart.Spec.Version = "" }, version, []string{"empty spec.chart.spec.version"}},
		"build metadata":        {"HelmRelease", "plain", func(w *fluxWorld) { w.plain.Spec.Chart.Spec.Version = "1.2.3+a" }, version, []string{"build metadata"}},
		"chart in Git": {"HelmRelease", "plain", func(w *fluxWorld) { w.plain.Spec.Chart.Spec.SourceRef.Kind = "GitRepository" }, unsupported,
			[]string{"GitRepository charts", "no effect", "type oci"}},
		"chart in a bucket, and a chart.url": {"HelmRelease", "plain", func(w *fluxWorld) {
			w.plain.Spec.Chart.Spec.SourceRef.Kind = "Bucket"
			w.policy.Spec.Chart = &v1alpha1.Chart{URL: "oci://example.com/charts/hello"}
		}, unsupported, []string{"Bucket charts"}},
		"HTTP repository":    {"HelmRelease", "plain", func(w *fluxWorld) { w.repository.Spec.Type = "default" }, unsupported, []string{"HelmRepository flux-system/charts", "chart.url"}},
		"no HelmRepository":  {"HelmRelease", "plain", func(w *fluxWorld) { w.repository = nil }, missing, []string{"HelmRepository flux-system/charts"}},
		"foreign repository": {"HelmRelease", "plain", func(w *fluxWorld) { w.resolver.NoCrossNamespaceRefs = true }, unsupported, []string{"--no-cross-namespace-refs"}},
		"no chart at all":    {"HelmRelease", "plain", func(w *fluxWorld) { w.plain.Spec.Chart = nil }, unsupported, []string{"neither"}},
		"chartRef to another kind": {"HelmRelease", "referring", func(w *fluxWorld) { w.referring.Spec.ChartRef.Kind = "HelmChart" }, unsupported,
			[]string{"HelmChart source", "OCIRepository"}},
		"chartRef to another namespace": {"HelmRelease", "referring", func(w *fluxWorld) { w.referring.Spec.ChartRef.Namespace = "flux-system" }, unsupported,
			[]string{"flux-system/source", "make a policy there"}},
		"no OCIRepository":   {"HelmRelease", "referring", func(w *fluxWorld) { w.source = nil }, missing, []string{"OCIRepository org-acme/source"}},
		"semver of chartRef": {"HelmRelease", "referring", func(w *fluxWorld) { w.source.Spec.Reference.SemVer = "1.x" }, version, []string{"spec.ref.semver", "spec.ref.tag"}},
		"digest":             {"OCIRepository", "source", func(w *fluxWorld) { w.source.Spec.Reference.Digest = "sha256:abc" }, version, []string{"spec.ref.digest"}},
		"no reference":       {"OCIRepository", "source", func(w *fluxWorld) { w.source.Spec.Reference = nil }, version, []string{"empty spec.ref.tag"}},
		"tag is no version":  {"OCIRepository", "source", func(w *fluxWorld) { w.source.Spec.Reference.Tag = "latest" }, version, []string{`"latest"`}},
		"not applied by it": {"OCIRepository", "source", func(w *fluxWorld) { w.kustomization.Status.Inventory.Entries = nil }, v1alpha1.KustomizationUnprovenReason,
			[]string{"OCIRepository org-acme/source"}},
		"others have its version": {"HelmRelease", "referring", func(w *fluxWorld) { w.others = append(w.others, w.sharer()) }, v1alpha1.LineSharedReason,
			[]string{"OCIRepository source", "(sharer)", "git.allowShared"}},
		"another namespace has its version": {"HelmRelease", "referring", func(w *fluxWorld) {
			sharer := w.sharer()
			sharer.Name, sharer.Namespace, sharer.Spec.ChartRef.Namespace = w.referring.Name, "org-other", w.referring.Namespace
			w.others = append(w.others, sharer)
		}, v1alpha1.LineSharedReason, []string{"OCIRepository source", "(one of another namespace)"}},
		"OCIRepository not from Git": {"HelmRelease", "referring", func(w *fluxWorld) { w.source.Labels = nil }, v1alpha1.KustomizationMissingReason,
			[]string{"OCIRepository org-acme/source", "git.sourceRef"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFluxWorld(test.kind, test.name)
			test.edit(w)
			got := w.target(t).Finding
			if got == nil || got.Reason != test.reason {
				t.Fatalf("got %+v, want %s", got, test.reason)
			}
			for _, word := range test.words {
				if !strings.Contains(got.Message, word) {
					t.Errorf("message lacks %q: %s", word, got.Message)
				}
			}
		})
	}
}

// sharer is another HelmRelease of the OCIRepository.
func (w *fluxWorld) sharer() *helmv2.HelmRelease {
	sharer := w.referring.DeepCopy()
	sharer.Name = "sharer"
	return sharer
}

func TestFluxShared(t *testing.T) {
	for name, edit := range map[string]func(*fluxWorld){
		"selected, too": func(w *fluxWorld) {
			w.policy.Spec.Targets[0] = v1alpha1.TargetReference{Kind: "HelmRelease", Selector: &metav1.LabelSelector{}}
		},
		"allowed": func(w *fluxWorld) { w.policy.Spec.Git = &v1alpha1.Git{AllowShared: true} },
		"by the OCIRepository": func(w *fluxWorld) {
			w.policy.Spec.Targets = append(w.policy.Spec.Targets, v1alpha1.TargetReference{Kind: "OCIRepository", Name: "source"})
		},
	} {
		w := newFluxWorld("HelmRelease", "referring")
		edit(w)
		w.others = append(w.others, w.plain, w.referring, w.sharer(), w.repository, w.source)
		for _, target := range w.resolve(t).Targets {
			if target.Finding != nil {
				t.Errorf("%s: %s: %+v", name, target.Name, target.Finding)
			}
		}
	}
}

func TestFluxExcused(t *testing.T) {
	for name, test := range map[string]struct {
		kind, name string
		edit       func(*fluxWorld)
		want       string
	}{
		"nobody":                         {"HelmRelease", "plain", func(*fluxWorld) {}, ""},
		"HelmRelease":                    {"HelmRelease", "plain", func(w *fluxWorld) { w.plain.Spec.Suspend = true }, "paused"},
		"HelmRelease with chartRef":      {"HelmRelease", "referring", func(w *fluxWorld) { w.referring.Spec.Suspend = true }, "paused"},
		"OCIRepository of a HelmRelease": {"HelmRelease", "referring", func(w *fluxWorld) { w.source.Spec.Suspend = true }, "paused"},
		"OCIRepository":                  {"OCIRepository", "source", func(w *fluxWorld) { w.source.Spec.Suspend = true }, "paused"},
		"all that install it":            {"OCIRepository", "source", func(w *fluxWorld) { w.referring.Spec.Suspend = true }, "paused"},
		"not applied by its Kustomization": {"HelmRelease", "plain", func(w *fluxWorld) {
			w.plain.Annotations = map[string]string{"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}
		}, "paused"},
	} {
		w := newFluxWorld(test.kind, test.name)
		test.edit(w)
		if got := w.target(t).Input().Excused; got != test.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// TestKindsTogether: a policy may have targets of several kinds, of one name too, and selectors take only their kind.
func TestKindsTogether(t *testing.T) {
	w := newFluxWorld("HelmRelease", "plain")
	w.policy.Spec.Targets = []v1alpha1.TargetReference{
		{Kind: "HelmRelease", Selector: &metav1.LabelSelector{}}, {Kind: "OCIRepository", Name: "source"},
	}
	w.others = append(w.others, w.plain, w.referring, w.repository, w.source, rival("of-another-kind", "plain"))
	var names []string
	for _, target := range w.resolve(t).Targets {
		names = append(names, target.Kind+" "+target.Name)
		if target.Finding != nil {
			t.Errorf("%s: %+v", target.Name, target.Finding)
		}
	}
	if diff := cmp.Diff([]string{"HelmRelease plain", "HelmRelease referring", "OCIRepository source"}, names); diff != "" {
		t.Error(diff)
	}
}
