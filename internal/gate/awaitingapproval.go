package gate

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// AwaitingApproval holds a version that a human must approve: the change from the one in Git is larger than
// rollout.autoApprove. Versions that cannot be compared are VersionUnsupported and NotNewer, and so is one that is not
// newer: an approval would not help there.
func AwaitingApproval(in TargetInput) *Hold {
	if in.Approved || in.AutoApprove == "" || in.AutoApprove == v1alpha1.ApproveAll {
		return nil
	}
	change, ok := versions.ChangeOf(in.GitVersion, in.Version)
	if !ok || change <= largest(in.AutoApprove) || !versions.Newer(in.Version, in.GitVersion) {
		return nil
	}
	return &Hold{
		Version: in.Tag,
		Reason:  v1alpha1.AwaitingApprovalReason,
		Message: fmt.Sprintf("autoApprove is %s, and the change from %s to %s needs a human: to approve it, %s",
			in.AutoApprove, in.Git, in.Tag, in.approval()),
	}
}

// largest is the largest change that needs no human.
func largest(auto v1alpha1.AutoApprove) versions.Change {
	switch auto {
	case v1alpha1.ApproveMinor:
		return versions.MinorChange
	case v1alpha1.ApprovePatch:
		return versions.PatchChange
	default:
		return versions.NoChange
	}
}
