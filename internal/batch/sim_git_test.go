package batch

import (
	"maps"
	"reflect"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// The operator's three ways to use Git: place markers, check a batch, see what became of one.

// read shows lines as a clone does.
func (w *world) read(keys []Key) Reading {
	r := Reading{Revision: revision(len(w.git) - 1), Lines: map[Key]Line{}}
	for _, key := range keys {
		l := w.head().lines[key]
		read := Line{File: "f" + key.Name, Line: 1, Value: l.value}
		switch {
		case !l.marker:
			read.Problem = &pin.Finding{Reason: reasonMarkerMissing, Message: "gone"}
		case l.copied:
			read.Problem = &pin.Finding{Reason: reasonMarkerCopied, Message: "copied"}
		}
		r.Lines[key] = read
	}
	return r
}

// maxTries is how often a push is tried on a branch that moves.
const maxTries = 3

// visit plans by the head of the branch and pushes in a later step, unless the branch has moved.
func (p *process) visit(view cluster, try int) bool {
	if p.w.gitDown || try == maxTries {
		return p.visitFailed(view)
	}
	base := len(p.w.git) - 1
	lines, memories, gone := p.place(view)
	p.todo = append(p.todo, func() bool {
		if p.w.gitDown {
			return p.visitFailed(view)
		}
		if !reflect.DeepEqual(lines, p.w.git[base].lines) {
			if base != len(p.w.git)-1 {
				return p.visit(view, try+1)
			}
			p.w.note("%s pushes markers", p.leader)
			p.w.ghost.placed(p.w.head().lines, lines)
			p.w.git = append(p.w.git, commit{lines: lines})
			for key, memory := range memories {
				memory.Revision = revision(len(p.w.git) - 1)
				memories[key] = memory
			}
		}
		p.answered()
		p.remember(view, memories, relaxed)
		p.forget(view, gone)
		return true
	})
	return true
}

// place is what placement does, with one line for each pin.
func (p *process) place(view cluster) (map[Key]line, map[Key]pin.Memory, []Key) {
	lines, memories := maps.Clone(p.w.head().lines), map[Key]pin.Memory{}
	var gone []Key
	for _, observed := range p.observe(view).Pins {
		l, m := lines[observed.Key], observed.Memory
		read := Line{File: "f" + observed.Key.Name, Line: 1, Value: l.value}
		if leaves(observed) {
			l.marker = false
			lines[observed.Key] = l
			gone = append(gone, observed.Key)
			continue
		}
		switch {
		case l.marker:
			m = Recall(m, read, revision(len(p.w.git)-1))
			m.Marked = true
		case m.Marked:
			read.Problem = &pin.Finding{Reason: reasonMarkerMissing, Message: "gone"}
			m = Recall(m, read, revision(len(p.w.git)-1))
		case MayMark(observed):
			l.marker = true
			lines[observed.Key] = l
			m.Finding = nil
			m = Recall(m, read, revision(len(p.w.git)-1))
			m.Marked = true
		default:
			m = Recall(m, read, revision(len(p.w.git)-1))
		}
		m.Prompt = observed.Intent.Prompt
		memories[observed.Key] = m
	}
	return lines, memories, gone
}

func (p *process) visitFailed(view cluster) bool {
	at := p.failed()
	memories := map[Key]pin.Memory{}
	for key := range Visitors(p.observe(view)) {
		memories[key] = failedMemory(view.pins[key].memory, at)
	}
	p.remember(view, memories, nil)
	return true
}

func failedMemory(m pin.Memory, at time.Time) pin.Memory {
	if m.Finding == nil || m.Finding.Reason == "GitUnreadable" {
		m.Finding = &pin.Finding{Reason: "GitUnreadable", Message: "cannot clone"}
		m.RetryAt = at.UTC().Format(time.RFC3339)
	}
	return m
}

// check reads Git, makes sure that arming is still the next thing, and arms what passes.
func (p *process) check(view cluster, a Arm) bool {
	if p.w.gitDown {
		at := p.failed()
		memories := memoriesOf(view, a.Pins)
		for key, m := range memories {
			m.Finding, m.RetryAt = &pin.Finding{Reason: "GitUnreadable", Message: "cannot clone"}, at.UTC().Format(time.RFC3339)
			memories[key] = m
		}
		p.remember(view, memories, released)
		return true
	}
	p.answered()
	reading, read := p.w.read(a.Pins), len(p.w.git)-1
	p.todo = append(p.todo, func() bool {
		live := p.w.api
		o := p.observe(live)
		if !reflect.DeepEqual(Next(o), Action(a)) {
			return false
		}
		armed, left := Check(position(o, Armed, a.ID, nil).Pins, reading)
		p.w.ghost.counts.left += len(left)
		p.remember(live, left, released)
		if len(armed) > 0 {
			p.todo = append(p.todo, func() bool { return !o.Turned(p.w.now) && p.arm(live, a, armed, read) })
		}
		return true
	})
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
		p.w.ghost.armed(p.w, live, a.ID, armed, read)
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
	var keys []Key
	for _, x := range pins {
		keys = append(keys, x.Key)
	}
	var commits []Trailer
	for i := len(p.w.git) - 1; i >= 0; i-- {
		if t := p.w.git[i].trailer; t != nil && t.Batch == a.ID {
			commits = append(commits, *t)
		}
	}
	settled := Settle(p.w.now, pins, view.automations[a.Automation].memory, p.w.read(keys), Combine(commits))
	p.remember(view, settled, released)
	return true
}
