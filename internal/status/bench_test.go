package status

import (
	"fmt"
	"testing"

	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// BenchmarkBuild makes the status of a policy with 1,000 targets.
func BenchmarkBuild(b *testing.B) {
	var targets []rollout.Target
	for i := range 1000 {
		targets = append(targets, makeTarget(fmt.Sprintf("t%d", i), fmt.Sprintf("1.4.%d", i%50)).obj())
	}
	in := makeInput(targets...).in
	decision := rollout.Decide(in)
	for b.Loop() {
		if got := Build(in, decision, Outcome{Now: testNow}); got.Counts.Total != 1000 {
			b.Fatal(got.Counts)
		}
	}
}
