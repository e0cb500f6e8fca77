package status

import (
	"testing"

	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// TestDesired: at rest it is what Git has, as the target pulls it.
func TestDesired(t *testing.T) {
	verbatim := func(t *rollout.Target) { t.Verbatim = true }
	for name, tc := range map[string]struct {
		target rollout.Target
		moved  rollout.TargetDecision
		want   string
	}{
		"at rest":           {makeTarget("a", "v1.4.0").obj(), rollout.TargetDecision{}, "1.4.0"},
		"at rest, verbatim": {makeTarget("a", "v1.4.0").with(verbatim), rollout.TargetDecision{}, "v1.4.0"},
		"to move":           {makeTarget("a", "v1.4.0").obj(), rollout.TargetDecision{Want: "1.5.0"}, "1.5.0"},
		"to move to a v":    {makeTarget("a", "v1.4.0").with(verbatim), rollout.TargetDecision{Want: "v1.5.0"}, "v1.5.0"},
	} {
		if got := desired(tc.target, tc.moved); got != tc.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
