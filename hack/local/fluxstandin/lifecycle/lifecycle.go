// Package lifecycle takes an object through the course of a reconciliation in Flux: finalizer, suspension, progress,
// run, conditions, handled token, events.
//
// It is part of a stand-in for Flux.
package lifecycle

import (
	"context"
	"errors"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	"github.com/fluxcd/pkg/runtime/patch"
	fluxreconcile "github.com/fluxcd/pkg/runtime/reconcile"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	kerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// finalizer is the one that Flux puts on its objects.
const finalizer = "finalizers.fluxcd.io"

var ownedConditions = []string{meta.ReadyCondition, meta.ReconcilingCondition, meta.StalledCondition}

// Object is one that Flux reconciles.
type Object interface {
	client.Object
	conditions.Setter
}

// Progress is what a run may do to its object before it ends.
type Progress struct {
	save func() error
}

// Save writes the object's status now, so that others see how far the run is.
func (p Progress) Save() error { return p.save() }

// Controller reconciles the objects of one kind.
type Controller[T Object] struct {
	Client client.Client
	Events record.EventRecorder
	// Name is the field manager of all writes.
	Name string

	// New returns an empty object.
	New func() T
	// Suspended says whether the object must be left alone.
	Suspended func(T) bool
	// ObservedGeneration is the one that the object's status has.
	ObservedGeneration func(T) int64
	// TokenBefore says whether a new reconcile token is shown as progress before the run; it may be nil.
	TokenBefore func(T) bool
	// TokenAlways handles the object's token even if nothing runs; nil where only a run handles it.
	TokenAlways func(obj T, token string)
	// Begin marks the object at the start of a run, before progress is shown; it may be nil.
	Begin func(obj T, now time.Time)
	// Interval is the time from one success to the next run.
	Interval func(T) time.Duration
	// Run does the work.
	Run func(ctx context.Context, obj T, progress Progress) Outcome
}

// Reconcile takes the named object through one pass.
func (c *Controller[T]) Reconcile(ctx context.Context, req ctrl.Request) (result ctrl.Result, err error) {
	obj := c.New()
	if err := c.Client.Get(ctx, req.NamespacedName, obj); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	patcher := patch.NewSerialPatcher(obj, c.Client)
	defer func() {
		err = kerrors.NewAggregate([]error{err, c.saveLast(ctx, patcher, obj)})
		if err != nil {
			result = ctrl.Result{}
		}
	}()

	if !obj.GetDeletionTimestamp().IsZero() {
		controllerutil.RemoveFinalizer(obj, finalizer)
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(obj, finalizer) {
		return ctrl.Result{Requeue: true}, nil //nolint:staticcheck // Flux starts each object with a rate-limited requeue.
	}
	if c.Suspended(obj) {
		ctrl.LoggerFrom(ctx).Info("Suspended")
		return ctrl.Result{}, nil
	}
	return c.run(ctx, patcher, obj)
}

// run shows progress, does the work, and turns its outcome into conditions, an event and a result.
func (c *Controller[T]) run(ctx context.Context, patcher *patch.SerialPatcher, obj T) (ctrl.Result, error) {
	before := obj.DeepCopyObject().(T)
	progress := Progress{save: func() error {
		return patcher.Patch(ctx, obj, c.patchOptions()...)
	}}
	if c.Begin != nil {
		c.Begin(obj, time.Now())
	}
	if err := c.showProgress(obj, progress); err != nil {
		return ctrl.Result{}, err
	}
	outcome := c.Run(ctx, obj, progress)
	if outcome.Err != nil {
		outcome.Next = c.Interval(obj)
	}

	result, err := c.conclude(obj, outcome)
	c.report(ctx, before, obj, outcome)
	return result, err
}

func (c *Controller[T]) showProgress(obj T, progress Progress) error {
	fluxreconcile.ProgressiveStatus(false, obj, meta.ProgressingReason, "reconciliation in progress")
	if observed := c.ObservedGeneration(obj); observed != obj.GetGeneration() {
		fluxreconcile.ProgressiveStatus(false, obj, meta.ProgressingReason,
			"processing object: new generation %d -> %d", observed, obj.GetGeneration())
		return progress.Save()
	}
	if c.TokenBefore != nil && c.TokenBefore(obj) {
		return progress.Save()
	}
	return nil
}

// conclude sets the conditions and the handled token, whatever the outcome: a failed run handles its token too.
func (c *Controller[T]) conclude(obj T, outcome Outcome) (ctrl.Result, error) {
	var (
		stall   *StallError
		failure *FailureError
		wait    *WaitError
		retry   error
		result  ctrl.Result
	)
	switch {
	case outcome.Err == nil:
		conditions.Delete(obj, meta.ReadyCondition)
		result.RequeueAfter = outcome.Next
	case errors.As(outcome.Err, &stall):
		conditions.Delete(obj, meta.ReadyCondition)
		conditions.MarkStalled(obj, stall.Reason, "%s", stall)
	case errors.As(outcome.Err, &wait):
		conditions.MarkFalse(obj, meta.ReadyCondition, wait.Reason, "%s", wait)
		result.RequeueAfter = wait.After
	case errors.As(outcome.Err, &failure):
		conditions.MarkFalse(obj, meta.ReadyCondition, failure.Reason, "%s", failure)
		retry = failure
	default:
		conditions.MarkFalse(obj, meta.ReadyCondition, meta.FailedReason, "%s", outcome.Err)
		retry = outcome.Err
	}

	isSuccess := func(result ctrl.Result, err error) bool {
		return err == nil && wait == nil && result.RequeueAfter == outcome.Next
	}
	retry = fluxreconcile.NewResultFinalizer(isSuccess, outcome.Message).Finalize(obj, result, retry)
	if conditions.IsReconciling(obj) {
		reconciling := conditions.Get(obj, meta.ReconcilingCondition)
		reconciling.Reason = meta.ProgressingWithRetryReason
		conditions.Set(obj, reconciling)
	}
	return result, retry
}

// report logs and emits an event when the object fails, recovers or has something new to say.
func (c *Controller[T]) report(ctx context.Context, before, obj T, outcome Outcome) {
	ready := conditions.Get(obj, meta.ReadyCondition)
	if ready == nil {
		return
	}
	log := ctrl.LoggerFrom(ctx)
	if !conditions.IsReady(obj) {
		log.Info("Run failed", "reason", ready.Reason, "message", ready.Message)
		c.Events.Event(obj, corev1.EventTypeWarning, ready.Reason, ready.Message)
		return
	}
	message := outcome.Event
	if message == "" {
		message = ready.Message
	}
	isNew := outcome.Event != "" || !conditions.IsReady(before) ||
		conditions.GetMessage(before, meta.ReadyCondition) != ready.Message
	if !isNew {
		log.V(1).Info("Run changed nothing")
		return
	}
	log.Info("Run succeeded", "message", message)
	c.Events.Event(obj, corev1.EventTypeNormal, ready.Reason, message)
}

// saveLast writes what is left to write. An object that is gone needs nothing more.
func (c *Controller[T]) saveLast(ctx context.Context, patcher *patch.SerialPatcher, obj T) error {
	if token, ok := meta.ReconcileAnnotationValue(obj.GetAnnotations()); ok && c.TokenAlways != nil {
		c.TokenAlways(obj, token)
	}
	err := patcher.Patch(ctx, obj, fluxreconcile.AddPatchOptions(obj, c.patchOptions(), ownedConditions, c.Name)...)
	if obj.GetDeletionTimestamp().IsZero() {
		return err
	}
	return kerrors.FilterOut(err, apierrors.IsNotFound)
}

func (c *Controller[T]) patchOptions() []patch.Option {
	return []patch.Option{
		patch.WithOwnedConditions{Conditions: ownedConditions},
		patch.WithFieldOwner(c.Name),
	}
}
