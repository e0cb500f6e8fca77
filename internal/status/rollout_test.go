package status

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// ended is what a pin remembers of an upgrade to 1.5.0 that is over.
func ended(result string) pin.Upgrade {
	start := testNow.Add(-time.Hour)
	return pin.Upgrade{From: "1.4.0", To: "1.5.0", Judged: true, Start: start, Committed: start, Applied: start, End: testNow, Result: result}
}

// TestRolloutInConditions: what a rollout does to a target and to the conditions, as the engine decides it.
func TestRolloutInConditions(t *testing.T) {
	upgraded := func(change func(*rollout.Target)) rollout.Target {
		return makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.5.0", "1.5.0", "deployed").with(change)
	}
	blocked := pin.Ledger{Blocked: []pin.Blocked{{Tag: "1.5.0", Message: "App a failed", At: testNow, Rollback: true}}}
	isBlocked := func(in *rollout.Input) {
		in.Ledger = blocked
		in.Ledger.Seen = []pin.Seen{{Tag: "1.5.0", At: testNow}, {Tag: "1.4.0", At: testNow}}
		in.Candidate.Tag = "1.4.0"
	}
	backTo := func(git, spec string) func(*rollout.Target) {
		return func(t *rollout.Target) {
			start := testNow.Add(-time.Minute)
			t.Pin.Upgrade = pin.Upgrade{From: "1.5.0", To: "1.4.0", Rollback: true, Judged: true, Start: start}
			t.Pin.Intent.Want, t.Pin.Intent.Back = "1.4.0", "1.5.0"
			t.Pin.Memory.Git, t.Pin.Memory.Wanted, t.Spec, t.Installed = git, "1.4.0", spec, spec
		}
	}
	cases := map[string]struct {
		in         *inputBuilder
		state      v1alpha1.TargetState
		finding    string
		conditions []string
		ready      string
		upgrading  int32
	}{
		"failed": {
			in:         makeInput(upgraded(func(t *rollout.Target) { t.Pin.Upgrade, t.ReleaseStatus = ended("Failed"), "failed" })),
			state:      v1alpha1.TargetFailed,
			finding:    v1alpha1.UpgradeFailedReason,
			conditions: []string{"Ready=False Findings"},
		},
		"not judged, and not well": {
			in:         makeInput(upgraded(func(t *rollout.Target) { t.Pin.Upgrade, t.ReleaseStatus = ended("Unjudged"), "pending-upgrade" })),
			state:      v1alpha1.TargetApplied,
			conditions: []string{"Ready=True Succeeded", "UpToDate=False Progressing"},
		},
		"not applied in time": {
			in: makeInput(upgraded(func(t *rollout.Target) {
				t.Spec, t.Installed, t.ApplyMessage = "1.4.0", "1.4.0", "kustomize build failed"
				t.Pin.Upgrade.Applied, t.Pin.Upgrade.Committed, t.Pin.Upgrade.Clock = time.Time{}, testNow.Add(-time.Hour), testNow.Add(-time.Hour)
			})).with(func(in *rollout.Input) { in.Ledger.Began = testNow.Add(-time.Hour) }),
			state:      v1alpha1.TargetCommitted,
			finding:    v1alpha1.NotAppliedReason,
			conditions: []string{"Ready=False Findings", "UpToDate=False Upgrading"},
			upgrading:  1,
		},
		"going back": {
			in:         makeInput(makeTarget("a", "1.5.0").with(backTo("1.5.0", "1.5.0"))).with(isBlocked),
			state:      v1alpha1.TargetPinned,
			conditions: []string{"Ready=True Upgrading", "Reconciling=True Progressing"},
			ready:      "1 of 1 targets on the way back to 1.4.0",
			upgrading:  1,
		},
		"back in Git": {
			in:         makeInput(makeTarget("a", "1.5.0").with(backTo("1.4.0", "1.5.0"))).with(isBlocked),
			state:      v1alpha1.TargetCommitted,
			conditions: []string{"Ready=True Upgrading", "UpToDate=False Upgrading"},
			ready:      "1 of 1 targets on the way back to 1.4.0",
			upgrading:  1,
		},
		"back, and the newest version is blocked": {
			in:         makeInput(makeTarget("a", "1.5.0").with(backTo("1.4.0", "1.4.0"))).with(isBlocked),
			state:      v1alpha1.TargetHeld,
			conditions: []string{"Ready=True Held", "UpToDate=False Held"},
			ready:      "1.5.0 is held: Blocked: ",
		},
		"too young": {
			in:         makeInput(makeTarget("a", "1.4.0").obj()).with(func(in *rollout.Input) { in.Policy.MinAge = time.Hour }),
			state:      v1alpha1.TargetHeld,
			conditions: []string{"Ready=True Held", "UpToDate=False Held"},
			ready:      "1.5.0 is held: TooYoung: ",
		},
		"in no wave": {
			in: makeInput(makeTarget("a", "1.4.0").with(func(t *rollout.Target) { t.Waves = nil })).with(func(in *rollout.Input) {
				in.Policy.Waves = []rollout.Wave{{Name: "canary"}}
			}),
			state:      v1alpha1.TargetFailed,
			finding:    v1alpha1.NoWaveReason,
			conditions: []string{"Ready=False Findings"},
		},
		"an approval of nothing": {
			in:         makeInput(makeTarget("a", "1.5.0").obj()).with(func(in *rollout.Input) { in.Policy.Approve = "1.9.0" }),
			state:      v1alpha1.TargetCurrent,
			conditions: []string{"Ready=True Succeeded", "RolloutValid=False ApprovalUnknown"},
		},
		"deleting": {
			in:         makeInput(makeTarget("a", "1.5.0").obj()).with(func(in *rollout.Input) { in.Policy.Deleting = true }),
			state:      v1alpha1.TargetCurrent,
			conditions: []string{"Reconciling=True Progressing", "RolloutValid=Unknown Progressing"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := build(tc.in.in, Outcome{})
			target := got.Targets[0]
			if target.State != tc.state || got.Counts.Upgrading != tc.upgrading {
				t.Errorf("state %s and %d upgrading, want %s and %d", target.State, got.Counts.Upgrading, tc.state, tc.upgrading)
			}
			if (target.Finding != nil || tc.finding != "") && (target.Finding == nil || target.Finding.Reason != tc.finding) {
				t.Errorf("finding %+v, want %q", target.Finding, tc.finding)
			}
			has := conditionsOf(got)
			for _, want := range tc.conditions {
				if !slices.Contains(has, want) {
					t.Errorf("lacks %s: %q", want, has)
				}
			}
			busy := func(condition string) bool { return strings.HasPrefix(condition, "Reconciling=") }
			if slices.ContainsFunc(has, busy) != slices.ContainsFunc(tc.conditions, busy) {
				t.Errorf("only what the operator has to do itself is reconciling: %q", has)
			}
			if ready := messageOf(got, v1alpha1.ReadyCondition); !strings.HasPrefix(ready, tc.ready) {
				t.Errorf("ready says %q, want %q", ready, tc.ready)
			}
		})
	}
}

// TestProblemsOfARollout: the first one gives the reason, and all are told.
func TestProblemsOfARollout(t *testing.T) {
	in := makeInput(makeTarget("a", "1.5.0").obj()).in
	decision := rollout.Decide(in)
	decision.Problems = []rollout.Problem{
		{Reason: v1alpha1.WaveEmptyReason, Message: "wave canary has no targets"},
		{Reason: v1alpha1.ScheduleNeverOpensReason, Message: strings.Repeat("never ", 1000)},
	}
	got := Build(in, decision, Outcome{Now: testNow})
	if !slices.Contains(conditionsOf(got), "RolloutValid=False WaveEmpty") || !slices.Contains(conditionsOf(got), "Ready=True Succeeded") {
		t.Errorf("conditions %q", conditionsOf(got))
	}
	message := messageOf(got, v1alpha1.RolloutValidCondition)
	if !strings.HasPrefix(message, "wave canary has no targets; never never") || len(message) > maxMessage {
		t.Errorf("%d bytes: %q", len(message), message)
	}
}

// TestNothingDecidedKeepsThePreviousView: what is remembered does not vanish from the status because of an error.
func TestNothingDecidedKeepsThePreviousView(t *testing.T) {
	in := makeInput(makeTarget("a", "1.5.0").obj()).in
	before := build(in, Outcome{})
	after := Build(in, rollout.Decision{}, Outcome{Now: testNow, Previous: before, Problem: &Problem{Reason: "Progressing", Message: "no connection"}})
	if len(after.Seen) != 1 || after.Available != "1.5.0" {
		t.Errorf("seen %v and available %q", after.Seen, after.Available)
	}
}
