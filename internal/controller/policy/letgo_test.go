package policy

import (
	"testing"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// A pin may be deleted without a look at Git only if it was never asked to be marked, moved or removed.
func TestNeverMarked(t *testing.T) {
	for name, test := range map[string]struct {
		// suspended says for each look at the policy whether it was suspended.
		suspended []bool
		batch     string
		memory    pin.Memory
		want      bool
	}{
		"suspended from the start":   {suspended: []bool{true, true}, want: true},
		"read only":                  {suspended: []bool{true}, memory: pin.Memory{File: "apps/one.yaml", Git: "1.0.0"}, want: true},
		"to be marked":               {suspended: []bool{true, false}},
		"was to be marked":           {suspended: []bool{false, true}},
		"marked":                     {suspended: []bool{true}, memory: pin.Memory{Marked: true}},
		"moving, whatever it is not": {suspended: []bool{true}, batch: "batch"},
	} {
		t.Run(name, func(t *testing.T) {
			s := scope{policy: testPolicy()}
			live := pinOfOne("repository", test.batch, test.memory)
			live.intent = pin.Intent{}
			for _, suspend := range test.suspended {
				s.policy.Spec.Suspend = suspend
				live.intent = s.intentFor(testTarget(), rollout.TargetDecision{}, live)
			}
			if got := live.neverMarked(); got != test.want {
				t.Errorf("got %t of %+v", got, live.intent)
			}
		})
	}
}
