package policy

import (
	"context"
	"slices"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
)

// watchSteps start the watches that wake policies, one step for each. What wakes whom is in mapping.go, and what counts
// as a change in predicates.go.
func watchSteps(c cache.Cache, policies, scans controller.Controller, m mapper) []func(context.Context) error {
	var steps []func(context.Context) error
	for _, index := range indexes {
		steps = append(steps, func(ctx context.Context) error { return index.add(ctx, c) })
	}
	return append(steps,
		watch(policies, c, &v1alpha1.AppUpgradePolicy{}, m.rivals, specChanged[*v1alpha1.AppUpgradePolicy]()),
		watch(policies, c, &v1alpha1.AppUpgradePolicy{}, m.dependents, readinessChanged()),
		watch(policies, c, &v1alpha1.MaintenanceSchedule{}, m.all, specChanged[*v1alpha1.MaintenanceSchedule]()),
		watch(policies, c, namespaceMetadata(), m.ofNamespace, labelsChanged()),
		watch(policies, c, &kustomizev1.Kustomization{}, m.ofKustomization, inventoryChanged()),
		watch(policies, c, &kustomizev1.Kustomization{}, m.unsettledOf(kustomizev1.KustomizationKind), attemptedChanged()),
		watch(policies, c, &sourcev1.GitRepository{}, m.ofGitRepository, sourceChanged()),
		watch(policies, c, &sourcev1.GitRepository{}, m.unsettledOf(sourcev1.GitRepositoryKind), artifactChanged()),
		watch(policies, c, &imagev1.ImageRepository{}, m.ofScan, scanChanged()),
		watch(policies, c, &imagev1.ImagePolicy{}, m.ofImagePolicy, imagePolicyChanged()),
		watch(scans, c, &imagev1.ImageRepository{}, itself, scanChanged()),
	)
}

// kindSteps start the watches that a kind of targets needs, and wait until the caches behind them are full: who read from one
// before would wait there. known are the indexes that others have added.
func kindSteps(c cache.Cache, policies controller.Controller, m mapper, kind kinds.Kind, known *indexSet) []func(context.Context) error {
	wanted := []index{{kind.New(), kustomizationIndex, kustomizationKeys}}
	watches := []func(context.Context) error{
		watch(policies, c, kind.New(), m.ofTargetObject(kind), targetChanged(kind)),
	}
	full := []func(context.Context) error{filled(c, kind.New())}
	for _, related := range kind.Watches() {
		wanted = append(wanted, index{kind.New(), related.Field, related.Keys})
		if related.Writes {
			wanted = append(wanted, index{related.Object, kustomizationIndex, kustomizationKeys})
		}
		if related.ObjectField != "" {
			wanted = append(wanted, index{related.Object, related.ObjectField, related.KeysOf})
		}
		watches = append(watches, watch(policies, c, related.Object, m.ofRelated(kind, related), relatedChanged(related)))
		full = append(full, filled(c, related.Object))
	}
	var steps []func(context.Context) error
	for _, index := range wanted {
		steps = append(steps, func(ctx context.Context) error { return known.add(ctx, c, index) })
	}
	return slices.Concat(steps, watches, full)
}

// filled waits until the cache has all objects of a kind.
func filled(c cache.Cache, object client.Object) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.GetInformer(ctx, object)
		return err
	}
}

// namespaceMetadata is for a cache of the Namespaces' metadata only.
func namespaceMetadata() *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	return object
}

func watch[T client.Object](to controller.Controller, c cache.Cache, object T, enqueue func(context.Context, client.Object) []reconcile.Request,
	changed predicate.TypedPredicate[T]) func(context.Context) error {
	return func(context.Context) error {
		typed := func(ctx context.Context, object T) []reconcile.Request { return enqueue(ctx, object) }
		return to.Watch(source.Kind(c, object, handler.TypedEnqueueRequestsFromMapFunc(typed), changed))
	}
}

func itself(_ context.Context, object client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(object)}}
}
