package batch

import (
	"reflect"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// look is what fresh clones show of pins, which share an automation and so a push branch.
type look struct {
	reading Reading
	// push is their push branch, and pushed the number of its newest commit; -1: they have none, or it is not there.
	push   string
	pushed int
	// last is the newest commit of all when it was read.
	last int
}

// branch is the one that Flux wrote, or if that is not there the one that it is made from.
func (l look) branch() string {
	if l.pushed < 0 {
		return checkout
	}
	return l.push
}

// lineOn is how a clone of a branch shows the line of a pin.
func (w *world) lineOn(branch string, key Key) Line {
	l := w.git.head(branch).lines[key]
	read := Line{File: "f" + key.Name, Line: 1, Value: l.value}
	switch {
	case !l.marker:
		read.Problem = &pin.Finding{Reason: reasonMarkerMissing, Message: "gone"}
	case l.copied:
		read.Problem = &pin.Finding{Reason: reasonMarkerCopied, Message: "copied"}
	}
	return read
}

// located is the line of a pin as it is found by the target, whatever marker it has.
func (w *world) located(p Pin) Line {
	read := w.lineOn(checkout, p.Key)
	read.Problem = nil
	if p.Push == "" {
		return read
	}
	var pushed *Line
	if _, there := w.git.at(p.Push); there {
		found := w.lineOn(p.Push, p.Key)
		found.Problem = nil
		pushed = &found
	}
	return Proposed(p, read, pushed)
}

// look clones for some pins.
func (w *world) look(pins []Pin) look {
	w.visits++
	l := look{pushed: -1, last: w.git.last()}
	if len(pins) > 0 {
		l.push = pins[0].Push
	}
	if n, there := w.git.at(l.push); there {
		l.pushed = n
	}
	l.reading = Reading{Revision: revision(w.git.branches[l.branch()]), Lines: map[Key]Line{}}
	for _, p := range pins {
		line := w.lineOn(checkout, p.Key)
		if p.Push != "" {
			var pushed *Line
			if l.pushed >= 0 {
				found := w.lineOn(p.Push, p.Key)
				pushed = &found
			}
			line = Proposed(p, line, pushed)
		}
		l.reading.Lines[p.Key] = line
	}
	return l
}

// check reads Git, makes sure that arming is still the next thing, and arms what passes.
func (p *process) check(view cluster, a Arm) bool {
	if p.w.gitDown {
		return p.checkFailed(view, a)
	}
	o := p.observe(view)
	found := p.w.look(members(o, a.Pins))
	standing := p.w.standing(o.Pins, found)
	p.answered()
	p.todo = append(p.todo, func() bool {
		if standing.Superfluous {
			if p.w.gitDown {
				return p.checkFailed(view, a)
			}
			if !p.w.refusesDelete {
				p.clear(found)
				return false
			}
			standing.Barred = "refused"
		}
		for key, line := range found.reading.Lines {
			line.Barred = standing.Barred
			found.reading.Lines[key] = line
		}
		return p.checked(a, found)
	})
	return true
}

// checked goes on after Git was read.
func (p *process) checked(a Arm, found look) bool {
	live := p.w.api
	o := p.observe(live)
	if !reflect.DeepEqual(Next(o), Action(a)) {
		return false
	}
	pins := position(o, Armed, a.ID, nil).Pins
	left := Stale(p.w.now, pins, found.reading)
	var fit []Pin
	for _, x := range pins {
		if _, stale := left[x.Key]; !stale {
			fit = append(fit, x)
		}
	}
	armed, out := Check(fit, found.reading)
	for key, m := range out {
		left[key] = m
	}
	p.w.ghost.counts.left += len(left)
	p.remember(live, left, released)
	if len(armed) > 0 {
		p.todo = append(p.todo, func() bool { return !o.Turned(p.w.now) && p.arm(live, a, armed, found.last) })
	}
	return true
}

func (p *process) checkFailed(view cluster, a Arm) bool {
	at := p.failed()
	memories := memoriesOf(view, a.Pins)
	for key, m := range memories {
		m.Finding, m.RetryAt = &pin.Finding{Reason: "GitUnreadable", Message: "cannot clone"}, at.UTC().Format(time.RFC3339)
		memories[key] = m
	}
	p.remember(view, memories, released)
	return true
}

func (p *process) arm(live cluster, a Arm, armed []Key, read int) bool {
	if p.stopping {
		return false
	}
	return p.w.updateAutomation(a.Automation, live.automations[a.Automation].version, func(x *automationObject) {
		x.selects, x.requested = a.ID, a.ID
		x.memory.Batch, x.memory.ArmedBy, x.memory.ArmedAt = a.ID, p.leader, p.w.now
		x.memory.Outcome, x.memory.Message = "", ""
		p.w.ghost.armed(p.w, live, a, armed, read)
	})
}

// conclude reads Git after a batch and releases its pins.
func (p *process) conclude(view cluster, a Conclude) bool {
	if p.w.gitDown {
		p.failed()
		return true
	}
	p.answered()
	pins := position(p.observe(view), Settling, a.ID, nil).Pins
	found := p.w.look(pins)
	commit := Combine(p.w.trailers(found.branch(), a.ID))
	settled := Settle(p.w.now, pins, view.automations[a.Automation].memory, found.reading, commit)
	p.remember(view, settled, released)
	return true
}

// trailers are those of a batch on a branch, the newest first.
func (w *world) trailers(branch, id string) []Trailer {
	var trailers []Trailer
	for _, n := range w.git.history(branch) {
		t := w.git.commits[n].trailer
		if t == nil || t.Batch != id {
			continue
		}
		told := Trailer{Batch: id}
		for _, c := range t.Changes {
			c.Commit = revision(n)
			told.Changes = append(told.Changes, c)
		}
		trailers = append(trailers, told)
	}
	return trailers
}

func members(o Observation, keys []Key) []Pin {
	var pins []Pin
	for _, p := range o.Pins {
		for _, key := range keys {
			if p.Key == key {
				pins = append(pins, p)
			}
		}
	}
	return pins
}
