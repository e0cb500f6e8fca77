package status

import (
	"slices"

	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// crew knows the targets by wave, to name many of them briefly. Targets that gates do not ask about, because they have a
// finding or follow another target, are not needed for a wave to be complete.
type crew struct {
	members []member
	// total is how many are asked about.
	total int
	waves []crewWave
}

// member is one target. Its wave is -1 if it is in none.
type member struct {
	name  string
	wave  int
	asked bool
}

// crewWave is one wave and how many of it are asked about.
type crewWave struct {
	name  string
	total int
}

func newCrew(in rollout.Input, d rollout.Decision) crew {
	c := crew{members: make([]member, 0, len(d.Targets))}
	for _, wave := range in.Policy.Waves {
		c.waves = append(c.waves, crewWave{name: wave.Name})
	}
	for i, decision := range d.Targets {
		m := member{name: decision.Name, wave: decision.Wave}
		m.asked = m.wave >= 0 && (i >= len(in.Targets) || gatesAsk(in.Targets[i]))
		if m.wave >= len(c.waves) || m.wave >= 0 && c.waves[m.wave].name == "" {
			m.wave = -1
		}
		c.members = append(c.members, m)
		if m.asked {
			c.total++
		}
		if m.asked && m.wave >= 0 {
			c.waves[m.wave].total++
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

// who names targets by their indexes, which it sorts: complete waves by the wave's name. It is empty when that is everybody.
func (c crew) who(indexes []int) string {
	slices.Sort(indexes)
	total, missing := 0, make([]int, len(c.waves))
	for i, wave := range c.waves {
		missing[i] = wave.total
	}
	for _, i := range indexes {
		if m := c.members[i]; m.asked {
			total++
			if m.wave >= 0 {
				missing[m.wave]--
			}
		}
	}
	if total == c.total {
		return ""
	}
	labels := make([]string, 0, len(indexes))
	told := make([]bool, len(c.waves))
	for _, i := range indexes {
		m := c.members[i]
		switch {
		case m.wave < 0 || missing[m.wave] > 0 || c.waves[m.wave].total == 0:
			labels = append(labels, m.name)
		case !told[m.wave]:
			told[m.wave] = true
			labels = append(labels, "wave "+c.waves[m.wave].name)
		}
	}
	return enumerate(labels, ", ")
}
