package status

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

func drawText(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"", "1.3.0", "v1.4.0", "1.4.0", "1.5.0", "1.6.0", "latest"}).Draw(t, label)
}

func drawFinding(t *rapid.T, label string) *pin.Finding {
	reason := rapid.SampledFrom([]string{"", "", "", "MarkerMissing", "MarkerUnmanaged", "GitUnreadable"}).Draw(t, label)
	if reason == "" {
		return nil
	}
	return &pin.Finding{Reason: reason, Message: strings.Repeat("é", rapid.IntRange(0, 600).Draw(t, label+" length"))}
}

func drawTarget(t *rapid.T, name string) rollout.Target {
	target := rollout.Target{
		Kind: "App", Name: name,
		Finding:       drawFinding(t, "finding"),
		Spec:          drawText(t, "spec"),
		Installed:     drawText(t, "installed"),
		ReleaseStatus: rapid.SampledFrom([]string{"deployed", "deployed", "failed", "pending-upgrade", "app-not-found", ""}).Draw(t, "release"),
	}
	if rapid.IntRange(0, 9).Draw(t, "no pin") == 0 {
		return target
	}
	target.Pin = &rollout.Pin{
		Name:   pin.Name("App", name),
		Intent: pin.Intent{Want: drawText(t, "want")},
		Memory: pin.Memory{
			Git: drawText(t, "git"), Wanted: drawText(t, "wanted"),
			Marked:  rapid.Bool().Draw(t, "marked"),
			Leader:  rapid.SampledFrom([]string{"", "", "pin.app.t0", "pin.app.gone"}).Draw(t, "leader"),
			Finding: drawFinding(t, "pin's finding"),
		},
		Batch: rapid.SampledFrom([]string{"", "b1"}).Draw(t, "batch"),
	}
	if rapid.Bool().Draw(t, "hold") {
		target.Pin.Memory.Hold = &pin.Hold{Reason: "ManualHold", UpTo: drawText(t, "up to")}
	}
	return target
}

func drawInput(t *rapid.T) rollout.Input {
	in := makeInput().in
	in.Policy.Suspended = rapid.Bool().Draw(t, "suspended")
	in.Policy.Deleting = rapid.IntRange(0, 9).Draw(t, "deleting") == 0
	in.Candidate = rollout.Candidate{Tag: drawText(t, "candidate"), Reason: rapid.SampledFrom([]string{"", "ScanPending", "NoCandidate"}).Draw(t, "reason")}
	for i := range rapid.IntRange(0, 5).Draw(t, "targets") {
		in.Targets = append(in.Targets, drawTarget(t, fmt.Sprintf("t%d", i)))
	}
	return in
}

func drawOutcome(t *rapid.T) Outcome {
	outcome := Outcome{Now: testNow, Generation: 2}
	switch rapid.IntRange(0, 5).Draw(t, "outcome") {
	case 0:
		outcome.Problem = &Problem{Stalled: rapid.Bool().Draw(t, "stalled"), Reason: "InvalidSpec", Message: "no"}
	case 1:
		outcome.Waiting = &Waiting{Reason: "ScanPending", Message: "not yet"}
	}
	return outcome
}

// TestNothingIsWrittenAtRest: the same input gives the same status, later too and after it was stored, and no events.
func TestNothingIsWrittenAtRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, outcome := drawInput(t), drawOutcome(t)
		decision := rollout.Decide(in)
		first := Build(in, decision, outcome)
		data, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		outcome.Previous = v1alpha1.AppUpgradePolicyStatus{}
		if err := json.Unmarshal(data, &outcome.Previous); err != nil {
			t.Fatal(err)
		}
		outcome.Now = testNow.Add(time.Hour)
		second := Build(in, decision, outcome)
		again, err := json.Marshal(second)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(data), string(again)); diff != "" {
			t.Fatalf("changes with time:\n%s", diff)
		}
		if events := Events(outcome.Previous, second); len(events) > 0 {
			t.Fatalf("events at rest: %v", events)
		}
	})
}

// TestStatusIsConsistent checks what kstatus and the schema ask of any status.
func TestStatusIsConsistent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, outcome := drawInput(t), drawOutcome(t)
		status := Build(in, rollout.Decide(in), outcome)
		present := conditionsOf(status)
		for _, condition := range status.Conditions {
			if condition.Reason == "" || condition.LastTransitionTime.IsZero() || condition.ObservedGeneration != 2 {
				t.Fatalf("incomplete: %+v", condition)
			}
			only := condition.Type == v1alpha1.ReconcilingCondition || condition.Type == v1alpha1.StalledCondition
			if only && condition.Status != "True" {
				t.Fatalf("%s is present and %s", condition.Type, condition.Status)
			}
		}
		has := func(text string) bool {
			return slices.ContainsFunc(present, func(c string) bool { return strings.HasPrefix(c, text) })
		}
		if has("Stalled=True") && (has("Ready=True") || has("Reconciling=True")) {
			t.Fatalf("stalled and more: %v", present)
		}
		if has("Ready=True Held") && status.Counts.Upgrading > 0 {
			t.Fatalf("held and upgrading: %v", present)
		}
		if has("Ready=True") && status.Counts != nil && status.Counts.Findings > 0 {
			t.Fatalf("ready with findings: %v", present)
		}
		for _, target := range status.Targets {
			if target.State == v1alpha1.TargetFailed && target.Finding == nil {
				t.Fatalf("%s failed without a finding", target.Name)
			}
			if target.Finding != nil && len(target.Finding.Message) > maxMessage {
				t.Fatalf("a message of %d bytes", len(target.Finding.Message))
			}
		}
	})
}

func TestBounds(t *testing.T) {
	var targets []rollout.Target
	for i := range 1000 {
		builder := makeTarget(fmt.Sprintf("t%03d", i), "1.5.0")
		if i >= 990 {
			builder.finding("MarkerMissing", strings.Repeat("gone ", 1000))
		}
		targets = append(targets, builder.obj())
	}
	status := statusOf(makeInput(targets...))
	if got := len(status.Targets); got != v1alpha1.MaxStatusTargets {
		t.Errorf("%d targets are shown", got)
	}
	for i, target := range status.Targets[:11] {
		if deviates := target.State == v1alpha1.TargetFailed; deviates != (i < 10) {
			t.Errorf("target %d is %s: those that deviate come first", i, target.State)
		}
	}
	if status.Counts.Total != 1000 || status.Counts.Findings != 10 {
		t.Errorf("counts %+v", status.Counts)
	}
	for _, event := range Events(v1alpha1.AppUpgradePolicyStatus{}, status) {
		if len(event.Message) > maxMessage {
			t.Errorf("event %s has %d bytes", event.Reason, len(event.Message))
		}
	}
}
