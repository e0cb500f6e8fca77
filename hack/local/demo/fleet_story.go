package demo

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// What the policy of the fleet does, as its history has it.
var (
	brokenUpgrade = v1alpha1.HistoryEntry{Wave: canary.stage, From: fleetInstalled, To: broken, Result: v1alpha1.ResultFailed}
	rollback      = v1alpha1.HistoryEntry{Wave: canary.stage, From: broken, To: fleetInstalled, Rollback: true, Result: v1alpha1.ResultSucceeded}
	mendedCanary  = v1alpha1.HistoryEntry{Wave: canary.stage, From: fleetInstalled, To: mended, Result: v1alpha1.ResultSucceeded}
	mendedLast    = v1alpha1.HistoryEntry{Wave: production.stage, From: fleetInstalled, To: mended, Result: v1alpha1.ResultSucceeded}
)

// fleetStory is what happens to the policy with waves.
func (d *demo) fleetStory() []step {
	return []step{
		{
			title: "A version that cannot be installed is published: the canary takes it, and Flux takes it back in Git", do: d.publishBroken,
			until: "the canary is back, the version is blocked and the repository is at rest", over: rolledBack,
		},
		{
			title: "kubectl get aup: the version is blocked", do: d.showPolicies,
			until: "production runs what it ran", over: rolledBack,
		},
		{
			title: "The next version is published: the canary takes it, and production waits for its soak and for a human", do: d.publishMended,
			until: "the canary runs it and production waits for an approval", over: awaitsApproval,
		},
		{
			title: "A human approves it: production takes it when the soak is over", do: d.approve,
			until: "both run it and the repository is at rest", over: promoted,
		},
	}
}

func (d *demo) publishBroken(ctx context.Context) error {
	d.environment.Apps.Fail(fleetChart, broken, true)
	return d.publish(ctx, fleetChart, broken)
}

func (d *demo) publishMended(ctx context.Context) error {
	return d.publish(ctx, fleetChart, mended)
}

// approve sets the annotation that the sample's comment shows.
func (d *demo) approve(ctx context.Context) error {
	policy := &v1alpha1.AppUpgradePolicy{}
	policy.Namespace, policy.Name = namespace, d.policyOf(production.app)
	value := production.stage + "=" + mended
	patch := client.RawPatch("application/merge-patch+json",
		fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.ApproveAnnotation, value))
	if err := d.environment.Client.Patch(ctx, policy, patch); err != nil {
		return fmt.Errorf("approve %s: %w", value, err)
	}
	d.timeline.print(entryf(labelApproval, "kubectl annotate --overwrite appupgradepolicy %s %s=%s", policy.Name, v1alpha1.ApproveAnnotation, value))
	return nil
}

func rolledBack(w *world) error {
	return errors.Join(
		w.blocked(canary.app, broken), w.ended(canary.app, brokenUpgrade), w.ended(canary.app, rollback),
		w.runs(canary.app, fleetInstalled), w.runs(production.app, fleetInstalled), w.atRest(),
	)
}

func awaitsApproval(w *world) error {
	return errors.Join(
		w.holds(production.app, mended, v1alpha1.AwaitingApprovalReason), w.ended(canary.app, mendedCanary),
		w.runs(canary.app, mended), w.runs(production.app, fleetInstalled), w.atRest(),
	)
}

func promoted(w *world) error {
	complaints := []error{w.ended(production.app, mendedLast), w.atRest()}
	for _, m := range fleet {
		complaints = append(complaints, w.runs(m.app, mended), w.inState(m.app, v1alpha1.TargetDeployed))
	}
	return errors.Join(complaints...)
}
