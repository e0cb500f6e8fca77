package batch

import (
	"fmt"
	"slices"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// ghost watches the world and knows what nobody in it may rely on: what was armed and checked, which values humans chose,
// and when. It fails the walk at the first step that the protocol must never do.
type ghost struct {
	// batches are the armed ones, by id.
	batches map[string]*armedBatch
	// moved is the newest human commit of each line, valued the newest that changed its value.
	moved, valued map[Key]int
	// fluxWrote: the line's value is Flux's.
	fluxWrote map[Key]bool
	// upgraded: Flux wrote it for a policy, not to give a human's back.
	upgraded map[Key]bool
	// owed is a human's value that Flux overwrote, and bound the newest version that a human turned away.
	owed, bound map[Key]string
	// race is the last one of a line.
	race map[Key]race
	// lost: a human deleted the marker, and nobody asked to go on since. unmarked: that is to be respected, too.
	lost, unmarked map[Key]bool
	// rolled is the last decision of a rollback that Flux followed.
	rolled map[Key]int
	// kept is the version that each line keeps since a human refused to go back from it.
	kept map[Key]string
	// branched is the newest act of humans and others on each push branch.
	branched map[string]int
	// offered are all values that Flux ever proposed, or was allowed to, with their lines.
	offered map[string]bool
	// fair: nothing fails any more, and no human does anything.
	fair bool
	// quiet are policies that are suspended, or closed, none of whose pins is armed any more.
	quiet  map[string]bool
	broken []string
	// counts are how often what is worth to be tried was tried.
	counts counts
}

// race is a human's value and the one that Flux wrote over it. A human who commits Flux's once more before the batch is
// settled cannot be told from one who did nothing, and may be given the first value back.
type race struct{ human, flux string }

// armedBatch is what was allowed when a batch was armed.
type armedBatch struct {
	from, wanted map[Key]string
	// rollbacks are the decisions of those pins that go back.
	rollbacks map[Key]int
	// back are those whose proposal is taken back, or a human's value given back, and given only these.
	back, given map[Key]bool
	// read is the newest commit when it was checked, written the pins that Flux has written since.
	read    int
	written map[Key]bool
}

func newGhost() *ghost {
	return &ghost{
		batches: map[string]*armedBatch{}, moved: map[Key]int{}, valued: map[Key]int{}, fluxWrote: map[Key]bool{}, upgraded: map[Key]bool{},
		owed: map[Key]string{}, bound: map[Key]string{},
		race: map[Key]race{}, lost: map[Key]bool{}, unmarked: map[Key]bool{}, rolled: map[Key]int{}, quiet: map[string]bool{},
		kept: map[Key]string{}, branched: map[string]int{}, offered: map[string]bool{},
	}
}

func (g *ghost) fail(format string, args ...any) {
	g.broken = append(g.broken, fmt.Sprintf(format, args...))
}

// armed: an automation now selects a batch.
func (g *ghost) armed(w *world, live cluster, a Arm, pins []Key, read int) {
	id := a.ID
	if g.batches[id] != nil {
		g.fail("batch %s is armed twice", id)
	}
	b := &armedBatch{from: map[Key]string{}, wanted: map[Key]string{}, rollbacks: map[Key]int{}, back: map[Key]bool{}, given: map[Key]bool{}, read: read, written: map[Key]bool{}}
	for _, key := range pins {
		p := live.pins[key]
		b.from[key], b.wanted[key] = p.memory.From, p.memory.Wanted
		if p.pushes() != "" { // who writes the same meanwhile agrees with it
			g.offered[p.memory.Wanted+" for "+key.Name] = true
		}
		if p.automation() != a.Automation {
			g.fail("%s is armed by %s, and its policy wants %s", key.Name, a.Automation.Name, p.automation().Name)
		}
		b.given[key] = p.memory.Wanted == p.memory.Restore
		b.back[key] = b.given[key] || w.takesBack(key, p)
		if p.memory.Wanted != p.intent.Want && !b.back[key] {
			g.fail("%s is armed for %s, and nobody wants that", key.Name, p.memory.Wanted)
		}
		if !b.back[key] && !versions.Newer(p.memory.Wanted, p.memory.From) {
			g.goesBack(key, p)
			b.rollbacks[key] = p.decision
		}
		if policy := live.policies[p.policy]; policy.suspended && !policy.deleted {
			g.fail("%s is armed, and its policy is suspended", key.Name)
		}
		if why := live.policies[p.policy].schedule.closed(w.now, p); why != "" && !b.back[key] {
			g.fail("%s is armed, and %s", key.Name, why)
		}
		delete(g.quiet, p.policy) // suspended after the last look: this run is in flight
	}
	g.batches[id] = b
	g.counts.armed++
	w.note("armed %s: %v", id, b.wanted)
}

// gives: a batch gives a human's value back.
func (g *ghost) gives(id string, key Key) bool {
	return g.batches[id] != nil && g.batches[id].given[key]
}

// goesBack: a pin is armed for an older version.
func (g *ghost) goesBack(key Key, p pinObject) {
	m, intent := p.memory, p.intent
	if intent.Back == "" || !versions.Same(m.From, intent.Back) {
		g.fail("%s is armed to go from %s down to %s, and its policy leaves %q", key.Name, m.From, m.Wanted, intent.Back)
	}
	if m.Wanted != versions.Tag(p.from) || !versions.Same(p.to, intent.Back) {
		g.fail("%s is armed to go from %s down to %s, and was upgraded from %s to %s", key.Name, m.From, m.Wanted, p.from, p.to)
	}
	if g.rolled[key] == p.decision {
		g.fail("%s is armed to go back to %s once more, over a human's %s", key.Name, m.Wanted, m.From)
	}
}

// resumed: the operator followed a human who asked to go on.
func (g *ghost) resumed(key Key, before, after pin.Memory) {
	g.counts.resumed++
	if after.Hold != nil {
		g.fail("%s is to go on, and is held up to %s", key.Name, after.Hold.UpTo)
	}
	delete(g.bound, key)
	if before.Finding != nil && before.Finding.Reason == reasonMarkerMissing {
		delete(g.unmarked, key)
		delete(g.lost, key)
	}
}

// remarked: a human deletes or restores a marker. A visit that has begun may place it once more: two that lead can both
// place one.
func (g *ghost) remarked(w *world, key Key, l line) {
	busy := slices.ContainsFunc(w.running(), func(p *process) bool { return len(p.todo) > 0 })
	g.unmarked[key] = !l.marker && !busy
	g.lost[key] = !l.marker
}

// placed: the operator pushes markers.
func (g *ghost) placed(before, after map[Key]line) {
	for key, l := range after {
		if l.marker && !before[key].marker && g.unmarked[key] {
			g.fail("the marker of %s is put back, and a human deleted it", key.Name)
		}
		if l.value != before[key].value {
			g.fail("a push of markers changes %s from %s to %s", key.Name, before[key].value, l.value)
		}
	}
}

// started: Flux has listed the policies of a run.
func (g *ghost) started(w *world, tags map[Key]string) {
	for key := range tags {
		if g.quiet[w.api.pins[key].policy] {
			g.fail("a run for %s starts although its policy is suspended, or closed, and was disarmed", key.Name)
		}
	}
}

// pushed: Flux commits. Only checked lines of the armed batch may change, each once and upwards, unless a human moved
// it since or is given a value back.
func (g *ghost) pushed(w *world, branch string, next commit) {
	b := g.batches[next.trailer.Batch]
	if b == nil {
		g.fail("Flux writes batch %s, which was never armed", next.trailer.Batch)
		return
	}
	for key, l := range next.lines {
		was := w.git.commits[next.parents[0]].lines[key]
		if was == l {
			continue
		}
		if was.copy != l.copy && g.moved[key] <= b.read && g.branched[branch] <= b.read {
			g.fail("Flux writes a copy of %s that stood there when it was checked", key.Name)
		}
		switch {
		case was.value == l.value:
		case branch != checkout:
			g.proposed(w, branch, b, key, was)
		default:
			g.wrote(b, key, was.value, l.value)
		}
	}
}

func (g *ghost) wrote(b *armedBatch, key Key, old, value string) {
	if b.wanted[key] != value {
		g.fail("Flux writes %s to %s, allowed was %q", value, key.Name, b.wanted[key])
	}
	g.counts.written++
	again := b.written[key]
	b.written[key], g.fluxWrote[key], g.upgraded[key] = true, true, g.owed[key] == ""
	if old != b.from[key] || again {
		g.raced(b, key, old, value)
		return
	}
	switch owed := g.owed[key]; {
	case owed != "" && !versions.Same(owed, value):
		g.fail("Flux writes %s to %s, a human's %s is owed", value, key.Name, owed)
	case owed != "":
		g.counts.restored++
		delete(g.owed, key)
	case b.rollbacks[key] > 0:
		g.rolledBack(b, key, old)
	case value == versions.Tag(g.race[key].human) && old == g.race[key].flux:
	case !versions.Newer(value, old):
		g.fail("Flux downgrades %s from %s to %s", key.Name, old, value)
	case g.bound[key] != "" && !versions.Newer(value, g.bound[key]):
		g.fail("Flux writes %s to %s, a human turned %s away", value, key.Name, g.bound[key])
	}
}

// rolledBack: Flux wrote what a policy went back to. What a human turned away before stays so only if it is newer.
func (g *ghost) rolledBack(b *armedBatch, key Key, old string) {
	g.counts.rolled++
	g.rolled[key] = b.rollbacks[key]
	if bound := g.bound[key]; bound != "" && !versions.Newer(bound, old) {
		delete(g.bound, key)
	}
}

// raced: Flux wrote over what a human had committed after the check. That may happen, and is to be mended.
func (g *ghost) raced(b *armedBatch, key Key, old, value string) {
	if g.valued[key] <= b.read {
		g.fail("Flux writes %s to %s a second time, and no human touched it", value, key.Name)
	}
	g.counts.raced++
	if decision := b.rollbacks[key]; decision > 0 {
		g.rolled[key] = decision
	}
	if versions.Same(old, value) {
		return
	}
	g.owed[key], g.race[key] = old, race{human: old, flux: value}
	left := value
	if versions.Newer(b.from[key], value) {
		left = b.from[key]
	}
	if !versions.Newer(old, left) && !versions.Same(old, left) {
		g.raise(key, left)
	}
}

// human: a human commits a value.
func (g *ghost) human(w *world, key Key, value string) {
	old := w.head().lines[key].value
	known := g.fluxWrote[key] || old == w.api.pins[key].memory.OnCheckout().Git
	delete(g.owed, key)
	delete(g.kept, key)
	switch bound := g.bound[key]; {
	case versions.Newer(value, old) || versions.Same(value, old):
		if bound != "" && !versions.Newer(bound, value) {
			delete(g.bound, key)
		}
	case known:
		g.raise(key, old)
	}
	g.fluxWrote[key], g.upgraded[key] = false, false
	g.moved[key], g.valued[key] = w.git.last()+1, w.git.last()+1
}

func (g *ghost) raise(key Key, version string) {
	if _, err := versions.Parse(version); err != nil {
		return
	}
	if bound := g.bound[key]; bound == "" || versions.Newer(version, bound) {
		g.bound[key] = version
	}
}
