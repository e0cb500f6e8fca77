package status

import (
	"fmt"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// objectsApplied says whether the policy's Flux objects are as they should be.
func (v view) objectsApplied() verdict {
	if early := v.tooEarly(); early.status != "" {
		return early
	}
	made := int32(0)
	for _, t := range v.targets {
		made += one(t.applied)
	}
	if made < v.counts.Total {
		if waiting := v.waiting(); waiting != nil {
			return no(waiting.Reason, waiting.Message)
		}
		return no(v1alpha1.ProgressingReason, fmt.Sprintf("%d of %d targets have an ImagePolicy", made, v.counts.Total))
	}
	return yes(v1alpha1.SucceededReason, "The policy's Flux objects are applied")
}

// markersPlaced says whether every target's line has its marker.
func (v view) markersPlaced() verdict {
	if early := v.tooEarly(); early.status != "" {
		return early
	}
	message := fmt.Sprintf("%d of %d targets have a marker", v.counts.Marked, v.counts.Total)
	switch {
	case v.counts.Marked == v.counts.Total:
		return yes(v1alpha1.SucceededReason, message)
	case v.counts.Findings > 0:
		return no(v1alpha1.FindingsReason, message+"; "+v.findingsMessage())
	case v.in.Policy.Suspended:
		return no(v1alpha1.SuspendedReason, message+", and none is placed while the policy is suspended")
	default:
		return no(v1alpha1.ProgressingReason, message)
	}
}

// upToDate says whether every target runs the newest version that the policy admits.
func (v view) upToDate() verdict {
	if early := v.tooEarly(); early.status != "" {
		return early
	}
	if v.decision.Available == "" {
		return unknown(v.withoutCandidate())
	}
	switch {
	case v.counts.UpToDate == v.counts.Total && !v.missesNewest():
		return yes(v1alpha1.SucceededReason, v.upToDateMessage())
	case v.counts.Upgrading > 0:
		return no(v1alpha1.UpgradingReason, v.upgradingMessage())
	case len(v.held) > 0:
		return no(v1alpha1.HeldReason, v.heldMessage())
	case v.counts.Findings > 0:
		return no(v1alpha1.FindingsReason, v.findingsMessage())
	default:
		return no(v1alpha1.ProgressingReason, fmt.Sprintf("%d of %d targets run %s",
			v.counts.UpToDate, v.counts.Total, v.decision.Available))
	}
}

// missesNewest says whether a version is held that is newer than the available one, as those that failed are.
func (v view) missesNewest() bool {
	if len(v.held) == 0 {
		return false
	}
	return v.parser.newer(v.held[0].Version, v.decision.Available)
}

// rolloutValid says whether nothing in the policy's waves, schedules, checks and annotations can never work.
func (v view) rolloutValid() verdict {
	if v.outcome.Problem != nil || v.in.Policy.Deleting {
		return v.tooEarly()
	}
	if len(v.decision.Problems) == 0 {
		return yes(v1alpha1.SucceededReason, "Waves, schedules, checks and annotations can work")
	}
	var messages []string
	for _, problem := range v.decision.Problems {
		messages = append(messages, problem.Message)
	}
	return no(v.decision.Problems[0].Reason, strings.Join(messages, "; "))
}

// tooEarly is the verdict on every detail when nothing can be said about the targets.
func (v view) tooEarly() verdict {
	blocked := v.blocked()
	if blocked.status == "" {
		return verdict{}
	}
	return unknown(blocked.reason, blocked.message)
}

// findingsMessage counts the findings and names the first.
func (v view) findingsMessage() string {
	for _, t := range v.targets {
		if t.status.Finding != nil {
			return fmt.Sprintf("%d of %d targets need attention: %s: %s",
				v.counts.Findings, v.counts.Total, t.status.Name, t.status.Finding.Message)
		}
	}
	return ""
}

func (v view) upgradingMessage() string {
	newest, back := "", true
	for _, t := range v.targets {
		if !t.moving {
			continue
		}
		back = back && t.back
		if newest == "" || v.parser.newer(t.status.Desired, newest) {
			newest = t.status.Desired
		}
	}
	way := "on the way to"
	if back {
		way = "on the way back to"
	}
	return fmt.Sprintf("%d of %d targets %s %s", v.counts.Upgrading, v.counts.Total, way, newest)
}

func (v view) heldMessage() string {
	first := v.held[0]
	return fmt.Sprintf("%s is held: %s: %s", first.Version, first.Reason, first.Message)
}

func (v view) upToDateMessage() string {
	return fmt.Sprintf("%d of %d targets run %s", v.counts.UpToDate, v.counts.Total, v.decision.Available)
}

// progressMessage says what the operator is doing.
func (v view) progressMessage() string {
	if v.unfinished() {
		return fmt.Sprintf("%d of %d targets have a marker", v.counts.Marked, v.counts.Total)
	}
	return v.upgradingMessage()
}
