package policy

import (
	"testing"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
)

// wakes says whether a change of an object passes a predicate.
func wakes[T client.Object](p predicate.TypedPredicate[T], object T, edit func(T)) bool {
	after, ok := object.DeepCopyObject().(T)
	if !ok {
		return false
	}
	edit(after)
	return p.Update(event.TypedUpdateEvent[T]{ObjectOld: object, ObjectNew: after})
}

func TestScanChanged(t *testing.T) {
	scanned := &imagev1.ImageRepository{Status: imagev1.ImageRepositoryStatus{LastScanResult: &imagev1.ScanResult{TagCount: 1}}}
	for name, test := range map[string]struct {
		before *imagev1.ImageRepository
		edit   func(*imagev1.ImageRepository)
		want   bool
	}{
		"first scan":   {&imagev1.ImageRepository{}, func(r *imagev1.ImageRepository) { r.Status.LastScanResult = &imagev1.ScanResult{} }, true},
		"another scan": {scanned, func(r *imagev1.ImageRepository) { r.Status.LastScanResult = &imagev1.ScanResult{TagCount: 2} }, false},
		"in progress":  {scanned, func(r *imagev1.ImageRepository) { r.Status.Conditions = conditions(metav1.ConditionUnknown) }, false},
		"failed":       {scanned, func(r *imagev1.ImageRepository) { r.Status.Conditions = conditions(metav1.ConditionFalse) }, true},
		"spec":         {scanned, func(r *imagev1.ImageRepository) { r.Generation++ }, true},
		"deletion":     {scanned, func(r *imagev1.ImageRepository) { r.DeletionTimestamp = &metav1.Time{Time: metav1.Now().Time} }, true},
	} {
		if got := wakes(scanChanged(), test.before, test.edit); got != test.want {
			t.Errorf("%s: wakes %t", name, got)
		}
	}
}

func conditions(status metav1.ConditionStatus) []metav1.Condition {
	return []metav1.Condition{{Type: meta.ReadyCondition, Status: status}}
}

func TestImagePolicyChanged(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*imagev1.ImagePolicy)
		want bool
	}{
		"nothing":         {func(*imagev1.ImagePolicy) {}, false},
		"managed fields":  {func(p *imagev1.ImagePolicy) { p.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "other"}} }, false},
		"reconcile token": {func(p *imagev1.ImagePolicy) { p.Status.LastHandledReconcileAt = "now" }, false},
		"memory":          {func(p *imagev1.ImagePolicy) { p.Annotations = map[string]string{"a": "b"} }, true},
		"label":           {func(p *imagev1.ImagePolicy) { p.Labels = map[string]string{"a": "b"} }, true},
		"tag":             {func(p *imagev1.ImagePolicy) { p.Status.LatestRef = &imagev1.ImageRef{Tag: "1.0.0"} }, true},
		"ready":           {func(p *imagev1.ImagePolicy) { p.Status.Conditions = conditions(metav1.ConditionFalse) }, true},
		"looked at":       {func(p *imagev1.ImagePolicy) { p.Status.ObservedGeneration++ }, true},
	} {
		if got := wakes(imagePolicyChanged(), &imagev1.ImagePolicy{}, test.edit); got != test.want {
			t.Errorf("%s: wakes %t", name, got)
		}
	}
}

func TestOthersChanged(t *testing.T) {
	app, kustomization, repository := &appv1alpha1.App{}, &kustomizev1.Kustomization{}, &sourcev1.GitRepository{}
	attempt := func(k *kustomizev1.Kustomization) { k.Status.LastAttemptedRevision = "main@sha1:2" }
	artifact := func(r *sourcev1.GitRepository) { r.Status.Artifact = &meta.Artifact{Revision: "main@sha1:2"} }
	for name, test := range map[string]struct{ got, want bool }{
		"App's annotation":     {wakes(appChanged(), app, func(a *appv1alpha1.App) { a.Annotations = map[string]string{"a": "b"} }), false},
		"App's label":          {wakes(appChanged(), app, func(a *appv1alpha1.App) { a.Labels = map[string]string{"a": "b"} }), true},
		"App's version":        {wakes(appChanged(), app, func(a *appv1alpha1.App) { a.Spec.Version = "1.0.0" }), true},
		"App's status":         {wakes(appChanged(), app, func(a *appv1alpha1.App) { a.Status = &appv1alpha1.AppStatus{Version: "1.0.0"} }), true},
		"commit, all":          {wakes(inventoryChanged(), kustomization, attempt), false},
		"commit, unsettled":    {wakes(attemptedChanged(), kustomization, attempt), true},
		"inventory, all":       {wakes(inventoryChanged(), kustomization, func(k *kustomizev1.Kustomization) { k.Status.Inventory = &kustomizev1.ResourceInventory{} }), true},
		"inventory, unsettled": {wakes(attemptedChanged(), kustomization, func(k *kustomizev1.Kustomization) { k.Status.Inventory = &kustomizev1.ResourceInventory{} }), false},
		"artifact, all":        {wakes(sourceChanged(), repository, artifact), false},
		"artifact, unsettled":  {wakes(artifactChanged(), repository, artifact), true},
		"grant": {wakes(sourceChanged(), repository, func(r *sourcev1.GitRepository) {
			r.Annotations = map[string]string{v1alpha1.AllowNamespacesAnnotation: "org"}
		}), true},
		"source request": {wakes(sourceChanged(), repository, func(r *sourcev1.GitRepository) {
			r.Annotations = map[string]string{meta.ReconcileRequestAnnotation: "now"}
		}), false},
	} {
		if test.got != test.want {
			t.Errorf("%s: wakes %t", name, test.got)
		}
	}
}
