package status

import (
	"fmt"
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// benchInput is a policy of three waves with 1,000 targets, which have 50 versions, and 50 newer versions on offer.
func benchInput() rollout.Input {
	var targets []rollout.Target
	for i := range 1000 {
		targets = append(targets, makeTarget(fmt.Sprintf("t%d", i), fmt.Sprintf("1.4.%d", i%50)).
			with(func(t *rollout.Target) { t.Waves = []int{i % 3} }))
	}
	in := makeInput(targets...).in
	in.Candidate.Tag = "1.5.49"
	in.Policy.Waves = []rollout.Wave{{Name: "canary", Soak: time.Hour}, {Name: "early", Soak: time.Hour}, {Name: "late"}}
	for i := range 50 {
		in.Ledger.Seen = append(in.Ledger.Seen, pin.Seen{Tag: fmt.Sprintf("1.5.%d", i), At: testNow.Add(-time.Hour)})
	}
	return in
}

// BenchmarkBuild makes the status of a policy with 1,000 targets: that move, that are all held for the same reasons, and each
// of which has 50 reasons of its own.
func BenchmarkBuild(b *testing.B) {
	moving, held, own := benchInput(), benchInput(), benchInput()
	held.Policy.MinAge = 48 * time.Hour
	decisions := map[string]rollout.Decision{"moving": rollout.Decide(moving), "held": rollout.Decide(held), "own": rollout.Decide(own)}
	for i := range decisions["own"].Targets {
		target := &decisions["own"].Targets[i]
		target.Holds = nil
		for patch := range 50 {
			target.Holds = append(target.Holds, hold(fmt.Sprintf("1.5.%d", patch), "ManualHold", "held for "+target.Name))
		}
	}
	for name, in := range map[string]rollout.Input{"moving": moving, "held": held, "own": own} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				got := Build(in, decisions[name], Outcome{Now: testNow})
				if got.Counts.Total != 1000 || len(got.Held) == 0 {
					b.Fatal(got.Counts, len(got.Held))
				}
			}
		})
	}
}

// BenchmarkEvents compares two statuses in which everything differs.
func BenchmarkEvents(b *testing.B) {
	in := benchInput()
	before := Build(in, rollout.Decide(in), Outcome{Now: testNow})
	in.Policy.MinAge = 48 * time.Hour
	after := Build(in, rollout.Decide(in), Outcome{Now: testNow})
	for b.Loop() {
		if len(Events(before, after)) == 0 {
			b.Fatal("nothing happened")
		}
	}
}
