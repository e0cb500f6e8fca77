package batch

import (
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Markers on a branch of their own, while the server does not let them be pushed to the checkout branch.

// markersBranch is where they are proposed.
const markersBranch = checkout + "-markers"

// refused goes on after the server has refused a push: the markers of pins that propose versions are proposed, too.
func (p *process) refused(view cluster, memories map[Key]pin.Memory, leaving []Key) bool {
	needing, proposes := Visitors(p.observe(view)), false
	failing := map[Key]pin.Memory{}
	for _, x := range p.observe(view).Pins {
		switch {
		case !needing[x.Key]:
		case x.Push == "":
			failing[x.Key] = unplaced(x, memories)
		default:
			proposes = true
		}
	}
	if !proposes {
		return p.refusedTo(view, failing)
	}
	propose := p.proposal(view)
	p.todo = append(p.todo, func() bool {
		if p.w.gitDown || !propose() {
			for _, x := range p.observe(view).Pins {
				if needing[x.Key] {
					failing[x.Key] = unplaced(x, memories)
				}
			}
			return p.refusedTo(view, failing)
		}
		p.rememberProposed(view, memories, leaving)
		if len(failing) == 0 {
			p.answered()
			return true
		}
		return p.refusedTo(view, failing)
	})
	return true
}

func (p *process) refusedTo(view cluster, failing map[Key]pin.Memory) bool {
	at := p.failed()
	for key, m := range failing {
		failing[key] = failedMemory(m, at)
	}
	p.remember(view, failing, nil)
	return true
}

// unplaced is what was read about a pin, but for its marker. A pin that leaves is not read.
func unplaced(p Pin, memories map[Key]pin.Memory) pin.Memory {
	m, stays := memories[p.Key]
	if !stays {
		return p.Memory
	}
	m.Marked = p.Memory.Marked
	return m
}

// rememberProposed: what pins lack on the checkout branch waits to be merged. Those that leave and have no marker go.
func (p *process) rememberProposed(view cluster, memories map[Key]pin.Memory, leaving []Key) {
	awaiting := &pin.Finding{Reason: v1alpha1.AwaitingMergeReason, Message: "merge"}
	remembered := map[Key]pin.Memory{}
	var gone []Key
	o := p.observe(view)
	for _, x := range o.Pins {
		switch m := unplaced(x, memories); {
		case x.Push == "", Recalls(o, x):
		case !slices.Contains(leaving, x.Key):
			if m.Finding == nil && m.Marked != memories[x.Key].Marked {
				m.Finding = awaiting
			}
			remembered[x.Key] = m
		case p.w.head().lines[x.Key].marker:
			remembered[x.Key] = AwaitMerge(p.w.now, x.Memory, awaiting)
		default:
			gone = append(gone, x.Key)
		}
	}
	p.remember(view, remembered, relaxed)
	p.forget(view, gone)
}

// proposal looks at the branches now, and pushes later what is to be proposed. It says whether that, or nothing, is there then.
func (p *process) proposal(view cluster) (push func() bool) {
	g := &p.w.git
	o := p.observe(view)
	o.Pins = slices.DeleteFunc(o.Pins, func(x Pin) bool { return x.Push == "" })
	on := g.branches[checkout]
	there, exists := g.at(markersBranch)
	wanted := marks(g.commits[on].lines, o)
	base, has, strange := on, exists, false
	for key, l := range wanted {
		has = has && (l == g.commits[on].lines[key] || l == g.commits[there].lines[key])
	}
	if exists {
		known := g.before(on)
		for n := range g.before(there) {
			strange = strange || !known[n] && !g.commits[n].proposes
		}
		if current := g.before(there)[on]; !strange && (current || maps.Equal(wanted, g.commits[on].lines)) {
			base, has = there, false // what it has is added to, or taken back
			wanted = marks(g.commits[there].lines, o)
		}
	}
	return func() bool {
		now, still := g.at(markersBranch)
		switch {
		case has:
			return true
		case strange, still != exists, exists && now != there:
			return false
		case maps.Equal(wanted, g.commits[base].lines):
			return true
		}
		p.w.note("%s proposes markers", p.leader)
		p.w.ghost.placed(g.commits[base].lines, wanted)
		p.w.ghost.counts.markers++
		g.push(markersBranch, commit{lines: wanted, files: g.commits[base].files, parents: []int{base}, proposes: true})
		return true
	}
}

// withdrawMarkers takes back the proposed markers of pins that go, if nothing is against it.
func (p *process) withdrawMarkers(view cluster, gone []Key) {
	for _, x := range p.observe(view).Pins {
		f := x.Memory.Finding
		if x.Push == "" || f == nil || f.Reason != v1alpha1.AwaitingMergeReason || !slices.Contains(gone, x.Key) {
			continue
		}
		propose := p.proposal(view)
		p.todo = append(p.todo, func() bool {
			propose()
			return true
		})
		return
	}
}

// decideMarkers is a human who merges the proposed markers, or does not want them, or adds to them.
func decideMarkers(w *world, t *rapid.T) {
	if _, there := w.git.at(markersBranch); !there {
		return
	}
	switch pick(t, "markers", []string{"merge", "merge", "close", "add"}) {
	case "merge":
		w.mergeMarkers(t)
	case "close":
		w.note("human: deletes branch %s", markersBranch)
		delete(w.git.branches, markersBranch)
	default:
		w.note("human: adds to branch %s", markersBranch)
		w.git.add(markersBranch, func(c *commit) { c.files = with(c.files, revision(w.git.last())) })
	}
}

func (w *world) mergeMarkers(t *rapid.T) bool {
	if len(w.git.own(markersBranch)) == 0 {
		return false
	}
	w.merge(markersBranch, pick(t, "way", []string{"merge", "squash", "rebase"}), chance(t, "delete", 2) == 0)
	return true
}

// pushesDirectly: a policy wants no push branch, so its markers are not proposed.
func (w *world) pushesDirectly() bool {
	for _, p := range w.api.pins {
		if p.push == "" || w.api.policies[p.policy].push == "" {
			return true
		}
	}
	return false
}
