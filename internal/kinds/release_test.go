package kinds

import (
	"testing"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

const (
	newDigest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	oldDigest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
)

// upgradedRelease has its chart at 1.4.0, and then at 1.5.0, as helm-controller says it at generation 2.
func upgradedRelease(edits ...func(*helmv2.HelmRelease)) *helmv2.HelmRelease {
	release := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "org-acme", Name: "hello", Generation: 2}}
	release.Status = helmv2.HelmReleaseStatus{
		ObservedGeneration: 2, LastAttemptedGeneration: 2, LastAttemptedRevision: "1.5.0",
		History: helmv2.Snapshots{
			{Version: 7, ChartVersion: "1.5.0", Status: "deployed"},
			{Version: 6, ChartVersion: "1.4.0", Status: "superseded"},
		},
		Conditions: []metav1.Condition{ready(metav1.ConditionTrue, helmv2.UpgradeSucceededReason, "Helm upgrade succeeded")},
	}
	for _, edit := range edits {
		edit(release)
	}
	return release
}

func ready(status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: meta.ReadyCondition, Status: status, Reason: reason, Message: message, ObservedGeneration: 2}
}

// says replaces the condition Ready, and adds others that are true.
func says(status metav1.ConditionStatus, reason string, others ...string) func(*helmv2.HelmRelease) {
	return func(r *helmv2.HelmRelease) {
		r.Status.Conditions = []metav1.Condition{ready(status, reason, "because")}
		for _, other := range others {
			r.Status.Conditions = append(r.Status.Conditions, metav1.Condition{Type: other, Status: metav1.ConditionTrue, ObservedGeneration: 2})
		}
	}
}

// ran replaces the newest entry of the history.
func ran(chart, status, digest string) func(*helmv2.HelmRelease) {
	return func(r *helmv2.HelmRelease) {
		r.Status.History[0].ChartVersion, r.Status.History[0].Status, r.Status.History[0].OCIDigest = chart, status, digest
	}
}

func tried(chart, digest string) func(*helmv2.HelmRelease) {
	return func(r *helmv2.HelmRelease) {
		r.Status.LastAttemptedRevision, r.Status.LastAttemptedRevisionDigest = chart, digest
	}
}

func observed(generation int64) func(*helmv2.HelmRelease) {
	return func(r *helmv2.HelmRelease) { r.Status.ObservedGeneration = generation }
}

func TestHealthOfRelease(t *testing.T) {
	const no = metav1.ConditionFalse
	failed := health{installed: "1.5.0", status: "UpgradeFailed", reason: "because"}
	lasting := func(h health) health { h.trouble = rollout.TroubleLasting; return h }
	passing := func(h health) health { h.trouble = rollout.TroublePassing; return h }
	of := func(reason string) health { return health{installed: "1.4.0", status: reason, reason: "because"} }
	back := ran("1.4.0", "deployed", "")
	for name, tc := range map[string]struct {
		edits []func(*helmv2.HelmRelease)
		// digest of the artifact that is wanted; empty: only the version counts.
		digest string
		want   health
	}{
		"runs": {want: health{installed: "1.5.0", status: "deployed"}},
		"runs, oldest first": {
			edits: []func(*helmv2.HelmRelease){func(r *helmv2.HelmRelease) {
				r.Status.History[0], r.Status.History[1] = r.Status.History[1], r.Status.History[0]
			}},
			want: health{installed: "1.5.0", status: "deployed"},
		},
		"nothing is said": {
			edits: []func(*helmv2.HelmRelease){func(r *helmv2.HelmRelease) { r.Status = helmv2.HelmReleaseStatus{} }},
		},
		"ready with the version of before": {
			edits: []func(*helmv2.HelmRelease){back, observed(1)}, want: health{installed: "1.4.0", status: atWork},
		},
		"ready, generation not observed": {
			edits: []func(*helmv2.HelmRelease){observed(1)}, want: health{installed: "1.5.0", status: atWork},
		},
		"ready, and somebody uninstalled it": {
			edits: []func(*helmv2.HelmRelease){ran("1.5.0", "uninstalled", "")}, want: health{installed: "1.5.0", status: atWork},
		},
		"at work": {
			edits: []func(*helmv2.HelmRelease){back, says(metav1.ConditionUnknown, meta.ProgressingReason, meta.ReconcilingCondition)},
			want:  health{installed: "1.4.0", status: atWork, reason: "because"},
		},
		"digest of the artifact":   {edits: []func(*helmv2.HelmRelease){ran("1.5.0+111111111111", "deployed", newDigest)}, digest: newDigest, want: health{installed: "1.5.0", status: "deployed"}},
		"digest in a revision":     {edits: []func(*helmv2.HelmRelease){ran("1.5.0+111111111111", "deployed", "main-1.5.0@"+newDigest)}, digest: newDigest, want: health{installed: "1.5.0", status: "deployed"}},
		"digest of before":         {edits: []func(*helmv2.HelmRelease){ran("1.5.0+000000000000", "deployed", oldDigest)}, digest: newDigest, want: health{installed: "1.5.0", status: atWork}},
		"no digest, version alone": {edits: []func(*helmv2.HelmRelease){ran("1.5.0+111111111111", "deployed", "")}, digest: newDigest, want: health{installed: "1.5.0", status: "deployed"}},
		"failed": {
			edits: []func(*helmv2.HelmRelease){ran("1.5.0", "failed", ""), says(no, helmv2.UpgradeFailedReason)}, want: lasting(failed),
		},
		"failed, retries exceeded": {
			edits: []func(*helmv2.HelmRelease){ran("1.5.0", "failed", ""), says(no, helmv2.UpgradeFailedReason, meta.StalledCondition)}, want: lasting(failed),
		},
		"failed, is tried again": {
			edits: []func(*helmv2.HelmRelease){ran("1.5.0", "failed", ""), says(no, helmv2.UpgradeFailedReason, meta.ReconcilingCondition)}, want: passing(failed),
		},
		"failed, generation observed nowhere else": {
			edits: []func(*helmv2.HelmRelease){ran("1.5.0", "failed", ""), says(no, helmv2.UpgradeFailedReason), observed(1)}, want: lasting(failed),
		},
		"taken back by Helm":        {edits: []func(*helmv2.HelmRelease){back, says(no, helmv2.RollbackSucceededReason)}, want: lasting(of("RollbackSucceeded"))},
		"cannot be taken back":      {edits: []func(*helmv2.HelmRelease){back, says(no, helmv2.RollbackFailedReason)}, want: lasting(of("RollbackFailed"))},
		"uninstalled":               {edits: []func(*helmv2.HelmRelease){back, says(no, helmv2.UninstallSucceededReason)}, want: lasting(of("UninstallSucceeded"))},
		"cannot be uninstalled":     {edits: []func(*helmv2.HelmRelease){back, says(no, helmv2.UninstallFailedReason)}, want: lasting(of("UninstallFailed"))},
		"cannot be installed":       {edits: []func(*helmv2.HelmRelease){back, says(no, helmv2.InstallFailedReason)}, want: lasting(of("InstallFailed"))},
		"its tests fail":            {edits: []func(*helmv2.HelmRelease){back, says(no, helmv2.TestFailedReason)}, want: lasting(of("TestFailed"))},
		"stalled for another cause": {edits: []func(*helmv2.HelmRelease){back, says(no, "AnyReason", meta.StalledCondition)}, want: lasting(of("AnyReason"))},
		"the version of before failed": {
			edits: []func(*helmv2.HelmRelease){back, tried("1.4.0", ""), says(no, helmv2.UpgradeFailedReason)}, want: passing(of("UpgradeFailed")),
		},
		"the artifact of before failed": {
			edits:  []func(*helmv2.HelmRelease){ran("1.4.0", "failed", oldDigest), tried("1.5.0+000000000000", oldDigest), says(no, helmv2.UpgradeFailedReason)},
			digest: newDigest, want: passing(of("UpgradeFailed")),
		},
		"chart is not there":    {edits: []func(*helmv2.HelmRelease){back, tried("1.4.0", ""), says(no, "SourceNotReady")}, want: passing(of("SourceNotReady"))},
		"chart cannot be read":  {edits: []func(*helmv2.HelmRelease){back, tried("1.4.0", ""), says(no, helmv2.ArtifactFailedReason)}, want: passing(of("ArtifactFailed"))},
		"dependency is missing": {edits: []func(*helmv2.HelmRelease){back, says(no, helmv2.DependencyNotReadyReason)}, want: passing(of("DependencyNotReady"))},
		"failed at another generation": {
			edits: []func(*helmv2.HelmRelease){back, says(no, helmv2.UpgradeFailedReason), func(r *helmv2.HelmRelease) { r.Generation = 3 }},
			want:  health{installed: "1.4.0", status: atWork, reason: "because"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := releaseStateOf(upgradedRelease(tc.edits...)).health(wanted{version: "1.5.0", tag: "v1.5.0", digest: tc.digest})
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(health{})); diff != "" {
				t.Error(diff)
			}
			target := rollout.Target{Spec: "v1.5.0", Installed: got.installed, ReleaseStatus: got.status, Trouble: got.trouble}
			if deployed := rollout.Deployed(target); deployed != (tc.want.status == "deployed") {
				t.Errorf("deployed %v", deployed)
			}
		})
	}
}

// TestReleaseChanged: what helm-controller writes at each look at a release that is ready wakes nobody.
func TestReleaseChanged(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(*helmv2.HelmRelease)
		want bool
	}{
		"nothing": {func(*helmv2.HelmRelease) {}, false},
		"a look begins": {func(r *helmv2.HelmRelease) {
			r.Status.Conditions = append(r.Status.Conditions, metav1.Condition{Type: meta.ReconcilingCondition, Status: metav1.ConditionTrue})
		}, false},
		"the text of Ready":    {func(r *helmv2.HelmRelease) { r.Status.Conditions[0].Message = "again" }, false},
		"a request is handled": {func(r *helmv2.HelmRelease) { r.Status.LastHandledReconcileAt = "now" }, false},
		"old history goes":     {func(r *helmv2.HelmRelease) { r.Status.History = r.Status.History[:1] }, false},
		"spec":                 {func(r *helmv2.HelmRelease) { r.Generation++ }, true},
		"Helm begins":          {says(metav1.ConditionUnknown, meta.ProgressingReason), true},
		"Helm fails":           {says(metav1.ConditionFalse, helmv2.UpgradeFailedReason), true},
		"history":              {ran("1.6.0", "deployed", ""), true},
		"observed":             {observed(1), true},
	} {
		before := upgradedRelease()
		if got := (helmRelease{}).Changed(before, upgradedRelease(tc.edit)); got != tc.want {
			t.Errorf("%s: changed %v", name, got)
		}
	}
}
