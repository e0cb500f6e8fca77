package batch

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/message"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Reasons of the findings that the protocol makes.
const (
	reasonTagMissing          = v1alpha1.TagMissingReason
	reasonManualHold          = v1alpha1.ManualHoldReason
	reasonMarkerMissing       = v1alpha1.MarkerMissingReason
	reasonMarkerCopied        = v1alpha1.MarkerCopiedReason
	reasonMarkerIneffective   = v1alpha1.MarkerIneffectiveReason
	reasonForeignAutomation   = v1alpha1.ForeignAutomationReason
	reasonAutomationSuspended = v1alpha1.AutomationSuspendedReason
	reasonSeveralWaves        = v1alpha1.SeveralWavesReason
	reasonMarkerUnmanaged     = v1alpha1.MarkerUnmanagedReason
	reasonWouldReformat       = v1alpha1.WouldReformatReason
	reasonVersionDiffers      = v1alpha1.VersionDiffersReason
	reasonUpdateFailed        = v1alpha1.UpdateFailedReason
	reasonGitUnreadable       = v1alpha1.GitUnreadableReason
	reasonGitUnwritable       = v1alpha1.GitUnwritableReason
	reasonStaleBranch         = v1alpha1.StaleBranchReason
	reasonPushForbidden       = v1alpha1.PushForbiddenReason
)

func suspendedAutomation(key Key) *pin.Finding {
	return &pin.Finding{Reason: reasonAutomationSuspended, Message: fmt.Sprintf(
		"ImageUpdateAutomation %s is suspended, so Flux writes nothing; set its spec.suspend to false", key)}
}

func noAnswer(key Key) *pin.Finding {
	return &pin.Finding{Reason: reasonUpdateFailed, Message: fmt.Sprintf(
		"ImageUpdateAutomation %s does not answer; see whether image-automation-controller runs", key)}
}

// frozen: what a policy may not push, and what becomes of a proposal that it could push once.
func frozen(p Pin) *pin.Finding {
	proposal := p.Memory.Proposal
	if proposal.Tag == "" {
		return p.Forbidden
	}
	return &pin.Finding{Reason: p.Forbidden.Reason, Message: fmt.Sprintf("%s. Meanwhile nobody takes %s back from branch %s: close its pull request, or merge it",
		p.Forbidden.Message, proposal.Tag, proposal.Branch)}
}

func tagMissing(p Pin) *pin.Finding {
	if p.Memory.Wanted == withdrawal(p) {
		proposal := p.Memory.Proposal
		return &pin.Finding{Reason: reasonTagMissing, Message: fmt.Sprintf(
			"tag %s, which the checkout branch has, is not in the registry, so Flux cannot take %s back from branch %s; close its pull request and delete the branch, or push the tag again",
			p.Memory.Wanted, proposal.Tag, proposal.Branch)}
	}
	return &pin.Finding{Reason: reasonTagMissing, Message: fmt.Sprintf(
		"tag %s is not in the registry; push it again, or exclude the version with spec.versions.exclude", p.Memory.Wanted)}
}

func notSelected(p Pin) *pin.Finding {
	return &pin.Finding{Reason: reasonTagMissing, Message: fmt.Sprintf(
		"Flux did not select tag %s for ImagePolicy %s in time; see its conditions, and whether image-reflector-controller runs",
		p.Memory.Wanted, p.Key)}
}

func ineffective(p Pin) *pin.Finding {
	return &pin.Finding{Reason: reasonMarkerIneffective, Message: fmt.Sprintf(
		"Flux ran and did not change %s, although the marker for %s stands there; see whether the file has a document that cannot be parsed",
		message.Place(p.Memory.File, p.Memory.Line), p.Key.Name)}
}
