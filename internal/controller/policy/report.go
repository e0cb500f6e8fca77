package policy

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/apply"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/status"
)

// action is what the operator did when it emits an event; the reason says the rest.
const action = "Reconcile"

// stalledError says why a policy cannot work until a human changes something.
type stalledError struct{ pin.Finding }

func (e *stalledError) Error() string { return e.Message }

// fluxMissingError says which kinds the API server does not know.
type fluxMissingError struct{ missing }

func (e *fluxMissingError) Error() string { return e.message() }

// conclude writes what came of one look at a policy into its status, and says when to look again. An error that a human
// or a watch ends is in the status only; any other is returned, too, so that the policy is looked at again soon.
func (r *Reconciler) conclude(ctx context.Context, s scope, err error) (ctrl.Result, error) {
	if apierrors.IsConflict(err) {
		return ctrl.Result{}, err // a second look will do, and a human need not know
	}
	outcome := status.Outcome{
		Now:         r.options.Clock.Now(),
		Generation:  s.policy.Generation,
		RequestedAt: s.policy.Annotations[v1alpha1.ReconcileRequestAnnotation],
		Previous:    s.policy.Status,
	}
	if err == nil {
		outcome.Waiting = s.waiting()
		if err := r.report(ctx, s, outcome); err != nil {
			return ctrl.Result{}, err
		}
		return r.wakeUp(s), nil
	}
	result := ctrl.Result{}
	var unreadable *unreadableError
	waits := errors.As(err, &unreadable)
	outcome.Problem, err = problemOf(err)
	if waits || outcome.Problem.Reason == v1alpha1.FluxMissingReason {
		result.RequeueAfter = r.options.fluxRetry
	}
	return result, errors.Join(err, r.report(ctx, s, outcome))
}

// soonest is how soon a policy is looked at again whose time has come already: never in a busy loop.
const soonest = 10 * time.Millisecond

// wakeUp is when the decision may change by itself.
func (r *Reconciler) wakeUp(s scope) ctrl.Result {
	at := s.decision.WakeUp
	if at.IsZero() {
		return ctrl.Result{}
	}
	return ctrl.Result{RequeueAfter: max(at.Sub(r.options.Clock.Now()), soonest)}
}

// problemOf is what the status says of an error, and the error itself if trying again may help.
func problemOf(err error) (*status.Problem, error) {
	var stalled *stalledError
	if errors.As(err, &stalled) {
		return &status.Problem{Stalled: true, Reason: stalled.Reason, Message: stalled.Message}, nil
	}
	var missing *fluxMissingError
	if errors.As(err, &missing) || meta.IsNoMatchError(err) {
		return &status.Problem{Reason: v1alpha1.FluxMissingReason, Message: err.Error()}, nil
	}
	var unreadable *unreadableError
	if errors.As(err, &unreadable) {
		return &status.Problem{Reason: v1alpha1.ProgressingReason, Message: unreadable.Error()}, nil
	}
	var foreign *apply.ForeignError
	if errors.As(err, &foreign) {
		return &status.Problem{Reason: v1alpha1.ForeignObjectReason, Message: foreign.Error()}, nil
	}
	return &status.Problem{Reason: v1alpha1.ProgressingReason, Message: err.Error()}, err
}

// waiting is what keeps the policy's objects from being complete; nil if nothing does.
func (s scope) waiting() *status.Waiting {
	if s.chart.URL == "" {
		return nil
	}
	if reason, message := scanProblem(s.scan, s.scanName()); reason != "" {
		return &status.Waiting{Reason: reason, Message: message}
	}
	return nil
}

// report writes the status, if it changed, and tells what changed by events.
func (r *Reconciler) report(ctx context.Context, s scope, outcome status.Outcome) error {
	after := s.policy.DeepCopy()
	after.Status = status.Build(s.input, s.decision, outcome)
	if after.Status.Chart == "" && len(s.input.Targets) > 0 {
		// The scan of the chart is kept while the catalog cannot tell which it is.
		after.Status.Chart = outcome.Previous.Chart
	}
	if equality.Semantic.DeepEqual(outcome.Previous, after.Status) {
		return nil
	}
	// The lock keeps a look at an old copy from telling the same events again.
	patch := client.MergeFromWithOptions(s.policy, client.MergeFromWithOptimisticLock{})
	if err := r.client.Status().Patch(ctx, after, patch); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write the status of AppUpgradePolicy %s/%s: %w", s.policy.Namespace, s.policy.Name, err)
	}
	for _, event := range status.Events(outcome.Previous, after.Status) {
		r.recorder.Eventf(after, nil, event.Type, event.Reason, action, "%s", event.Message)
	}
	return nil
}

func (r *Reconciler) warn(policy *v1alpha1.AppUpgradePolicy, reason, message string) {
	r.recorder.Eventf(policy, nil, corev1.EventTypeWarning, reason, action, "%s", message)
}
