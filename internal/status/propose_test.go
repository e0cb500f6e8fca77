package status

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// A proposal is held and nothing is in progress: a human must act.
func TestProposalIsHeld(t *testing.T) {
	target := makeTarget("a", "1.4.0").with(func(target *rollout.Target) {
		target.Pin.Intent.Want = "1.5.0"
		target.Pin.Memory.Proposal = pin.Proposal{Branch: "upgrades", Checkout: "1.4.0", Tag: "1.5.0"}
	})
	in := makeInput(target).in
	status := Build(in, rollout.Decide(in), Outcome{Now: testNow})
	if got := status.Targets[0]; got.State != v1alpha1.TargetHeld || got.Git != "1.4.0" || got.Desired != "1.5.0" || got.Finding != nil {
		t.Errorf("the target is %+v", got)
	}
	if len(status.Held) != 1 || status.Held[0].Reason != v1alpha1.AwaitingMergeReason || !strings.Contains(status.Held[0].Message, "upgrades") {
		t.Errorf("held is %+v", status.Held)
	}
	if !meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ReadyCondition) || meta.FindStatusCondition(status.Conditions, v1alpha1.ReconcilingCondition) != nil {
		t.Errorf("the conditions are %+v", status.Conditions)
	}
	if up := meta.FindStatusCondition(status.Conditions, v1alpha1.UpToDateCondition); up.Status != metav1.ConditionFalse || up.Reason != v1alpha1.HeldReason {
		t.Errorf("UpToDate is %+v", up)
	}
}

// Markers that a human must merge are pending, not failed.
func TestMarkersThatAwaitMergeArePending(t *testing.T) {
	in := makeInput(makeTarget("a", "1.4.0").finding(v1alpha1.AwaitingMergeReason, "merge main-markers").with(func(target *rollout.Target) {
		target.Pin.Memory.Marked = false
	})).in
	status := Build(in, rollout.Decide(in), Outcome{Now: testNow})
	if got := status.Targets[0]; got.State != v1alpha1.TargetPending || status.Counts.Marked != 0 {
		t.Errorf("the target is %+v of %+v", got, status.Counts)
	}
}
