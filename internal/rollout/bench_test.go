package rollout

import (
	"fmt"
	"testing"
)

// BenchmarkDecide decides a policy whose 1,000 targets are at differing versions.
func BenchmarkDecide(b *testing.B) {
	var targets []Target
	for i := range 1000 {
		targets = append(targets, placedTarget(fmt.Sprintf("t%d", i), fmt.Sprintf("1.4.%d", i%50), ""))
	}
	in := makeInput(targets...).in
	for b.Loop() {
		if got := Decide(in); got.Targets[0].Want != "1.5.0" {
			b.Fatal(got.Targets[0])
		}
	}
}
