package kinds

import (
	"slices"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

const (
	// helmDeployed is Helm's status of a release that it has applied, and what rollout takes for success.
	helmDeployed = "deployed"
	// atWork is Helm's word for a release that is on its way to another version.
	atWork = "pending-upgrade"
)

// ended are the reasons of a HelmRelease that is not ready because an action of Helm ended (fluxcd/helm-controller,
// api/v2/condition_types.go). Others come before Helm is asked, and something else may mend them.
var ended = []string{
	helmv2.InstallFailedReason, helmv2.UpgradeFailedReason, helmv2.TestFailedReason, helmv2.RollbackSucceededReason,
	helmv2.RollbackFailedReason, helmv2.UninstallSucceededReason, helmv2.UninstallFailedReason,
}

// health is how well a target runs, see rollout.Target.
type health struct {
	installed, status, reason string
	trouble                   rollout.Trouble
}

func (f *Facts) setHealth(h health) {
	f.Installed, f.ReleaseStatus, f.ReleaseReason, f.Trouble = h.installed, h.status, h.reason, h.trouble
}

// wanted is what a HelmRelease should run: a version of its chart, the tag that has it in the registry, and if that comes from
// an OCIRepository the artifact's digest.
type wanted struct{ version, tag, digest string }

// is says whether a version of a chart, to which helm-controller adds the start of the artifact's digest, or that digest, is
// what is wanted.
func (w wanted) is(version, digest string) bool {
	if w.digest != "" && digest != "" {
		return withoutTag(digest) == w.digest
	}
	return versions.Same(withoutMetadata(version), w.version)
}

func withoutMetadata(version string) string {
	bare, _, _ := strings.Cut(version, "+")
	return bare
}

// withoutTag is a digest that may be the end of a revision, `tag@digest`.
func withoutTag(revision string) string {
	if _, digest, found := strings.Cut(revision, "@"); found {
		return digest
	}
	return revision
}

// releaseState is all that matters of a HelmRelease's metadata and status. While it is ready, what helm-controller says at each
// of its looks is left out.
type releaseState struct {
	generation, observed, attempted int64
	suspended                       bool
	// ready is the status of the condition Ready; empty: there is none. The others are about a HelmRelease that is not ready.
	ready           metav1.ConditionStatus
	readyGeneration int64
	reason, message string
	stalled, busy   bool
	// latest is what the newest entry of the history says, and last what was tried last.
	latestVersion, latestDigest, latestStatus string
	lastVersion, lastDigest                   string
}

func releaseStateOf(release *helmv2.HelmRelease) releaseState {
	status := release.Status
	s := releaseState{
		generation: release.Generation, observed: status.ObservedGeneration, attempted: status.LastAttemptedGeneration,
		suspended:   release.Spec.Suspend,
		lastVersion: status.LastAttemptedRevision, lastDigest: status.LastAttemptedRevisionDigest,
	}
	if latest := latestOf(status.History); latest != nil {
		s.latestVersion, s.latestDigest, s.latestStatus = latest.ChartVersion, latest.OCIDigest, latest.Status
	}
	ready := apimeta.FindStatusCondition(status.Conditions, meta.ReadyCondition)
	if ready == nil {
		return s
	}
	s.ready = ready.Status
	if ready.Status != metav1.ConditionTrue {
		s.readyGeneration, s.reason, s.message = ready.ObservedGeneration, ready.Reason, ready.Message
		s.stalled = apimeta.IsStatusConditionTrue(status.Conditions, meta.StalledCondition)
		s.busy = apimeta.IsStatusConditionTrue(status.Conditions, meta.ReconcilingCondition)
	}
	return s
}

// latestOf is the newest entry of a history, whatever its order; nil if it is empty.
func latestOf(history helmv2.Snapshots) *helmv2.Snapshot {
	if len(history) == 0 {
		return nil
	}
	return slices.MaxFunc(history, func(a, b *helmv2.Snapshot) int { return a.Version - b.Version })
}

// installed is the version of the chart that Helm tried to install last, or installed.
func (s releaseState) installed() string { return versions.Tag(withoutMetadata(s.latestVersion)) }

// health judges a HelmRelease. Its condition Ready may be about another version, since an OCIRepository that changes does not
// change it: history and last attempt tell which.
func (s releaseState) health(w wanted) health {
	h := health{installed: s.installed(), status: atWork, reason: s.message}
	switch {
	case s.ready == "":
		h.status = ""
	case s.ready == metav1.ConditionTrue && s.runs(w):
		h.status, h.installed = helmDeployed, versions.Tag(w.tag)
	case s.ready == metav1.ConditionFalse && s.isPresent():
		h.status, h.trouble = s.reason, rollout.TroublePassing
		if w.is(s.lastVersion, s.lastDigest) && s.gaveUp() {
			h.trouble = rollout.TroubleLasting
		}
	}
	return h
}

// runs says whether a HelmRelease that is ready runs what is wanted.
func (s releaseState) runs(w wanted) bool {
	return s.observed == s.generation && s.latestStatus == helmDeployed && w.is(s.latestVersion, s.latestDigest)
}

// isPresent says whether a condition Ready that is false is about the present spec. Helm-controller does not observe a
// generation while it means to try again.
func (s releaseState) isPresent() bool {
	return slices.Contains([]int64{s.observed, s.attempted, s.readyGeneration}, s.generation)
}

// gaveUp says whether helm-controller will not try again. While it does, or takes the release back, it is busy; once it has
// tried often enough it is stalled.
func (s releaseState) gaveUp() bool {
	return s.stalled || slices.Contains(ended, s.reason) && !s.busy
}
