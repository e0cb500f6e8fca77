package resolve

import (
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
)

// world is what a test changes: one App that is applied from Git, and a policy for it.
type world struct {
	policy        *v1alpha1.AppUpgradePolicy
	app           *appv1alpha1.App
	catalog       *appv1alpha1.Catalog
	kustomization *kustomizev1.Kustomization
	repository    *sourcev1.GitRepository
	others        []client.Object
	resolver      Resolver
}

func newWorld() *world {
	w := &world{
		policy: &v1alpha1.AppUpgradePolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: "org-acme", Name: "policy"},
			Spec: v1alpha1.AppUpgradePolicySpec{
				Targets:  []v1alpha1.TargetReference{{Kind: "App", Name: "hello"}},
				Versions: v1alpha1.Versions{Range: ">=1.0.0"},
			},
		},
		app: app("hello"),
		catalog: &appv1alpha1.Catalog{
			ObjectMeta: metav1.ObjectMeta{Namespace: "giantswarm", Name: "stable"},
			Spec: appv1alpha1.CatalogSpec{
				Repositories: []appv1alpha1.Repository{{Type: "helm", URL: "https://charts.example.com/"}, {Type: "oci", URL: "oci://example.com/charts/"}},
				Storage:      appv1alpha1.Repository{Type: "oci", URL: "oci://old.example.com/charts"},
			},
		},
		kustomization: &kustomizev1.Kustomization{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "mc"},
			Spec: kustomizev1.KustomizationSpec{
				Path:      "./clusters/mc",
				SourceRef: kustomizev1.CrossNamespaceSourceReference{Kind: "GitRepository", Name: "fleet"},
			},
			Status: kustomizev1.KustomizationStatus{
				LastAttemptedRevision: "main@sha1:abc",
				Inventory:             inventory("hello", "other"),
			},
		},
		repository: &sourcev1.GitRepository{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "default", Name: "fleet",
				Annotations: map[string]string{v1alpha1.AllowNamespacesAnnotation: "org-other, org-acme"},
			},
			Spec:   sourcev1.GitRepositorySpec{URL: "https://git.example.com/fleet", Reference: &sourcev1.GitRepositoryRef{Branch: "main"}},
			Status: sourcev1.GitRepositoryStatus{Artifact: &meta.Artifact{Revision: "main@sha1:def"}},
		},
	}
	return w
}

func app(name string) *appv1alpha1.App {
	return &appv1alpha1.App{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "org-acme", Name: name,
			Labels: map[string]string{KustomizationNameLabel: "mc", KustomizationNamespaceLabel: "default", "stage": "dev"},
		},
		Spec: appv1alpha1.AppSpec{Catalog: "stable", Name: "hello-world", Version: "v1.2.3"},
	}
}

func inventory(apps ...string) *kustomizev1.ResourceInventory {
	list := &kustomizev1.ResourceInventory{}
	for _, app := range apps {
		list.Entries = append(list.Entries, kustomizev1.ResourceRef{ID: "org-acme_" + app + "_application.giantswarm.io_App", Version: "v1alpha1"})
	}
	return list
}

// resolve resolves the world's policy against all of its objects that are not nil.
func (w *world) resolve(t *testing.T) Result {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, v1alpha1.AddToScheme, kinds.AddToScheme, kustomizev1.AddToScheme, sourcev1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	objects := append([]client.Object{w.policy}, w.others...)
	if w.app != nil {
		objects = append(objects, w.app)
	}
	if w.catalog != nil {
		objects = append(objects, w.catalog)
	}
	if w.kustomization != nil {
		objects = append(objects, w.kustomization)
	}
	if w.repository != nil {
		objects = append(objects, w.repository)
	}
	builder := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithIndex(&v1alpha1.AppUpgradePolicy{}, TargetIndex, TargetKeys)
	for _, kind := range kinds.All {
		for _, related := range kind.Watches() {
			if related.ObjectField != "" {
				builder = builder.WithIndex(related.Object, related.ObjectField, related.KeysOf)
			}
		}
	}
	reader := builder.Build()
	w.resolver.Cached, w.resolver.Live = reader, reader
	result, err := w.resolver.Resolve(t.Context(), w.policy)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// cluster makes the App that of a cluster, with user values.
func cluster(w *world, values string) {
	w.app.Spec.Catalog, w.catalog.Name = "cluster", "cluster"
	w.app.Spec.Name = "cluster-aws"
	w.app.Spec.UserConfig = &appv1alpha1.Config{ConfigMap: &appv1alpha1.ObjectReference{Namespace: "org-acme", Name: "values"}}
	w.others = append(w.others, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "org-acme", Name: "values"},
		Data:       map[string]string{"values": values},
	})
}

func rival(name string, targets ...string) *v1alpha1.AppUpgradePolicy {
	other := &v1alpha1.AppUpgradePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "org-acme", Name: name}}
	for _, target := range targets {
		other.Spec.Targets = append(other.Spec.Targets, v1alpha1.TargetReference{Name: target})
	}
	return other
}
