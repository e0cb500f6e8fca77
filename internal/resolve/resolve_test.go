package resolve

import (
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func TestResolve(t *testing.T) {
	result := newWorld().resolve(t)
	if result.Problem != nil || result.Chart != "oci://example.com/charts/hello-world" || len(result.Targets) != 1 {
		t.Fatalf("got %+v", result)
	}
	target := result.Targets[0]
	if target.Finding != nil {
		t.Fatalf("finding %+v", target.Finding)
	}
	want := &Location{
		Source: pin.Source{
			Repository:    pin.NamespacedName{Namespace: "default", Name: "fleet"},
			Kustomization: pin.NamespacedName{Namespace: "default", Name: "mc"},
		},
		RepositoryKey: gitops.Key("https://git.example.com/fleet", "main"),
		Revision:      "main@sha1:abc",
	}
	if diff := cmp.Diff(want, target.Location); diff != "" {
		t.Error(diff)
	}
	if in := target.Input(); in.Spec != "v1.2.3" || in.Kind != "App" || in.Name != "hello" || in.Installed != "" {
		t.Errorf("input is %+v", in)
	}
}

func TestFindings(t *testing.T) {
	tests := map[string]struct {
		edit   func(*world)
		reason string
		// words that the message must have.
		words []string
	}{
		"no such App": {func(w *world) { w.app = nil }, v1alpha1.TargetMissingReason, []string{"org-acme/hello"}},
		"App going": {func(w *world) {
			w.app.Finalizers = []string{"example.com/wait"}
			w.app.DeletionTimestamp = &metav1.Time{Time: metav1.Now().Time}
		}, v1alpha1.TargetMissingReason, []string{"deleted"}},
		"no version":       {func(w *world) { w.app.Spec.Version = "" }, v1alpha1.VersionUnsupportedReason, []string{"empty"}},
		"no semver":        {func(w *world) { w.app.Spec.Version = "1.2" }, v1alpha1.VersionUnsupportedReason, []string{`"1.2"`}},
		"build metadata":   {func(w *world) { w.app.Spec.Version = "1.2.3+abc" }, v1alpha1.VersionUnsupportedReason, []string{"build metadata"}},
		"no catalog":       {func(w *world) { w.catalog = nil }, v1alpha1.CatalogMissingReason, []string{"stable", "default or giantswarm"}},
		"catalog of other": {func(w *world) { w.app.Spec.CatalogNamespace = new("elsewhere") }, v1alpha1.CatalogMissingReason, []string{"elsewhere"}},
		"no OCI": {func(w *world) {
			w.catalog.Spec.Repositories = []appv1alpha1.Repository{{Type: "oci", URL: "https://charts.example.com"}}
			w.catalog.Spec.Storage = appv1alpha1.Repository{Type: "oci", URL: "http://charts.example.com"}
		}, v1alpha1.CatalogNotOCIReason, []string{"giantswarm/stable", "oci://"}},
		"no labels":        {func(w *world) { w.app.Labels = nil }, v1alpha1.KustomizationMissingReason, []string{"git.sourceRef"}},
		"half the labels":  {func(w *world) { delete(w.app.Labels, KustomizationNamespaceLabel) }, v1alpha1.KustomizationMissingReason, nil},
		"no Kustomization": {func(w *world) { w.kustomization = nil }, v1alpha1.KustomizationMissingReason, []string{"default/mc"}},
		"not in inventory": {func(w *world) { w.kustomization.Status.Inventory = inventory("other") }, v1alpha1.KustomizationUnprovenReason, []string{"default/mc", "inventory"}},
		"no inventory":     {func(w *world) { w.kustomization.Status.Inventory = nil }, v1alpha1.KustomizationUnprovenReason, nil},
		"another cluster": {func(w *world) { w.kustomization.Spec.KubeConfig = &meta.KubeConfigReference{} },
			v1alpha1.KustomizationUnprovenReason, []string{"another cluster"}},
		"source kind":   {func(w *world) { w.kustomization.Spec.SourceRef.Kind = "OCIRepository" }, v1alpha1.SourceUnsupportedReason, []string{"OCIRepository fleet"}},
		"tag":           {func(w *world) { w.repository.Spec.Reference.Tag = "v1" }, v1alpha1.SourceUnsupportedReason, []string{"branch"}},
		"range":         {func(w *world) { w.repository.Spec.Reference.SemVer = "1.x" }, v1alpha1.SourceUnsupportedReason, nil},
		"commit":        {func(w *world) { w.repository.Spec.Reference.Commit = "abc" }, v1alpha1.SourceUnsupportedReason, nil},
		"reference":     {func(w *world) { w.repository.Spec.Reference.Name = "refs/heads/main" }, v1alpha1.SourceUnsupportedReason, nil},
		"no repository": {func(w *world) { w.repository = nil }, v1alpha1.SourceMissingReason, []string{"default/fleet"}},
		"no grant": {func(w *world) { w.repository.Annotations = nil }, v1alpha1.SourceForbiddenReason,
			[]string{"kubectl annotate gitrepository --namespace default fleet --overwrite 'upgrades.giantswarm.io/allow-namespaces=org-acme'"}},
		"grant to others": {func(w *world) { w.repository.Annotations[v1alpha1.AllowNamespacesAnnotation] = "org-acme2,,org-b" }, v1alpha1.SourceForbiddenReason,
			[]string{"=<what it has>,org-acme"}},
		"no grant of a branch": {func(w *world) { pushes(w, "upgrades") }, v1alpha1.PushForbiddenReason,
			[]string{"kubectl annotate gitrepository --namespace default fleet --overwrite 'upgrades.giantswarm.io/allow-push-branches=upgrades'"}},
		"push to what is tracked": {func(w *world) { pushes(w, "main") }, v1alpha1.PushForbiddenReason, []string{"git.push.branch is main, which GitRepository default/fleet tracks"}},
		"none across namespaces":  {func(w *world) { w.resolver.NoCrossNamespaceRefs = true }, v1alpha1.SourceForbiddenReason, []string{"--no-cross-namespace-refs"}},
		"explicit source, labels that lie": {func(w *world) {
			w.policy.Spec.Git = &v1alpha1.Git{SourceRef: &v1alpha1.SourceReference{Name: "fleet", Namespace: "default"}}
			w.kustomization.Status.Inventory = nil
		}, v1alpha1.KustomizationUnprovenReason, nil},
		"explicit source of this namespace": {func(w *world) {
			w.policy.Spec.Git = &v1alpha1.Git{SourceRef: &v1alpha1.SourceReference{Name: "fleet"}}
		}, v1alpha1.SourceMissingReason, []string{"org-acme/fleet"}},
		"version from values": {func(w *world) { cluster(w, "global: {release: {version: 25.0.0}}") }, v1alpha1.VersionFromValuesReason, []string{"global.release.version"}},
		"version is a number": {func(w *world) { cluster(w, "global: {release: {version: 25}}") }, v1alpha1.VersionFromValuesReason, nil},
		"version from extra values": {func(w *world) {
			cluster(w, "global: {release: {version: 25.0.0}}")
			w.app.Spec.UserConfig, w.app.Spec.ExtraConfigs = nil, []appv1alpha1.ExtraConfig{{Kind: "secret", Name: "gone"}, {Kind: "configMap", Name: "values"}}
		}, v1alpha1.VersionFromValuesReason, nil},
		"version from the config": {func(w *world) {
			cluster(w, "global: {release: {version: 25.0.0}}")
			w.app.Spec.Config, w.app.Spec.UserConfig = w.app.Spec.UserConfig, &appv1alpha1.Config{ConfigMap: &appv1alpha1.ObjectReference{}}
		}, v1alpha1.VersionFromValuesReason, nil},
		"another policy names it": {func(w *world) { w.others = append(w.others, rival("zebra", "hello"), rival("beta", "hello")) },
			v1alpha1.PolicyConflictReason, []string{"AppUpgradePolicy beta"}},
		"another policy selects it": {func(w *world) {
			other := rival("beta", "unrelated")
			other.Spec.Targets = append(other.Spec.Targets, v1alpha1.TargetReference{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"stage": "dev"}}})
			w.others = append(w.others, other)
		}, v1alpha1.PolicyConflictReason, []string{"AppUpgradePolicy beta"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			test.edit(w)
			got := w.resolve(t).Targets[0].Finding
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

func TestNoFindings(t *testing.T) {
	for name, edit := range map[string]func(*world){
		"policy that goes": func(w *world) {
			other := rival("beta", "hello")
			other.Finalizers, other.DeletionTimestamp = []string{"example.com/wait"}, &metav1.Time{Time: metav1.Now().Time}
			w.others = append(w.others, other)
		},
		"policy of another namespace": func(w *world) {
			other := rival("beta", "hello")
			other.Namespace = "org-other"
			w.others = append(w.others, other)
		},
		"policy with a bad selector": func(w *world) {
			other := rival("beta")
			other.Spec.Targets = []v1alpha1.TargetReference{{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"a/b/c": ""}}}}
			w.others = append(w.others, other)
		},
		"release App":             func(w *world) { cluster(w, "global: {release: {version: 25.0.0}}"); w.app.Spec.Name = "release-aws" },
		"values without release":  func(w *world) { cluster(w, "global: {}") },
		"values that are no YAML": func(w *world) { cluster(w, "{") },
		"values that are missing": func(w *world) { cluster(w, ""); w.others = nil },
		"explicit chart without a catalog": func(w *world) {
			w.catalog = nil
			w.policy.Spec.Chart = &v1alpha1.Chart{URL: "oci://example.com/other/"}
		},
		"version in a longer tag": func(w *world) {
			w.policy.Spec.Versions.FilterTags = &v1alpha1.FilterTags{Pattern: "^release-(.*)$", Extract: "$1"}
			w.app.Spec.Version = "release-1.2.3"
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			edit(w)
			result := w.resolve(t)
			if got := result.Targets[0].Finding; got != nil {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestChart(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*world)
		want string
	}{
		"storage":  {func(w *world) { w.catalog.Spec.Repositories = nil }, "oci://old.example.com/charts/hello-world"},
		"explicit": {func(w *world) { w.policy.Spec.Chart = &v1alpha1.Chart{URL: "oci://example.com/other/"} }, "oci://example.com/other"},
		"the catalog in default comes first": {func(w *world) {
			first := w.catalog.DeepCopy()
			first.Namespace, first.Spec.Repositories = "default", []appv1alpha1.Repository{{URL: "oci://first.example.com"}}
			w.others = append(w.others, first)
		}, "oci://first.example.com/hello-world"},
		"in spite of a finding": {func(w *world) { w.repository = nil }, "oci://example.com/charts/hello-world"},
		"unknown":               {func(w *world) { w.catalog = nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			test.edit(w)
			if got := w.resolve(t).Chart; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestTargets(t *testing.T) {
	w := newWorld()
	other, prod := app("other"), app("prod")
	prod.Labels["stage"] = "prod"
	w.others = append(w.others, other, prod)
	w.policy.Spec.Targets = []v1alpha1.TargetReference{
		{Name: "hello"},
		{Name: "hello"},
		{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"stage": "dev"}}},
		{Name: "absent"},
	}
	var names []string
	for _, target := range w.resolve(t).Targets {
		names = append(names, target.Name)
	}
	if diff := cmp.Diff([]string{"absent", "hello", "other"}, names); diff != "" {
		t.Error(diff)
	}

	other.Spec.Name = "different"
	problem := w.resolve(t).Problem
	if problem == nil || problem.Reason != v1alpha1.ChartsDifferReason || !strings.Contains(problem.Message, "App other") {
		t.Errorf("got %+v", problem)
	}
	w.policy.Spec.Targets = []v1alpha1.TargetReference{{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"stage": "none"}}}}
	if got := w.resolve(t); len(got.Targets) != 0 || got.Problem != nil {
		t.Errorf("nothing is selected: %+v", got)
	}
}

func TestHeirsOf(t *testing.T) {
	w := newWorld()
	w.others = append(w.others, rival("heir", "hello"), rival("stranger", "other"))
	w.resolve(t)
	for app, want := range map[string]int{"hello": 1, "other": 0, "gone": 0} {
		heirs, err := HeirsOf(t.Context(), w.resolver.Cached, w.policy, "App", app)
		if err != nil || len(heirs) != want {
			t.Errorf("%s: %d heirs, %v", app, len(heirs), err)
		}
	}
}
