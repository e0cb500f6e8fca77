package policy

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
)

// plan is a pin and what it should want.
type plan struct {
	live     livePin
	intent   pin.Intent
	upgrade  pin.Upgrade
	location *resolve.Location
}

// plans are the pins of all targets, and those of the policy that are left over, in the order of their names.
func (r *Reconciler) plans(ctx context.Context, s scope) ([]plan, error) {
	var plans []plan
	left := maps.Clone(s.pins)
	for i, target := range s.found.Targets {
		name := pin.Name(target.Kind, target.Name)
		live, exists := s.pins[name]
		delete(left, name)
		switch {
		case live.broken != nil || !exists && !s.mayCreatePin(target):
		case live.elsewhere(target):
			plans = append(plans, s.planLeft(live)...)
		default:
			decision := s.decision.Targets[i]
			plans = append(plans, plan{live: live, intent: s.intentFor(target, decision, live), upgrade: decision.Upgrade, location: target.Location})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		handedOver, err := r.handedOver(ctx, s.policy, left[name])
		if err != nil {
			return nil, err
		}
		if !handedOver {
			plans = append(plans, s.planLeft(left[name])...)
		}
	}
	return plans, nil
}

// planLeft gives a pin up where it is. One whose annotations are broken stays as it is, since a newer operator may have
// written it. One that does not tell its target cannot be written: it is let go, or stays too.
func (s scope) planLeft(live livePin) []plan {
	intent := s.intentOfLeft(live)
	possible := live.broken == nil
	if live.nameless() {
		possible = intent.Remove
	}
	if !possible {
		return nil
	}
	return []plan{{live: live, intent: intent, upgrade: live.upgrade}}
}

// mayCreatePin says whether a target that has no pin gets one. Flux's worker would block on a pin without a scan.
func (s scope) mayCreatePin(target resolve.Target) bool {
	return target.Finding == nil && target.Location != nil && scanned(s.scan)
}

// handedOver says whether exactly one other policy, which is not being deleted, selects the target of a pin: then that
// policy takes the pin over, and the marker stays where it is. While the target cannot be read, the pin is kept as if there
// were one; but a policy that is being deleted does not wait for that.
func (r *Reconciler) handedOver(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, live livePin) (bool, error) {
	if live.nameless() {
		return false, nil
	}
	if kind := kinds.Of(live.intent.Target.Kind); kind != nil && !r.targets.readable(kind) {
		return policy.DeletionTimestamp.IsZero(), nil
	}
	others, err := resolve.HeirsOf(ctx, r.client, policy, live.intent.Target.Kind, live.intent.Target.Name)
	if err != nil {
		return false, fmt.Errorf("look who takes over pin %s/%s: %w", live.object.Namespace, live.object.Name, err)
	}
	return len(others) == 1, nil
}
