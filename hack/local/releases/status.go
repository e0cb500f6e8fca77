package releases

import (
	"fmt"
	"time"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Helm's words for a release.
const (
	statusDeployed   = "deployed"
	statusFailed     = "failed"
	statusSuperseded = "superseded"
)

// maxHistory is how many entries a history keeps.
const maxHistory = 5

// notReady: there is no chart yet. Helm-controller does not observe a generation before it has one.
func notReady(release *helmv2.HelmRelease) {
	setReady(release, metav1.ConditionFalse, "SourceNotReady", "the chart is not ready")
}

// failed: Helm failed with the chart. With its defaults helm-controller tries no second time.
func failed(release *helmv2.HelmRelease, found artifact) {
	attempted(release, found)
	if latest := latest(release); latest == nil || latest.ChartVersion != found.version || latest.Status != statusFailed {
		record(release, found, statusFailed)
	}
	reason := helmv2.UpgradeFailedReason
	if len(release.Status.History) == 1 {
		reason = helmv2.InstallFailedReason
	}
	setReady(release, metav1.ConditionFalse, reason, fmt.Sprintf("Helm failed with chart %s@%s: it was told to fail", found.name, found.version))
	apimeta.SetStatusCondition(&release.Status.Conditions, metav1.Condition{
		Type: meta.StalledCondition, Status: metav1.ConditionTrue, Reason: "RetriesExceeded", Message: "Failed after 1 attempt(s)",
		ObservedGeneration: release.Generation,
	})
}

// deployed: Helm succeeded with the chart.
func deployed(release *helmv2.HelmRelease, found artifact) {
	attempted(release, found)
	if latest := latest(release); latest == nil || latest.ChartVersion != found.version || latest.Status != statusDeployed {
		record(release, found, statusDeployed)
	}
	apimeta.RemoveStatusCondition(&release.Status.Conditions, meta.StalledCondition)
	setReady(release, metav1.ConditionTrue, helmv2.UpgradeSucceededReason, fmt.Sprintf("Helm succeeded with chart %s@%s", found.name, found.version))
}

func setReady(release *helmv2.HelmRelease, status metav1.ConditionStatus, reason, message string) {
	apimeta.SetStatusCondition(&release.Status.Conditions, metav1.Condition{
		Type: meta.ReadyCondition, Status: status, Reason: reason, Message: message, ObservedGeneration: release.Generation,
	})
}

func attempted(release *helmv2.HelmRelease, found artifact) {
	status := &release.Status
	status.ObservedGeneration, status.LastAttemptedGeneration = release.Generation, release.Generation
	status.LastAttemptedRevision, status.LastAttemptedRevisionDigest = found.version, found.digest
}

// latest is the newest entry of the history, which is the first; nil if there is none.
func latest(release *helmv2.HelmRelease) *helmv2.Snapshot {
	if len(release.Status.History) == 0 {
		return nil
	}
	return release.Status.History[0]
}

// record puts a new entry on top of the history.
func record(release *helmv2.HelmRelease, found artifact, status string) {
	revision := 1
	if before := latest(release); before != nil {
		revision = before.Version + 1
		if before.Status == statusDeployed && status == statusDeployed {
			before.Status = statusSuperseded
		}
	}
	now := metav1.NewTime(time.Now())
	entry := &helmv2.Snapshot{
		Name: release.GetReleaseName(), Namespace: release.GetReleaseNamespace(), Version: revision, Status: status,
		ChartName: found.name, ChartVersion: found.version, OCIDigest: found.digest,
		Digest: "sha256:0", ConfigDigest: "sha256:0", FirstDeployed: now, LastDeployed: now,
	}
	history := append(helmv2.Snapshots{entry}, release.Status.History...)
	release.Status.History = history[:min(len(history), maxHistory)]
}
