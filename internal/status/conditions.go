package status

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// verdict is the part of a condition that is decided here. The zero verdict means that the condition is absent.
type verdict struct {
	status          metav1.ConditionStatus
	reason, message string
}

func yes(reason, message string) verdict {
	return verdict{status: metav1.ConditionTrue, reason: reason, message: message}
}

func no(reason, message string) verdict {
	return verdict{status: metav1.ConditionFalse, reason: reason, message: message}
}

func unknown(reason, message string) verdict {
	return verdict{status: metav1.ConditionUnknown, reason: reason, message: message}
}

// conditions are all conditions in a fixed order, each with the time at which its status changed last.
func (v view) conditions() []metav1.Condition {
	parts := []struct {
		name    string
		verdict verdict
	}{
		{v1alpha1.ReadyCondition, v.ready()},
		{v1alpha1.ReconcilingCondition, v.reconciling()},
		{v1alpha1.StalledCondition, v.stalled()},
		{v1alpha1.ObjectsAppliedCondition, v.objectsApplied()},
		{v1alpha1.MarkersPlacedCondition, v.markersPlaced()},
		{v1alpha1.UpToDateCondition, v.upToDate()},
		{v1alpha1.RolloutValidCondition, v.rolloutValid()},
	}
	var conditions []metav1.Condition
	for _, part := range parts {
		if part.verdict.status == "" {
			continue
		}
		conditions = append(conditions, v.condition(part.name, part.verdict))
	}
	return conditions
}

func (v view) condition(name string, verdict verdict) metav1.Condition {
	condition := metav1.Condition{
		Type:               name,
		Status:             verdict.status,
		ObservedGeneration: v.outcome.Generation,
		LastTransitionTime: stored(v.outcome.Now),
		Reason:             verdict.reason,
		Message:            bounded(verdict.message),
	}
	before := meta.FindStatusCondition(v.outcome.Previous.Conditions, name)
	if before != nil && before.Status == verdict.status {
		condition.LastTransitionTime = before.LastTransitionTime
	}
	return condition
}

// ready is False when a human should look, and Unknown until everything is in place for the first time. It does not
// depend on what still has to be applied to the cluster: the Kustomization that applies it may wait for this policy.
func (v view) ready() verdict {
	if blocked := v.blocked(); blocked.status != "" {
		return blocked
	}
	if v.counts.Findings > 0 {
		return no(v1alpha1.FindingsReason, v.findingsMessage())
	}
	if v.in.Policy.Suspended {
		return yes(v1alpha1.SuspendedReason, "Suspended: nothing is marked and nothing moves until spec.suspend is false")
	}
	if waiting := v.waiting(); waiting != nil {
		if waiting.Reason == v1alpha1.ScanFailedReason {
			return no(waiting.Reason, waiting.Message)
		}
		return unknown(waiting.Reason, waiting.Message)
	}
	if v.decision.Available == "" {
		return no(v.withoutCandidate())
	}
	if v.unfinished() {
		return unknown(v1alpha1.ProgressingReason, v.progressMessage())
	}
	return v.readyToMove()
}

// blocked is why nothing can be said about the targets; the zero verdict if something can.
func (v view) blocked() verdict {
	switch {
	case v.outcome.Problem != nil:
		return no(v.outcome.Problem.Reason, v.outcome.Problem.Message)
	case v.in.Policy.Deleting && v.counts.Findings > 0:
		return no(v1alpha1.FindingsReason, v.findingsMessage())
	case v.in.Policy.Deleting:
		return unknown(v1alpha1.ProgressingReason, "The policy is deleted: its markers and objects are being removed")
	case len(v.targets) == 0 && v.outcome.Waiting != nil:
		return yes(v1alpha1.NoTargetsReason, v.outcome.Waiting.Message)
	case len(v.targets) == 0:
		return yes(v1alpha1.NoTargetsReason, "spec.targets selects nothing in this namespace yet")
	default:
		return verdict{}
	}
}

// readyToMove is the verdict when everything is in place.
func (v view) readyToMove() verdict {
	switch {
	case v.counts.Upgrading > 0:
		return yes(v1alpha1.UpgradingReason, v.upgradingMessage())
	case len(v.held) > 0:
		return yes(v1alpha1.HeldReason, v.heldMessage())
	default:
		return yes(v1alpha1.SucceededReason, v.upToDateMessage())
	}
}

// reconciling is present only while the operator itself, or a scan that it waits for, still has something to do.
func (v view) reconciling() verdict {
	switch {
	case v.outcome.Problem != nil:
		return verdict{}
	case v.in.Policy.Deleting:
		return yes(v1alpha1.ProgressingReason, "The policy is deleted: its markers and objects are being removed")
	case len(v.targets) == 0:
		return verdict{}
	case v.in.Policy.Suspended:
		if v.batches() {
			return yes(v1alpha1.ProgressingReason, "The upgrade that was under way is being withdrawn")
		}
		return verdict{}
	}
	if waiting := v.waiting(); waiting != nil && waiting.Reason != v1alpha1.ScanFailedReason {
		return yes(waiting.Reason, waiting.Message)
	}
	for _, t := range v.targets {
		if t.busy {
			return yes(v1alpha1.ProgressingReason, v.progressMessage())
		}
	}
	return verdict{}
}

func (v view) stalled() verdict {
	if v.outcome.Problem == nil || !v.outcome.Problem.Stalled {
		return verdict{}
	}
	return yes(v.outcome.Problem.Reason, v.outcome.Problem.Message)
}

// waiting is what has to come from Flux before objects and candidate are complete; nil: nothing.
func (v view) waiting() *Waiting {
	if v.outcome.Waiting != nil {
		return v.outcome.Waiting
	}
	candidate := v.in.Candidate
	if candidate.Tag != "" || v.decision.Available != "" {
		return nil
	}
	switch candidate.Reason {
	case v1alpha1.ScanPendingReason, v1alpha1.ScanFailedReason:
		return &Waiting{Reason: candidate.Reason, Message: candidate.Message}
	default:
		return nil
	}
}

// withoutCandidate says why no version is available.
func (v view) withoutCandidate() (reason, message string) {
	candidate := v.in.Candidate
	switch {
	case candidate.Reason != "":
		return candidate.Reason, candidate.Message
	case candidate.Tag != "":
		return v1alpha1.NoCandidateReason, fmt.Sprintf("Flux shows %s, which spec.versions does not admit", candidate.Tag)
	default:
		return v1alpha1.NoCandidateReason, "No version in the registry satisfies spec.versions"
	}
}

// unfinished says whether pins or markers are still to be made.
func (v view) unfinished() bool {
	for _, t := range v.targets {
		if t.status.Finding == nil && (!t.applied || !t.marked) {
			return true
		}
	}
	return false
}

// batches says whether a target is in a batch.
func (v view) batches() bool {
	for _, target := range v.in.Targets {
		if target.Pin != nil && target.Pin.Batch != "" {
			return true
		}
	}
	return false
}
