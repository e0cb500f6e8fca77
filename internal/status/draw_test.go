package status

import (
	"fmt"
	"strings"
	"time"

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
	decision := rollout.Decision{Available: version.Draw(t, "available")}
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
