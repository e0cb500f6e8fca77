package batch

import (
	"encoding/binary"
	"flag"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// pauses are how far the clock jumps: less and more than the protocol's limits.
var pauses = []time.Duration{time.Second, 10 * time.Second, 59 * time.Second, 3 * time.Minute, 20 * time.Minute}

// TestSimulation walks through random orders of everything that can happen, and then lets all run fairly. The world's people
// are unkind: processes die between two writes, two lead at once, caches lag, Flux is killed, humans commit at any time.
func TestSimulation(t *testing.T) {
	c := walks(t, "")
	if c.armed == 0 || c.written == 0 || c.left == 0 || c.rolled == 0 || c.resumed == 0 || c.closed == 0 {
		t.Errorf("the walks tried too little: %+v", c)
	}
}

// TestProposals does so with a push branch: humans merge what is proposed in any way, or refuse or change it, another cluster has
// the same branch, policies change theirs, and the server refuses things, so that markers are proposed, too.
// The walks are the same ones each time, since the model knows less than people do; -rapid.seed gives others.
func TestProposals(t *testing.T) {
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == "0" {
		if err := seed.Value.Set("1"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = seed.Value.Set("0") }()
	}
	c := walks(t, "upgrades")
	if c.proposed == 0 || c.merged == 0 || c.withdrawn+c.refused == 0 || c.recalled == 0 || c.deleted == 0 || c.markers == 0 {
		t.Errorf("the walks tried too little: %+v", c)
	}
}

// walks counts what happened in walks that begin with a push branch, or without one.
func walks(t *testing.T, push string) counts {
	var all counts
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(1+chance(t, "pins", 4), chance(t, "placed", 4) > 0, chance(t, "agree", 2) == 0, push, rapid.Uint64().Draw(t, "order"))
		w.events = drawEvents(t, push != "")
		w.protected = push != "" && chance(t, "protected", 3) == 0
		w.heedless = chance(t, "heedless", 2) == 0
		w.haste, w.leaders, w.lag = 2+chance(t, "haste", 10), 1+chance(t, "leaders", 3)/2, 1+chance(t, "lag", 2*remembered)
		for range 100 + chance(t, "steps", 500) {
			w.ghost.counts.steps++
			w.step(t)
			w.must(t)
		}
		w.settle(t)
		w.assertSettled(t)
		all.add(w.ghost.counts)
	})
	t.Logf("%+v", all)
	return all
}

// chance is one of n numbers, each as likely as the others; rapid's own ranges prefer small ones.
func chance(t *rapid.T, label string, n int) int {
	hash := fnv.New64a()
	_ = binary.Write(hash, binary.LittleEndian, rapid.Uint64().Draw(t, label)) // a hash takes all
	return int(hash.Sum64() % uint64(n))
}

func pick[T any](t *rapid.T, label string, of []T) T { return of[chance(t, label, len(of))] }

// step does one random thing; what controllers do comes most often.
func (w *world) step(t *rapid.T) {
	switch dice := chance(t, "step", 100); {
	case dice < 40:
		w.stepOperator(t)
	case dice < 75:
		if keys := w.dueAutomations(); len(keys) > 0 {
			w.runFlux(pick(t, "automation", keys))
		} else if keys := w.unreflected(); len(keys) > 0 {
			w.reflectPin(pick(t, "pin", keys))
		} else {
			w.decide(pick(t, "policy", policyNames))
		}
	case dice < 82:
		if keys := w.unreflected(); len(keys) > 0 {
			w.reflectPin(pick(t, "pin", keys))
		}
	case dice < 99-w.haste:
		w.decide(pick(t, "policy", policyNames))
	case dice < 99:
		events[pick(t, "event", w.events)](w, t)
	default:
		w.disturb(t)
	}
}

// stepOperator lets one process do one write, or look, mostly at the present. Two take turns of some steps.
func (w *world) stepOperator(t *rapid.T) {
	processes := w.running()
	if chance(t, "turn", 12) == 0 {
		slices.Reverse(processes)
	}
	p, view := processes[0], w.api
	if age := chance(t, "age", 4*w.lag); age > 0 && age < w.lag && age <= len(w.past) {
		view = w.past[len(w.past)-age]
	}
	p.step(view)
	w.lead()
}

// lead starts as many processes as this walk has at a time.
func (w *world) lead() {
	for len(w.running()) < w.leaders {
		w.start()
	}
}

// disturb kills, stops and starts processes.
func (w *world) disturb(t *rapid.T) {
	processes := w.running()
	p := pick(t, "process", processes)
	switch chance(t, "disturbance", 4) {
	case 0:
		w.note("%s is killed", p.leader)
		p.gone = true
	case 1:
		p.stop()
	case 2:
		w.killFlux()
	case 3:
		w.leaders = 3 - w.leaders
	}
	w.lead()
}

// must ends the walk at the first broken rule.
func (w *world) must(t *rapid.T) {
	w.ghost.look(w)
	if len(w.ghost.broken) > 0 {
		for _, key := range w.pinKeys() {
			w.note("%s is %+v", key.Name, w.api.pins[key])
		}
		t.Fatalf("%s\n%s", strings.Join(w.ghost.broken, "\n"), strings.Join(w.log, "\n"))
	}
}

// assertSettled: the repository is at rest, memories are true, and every line has what a human or the policy wants.
func (w *world) assertSettled(t *rapid.T) {
	for key, a := range w.api.automations {
		if a.selects != pin.AtRest || a.handled != a.requested {
			w.ghost.fail("%s is not at rest: %+v", key.Name, a)
		}
	}
	for key, p := range w.api.pins {
		w.assertPin(key, p)
	}
	w.must(t)
}

func (w *world) assertPin(key Key, p pinObject) {
	g, l, m, policy := w.ghost, w.head().lines[key], p.memory, w.api.policies[p.policy]
	if p.batch != "" || m.Git != "" && p.filter != pin.Filter(l.value) {
		g.fail("%s is not released: batch %q, filter %q", key.Name, p.batch, p.filter)
	}
	if policy.deleted {
		g.fail("%s stays although its policy is deleted", key.Name)
	}
	if git := m.OnCheckout().Git; git != l.value {
		g.fail("%s remembers %s, Git has %s", key.Name, git, l.value)
	}
	if m.Hold != nil && g.moved[key] == 0 && len(g.branched) == 0 {
		g.fail("%s is held at %s up to %s, and no human touched it", key.Name, l.value, m.Hold.UpTo)
	}
	if p.intent.Resume != m.Resume && p.intent.Round <= policy.round {
		g.fail("%s was asked to go on by %s, and followed %q", key.Name, p.intent.Resume, m.Resume)
	}
	if policy.suspended || policy.foreign || m.Finding != nil {
		return
	}
	if !l.marker && !g.lost[key] {
		g.fail("%s has no marker, and no human deleted it", key.Name)
	}
	if l.marker && !l.copied {
		w.assertValue(key, p)
	}
}

// assertValue: a line that the policy is free to move has what a human or the policy wants.
func (w *world) assertValue(key Key, p pinObject) {
	g, l, m, policy := w.ghost, w.head().lines[key], p.memory, w.api.policies[p.policy]
	if owed := g.owed[key]; owed != "" && !versions.Same(owed, l.value) {
		g.fail("%s has %s, a human's %s is lost", key.Name, l.value, owed)
	}
	if w.refusedUnseen(key, p) {
		return
	}
	back := p.intent.Back // what a human wrote may be over an earlier rollback
	if back != "" && versions.Same(l.value, back) && w.tags[p.intent.Want] && g.upgraded[key] && g.kept[key] != l.value {
		g.fail("%s stays at %s, which failed, and does not go back to %s", key.Name, l.value, p.intent.Want)
	}
	held := m.Hold != nil && !versions.Newer(policy.candidate, m.Hold.UpTo)
	bad := policy.candidate == policy.bad || back != ""
	if w.tags[policy.candidate] && versions.Newer(policy.candidate, l.value) && !held && !bad {
		g.fail("%s stays at %s, candidate is %s", key.Name, l.value, policy.candidate)
	}
}
