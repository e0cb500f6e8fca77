package batch

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// nextPreparing lets late pins of the same moment join, waits until every pin selects its tag, and leaves behind what
// cannot go.
func nextPreparing(o Observation, position Position) Action {
	a := position.Automation
	switch {
	case !o.MayArm:
		return Wait{For: "the next leader"}
	case a == nil: // no automation may write these pins any more
		return Release{ID: position.ID, Pins: memories(position.Pins)}
	case !a.Exists || a.Drifted:
		return Ensure{Automation: a.Key}
	case !owns(o, position.ID):
		return abandon(*a, position.ID)
	}
	deadline := startedAt(position.ID).Add(o.Limits.Prepare)
	late := !o.Now.Before(deadline)
	if released := leftBehind(o, position, late); len(released) > 0 {
		return Release{ID: position.ID, Pins: released}
	}
	if joining := joiners(o, *a, position); len(joining) > 0 && !late {
		return Prepare{ID: position.ID, Wanted: joining}
	}
	if nudged := outdated(position); len(nudged) > 0 {
		return Nudge{Token: position.ID, Pins: nudged}
	}
	return nextPrepared(o, position, deadline)
}

// nextPrepared arms a batch whose pins all select their tags.
func nextPrepared(o Observation, position Position, deadline time.Time) Action {
	for _, p := range position.Pins {
		if !selects(p) {
			return Wait{For: "image-reflector-controller to select the tag of " + p.Key.String(), Until: deadline}
		}
	}
	if at := o.retryAt(position.Pins[0]); at.After(o.Now) { // the pins share one automation, and so one GitRepository and one key
		return Wait{For: "the repository to be readable, to check batch " + position.ID, Until: at}
	}
	keys := make([]Key, 0, len(position.Pins))
	for _, p := range position.Pins {
		keys = append(keys, p.Key)
	}
	return Arm{ID: position.ID, Automation: position.Automation.Key, Pins: keys}
}

// outdated are the pins that need a nudge and did not get one for this batch.
func outdated(position Position) []Key {
	var keys []Key
	for _, p := range position.Pins {
		if p.Outdated && p.Nudged != position.ID {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// selects: the pin's spec and Flux's answer to it are the wanted tag.
func selects(p Pin) bool {
	return p.Filter == pin.Filter(p.Memory.Wanted) && p.Selected == p.Memory.Wanted
}

func joiners(o Observation, a Automation, position Position) map[Key]string {
	return first(movers(o, a), limit(o, a)-len(position.Pins))
}

// memories are those that the pins have.
func memories(pins []Pin) map[Key]pin.Memory {
	have := make(map[Key]pin.Memory, len(pins))
	for _, p := range pins {
		have[p.Key] = p.Memory
	}
	return have
}

// leftBehind are the pins of a batch that cannot go, with what they remember of it.
func leftBehind(o Observation, position Position, late bool) map[Key]pin.Memory {
	released := map[Key]pin.Memory{}
	for _, p := range position.Pins {
		memory := p.Memory
		switch {
		case unwanted(p, position.Automation.Key) != "" || position.Automation.Suspended:
		case p.BadReference != "":
			memory.Finding = &pin.Finding{Reason: reasonTagMissing, Message: p.BadReference}
			memory = later(o.Now, memory)
		case p.NoTag && p.Filter == pin.Filter(memory.Wanted):
			memory.Finding = tagMissing(p)
			memory = later(o.Now, memory)
		case late && !selects(p):
			memory.Finding = notSelected(p)
			memory = later(o.Now, memory)
		default:
			continue
		}
		released[p.Key] = memory
	}
	return released
}

// later counts a failure of the pin and sets the time of the next try.
func later(now time.Time, m pin.Memory) pin.Memory {
	m.Failures++
	m.RetryAt = now.Add(Backoff(m.Failures)).UTC().Format(time.RFC3339)
	return m
}
