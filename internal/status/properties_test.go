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
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

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
		if has("UpToDate=True") && has("Ready=True Upgrading") && status.Counts.Upgrading == 0 {
			t.Fatalf("upgrading nothing: %v", present)
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

// TestAnyDecisionFits: no list and no text is longer than the API allows, whatever is decided, and held names each version and
// reason once.
func TestAnyDecisionFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		decision := drawDecision(t, in)
		status := Build(in, decision, Outcome{Now: testNow})
		for what, fits := range map[string]bool{
			"held":      len(status.Held) <= 32,
			"waves":     len(status.Waves) <= 16,
			"blocked":   len(status.Blocked) <= 32,
			"approvals": len(status.Approvals) <= 32,
			"seen":      len(status.Seen) <= 50,
			"history":   len(status.History) <= 32,
		} {
			if !fits {
				t.Fatalf("too many %s", what)
			}
		}
		known := map[heldKey]bool{}
		for _, held := range status.Held {
			key := heldKey{version: held.Version, reason: held.Reason}
			if known[key] || len(held.Message) > maxMessage {
				t.Fatalf("%v twice, or a message of %d bytes", key, len(held.Message))
			}
			known[key] = true
		}
		for _, condition := range status.Conditions {
			if len(condition.Message) > maxMessage {
				t.Fatalf("%s says %d bytes", condition.Type, len(condition.Message))
			}
		}
		if diff := cmp.Diff(status, Build(in, decision, Outcome{Now: testNow, Previous: status})); diff != "" {
			t.Fatalf("a second look changes:\n%s", diff)
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
		target := builder.obj()
		target.Pin.Memory.File, target.Pin.Memory.Note = strings.Repeat("folder/", 500), strings.Repeat("noted ", 1000)
		targets = append(targets, target)
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
	if text, err := json.Marshal(status); err != nil || len(text) > 1<<20 { // etcd takes 1.5 MiB
		t.Errorf("the status has %d bytes (%v)", len(text), err)
	}
	for _, event := range Events(v1alpha1.AppUpgradePolicyStatus{}, status) {
		if len(event.Message) > maxMessage {
			t.Errorf("event %s has %d bytes", event.Reason, len(event.Message))
		}
	}
}
