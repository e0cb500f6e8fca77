package batch

import (
	"maps"
	"reflect"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// The operator's three ways to use Git: place markers, check a batch, see what became of one.

// maxTries is how often a push is tried on a branch that moves.
const maxTries = 3

// visit plans by the head of the branch and pushes in a later step, unless the branch has moved.
func (p *process) visit(view cluster, try int) bool {
	if p.w.gitDown || try == maxTries {
		return p.visitFailed(view)
	}
	base := p.w.git.branches[checkout]
	lines, memories, gone := p.place(view)
	p.todo = append(p.todo, func() bool {
		if p.w.gitDown {
			return p.visitFailed(view)
		}
		if !reflect.DeepEqual(lines, p.w.git.commits[base].lines) {
			if base != p.w.git.branches[checkout] {
				return p.visit(view, try+1)
			}
			if p.w.protected {
				return p.refused(view, memories, gone)
			}
			p.w.note("%s pushes markers", p.leader)
			p.w.ghost.placed(p.w.head().lines, lines)
			p.w.git.add(checkout, func(c *commit) { c.lines = lines })
			for key, memory := range memories {
				memory.Revision = revision(p.w.git.last())
				memories[key] = memory
			}
		}
		p.answered()
		p.withdrawMarkers(view, gone)
		p.remember(view, memories, relaxed)
		p.forget(view, gone)
		return true
	})
	return true
}

// place is what placement does, with one line for each pin.
func (p *process) place(view cluster) (map[Key]line, map[Key]pin.Memory, []Key) {
	o := p.observe(view)
	lines, memories := marks(p.w.head().lines, o), map[Key]pin.Memory{}
	var gone []Key
	for _, observed := range o.Pins {
		l, m, read := p.w.head().lines[observed.Key], observed.Memory, p.w.located(observed)
		if Recalls(o, observed) {
			continue
		}
		if Leaves(observed) {
			p.w.ghost.leaves(p.w, observed)
			gone = append(gone, observed.Key)
			continue
		}
		placed := !l.marker && lines[observed.Key].marker
		if !l.marker && m.Marked {
			read.Problem = &pin.Finding{Reason: reasonMarkerMissing, Message: "gone"}
		}
		if placed {
			m.Finding = nil
		}
		m = Recall(m, read, revision(p.w.git.branches[checkout]))
		m.Marked = m.Marked || l.marker || placed
		m.Prompt = observed.Intent.Prompt
		memories[observed.Key] = m
	}
	return lines, memories, gone
}

// marks are lines with the markers that pins should have there.
func marks(on map[Key]line, o Observation) map[Key]line {
	lines := maps.Clone(on)
	for _, p := range o.Pins {
		if Recalls(o, p) {
			continue
		}
		l := lines[p.Key]
		l.marker = !Leaves(p) && (l.marker || !p.Memory.Marked && MayMark(p))
		lines[p.Key] = l
	}
	return lines
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
