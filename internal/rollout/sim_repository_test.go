package rollout

import (
	"fmt"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// moving is the batch under way.
type moving struct {
	id      string
	members []*member
}

// visit is the repository's loop: it follows tokens, reads what humans wrote, places markers, and moves all pins that want to
// move in one batch. What memories become is what the operator's own loop makes of it.
func (w *world) visit() {
	if w.moving != nil {
		return
	}
	for _, m := range w.members {
		if m.target.Pin == nil {
			continue
		}
		w.goOn(m)
		w.mark(m)
		if m.unread {
			m.unread = false
			m.target.Pin.Memory = batch.Recall(m.target.Pin.Memory, w.lineOf(m), w.revision())
		}
	}
	w.prepare()
}

// soon plans a visit.
func (w *world) soon() { w.after(w.pace.repository, w.visit) }

func (w *world) revision() string { return fmt.Sprintf("%07x", w.commits) }

func (w *world) lineOf(m *member) batch.Line {
	file := m.target.Name
	if m.leader != nil {
		file = m.leader.target.Name
	}
	return batch.Line{File: file + ".yaml", Line: 9, Value: m.text()}
}

// goOn forgets a hold once for a token.
func (w *world) goOn(m *member) {
	if token := intentOf(m).Resume; token != "" && token != m.target.Pin.Memory.Resume && w.decided(m) {
		m.target.Pin.Memory.Hold, m.target.Pin.Memory.Resume = nil, token
	}
}

func (w *world) mark(m *member) {
	memory := &m.target.Pin.Memory
	if memory.Marked || memory.Leader != "" || !intentOf(m).Mark || !w.decided(m) {
		return
	}
	if m.leader != nil && (m.leader.target.Pin == nil || !m.leader.target.Pin.Memory.Marked) {
		return
	}
	at := w.lineOf(m)
	memory.File, memory.Line, memory.Git, memory.Revision = at.File, at.Line, at.Value, w.revision()
	if m.leader != nil {
		memory.Leader = m.leader.pinName()
		return
	}
	memory.Marked = true
	w.commits++
}

// moves says whether a pin goes where its intent leads.
func (w *world) moves(m *member) bool {
	if m.target.Pin == nil || m.leader != nil || w.policy.Suspended {
		return false
	}
	memory, intent := m.target.Pin.Memory, intentOf(m)
	switch {
	case !memory.Marked:
		return false
	case memory.Restore != "":
		return memory.Restore != memory.Git
	case !w.decided(m) || intent.Want == "":
		return false
	case intent.Back != "":
		rolledBack := memory.Wanted == intent.Want && memory.Commit != ""
		return versions.Same(memory.Git, intent.Back) && versions.Newer(memory.Git, intent.Want) && !rolledBack
	}
	return versions.Newer(intent.Want, memory.Git) && (memory.Hold == nil || versions.Newer(intent.Want, memory.Hold.UpTo))
}

func (w *world) prepare() {
	b := &moving{id: fmt.Sprintf("batch-%d", w.happened)}
	for _, m := range w.members {
		if !w.moves(m) {
			continue
		}
		wants := intentOf(m).Want
		if restore := m.target.Pin.Memory.Restore; restore != "" {
			wants = restore
		}
		m.target.Pin.Memory = batch.Begin(m.target.Pin.Memory, b.id, wants)
		m.target.Pin.Batch = b.id
		b.members = append(b.members, m)
	}
	if len(b.members) > 0 {
		w.moving = b
		w.after(w.pace.batch, w.arm)
	}
}

// arm checks the lines and lets Flux write. A pin whose intent was withdrawn meanwhile is left out, unless nobody noticed.
func (w *world) arm() {
	b := w.moving
	var pins []batch.Pin
	raced := w.chance("race", w.pace.races)
	for _, m := range b.members {
		if raced || w.moves(m) && (m.target.Pin.Memory.Restore != "" || intentOf(m).Want == m.target.Pin.Memory.Wanted) {
			pins = append(pins, w.pinOf(m))
		} else {
			m.target.Pin.Batch = ""
			m.unread = m.unread || m.text() != m.target.Pin.Memory.Git
		}
	}
	armed, out := batch.Check(pins, w.reading())
	b.members = nil
	for _, m := range w.members {
		if memory, left := out[keyOf(m)]; left {
			m.target.Pin.Memory, m.target.Pin.Batch, m.unread = memory, "", false
		}
		for _, key := range armed {
			if key == keyOf(m) {
				b.members = append(b.members, m)
			}
		}
	}
	if len(b.members) == 0 {
		w.moving = nil
		w.soon()
		return
	}
	w.after(w.pace.batch, w.commit)
}

// commit is Flux that writes all lines of a batch at once, and the operator that sees what became of it.
func (w *world) commit() {
	b := w.moving
	w.commits++
	trailer := &batch.Trailer{Batch: b.id}
	var pins []batch.Pin
	for _, m := range b.members {
		to := m.target.Pin.Memory.Wanted
		trailer.Changes = append(trailer.Changes, batch.Change{Pin: keyOf(m), File: w.lineOf(m).File, Old: m.line, New: to, Commit: w.revision()})
		pins = append(pins, w.pinOf(m))
		w.ghost.written(w, m, to)
		if m.target.Pin.Memory.Restore == "" {
			m.origin[versions.Tag(to)], m.human = m.line, false
		}
		w.set(m, to)
	}
	w.note("flux", "commits %s", describe(trailer.Changes))
	settled := batch.Settle(w.now, pins, batch.AutomationMemory{Batch: b.id, Outcome: batch.Observed, Size: len(pins)}, w.reading(), trailer)
	for _, m := range w.members {
		if memory, ok := settled[keyOf(m)]; ok {
			m.target.Pin.Memory, m.target.Pin.Batch, m.unread = memory, "", false
		}
	}
	w.tellFollowers()
	w.moving = nil
	w.soon()
}

// tellFollowers gives followers the memory of their leader's line.
func (w *world) tellFollowers() {
	for _, m := range w.members {
		if m.leader == nil || m.target.Pin == nil || m.target.Pin.Memory.Leader == "" {
			continue
		}
		memory, leader := &m.target.Pin.Memory, m.leader.target.Pin.Memory
		memory.Git, memory.Revision, memory.Hold, memory.Finding = leader.Git, leader.Revision, leader.Hold, leader.Finding
		memory.From, memory.Wanted, memory.Batch, memory.Commit = leader.From, leader.Wanted, leader.Batch, leader.Commit
		m.unread = m.leader.unread
	}
}

func describe(changes []batch.Change) string {
	var texts []string
	for _, c := range changes {
		texts = append(texts, fmt.Sprintf("%s: %s → %s", strings.TrimPrefix(c.Pin.Name, "pin.app."), c.Old, c.New))
	}
	return strings.Join(texts, ", ")
}

func keyOf(m *member) batch.Key { return batch.Key{Namespace: "org-demo", Name: m.pinName()} }

func (w *world) pinOf(m *member) batch.Pin {
	intent := intentOf(m)
	intent.Target = pin.Target{Kind: m.target.Kind, Name: m.target.Name}
	return batch.Pin{Key: keyOf(m), Intent: intent, Memory: m.target.Pin.Memory, Batch: m.target.Pin.Batch, Decided: w.decided(m)}
}

func (w *world) reading() batch.Reading {
	r := batch.Reading{Revision: w.revision(), Lines: map[batch.Key]batch.Line{}}
	for _, m := range w.members {
		r.Lines[keyOf(m)] = w.lineOf(m)
	}
	return r
}

// set gives a line another text, and lets the cluster follow.
func (w *world) set(m *member, text string) {
	m.line, m.since = text, w.now
	for _, other := range w.members {
		if other == m || other.leader == m {
			w.after(w.pace.apply, func() { w.apply(other) })
		}
	}
}
