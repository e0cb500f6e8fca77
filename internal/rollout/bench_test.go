package rollout

import (
	"fmt"
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// benchInput is a policy of three waves with 1,000 targets at 50 differing versions, and 50 newer versions on offer.
func benchInput(ages time.Duration) Input {
	var targets []Target
	for i := range 1000 {
		target := placedTarget(fmt.Sprintf("t%d", i), fmt.Sprintf("1.4.%d", i%50), "")
		target.Waves = []int{i % 3}
		target.Spec, target.Installed, target.ReleaseStatus = target.Pin.Memory.Git, target.Pin.Memory.Git, "deployed"
		targets = append(targets, target)
	}
	in := makeInput(targets...).candidate("1.5.49").in
	in.Policy.MinAge = 48 * time.Hour
	in.Policy.Waves = []Wave{
		{Name: "canary", Soak: 24 * time.Hour}, {Name: "early", Soak: 24 * time.Hour}, {Name: "late", AutoApprove: v1alpha1.ApproveNone},
	}
	for i := range 50 {
		in.Ledger.Seen = append(in.Ledger.Seen, pin.Seen{Tag: fmt.Sprintf("1.5.%d", i), At: noon.Add(-ages - time.Duration(i)*time.Minute)})
	}
	return in
}

// BenchmarkDecide decides a policy whose targets may move, and one in which every version is still too young.
func BenchmarkDecide(b *testing.B) {
	for name, ages := range map[string]time.Duration{"moving": 100 * time.Hour, "held": time.Hour} {
		in := benchInput(ages)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				want := map[string]string{"moving": "1.5.49"}[name]
				if got := Decide(in).Targets[0].Want; got != want {
					b.Fatalf("wants %q", got)
				}
			}
		})
	}
}
