package placement

import (
	"maps"
	"slices"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// unshareable says why the targets of a line cannot move together: they are of several policies, or of several waves of one.
// While the policy still writes its intents, their waves may differ for a moment: that is undecided, and nothing is done
// about it yet.
func unshareable(at place, claims []claim) (problem *pin.Finding, undecided bool) {
	policies, waves := map[string][]claim{}, map[string][]claim{}
	for _, c := range claims {
		policies[c.Policy] = append(policies[c.Policy], c)
		waves[c.Intent.Wave] = append(waves[c.Intent.Wave], c)
		undecided = undecided || !c.Decided
	}
	switch {
	case len(policies) > 1:
		return shared(at, slices.Sorted(maps.Keys(policies))), false
	case len(waves) == 1:
		return nil, false
	case undecided:
		return nil, true
	}
	return severalWaves(at, waves), false
}
