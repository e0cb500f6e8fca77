package rollout

import (
	"reflect"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Caches lag behind, each for itself. Every write is guarded by the version of the object that it changes, so that a decision
// from an old one is not written there; but it may be written to others.

// candidateObject is what the candidate ImagePolicy has.
type candidateObject struct {
	ledger pin.Ledger
	round  int64
	shown  shown
}

// caches are the objects as they were at the last look, and before that.
type caches struct {
	pins, oldPins           map[*member]*Pin
	candidate, oldCandidate *candidateObject
}

// cached is what an observation has of an object that has changed since; the zero value: all is as it is.
type cached struct {
	member    *member
	pin       *Pin
	candidate *candidateObject
}

func (c cached) pinOf(m *member) *Pin {
	if c.member == m {
		return c.pin
	}
	return m.target.Pin
}

func (c cached) ledgerOf(w *world) pin.Ledger {
	if c.candidate != nil {
		return c.candidate.ledger
	}
	return w.operator.ledger
}

func (c cached) roundOf(w *world) int64 {
	if c.candidate != nil {
		return c.candidate.round
	}
	return w.operator.round
}

// fillCaches remembers what every object was before it changed.
func (w *world) fillCaches() {
	c := &w.operator.caches
	if c.pins == nil {
		c.pins, c.oldPins = map[*member]*Pin{}, map[*member]*Pin{}
	}
	for _, m := range w.members {
		if m.target.Pin == nil {
			continue
		}
		if last := c.pins[m]; last == nil || !reflect.DeepEqual(*last, *m.target.Pin) {
			now := *m.target.Pin
			c.oldPins[m], c.pins[m] = last, &now
		}
	}
	now := &candidateObject{ledger: clone(w.operator.ledger), round: w.operator.round, shown: w.shown}
	if c.candidate == nil || !reflect.DeepEqual(*c.candidate, *now) {
		c.oldCandidate, c.candidate = c.candidate, now
	}
}

// lookBack decides by an observation in which one object is as it was before its last write. It is false if the operator dies.
func (w *world) lookBack() bool {
	old := w.anyCached()
	if old == (cached{}) {
		return true
	}
	w.ghost.counts["stale look"]++
	in := w.observeCached(old)
	decision := Decide(in)
	before := w.operator.round
	wants := map[*member]string{}
	for _, m := range w.members {
		if m.target.Pin != nil {
			wants[m] = intentOf(m).Want
		}
	}
	_, alive := w.write(decision, old)
	if w.operator.round == before {
		return alive // nothing of it is followed
	}
	for i, t := range decision.Targets {
		m := w.members[i]
		if m == old.member || m.target.Pin == nil || t.Want == "" || t.Want == wants[m] || t.Back != "" || versions.Same(t.Want, m.target.Pin.Memory.Git) {
			continue
		}
		w.ghost.counts["stale start"]++
		w.ghost.start(w, in, m, t, decision)
	}
	return alive
}

func (w *world) anyCached() cached {
	c := w.operator.caches
	if i := w.roll("cached", len(w.members)+1); i < len(w.members) {
		m := w.members[i]
		if c.oldPins[m] == nil {
			return cached{}
		}
		return cached{member: m, pin: c.oldPins[m]}
	}
	if c.oldCandidate == nil {
		return cached{}
	}
	return cached{candidate: c.oldCandidate}
}

func (w *world) observeCached(old cached) Input {
	ledger, now := w.operator.ledger, w.shown
	if old.candidate != nil {
		w.operator.ledger, w.shown = old.candidate.ledger, old.candidate.shown
	}
	in := w.observe()
	w.operator.ledger, w.shown = ledger, now
	for i, m := range w.members {
		if m == old.member {
			copied := *old.pin
			in.Targets[i].Pin = &copied
		}
	}
	return in
}
