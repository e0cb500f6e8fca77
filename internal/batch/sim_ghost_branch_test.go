package batch

import (
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// The ghost's rules of push branches: versions come to the checkout branch by humans only, and what is not ours stays.

// takesBack: a pin is armed for what the checkout branch has, so that its proposal goes.
func (w *world) takesBack(key Key, p pinObject) bool {
	wanted := p.memory.Wanted
	return p.pushes() != "" && (versions.Same(wanted, w.head().lines[key].value) || versions.Same(wanted, p.memory.Proposal.Checkout))
}

// proposed: Flux writes a line of a push branch.
func (g *ghost) proposed(w *world, branch string, b *armedBatch, key Key, was line) {
	value := b.wanted[key]
	touched := g.moved[key] > b.read || g.branched[branch] > b.read
	again := b.written[key]
	b.written[key] = true
	g.counts.proposed++
	if b.given[key] {
		delete(g.owed, key) // a human may merge it
	}
	switch bound := g.bound[key]; {
	case touched:
		g.counts.raced++
	case was.value != b.from[key] || again:
		g.fail("Flux writes %s to %s on branch %s over %s, checked was %s, and nobody touched it", value, key.Name, branch, was.value, b.from[key])
	case was.human && was.value != w.head().lines[key].value && !b.back[key] && !g.offered[versions.Tag(was.value)+" for "+key.Name]:
		g.fail("Flux writes %s to %s on branch %s over a human's %s", value, key.Name, branch, was.value)
	case b.back[key]:
		g.counts.withdrawn++
		if w.api.policies[w.api.pins[key].policy].deleted {
			g.counts.recalled++
		}
		delete(g.rolled, key)
	case b.rollbacks[key] > 0:
		g.counts.rolled++
		g.rolled[key] = b.rollbacks[key]
	case !versions.Newer(value, was.value):
		g.fail("Flux proposes to take %s down from %s to %s", key.Name, was.value, value)
	case bound != "" && !versions.Newer(value, bound):
		g.fail("Flux proposes %s for %s, a human turned %s away", value, key.Name, bound)
	}
}

// deletes: the operator deletes a branch. Nothing that others put there may be lost.
func (g *ghost) deletes(w *world, branch string) {
	g.counts.deleted++
	now, gone := w.head(), w.git.head(branch)
	for key, l := range gone.lines { // what Flux proposed once is nobody's, and what it proposes next is not lost
		if l.value == w.api.pins[key].memory.Wanted {
			continue
		}
		if l.human && !w.git.everHad(checkout, key, l.value) && !g.offered[l.value+" for "+key.Name] {
			g.fail("branch %s is deleted, and somebody's %s for %s is lost", branch, l.value, key.Name)
		}
	}
	for file := range gone.files {
		if !now.files[file] {
			g.fail("branch %s is deleted, and somebody's file %s is lost", branch, file)
		}
	}
}

// act: a human, or another cluster, does something with a push branch. Who takes a proposal away that is known refuses it.
func (g *ghost) act(w *world, branch string, change func()) {
	before := w.git.head(branch).lines
	change()
	g.branched[branch] = w.git.last() + 1
	now, main := w.git.head(branch).lines, w.head().lines
	for key, p := range w.api.pins {
		if p.batch != "" && p.pushes() == branch && before[key].value != now[key].value {
			delete(g.rolled, key) // nobody has seen yet that it was written
		}
		if back := before[key].value; back != now[key].value && versions.Newer(main[key].value, back) && g.offered[versions.Tag(back)+" for "+key.Name] {
			g.kept[key] = main[key].value
		}
		tag := p.memory.Proposal.Tag
		standing := tag != "" && p.memory.Proposal.Branch == branch && versions.Same(before[key].value, tag)
		if standing && p.push == branch && !versions.Same(main[key].value, tag) && versions.Newer(tag, main[key].value) && versions.Newer(tag, now[key].value) {
			g.counts.refused++
			g.raise(key, tag)
		}
	}
}

// mergedBy: a human merges; lines now have what was proposed.
func (g *ghost) mergedBy(w *world, before map[Key]line) {
	for key, l := range w.head().lines {
		was := before[key]
		if was == l {
			continue
		}
		g.moved[key] = w.git.last()
		if l.marker != was.marker {
			g.lost[key], g.unmarked[key] = !l.marker, false
		}
		if was.value == l.value {
			continue
		}
		g.counts.merged++
		delete(g.kept, key)
		g.valued[key] = w.git.last()
		g.fluxWrote[key], g.upgraded[key] = !l.human, !l.human
		delete(g.owed, key)
		if bound := g.bound[key]; bound != "" && (!l.human || !versions.Newer(bound, l.value)) { // what was proposed is chosen now
			delete(g.bound, key)
		}
		if l.human && versions.Newer(was.value, l.value) {
			g.raise(key, was.value)
		}
	}
}

// leaves: the marker of a pin is removed. What is proposed for it then changes the same line, so its branch cannot be merged any more.
// That is only right if something keeps Flux from taking it back.
func (g *ghost) leaves(w *world, p Pin) {
	if p.Memory.Proposal.Tag == "" || p.Memory.Leader != "" {
		return
	}
	failed := w.api.automations[p.Automation].memory.RetryAt.After(w.now)
	if g.fair && !failed && p.Memory.Finding == nil && p.Foreign == "" {
		g.fail("the marker of %s is removed, and %s stays proposed", p.Key.Name, p.Memory.Proposal.Tag)
	}
}
