package status

import (
	"slices"

	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// crew knows the targets by wave, to name many of them briefly. Targets that gates do not ask about, because they have a
// finding or follow another target, are not needed for a wave to be complete.
type crew struct {
	names []string
	// waves are the names of the targets' waves; empty: none.
	waves []string
	asked []bool
	// total is how many are asked about, perWave how many in each wave.
	total   int
	perWave map[string]int
}

func newCrew(in rollout.Input, d rollout.Decision) crew {
	c := crew{perWave: map[string]int{}}
	for i, decision := range d.Targets {
		wave := waveName(in.Policy, decision.Wave)
		asked := decision.Wave >= 0 && (i >= len(in.Targets) || gatesAsk(in.Targets[i]))
		c.names = append(c.names, decision.Name)
		c.waves = append(c.waves, wave)
		c.asked = append(c.asked, asked)
		if asked {
			c.total++
			c.perWave[wave]++
		}
	}
	return c
}

// gatesAsk says whether gates decide about a target.
func gatesAsk(target rollout.Target) bool {
	if target.Finding != nil {
		return false
	}
	return target.Pin == nil || target.Pin.Memory.Finding == nil && target.Pin.Memory.Leader == ""
}

// waveName is the name of a wave by its index; empty: none.
func waveName(policy rollout.Policy, index int) string {
	if index < 0 || index >= len(policy.Waves) {
		return ""
	}
	return policy.Waves[index].Name
}

// who names targets by their indexes: complete waves by the wave's name. It is empty when that is everybody.
func (c crew) who(members []int) string {
	members = slices.Sorted(slices.Values(members))
	total, perWave := 0, map[string]int{}
	for _, i := range members {
		if c.asked[i] {
			total++
			perWave[c.waves[i]]++
		}
	}
	if total == c.total {
		return ""
	}
	var labels []string
	told := map[string]bool{}
	for _, i := range members {
		wave := c.waves[i]
		complete := wave != "" && perWave[wave] > 0 && perWave[wave] == c.perWave[wave]
		switch {
		case !complete:
			labels = append(labels, c.names[i])
		case !told[wave]:
			told[wave] = true
			labels = append(labels, "wave "+wave)
		}
	}
	return enumerate(labels, ", ")
}
