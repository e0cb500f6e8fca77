package policy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/apply"
	"github.com/giantswarm/app-upgrade-operator/internal/message"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// obstacleRetry is how often a deleted policy looks whether its markers can still be removed: nobody watches Secrets.
const obstacleRetry = 30 * time.Second

// addFinalizer makes sure that the policy does not go before its markers, whose pins would be gone with it.
func (r *Reconciler) addFinalizer(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) error {
	before := policy.DeepCopy()
	if !controllerutil.AddFinalizer(policy, v1alpha1.Finalizer) {
		return nil
	}
	if err := r.client.Patch(ctx, policy, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("add the finalizer to AppUpgradePolicy %s/%s: %w", policy.Namespace, policy.Name, err)
	}
	return nil
}

// finalize asks for the markers of a deleted policy to be removed, and lets the policy go when all its pins are gone:
// the repository controller deletes a pin after its marker. What cannot be removed is left, and said.
func (r *Reconciler) finalize(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, lacking missing) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(policy, v1alpha1.Finalizer) {
		return ctrl.Result{}, nil
	}
	if len(lacking.kinds) > 0 {
		r.warn(policy, v1alpha1.MarkerLeftReason, "Markers may be left in Git, because the pins went with Flux's definitions")
		return ctrl.Result{}, r.removeFinalizer(ctx, policy)
	}
	pins, err := r.pinsOf(ctx, policy)
	if err != nil {
		return ctrl.Result{}, err
	}
	waiting, err := r.dismiss(ctx, policy, pins)
	if err != nil {
		return ctrl.Result{}, err
	}
	if len(waiting) > 0 {
		left := policy.DeletionTimestamp.Add(r.options.FinalizerTimeout).Sub(r.options.Clock.Now())
		return ctrl.Result{RequeueAfter: min(max(left, time.Second), obstacleRetry)}, r.reportRemoval(ctx, policy, waiting)
	}
	if err := r.uncached(ctx, policy, func(name string) bool { return pins[name].object == nil }); err != nil {
		return ctrl.Result{}, err // it would be deleted with the policy, and its marker would stay
	}
	if err := r.deleteCandidate(ctx, policy); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.removeFinalizer(ctx, policy)
}

// dismiss lets the pins of a deleted policy go and returns those that are waited for.
func (r *Reconciler) dismiss(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, pins map[string]livePin) (waiting map[string]livePin, err error) {
	waiting = map[string]livePin{}
	s := scope{policy: policy, pins: pins, obstacles: &obstacles{}}
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(pins)) {
		live := pins[name]
		gone, err := r.dismissPin(ctx, s, live)
		failed = append(failed, err)
		if !gone {
			waiting[name] = live
		}
	}
	return waiting, errors.Join(failed...)
}

func (r *Reconciler) dismissPin(ctx context.Context, s scope, live livePin) (gone bool, err error) {
	if r.expired(s.policy) {
		return true, r.abandon(ctx, s.policy, live, fmt.Sprintf("it was not removed within %s%s", r.options.FinalizerTimeout, unremoved(live.memory.Finding)))
	}
	handedOver, err := r.handedOver(ctx, s.policy, live)
	if handedOver || err != nil {
		return false, err // the other policy takes it over
	}
	gone, err = r.letGo(ctx, s, live)
	if gone || err != nil {
		return gone, err
	}
	return false, r.applyPin(ctx, s, plan{live: live, intent: s.intentOfLeft(live), upgrade: live.upgrade})
}

// mostQuoted bounds what an event quotes of a finding, in bytes: the API server refuses long ones.
const mostQuoted = 400

// unremoved is what kept a marker from being removed, in brackets.
func unremoved(finding *pin.Finding) string {
	if finding == nil {
		return ""
	}
	return " (" + message.Bounded(finding.Message, mostQuoted) + ")"
}

func (r *Reconciler) expired(policy *v1alpha1.AppUpgradePolicy) bool {
	return !r.options.Clock.Now().Before(policy.DeletionTimestamp.Add(r.options.FinalizerTimeout))
}

func (r *Reconciler) deleteCandidate(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) error {
	candidate := &imagev1.ImagePolicy{}
	exists, err := r.read(ctx, policy.Namespace, pin.CandidateName(policy.Name), candidate)
	if err != nil || !exists {
		return err
	}
	err = apply.Delete(ctx, r.client, candidate)
	var foreign *apply.ForeignError
	if errors.As(err, &foreign) {
		return nil
	}
	return err
}

func (r *Reconciler) removeFinalizer(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) error {
	before := policy.DeepCopy()
	controllerutil.RemoveFinalizer(policy, v1alpha1.Finalizer)
	err := r.client.Patch(ctx, policy, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("remove the finalizer of AppUpgradePolicy %s/%s: %w", policy.Namespace, policy.Name, err)
	}
	return nil
}

// reportRemoval shows what is waited for.
func (r *Reconciler) reportRemoval(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, pins map[string]livePin) error {
	s := scope{policy: policy, pins: pins}
	var broken *stalledError
	if err := r.readCandidate(ctx, &s); err != nil && !errors.As(err, &broken) {
		return err
	}
	s.input = rollout.Input{Now: r.options.Clock.Now().UTC(), Policy: policyInput(policy), Ledger: s.ledger}
	for _, name := range slices.Sorted(maps.Keys(pins)) {
		live := pins[name]
		target := live.intent.Target
		s.input.Targets = append(s.input.Targets, rollout.Target{Kind: target.Kind, Name: target.Name, Pin: live.input()})
	}
	s.decision = rollout.Decide(s.input)
	_, err := r.conclude(ctx, s, nil)
	return err
}
