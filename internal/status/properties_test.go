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
	if rapid.Bool().Draw(t, "upgrade") {
		target.Pin.Upgrade = drawUpgrade(t)
	}
	if rapid.Bool().Draw(t, "hold") {
		target.Pin.Memory.Hold = &pin.Hold{Reason: "ManualHold", UpTo: drawText(t, "up to")}
	}
	return target
}

func drawUpgrade(t *rapid.T) pin.Upgrade {
	upgrade := pin.Upgrade{
		From: drawText(t, "from"), To: drawText(t, "to"),
		Rollback: rapid.Bool().Draw(t, "rollback"),
		Judged:   rapid.Bool().Draw(t, "judged"),
		Start:    drawTime(t, "start"), Committed: drawTime(t, "committed"), Applied: drawTime(t, "applied"),
		Result: rapid.SampledFrom([]string{"", "", "Succeeded", "Failed", "Overridden", "Unjudged"}).Draw(t, "result"),
	}
	upgrade.Health = pin.Health{Of: drawText(t, "healthy version"), Healthy: rapid.Bool().Draw(t, "healthy"), Since: drawTime(t, "since")}
	return upgrade
}

func drawTime(t *rapid.T, label string) time.Time {
	minutes := rapid.IntRange(-120, 60).Draw(t, label)
	if minutes > 0 {
		return time.Time{}
	}
	return testNow.Add(time.Duration(minutes) * time.Minute)
}

func drawLedger(t *rapid.T) pin.Ledger {
	var ledger pin.Ledger
	for range rapid.IntRange(0, 3).Draw(t, "remembered") {
		tag, wave, at := drawText(t, "tag"), rapid.SampledFrom([]string{"", "canary"}).Draw(t, "wave"), drawTime(t, "at")
		ledger.Seen = append(ledger.Seen, pin.Seen{Tag: tag, At: at})
		ledger.Approvals = append(ledger.Approvals, pin.Approval{Version: tag, Wave: wave, At: at})
		ledger.Resumes = append(ledger.Resumes, drawText(t, "token"))
		ledger.History = append(ledger.History, pin.Entry{
			From: drawText(t, "from"), To: tag, Wave: wave, Rollback: rapid.Bool().Draw(t, "rolled back"), Start: at,
			End: drawTime(t, "end"), Result: rapid.SampledFrom([]string{"", "Succeeded", "Failed"}).Draw(t, "result"),
		})
		if rapid.Bool().Draw(t, "blocked") {
			ledger.Blocked = append(ledger.Blocked, pin.Blocked{Tag: tag, Wave: wave, Message: "it failed", At: at, Rollback: rapid.Bool().Draw(t, "goes back")})
		}
	}
	return ledger
}

func drawInput(t *rapid.T) rollout.Input {
	in := makeInput().in
	in.Ledger = drawLedger(t)
	in.Policy.MinAge = rapid.SampledFrom([]time.Duration{0, 0, time.Hour}).Draw(t, "min age")
	in.Policy.Approve = rapid.SampledFrom([]string{"", "1.5.0", "canary=1.5.0", "canary=9.9.9"}).Draw(t, "approve")
	if rapid.Bool().Draw(t, "named waves") {
		in.Policy.Waves = []rollout.Wave{{Name: "canary", Soak: time.Hour}, {Name: "production", AutoApprove: v1alpha1.ApproveNone}}
	}
	in.Policy.Suspended = rapid.Bool().Draw(t, "suspended")
	in.Policy.Deleting = rapid.IntRange(0, 9).Draw(t, "deleting") == 0
	in.Candidate = rollout.Candidate{Tag: drawText(t, "candidate"), Reason: rapid.SampledFrom([]string{"", "ScanPending", "NoCandidate"}).Draw(t, "reason")}
	for i := range rapid.IntRange(0, 5).Draw(t, "targets") {
		target := drawTarget(t, fmt.Sprintf("t%d", i))
		for wave := range in.Policy.Waves {
			if rapid.IntRange(0, 2).Draw(t, "in wave") > 0 {
				target.Waves = append(target.Waves, wave)
			}
		}
		in.Targets = append(in.Targets, target)
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

// drawDecision is a decision of any size, as no engine need ever make it.
func drawDecision(t *rapid.T, in rollout.Input) rollout.Decision {
	version := rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf("1.%d.0", rapid.IntRange(0, 80).Draw(t, "minor")) })
	holds := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) rollout.Hold {
		return rollout.Hold{
			Version:  version.Draw(t, "version"),
			Reason:   rapid.SampledFrom([]string{"TooYoung", "Soaking", "Blocked"}).Draw(t, "reason"),
			Message:  strings.Repeat("é", rapid.IntRange(0, 600).Draw(t, "length")),
			Earliest: drawTime(t, "earliest"),
		}
	}), 0, 120)
	shared := holds.Draw(t, "shared")
	decision := rollout.Decision{Available: version.Draw(t, "available"), Holds: holds.Draw(t, "of nobody")}
	for _, target := range in.Targets {
		own := rollout.TargetDecision{Kind: target.Kind, Name: target.Name, Wave: rapid.IntRange(-1, 3).Draw(t, "wave"), Finding: drawFinding(t, "decided")}
		if len(shared) > 0 {
			own.Holds = shared[:rapid.IntRange(0, len(shared)).Draw(t, "of the shared")]
		}
		decision.Targets = append(decision.Targets, own)
	}
	for i := range rapid.IntRange(0, 40).Draw(t, "waves") {
		decision.Waves = append(decision.Waves, rollout.WaveState{
			Name: fmt.Sprint("wave", i), Scheduled: true, Soaked: drawTime(t, "soaked"), Because: strings.Repeat("x", 2000),
		})
	}
	for range rapid.IntRange(0, 100).Draw(t, "entries") {
		tag, at := version.Draw(t, "tag"), drawTime(t, "at")
		decision.Ledger.Seen = append(decision.Ledger.Seen, pin.Seen{Tag: tag, At: at})
		decision.Ledger.Blocked = append(decision.Ledger.Blocked, pin.Blocked{Tag: tag, At: at})
		decision.Ledger.Approvals = append(decision.Ledger.Approvals, pin.Approval{Version: tag, At: at})
		decision.Ledger.History = append(decision.Ledger.History, pin.Entry{To: tag, Start: at, End: drawTime(t, "end")})
	}
	for range rapid.IntRange(0, 20).Draw(t, "problems") {
		decision.Problems = append(decision.Problems, rollout.Problem{Reason: "WaveEmpty", Message: strings.Repeat("x", 300)})
	}
	return decision
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
