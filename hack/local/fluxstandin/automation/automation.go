// Package automation writes elected tags to Git, as Flux's image-automation-controller does.
//
// It is part of a stand-in for Flux. It does not log in to clouds or as a GitHub app.
package automation

import (
	"context"
	"fmt"
	"time"

	imagev1 "github.com/fluxcd/image-automation-controller/api/v1"
	reflectorv1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/predicates"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/lifecycle"
)

// Name is the field manager and event source of this half of the stand-in.
const Name = "fluxstandin-image-automation"

// sourceIndex finds the automations of a GitRepository.
const sourceIndex = ".spec.sourceRef"

// Automation reconciles ImageUpdateAutomations.
type Automation struct {
	Client client.Client
	Events record.EventRecorder
	// RateLimiter makes the back-off of one controller.
	RateLimiter func() workqueue.TypedRateLimiter[reconcile.Request]
	// NoCrossNamespaceRefs keeps automations from GitRepositories of other namespaces.
	NoCrossNamespaceRefs bool
}

// SetupWithManager registers the controller. What starts a run: a new generation or token of the automation, a new
// generation of its GitRepository, another elected tag of any ImagePolicy in its namespace, and its interval.
// New commits and changed labels start none.
func (a *Automation) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	index := func(obj client.Object) []string {
		return []string{sourceOf(obj.(*imagev1.ImageUpdateAutomation)).String()}
	}
	if err := mgr.GetFieldIndexer().IndexField(ctx, &imagev1.ImageUpdateAutomation{}, sourceIndex, index); err != nil {
		return fmt.Errorf("failed to index ImageUpdateAutomations: %w", err)
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&imagev1.ImageUpdateAutomation{}, builder.WithPredicates(
			predicate.Or(predicate.GenerationChangedPredicate{}, predicates.ReconcileRequestedPredicate{}))).
		Watches(&sourcev1.GitRepository{},
			handler.EnqueueRequestsFromMapFunc(a.automationsOfSource),
			builder.WithPredicates(onlyUpdates(generationChanged))).
		Watches(&reflectorv1.ImagePolicy{},
			handler.EnqueueRequestsFromMapFunc(a.automationsOfNamespace),
			builder.WithPredicates(onlyUpdates(latestRefChanged))).
		WithOptions(controller.Options{RateLimiter: a.RateLimiter()}).
		Complete(a.reconciler())
}

func (a *Automation) reconciler() *lifecycle.Controller[*imagev1.ImageUpdateAutomation] {
	return &lifecycle.Controller[*imagev1.ImageUpdateAutomation]{
		Client:             a.Client,
		Events:             a.Events,
		Name:               Name,
		New:                func() *imagev1.ImageUpdateAutomation { return &imagev1.ImageUpdateAutomation{} },
		Suspended:          func(auto *imagev1.ImageUpdateAutomation) bool { return auto.Spec.Suspend },
		ObservedGeneration: func(auto *imagev1.ImageUpdateAutomation) int64 { return auto.Status.ObservedGeneration },
		TokenBefore: func(auto *imagev1.ImageUpdateAutomation) bool {
			token, _ := meta.ReconcileAnnotationValue(auto.GetAnnotations())
			return token != auto.Status.GetLastHandledReconcileRequest()
		},
		Begin: func(auto *imagev1.ImageUpdateAutomation, now time.Time) {
			auto.Status.LastAutomationRunTime = &metav1.Time{Time: now}
		},
		Interval: func(auto *imagev1.ImageUpdateAutomation) time.Duration { return auto.GetRequeueAfter() },
		Run:      a.run,
	}
}

// onlyUpdates ignores creations and deletions.
func onlyUpdates(matters func(event.UpdateEvent) bool) predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
		UpdateFunc:  matters,
	}
}

func generationChanged(update event.UpdateEvent) bool {
	return update.ObjectOld.GetGeneration() != update.ObjectNew.GetGeneration()
}

func latestRefChanged(update event.UpdateEvent) bool {
	before := update.ObjectOld.(*reflectorv1.ImagePolicy).Status.LatestRef
	now := update.ObjectNew.(*reflectorv1.ImagePolicy).Status.LatestRef
	return now != nil && (before == nil || *before != *now)
}

func (a *Automation) automationsOfSource(ctx context.Context, repo client.Object) []reconcile.Request {
	return a.requests(ctx, client.MatchingFields{sourceIndex: client.ObjectKeyFromObject(repo).String()})
}

// automationsOfNamespace returns all automations beside the policy, whatever their selectors say.
func (a *Automation) automationsOfNamespace(ctx context.Context, policy client.Object) []reconcile.Request {
	return a.requests(ctx, client.InNamespace(policy.GetNamespace()))
}

func (a *Automation) requests(ctx context.Context, which client.ListOption) []reconcile.Request {
	var automations imagev1.ImageUpdateAutomationList
	if err := a.Client.List(ctx, &automations, which); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Failed to list the ImageUpdateAutomations to run")
		return nil
	}
	requests := make([]reconcile.Request, 0, len(automations.Items))
	for i := range automations.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&automations.Items[i])})
	}
	return requests
}

func sourceOf(auto *imagev1.ImageUpdateAutomation) types.NamespacedName {
	ref := auto.Spec.SourceRef
	if ref.Namespace == "" {
		return types.NamespacedName{Namespace: auto.Namespace, Name: ref.Name}
	}
	return types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}
}
