package repository

import (
	"context"
	"fmt"
	"time"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/apply"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Back-off of a key whose reconcile failed, as Flux's.
const (
	firstRetry = 750 * time.Millisecond
	lastRetry  = 15 * time.Minute
)

// fluxRetry is how often missing custom resource definitions are looked for. Nothing tells when they come.
const fluxRetry = 15 * time.Second

// kinds that the controller watches besides its own.
var kinds = []schema.GroupVersionKind{
	imagev1.GroupVersion.WithKind(imagev1.ImagePolicyKind),
	imagev1.GroupVersion.WithKind(imagev1.ImageRepositoryKind),
	automationv1.GroupVersion.WithKind(automationv1.ImageUpdateAutomationKind),
	sourcev1.GroupVersion.WithKind(sourcev1.GitRepositoryKind),
	kustomizev1.GroupVersion.WithKind(kustomizev1.KustomizationKind),
}

// SetupWithManager adds the controller, which starts once Flux's kinds are served, and its disarming at a stop.
func SetupWithManager(mgr ctrl.Manager, git *gitops.Client, options Options) error {
	r := &Reconciler{
		Client:  mgr.GetClient(),
		Live:    mgr.GetAPIReader(),
		Git:     git,
		Events:  mgr.GetEventRecorder("app-upgrade-operator"),
		Options: options.withDefaults(),
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		if err := served(ctx, mgr); err != nil {
			return nil //nolint:nilerr // the operator stops before Flux came
		}
		if err := r.build(mgr); err != nil {
			return fmt.Errorf("set up the repository controller: %w", err)
		}
		return r.disarmAtStop(ctx)
	}))
}

// served waits until the API server serves Flux's kinds.
func served(ctx context.Context, mgr ctrl.Manager) error {
	return wait.PollUntilContextCancel(ctx, fluxRetry, true, func(ctx context.Context) (bool, error) {
		missing, err := apply.Unserved(mgr.GetRESTMapper(), kinds...)
		if err != nil {
			log.FromContext(ctx).Error(err, "Cannot ask the API server for Flux's kinds, and will try again")
		}
		return err == nil && len(missing) == 0, nil
	})
}

func (r *Reconciler) build(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("repository").
		Watches(&imagev1.ImagePolicy{}, handler.EnqueueRequestsFromMapFunc(r.ofImagePolicy)).
		Watches(&automationv1.ImageUpdateAutomation{}, handler.EnqueueRequestsFromMapFunc(r.ofAutomation)).
		Watches(&v1alpha1.AppUpgradePolicy{}, handler.EnqueueRequestsFromMapFunc(r.ofPolicy), builder.WithPredicates(policyChanges())).
		Watches(&v1alpha1.MaintenanceSchedule{}, handler.EnqueueRequestsFromMapFunc(r.ofMaintenanceSchedule), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&sourcev1.GitRepository{}, handler.EnqueueRequestsFromMapFunc(r.ofGitRepository),
			builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: r.Concurrent,
			SkipNameValidation:      &r.SkipNameValidation,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
		}).
		Complete(r)
}

func request(key string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Name: key}}
}

// ofImagePolicy: a pin is about its repository branch, a candidate about those of its policy's pins, and one that is not ours
// about those in which a marker that is in a pin's way names it.
func (r *Reconciler) ofImagePolicy(ctx context.Context, object client.Object) []reconcile.Request {
	if object.GetLabels()[pin.RoleLabel] == pin.RoleCandidate {
		return r.ofPins(ctx, object.GetNamespace(), client.MatchingLabels{pin.PolicyLabel: object.GetLabels()[pin.PolicyLabel]})
	}
	if key := object.GetLabels()[pin.RepositoryLabel]; key != "" {
		return []reconcile.Request{request(key)}
	}
	if object.GetLabels()[pin.ManagedByLabel] == pin.ManagedBy {
		return nil
	}
	branches, err := r.naming(ctx, client.ObjectKeyFromObject(object))
	if err != nil {
		log.FromContext(ctx).Error(err, "Cannot see whether a marker names an ImagePolicy")
	}
	requests := make([]reconcile.Request, 0, len(branches))
	for _, branch := range branches {
		requests = append(requests, request(branch))
	}
	return requests
}

// ofAutomation: one of ours is about its repository branch. Another may be about any branch that its namespace's pins use.
func (r *Reconciler) ofAutomation(ctx context.Context, object client.Object) []reconcile.Request {
	if key := object.GetLabels()[pin.RepositoryLabel]; key != "" {
		return []reconcile.Request{request(key)}
	}
	return r.ofPins(ctx, object.GetNamespace(), client.MatchingLabels{})
}

func (r *Reconciler) ofPolicy(ctx context.Context, object client.Object) []reconcile.Request {
	return r.ofPins(ctx, object.GetNamespace(), client.MatchingLabels{pin.PolicyLabel: object.GetName()})
}

// policyChanges are those of a policy's spec, of the labels by which MaintenanceSchedules select it, and of whether it is stalled.
func policyChanges() predicate.Predicate {
	stalls := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, wasPolicy := e.ObjectOld.(*v1alpha1.AppUpgradePolicy)
		after, isPolicy := e.ObjectNew.(*v1alpha1.AppUpgradePolicy)
		return wasPolicy && isPolicy && stalled(before) != stalled(after)
	}}
	return predicate.Or(predicate.GenerationChangedPredicate{}, predicate.LabelChangedPredicate{}, stalls)
}

// ofMaintenanceSchedule: a changed one may be about any policy. A freeze is rare, and to look costs little.
func (r *Reconciler) ofMaintenanceSchedule(ctx context.Context, _ client.Object) []reconcile.Request {
	return r.ofPins(ctx, "", client.MatchingLabels{})
}

// ofGitRepository: a changed one may be used in any namespace. What failed with it is tried again.
func (r *Reconciler) ofGitRepository(ctx context.Context, object client.Object) []reconcile.Request {
	named := pin.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
	requests := r.ofPins(ctx, "", client.MatchingLabels{})
	for _, request := range requests {
		r.retries.forget(request.Name, named)
	}
	return requests
}

// ofPins are the repository branches of some pins.
func (r *Reconciler) ofPins(ctx context.Context, namespace string, labels client.MatchingLabels) []reconcile.Request {
	labels[pin.RoleLabel] = pin.RolePin
	var list imagev1.ImagePolicyList
	if err := r.List(ctx, &list, client.InNamespace(namespace), labels); err != nil {
		log.FromContext(ctx).Error(err, "Cannot list pins")
		return nil
	}
	keys := map[string]bool{}
	for i := range list.Items {
		keys[list.Items[i].Labels[pin.RepositoryLabel]] = true
	}
	delete(keys, "")
	requests := make([]reconcile.Request, 0, len(keys))
	for key := range keys {
		requests = append(requests, request(key))
	}
	return requests
}
