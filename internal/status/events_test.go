package status

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

func eventsOf(events []Event) []string {
	var texts []string
	for _, event := range events {
		texts = append(texts, event.Type+" "+event.Reason+": "+event.Message)
	}
	return texts
}

func statusOf(b *inputBuilder) v1alpha1.AppUpgradePolicyStatus { return build(b.in, Outcome{}) }

func TestEvents(t *testing.T) {
	stalled := build(makeInput().in, Outcome{Problem: &Problem{Stalled: true, Reason: "InvalidSpec", Message: "no range"}})
	old := func(b *inputBuilder) *inputBuilder {
		return b.with(func(in *rollout.Input) { in.Candidate.Tag = "1.4.0" })
	}
	pinned := makeInput(makeTarget("a", "1.4.0").obj(), makeTarget("b", "1.4.0").obj())
	cases := map[string]struct {
		before, after v1alpha1.AppUpgradePolicyStatus
		events        []string
	}{
		"nothing": {before: statusOf(pinned), after: statusOf(pinned)},
		"layouts that Flux will change": {
			before: v1alpha1.AppUpgradePolicyStatus{Targets: []v1alpha1.TargetStatus{{Name: "known", Note: "a.yaml:1"}, {Name: "b"}}},
			after: v1alpha1.AppUpgradePolicyStatus{Targets: []v1alpha1.TargetStatus{
				{Name: "known", Note: "a.yaml:1"}, {Name: "b", Note: "b.yaml:2"}, {Name: "also-b", Note: "b.yaml:2"},
			}},
			events: []string{"Normal FileReformat: b.yaml:2"},
		},
		"the first status": {
			after:  statusOf(makeInput(makeTarget("a", "1.5.0").obj())),
			events: []string{"Normal VersionAvailable: 1.5.0 is available", "Normal Succeeded: 1 of 1 targets run 1.5.0"},
		},
		"a newer version, wanted": {
			before: statusOf(old(makeInput(makeTarget("a", "1.4.0").obj(), makeTarget("b", "1.4.0").obj()))),
			after:  statusOf(pinned),
			events: []string{"Normal VersionAvailable: 1.5.0 is available", "Normal Pinned: Going to 1.5.0: App a, App b"},
		},
		"committed and deployed": {
			before: statusOf(pinned),
			after: statusOf(makeInput(
				makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.4.0", "1.4.0", "deployed").obj(),
				makeTarget("b", "1.4.0").upgrade("1.5.0", "1.5.0", "1.5.0", "1.5.0", "deployed").obj(),
			)),
			events: []string{"Normal Committed: 1.5.0 is in Git: App a", "Normal Deployed: 1.5.0 is deployed: App b"},
		},
		"suspended": {
			before: statusOf(pinned),
			after:  statusOf(makeInput(makeTarget("a", "1.4.0").obj(), makeTarget("b", "1.4.0").obj()).suspended()),
			events: []string{"Normal Suspended: Suspended: nothing is marked and nothing moves until spec.suspend is false"},
		},
		"a human's hold": {
			before: statusOf(makeInput(makeTarget("a", "1.5.0").obj())),
			after: statusOf(makeInput(makeTarget("a", "1.4.0").with(func(t *rollout.Target) {
				t.Pin.Memory.Hold = &pin.Hold{Reason: "ManualHold", UpTo: "1.5.0"}
			}))),
			events: []string{"Normal ManualHold: 1.5.0 is held: A human committed 1.4.0 to apps/a.yaml:9 and left 1.5.0: it stays " +
				"until there is a version newer than 1.5.0, until you commit 1.5.0 yourself, or until you set a new token in the " +
				"annotation upgrades.giantswarm.io/resume"},
		},
		"findings of one reason": {
			before: statusOf(pinned),
			after: statusOf(makeInput(
				makeTarget("a", "1.4.0").finding("MarkerMissing", "gone").obj(),
				makeTarget("b", "1.4.0").finding("MarkerMissing", "gone too").obj(),
			)),
			events: []string{"Warning MarkerMissing: App a: gone; App b: gone too"},
		},
		"stalled":                   {before: statusOf(pinned), after: stalled, events: []string{"Warning InvalidSpec: no range"}},
		"a new target has no story": {before: statusOf(makeInput(makeTarget("a", "1.4.0").obj())), after: statusOf(pinned)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.events, eventsOf(Events(tc.before, tc.after))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestRolloutEvents: what happens between two statuses that have conditions.
func TestRolloutEvents(t *testing.T) {
	type status = v1alpha1.AppUpgradePolicyStatus
	early, late := stored(testNow), stored(testNow.Add(time.Hour))
	wave := func(state v1alpha1.WaveState, version string) status {
		return status{Waves: []v1alpha1.WaveStatus{{Name: "canary", State: state, Version: version, Soaked: &late}}}
	}
	history := func(entries ...v1alpha1.HistoryEntry) status { return status{History: entries} }
	upgrade := v1alpha1.HistoryEntry{From: "1.4.0", To: "1.5.0", Wave: "canary", Targets: 3, Start: early}
	rollback := v1alpha1.HistoryEntry{From: "1.5.0", To: "1.4.0", Rollback: true, Targets: 1, Start: early}
	end := func(entry v1alpha1.HistoryEntry, result string) v1alpha1.HistoryEntry {
		entry.Result, entry.End = result, &late
		return entry
	}
	held := func(reason string, versions ...string) []v1alpha1.Held {
		var entries []v1alpha1.Held
		for _, version := range versions {
			entries = append(entries, v1alpha1.Held{Version: version, Reason: reason, Message: "why " + version})
		}
		return entries
	}
	target := func(state v1alpha1.TargetState, desired string) status {
		return status{Targets: []v1alpha1.TargetStatus{{Kind: "App", Name: "a", State: state, Desired: desired}}}
	}
	invalid := func(message string) status {
		return status{Conditions: []metav1.Condition{{Type: v1alpha1.RolloutValidCondition, Status: "False", Reason: "WaveEmpty", Message: message}}}
	}
	approval := v1alpha1.Approval{Version: "1.5.0", Wave: "production", Time: early}
	blocked := v1alpha1.BlockedVersion{Version: "1.5.0", Wave: "canary", Message: "App a failed", Time: early}
	cases := map[string]struct {
		before, after status
		events        []string
	}{
		"a version that was available before": {
			before: status{Available: "1.5.0", Seen: []v1alpha1.SeenVersion{{Version: "1.5.0"}, {Version: "1.4.0"}}},
			after:  status{Available: "1.4.0"},
		},
		"many versions held anew": {
			before: status{Held: held("TooYoung", "1.4.0")},
			after:  status{Held: append(held("OutsideWindow", "1.5.0"), held("TooYoung", "1.5.0", "1.4.4", "1.4.3", "1.4.2", "1.4.0")...)},
			events: []string{
				"Normal OutsideWindow: 1.5.0 is held: why 1.5.0",
				"Normal TooYoung: 1.5.0, 1.4.4, 1.4.3 and 1 more are held: why 1.5.0",
			},
		},
		"other words and times about what was held": {
			before: status{Held: held("TooYoung", "1.5.0")},
			after:  status{Held: []v1alpha1.Held{{Version: "1.5.0", Reason: "TooYoung", Message: "other", Earliest: &late}}},
		},
		"blocked": {
			after:  status{Blocked: []v1alpha1.BlockedVersion{blocked}, Held: held("Blocked", "1.5.0")},
			events: []string{"Warning Blocked: Wave canary: 1.5.0 is blocked: App a failed"},
		},
		"still blocked": {
			before: status{Blocked: []v1alpha1.BlockedVersion{blocked}},
			after:  status{Blocked: []v1alpha1.BlockedVersion{blocked}},
		},
		"resumed": {
			before: status{Blocked: []v1alpha1.BlockedVersion{blocked}, LastHandledResume: "one"},
			after:  status{LastHandledResume: "two"},
			events: []string{"Normal Resumed: The token \"two\" of the annotation upgrades.giantswarm.io/resume is handled: versions " +
				"that failed, and those that humans left, may be taken again"},
		},
		"approved": {
			after:  status{Approvals: []v1alpha1.Approval{approval}},
			events: []string{"Normal Approved: Wave production: 1.5.0 is approved"},
		},
		"approved before": {
			before: status{Approvals: []v1alpha1.Approval{approval}},
			after:  status{Approvals: []v1alpha1.Approval{approval}},
		},
		"an upgrade begins": {after: history(upgrade)},
		"an upgrade ends": {
			before: history(upgrade),
			after:  history(end(upgrade, "Succeeded")),
			events: []string{"Normal UpgradeSucceeded: Wave canary: Upgrade of 3 targets from 1.4.0 to 1.5.0: Succeeded"},
		},
		"an upgrade failed, and is rolled back": {
			before: history(upgrade),
			after:  history(rollback, end(upgrade, "Failed")),
			events: []string{
				"Warning UpgradeFailed: Wave canary: Upgrade of 3 targets from 1.4.0 to 1.5.0: Failed",
				"Warning RollbackStarted: Rollback of 1 target from 1.5.0 to 1.4.0",
			},
		},
		"a rollback ends": {
			before: history(rollback, end(upgrade, "Failed")),
			after:  history(end(rollback, "Succeeded"), end(upgrade, "Failed")),
			events: []string{"Normal RollbackSucceeded: Rollback of 1 target from 1.5.0 to 1.4.0: Succeeded"},
		},
		"a rollback with more targets": {
			before: history(rollback),
			after:  history(v1alpha1.HistoryEntry{From: "1.4.5", To: "1.4.0", Rollback: true, Targets: 2, Start: early}),
		},
		"a wave goes": {
			before: wave("Waiting", "1.4.0"), after: wave("Upgrading", "1.5.0"),
			events: []string{"Normal WaveUpgrading: Wave canary is on its way to 1.5.0"},
		},
		"a wave soaks": {
			before: wave("Upgrading", "1.5.0"), after: wave("Soaking", "1.5.0"),
			events: []string{"Normal WaveSoaking: Wave canary has 1.5.0, which soaks for the next wave until 2026-03-01T13:00:00Z"},
		},
		"a wave has soaked": {
			before: wave("Soaking", "1.5.0"), after: wave("UpToDate", "1.5.0"),
			events: []string{"Normal WaveUpToDate: Wave canary is up to date with 1.5.0"},
		},
		"a wave failed": {
			before: wave("Soaking", "1.5.0"), after: wave("Failed", "1.5.0"),
			events: []string{"Warning WaveFailed: Wave canary failed with 1.5.0"},
		},
		"a wave waits":                       {before: wave("UpToDate", "1.5.0"), after: wave("Waiting", "1.5.0")},
		"a wave does not wait any more":      {before: wave("Waiting", "1.5.0"), after: wave("UpToDate", "1.5.0")},
		"a new wave":                         {after: wave("Upgrading", "1.5.0")},
		"a target is not held any more":      {before: target("Held", "1.4.0"), after: target("Deployed", "1.4.0")},
		"what never works":                   {before: invalid("canary"), after: invalid("production"), events: []string{"Warning WaveEmpty: production"}},
		"what never worked":                  {before: invalid("canary"), after: invalid("canary")},
		"a target that was held is deployed": {before: target("Held", "1.4.0"), after: target("Deployed", "1.5.0"), events: []string{"Normal Deployed: 1.5.0 is deployed: App a"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tc.before.Conditions = append(tc.before.Conditions, metav1.Condition{Type: v1alpha1.ReadyCondition, Status: "Unknown"})
			if diff := cmp.Diff(tc.events, eventsOf(Events(tc.before, tc.after))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestALostStatusIsNoNews: what was remembered all the time does not happen again.
func TestALostStatusIsNoNews(t *testing.T) {
	at := stored(testNow)
	after := v1alpha1.AppUpgradePolicyStatus{
		Blocked:           []v1alpha1.BlockedVersion{{Version: "1.5.0", Time: at}},
		Approvals:         []v1alpha1.Approval{{Version: "1.5.0", Time: at}},
		LastHandledResume: "token",
		History:           []v1alpha1.HistoryEntry{{To: "1.5.0", Start: at, End: &at, Result: "Failed"}},
	}
	if got := Events(v1alpha1.AppUpgradePolicyStatus{}, after); len(got) > 0 {
		t.Errorf("got %q", eventsOf(got))
	}
}

func TestAProblemWithNewWordsIsTold(t *testing.T) {
	problem := func(message string) v1alpha1.AppUpgradePolicyStatus {
		return build(makeInput().in, Outcome{Problem: &Problem{Reason: "ScanFailed", Message: message}})
	}
	if got := eventsOf(Events(problem("no route"), problem("unauthorized"))); len(got) != 1 || !strings.Contains(got[0], "unauthorized") {
		t.Errorf("got %q", got)
	}
}
