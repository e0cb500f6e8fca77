package rollout

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// drawText is a version in a small space, so that all of an input meet, or sometimes nothing or nonsense.
func drawText(t *rapid.T, label string) string {
	return rapid.StringMatching(`v?[12]\.[0-3]\.[01](-rc\.1)?|1\.[0-3]\.[01]||latest`).Draw(t, label)
}

func drawFinding(t *rapid.T, label string) *pin.Finding {
	if rapid.IntRange(0, 5).Draw(t, label) > 0 {
		return nil
	}
	return &pin.Finding{Reason: "Finding", Message: "look at it"}
}

func drawTarget(t *rapid.T, name string) Target {
	target := Target{Kind: "App", Name: name, Waves: []int{0}, Finding: drawFinding(t, "finding")}
	if rapid.IntRange(0, 9).Draw(t, "no pin") == 0 {
		return target
	}
	target.Pin = &Pin{Name: pin.Name("App", name)}
	target.Pin.Intent.Want = versions.Tag(drawText(t, "want"))
	memory := &target.Pin.Memory
	memory.Git = drawText(t, "git")
	memory.Marked = rapid.IntRange(0, 9).Draw(t, "unmarked") > 0
	memory.Finding = drawFinding(t, "pin's finding")
	if rapid.IntRange(0, 4).Draw(t, "hold") == 0 {
		memory.Hold = &pin.Hold{Reason: "ManualHold", UpTo: drawText(t, "up to")}
	}
	if rapid.IntRange(0, 9).Draw(t, "follower") == 0 {
		memory.Leader = "pin.app.a"
	}
	return target
}

func drawInput(t *rapid.T) Input {
	in := Input{
		Now: noon,
		Policy: Policy{
			Waves:     []Wave{{}},
			Suspended: rapid.IntRange(0, 5).Draw(t, "suspended") == 0,
			Deleting:  rapid.IntRange(0, 9).Draw(t, "deleting") == 0,
			Range:     rapid.SampledFrom([]string{">=1.0.0", ">=1.0.0 <2.0.0", "~1.2.0", ">=1.0.0-0 <2.0.0-0", "nonsense"}).Draw(t, "range"),
			Exclude:   rapid.SliceOfN(rapid.SampledFrom([]string{"1.3.1", "v1.3.0", "2.0.0"}), 0, 2).Draw(t, "exclude"),
		},
		Candidate: Candidate{Tag: drawText(t, "candidate")},
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "targets") {
		in.Targets = append(in.Targets, drawTarget(t, fmt.Sprintf("t%d", i)))
	}
	return in
}

// written is the input after the decision was written to the pins.
func written(in Input, decision Decision) Input {
	in.Targets = slices.Clone(in.Targets)
	in.Ledger = decision.Ledger
	for i := range in.Targets {
		if in.Targets[i].Pin == nil {
			continue
		}
		copied := *in.Targets[i].Pin
		copied.Intent.Want = decision.Targets[i].Want
		copied.Upgrade = decision.Targets[i].Upgrade
		in.Targets[i].Pin = &copied
	}
	return in
}

// cameTrue is the input after Git has what the decision wants.
func cameTrue(in Input, decision Decision) Input {
	in = written(in, decision)
	for i := range in.Targets {
		if want := decision.Targets[i].Want; want != "" {
			in.Targets[i].Pin.Memory.Git = want
		}
	}
	return in
}

func wants(decision Decision) []string {
	var wants []string
	for _, target := range decision.Targets {
		wants = append(wants, target.Want)
	}
	return wants
}

func TestDecisionsAreStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		decision := Decide(in)
		if diff := cmp.Diff(decision, Decide(in)); diff != "" {
			t.Fatalf("not deterministic:\n%s", diff)
		}
		if diff := cmp.Diff(wants(decision), wants(Decide(written(in, decision)))); diff != "" {
			t.Fatalf("changes once it is written:\n%s", diff)
		}
		if diff := cmp.Diff(wants(decision), wants(Decide(cameTrue(in, decision)))); diff != "" {
			t.Fatalf("changes once it came true:\n%s", diff)
		}
	})
}

func TestDecisionsAreAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		decision := Decide(in)
		complete := allResolved(in.Targets)
		for i, got := range decision.Targets {
			checkAllowed(t, in, in.Targets[i], got, complete)
		}
	})
}

func checkAllowed(t *rapid.T, in Input, target Target, got TargetDecision, complete bool) {
	if got.Want == "" {
		return
	}
	memory := target.Pin.Memory
	if got.Want == memory.Git || got.Want == versions.Tag(memory.Git) {
		return // nothing moves
	}
	allowed, err := versions.ParseRange(in.Policy.Range)
	switch {
	case err != nil || !allowed.Contains(got.Want):
		t.Fatalf("%s is not in %q", got.Want, in.Policy.Range)
	case versions.Excluded(got.Want, in.Policy.Exclude):
		t.Fatalf("%s is excluded", got.Want)
	case !versions.Newer(got.Want, memory.Git):
		t.Fatalf("%s is not newer than %s", got.Want, memory.Git)
	case in.Policy.Suspended, in.Policy.Deleting, target.Finding != nil, !memory.Marked, memory.Leader != "":
		t.Fatalf("%s must not move", got.Name)
	case memory.Hold != nil && !versions.Newer(got.Want, memory.Hold.UpTo):
		t.Fatalf("%s is held up to %s", got.Want, memory.Hold.UpTo)
	case !complete && target.Pin.Intent.Want != got.Want:
		t.Fatalf("%s starts before all targets are resolved", got.Name)
	case len(got.Holds) > 0:
		t.Fatalf("%s moves in spite of %v", got.Name, got.Holds)
	}
}
