package releases

import (
	"testing"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
)

// TestStatus tells the story of a release: it is installed, an upgrade fails, is seen again, and is taken back by another spec.
func TestStatus(t *testing.T) {
	release := &helmv2.HelmRelease{}
	at := func(version string) artifact { return artifact{chart{"hello", version}, version, ""} }
	type seen struct {
		Ready, Stalled string
		Attempted      string
		History        []string
	}
	for _, step := range []struct {
		name string
		do   func()
		want seen
	}{
		{"no chart", func() { notReady(release) }, seen{Ready: "SourceNotReady"}},
		{"installed", func() { deployed(release, at("1.0.0")) }, seen{Ready: "UpgradeSucceeded", Attempted: "1.0.0", History: []string{"1.0.0 deployed"}}},
		{"again", func() { deployed(release, at("1.0.0")) }, seen{Ready: "UpgradeSucceeded", Attempted: "1.0.0", History: []string{"1.0.0 deployed"}}},
		{"fails", func() { failed(release, at("1.1.0")) }, seen{"UpgradeFailed", "RetriesExceeded", "1.1.0", []string{"1.1.0 failed", "1.0.0 deployed"}}},
		{"fails still", func() { failed(release, at("1.1.0")) }, seen{"UpgradeFailed", "RetriesExceeded", "1.1.0", []string{"1.1.0 failed", "1.0.0 deployed"}}},
		{"goes back", func() { deployed(release, at("1.0.0")) }, seen{
			Ready: "UpgradeSucceeded", Attempted: "1.0.0", History: []string{"1.0.0 deployed", "1.1.0 failed", "1.0.0 deployed"},
		}},
	} {
		step.do()
		got := seen{Attempted: release.Status.LastAttemptedRevision}
		if ready := apimeta.FindStatusCondition(release.Status.Conditions, meta.ReadyCondition); ready != nil {
			got.Ready = ready.Reason
		}
		if stalled := apimeta.FindStatusCondition(release.Status.Conditions, meta.StalledCondition); stalled != nil {
			got.Stalled = stalled.Reason
		}
		for _, entry := range release.Status.History {
			got.History = append(got.History, entry.ChartVersion+" "+entry.Status)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
	}
}
