package status

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// memoryOf is the part of a status that comes from a ledger.
func memoryOf(ledger pin.Ledger) v1alpha1.AppUpgradePolicyStatus {
	decision := rollout.Decision{Targets: []rollout.TargetDecision{{Kind: "App", Name: "a"}}, Ledger: ledger}
	status := Build(makeInput(makeTarget("a", "1.5.0").obj()).in, decision, Outcome{Now: testNow})
	return v1alpha1.AppUpgradePolicyStatus{
		Blocked: status.Blocked, Approvals: status.Approvals, LastHandledResume: status.LastHandledResume,
		Seen: status.Seen, History: status.History,
	}
}

func TestMemory(t *testing.T) {
	first, second := testNow.Add(-2*time.Hour), testNow.Add(-time.Hour)
	end := stored(testNow)
	got := memoryOf(pin.Ledger{
		Seen:      []pin.Seen{{Tag: "1.9.0", At: first}, {Tag: "1.10.0", At: second}, {Tag: "1.9.1", At: second}},
		Blocked:   []pin.Blocked{{Tag: "1.9.0", Wave: "canary", Message: "it failed", At: first}, {Tag: "1.9.1", Message: "it, too", At: second, Rollback: true}},
		Approvals: []pin.Approval{{Version: "1.9.0", At: first}, {Version: "1.9.0", Wave: "production", At: second}},
		Resumes:   []string{"one", "two"},
		History: []pin.Entry{
			{From: "1.8.0", To: "1.9.0", Wave: "canary", Approved: true, Targets: 2, Start: first, End: testNow, Result: "Failed", Commit: "c0ffee"},
			{From: "1.9.0", To: "1.8.0", Wave: "canary", Rollback: true, Targets: 1, Start: second},
		},
	})
	want := v1alpha1.AppUpgradePolicyStatus{
		Seen: []v1alpha1.SeenVersion{
			{Version: "1.10.0", Time: stored(second)}, {Version: "1.9.1", Time: stored(second)}, {Version: "1.9.0", Time: stored(first)},
		},
		Blocked: []v1alpha1.BlockedVersion{
			{Version: "1.9.1", Message: "it, too", Time: stored(second)}, {Version: "1.9.0", Wave: "canary", Message: "it failed", Time: stored(first)},
		},
		Approvals: []v1alpha1.Approval{
			{Version: "1.9.0", Wave: "production", Time: stored(second)}, {Version: "1.9.0", Time: stored(first)},
		},
		LastHandledResume: "two",
		History: []v1alpha1.HistoryEntry{
			{From: "1.9.0", To: "1.8.0", Wave: "canary", Rollback: true, Targets: 1, Start: stored(second)},
			{
				From: "1.8.0", To: "1.9.0", Wave: "canary", Approved: true, Targets: 2, Start: stored(first), End: &end,
				Result: "Failed", Commit: "c0ffee",
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var ledger pin.Ledger
	for i := range 100 {
		at, tag := testNow.Add(time.Duration(i)*time.Minute), fmt.Sprintf("1.%d.0", i)
		ledger.Seen = append(ledger.Seen, pin.Seen{Tag: tag, At: at})
		ledger.Blocked = append(ledger.Blocked, pin.Blocked{Tag: tag, At: at, Message: strings.Repeat("long ", 1000)})
		ledger.Approvals = append(ledger.Approvals, pin.Approval{Version: tag, At: at})
		ledger.History = append(ledger.History, pin.Entry{To: tag, Start: at})
	}
	got := memoryOf(ledger)
	counts := []int{len(got.Seen), len(got.Blocked), len(got.Approvals), len(got.History)}
	if diff := cmp.Diff([]int{50, 32, 32, 32}, counts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for what, newest := range map[string]string{
		"seen": got.Seen[0].Version, "blocked": got.Blocked[0].Version, "approved": got.Approvals[0].Version, "in history": got.History[0].To,
	} {
		if newest != "1.99.0" {
			t.Errorf("the first one %s is %s", what, newest)
		}
	}
	if got := len(got.Blocked[0].Message); got > maxMessage {
		t.Errorf("a message of %d bytes", got)
	}
}

// TestAVersionIsSeenOnce: of two times the first counts.
func TestAVersionIsSeenOnce(t *testing.T) {
	early, late := testNow.Add(-time.Hour), testNow
	for name, seen := range map[string][]pin.Seen{
		"early first": {{Tag: "1.5.0", At: early}, {Tag: "1.5.0", At: late}},
		"late first":  {{Tag: "1.5.0", At: late}, {Tag: "1.5.0", At: early}},
	} {
		got := seenOf(pin.Ledger{Seen: seen}, newParser(versions.Filter{}))
		if diff := cmp.Diff([]v1alpha1.SeenVersion{{Version: "1.5.0", Time: stored(early)}}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
