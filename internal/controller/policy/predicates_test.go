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
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
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
		"ledger":          {func(p *imagev1.ImagePolicy) { p.Annotations = map[string]string{pin.LedgerAnnotation: "{}"} }, true},
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

// Only the token tells that Flux found nothing in the next span either.
func TestTokenHandled(t *testing.T) {
	for role, want := range map[string]bool{pin.RoleStep: true, pin.RoleCandidate: true, pin.RolePin: false} {
		object := &imagev1.ImagePolicy{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{pin.RoleLabel: role}}}
		handle := func(p *imagev1.ImagePolicy) { p.Status.SetLastHandledReconcileRequest("next") }
		if got := wakes(imagePolicyChanged(), object, handle); got != want {
			t.Errorf("%s: wakes %t", role, got)
		}
	}
}

func TestReadinessChanged(t *testing.T) {
	ready := &v1alpha1.AppUpgradePolicy{Status: v1alpha1.AppUpgradePolicyStatus{
		Current: "1.0.0", Counts: &v1alpha1.TargetCounts{Total: 2, Healthy: 2}, Targets: []v1alpha1.TargetStatus{{Installed: "1.0.0"}},
		Conditions: conditions(metav1.ConditionTrue),
	}}
	for name, test := range map[string]struct {
		edit func(*v1alpha1.AppUpgradePolicy)
		want bool
	}{
		"spec":      {func(p *v1alpha1.AppUpgradePolicy) { p.Generation++ }, true},
		"healthy":   {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Counts.Healthy = 1 }, true},
		"upgrading": {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Counts.Upgrading = 1 }, true},
		"current":   {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Current = "1.1.0" }, true},
		"newest":    {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Targets[0].Installed = "1.1.0" }, true},
		"failed":    {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Conditions = conditions(metav1.ConditionFalse) }, true},
		"available": {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Available = "1.1.0" }, false},
		"label":     {func(p *v1alpha1.AppUpgradePolicy) { p.Labels = map[string]string{"a": "b"} }, false},
	} {
		if got := wakes(readinessChanged(), ready, test.edit); got != test.want {
			t.Errorf("%s: wakes %t", name, got)
		}
	}
}

func TestLabelsChanged(t *testing.T) {
	namespace := namespaceMetadata()
	if wakes(labelsChanged(), namespace, func(n *metav1.PartialObjectMetadata) { n.Annotations = map[string]string{"a": "b"} }) {
		t.Error("an annotation wakes")
	}
	if !wakes(labelsChanged(), namespace, func(n *metav1.PartialObjectMetadata) { n.Labels = map[string]string{"a": "b"} }) {
		t.Error("a label does not wake")
	}
}

// wakesApp says whether a change of an App wakes its policies.
func wakesApp(edit func(*appv1alpha1.App)) bool {
	return wakes(targetChanged(kinds.Of("App")), client.Object(&appv1alpha1.App{}), func(object client.Object) { edit(object.(*appv1alpha1.App)) })
}

func TestOthersChanged(t *testing.T) {
	kustomization, repository := &kustomizev1.Kustomization{}, &sourcev1.GitRepository{}
	attempt := func(k *kustomizev1.Kustomization) { k.Status.LastAttemptedRevision = "main@sha1:2" }
	notApplied := func(k *kustomizev1.Kustomization) { k.Status.Conditions = conditions(metav1.ConditionFalse) }
	artifact := func(r *sourcev1.GitRepository) { r.Status.Artifact = &meta.Artifact{Revision: "main@sha1:2"} }
	for name, test := range map[string]struct{ got, want bool }{
		"App's annotation": {wakesApp(func(a *appv1alpha1.App) { a.Annotations = map[string]string{"a": "b"} }), false},
		"App is paused": {wakesApp(func(a *appv1alpha1.App) {
			a.Annotations = map[string]string{kinds.PausedAnnotation: "true"}
		}), true},
		"App is not applied": {wakesApp(func(a *appv1alpha1.App) {
			a.Annotations = map[string]string{"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}
		}), true},
		"App's label":            {wakesApp(func(a *appv1alpha1.App) { a.Labels = map[string]string{"a": "b"} }), true},
		"App's version":          {wakesApp(func(a *appv1alpha1.App) { a.Spec.Version = "1.0.0" }), true},
		"App's status":           {wakesApp(func(a *appv1alpha1.App) { a.Status = &appv1alpha1.AppStatus{Version: "1.0.0"} }), true},
		"commit, all":            {wakes(inventoryChanged(), kustomization, attempt), false},
		"commit, unsettled":      {wakes(attemptedChanged(), kustomization, attempt), true},
		"not applied, all":       {wakes(inventoryChanged(), kustomization, notApplied), false},
		"not applied, unsettled": {wakes(attemptedChanged(), kustomization, notApplied), true},
		"inventory, all":         {wakes(inventoryChanged(), kustomization, func(k *kustomizev1.Kustomization) { k.Status.Inventory = &kustomizev1.ResourceInventory{} }), true},
		"inventory, unsettled":   {wakes(attemptedChanged(), kustomization, func(k *kustomizev1.Kustomization) { k.Status.Inventory = &kustomizev1.ResourceInventory{} }), false},
		"artifact, all":          {wakes(sourceChanged(), repository, artifact), false},
		"artifact, unsettled":    {wakes(artifactChanged(), repository, artifact), true},
		"grant": {wakes(sourceChanged(), repository, func(r *sourcev1.GitRepository) {
			r.Annotations = map[string]string{v1alpha1.AllowNamespacesAnnotation: "org"}
		}), true},
		"grant of a branch": {wakes(sourceChanged(), repository, func(r *sourcev1.GitRepository) {
			r.Annotations = map[string]string{v1alpha1.AllowPushBranchesAnnotation: "upgrades"}
		}), true},
		"grant of shared lines": {wakes(sourceChanged(), repository, func(r *sourcev1.GitRepository) {
			r.Annotations = map[string]string{v1alpha1.AllowSharedAnnotation: "org"}
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
