package status

import (
	"fmt"
	"slices"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// ReleaseFailedReason: Helm or the App Platform could not install the version that the operator brought.
const ReleaseFailedReason = "ReleaseFailed"

// Helm's own words, which app-operator and chart-operator pass on.
const (
	releaseDeployed = "deployed"
	releaseFailedAt = "failed"
)

// failures are the words of app-operator and chart-operator for a version that cannot be installed. All other words,
// pending-upgrade or cordoned for example, say that it is not decided yet.
var failures = []string{
	"not-installed", "chart-pull-failed", "already-exists", "invalid-manifest", "validation-failed",
	"values-schema-violation", "unknown-error", "app-not-found", "app-version-not-found", "catalog-empty",
	"index-not-found", "configmap-merge-failed", "secret-merge-failed", "resource-not-found", "cordon-failed",
}

func deployed(t rollout.Target) bool { return t.ReleaseStatus == releaseDeployed }

// releaseFailed says whether the version in the target's spec cannot be installed. The status has no observed
// generation: Helm's failure counts only if it names that version, because an old one may have failed before.
func releaseFailed(t rollout.Target) bool {
	if t.ReleaseStatus == releaseFailedAt {
		return versions.Same(t.Installed, versions.Tag(t.Spec))
	}
	return slices.Contains(failures, t.ReleaseStatus)
}

func releaseFinding(t rollout.Target) *v1alpha1.Finding {
	message := fmt.Sprintf("The release of %s is %s", versions.Tag(t.Spec), t.ReleaseStatus)
	if t.ReleaseReason != "" {
		message += ": " + t.ReleaseReason
	}
	return &v1alpha1.Finding{
		Reason:  ReleaseFailedReason,
		Message: bounded(message + "; repair it, or commit the version that you want"),
	}
}
