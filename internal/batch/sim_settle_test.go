package batch

import (
	"reflect"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// maxRounds is far more than any walk needs to settle.
const maxRounds = 400

// settle lets everybody work in turn, nothing fails any more but deletions that the server refuses, until nobody has anything to do.
func (w *world) settle(t *rapid.T) {
	w.note("all run fairly")
	w.gitDown, w.fluxGitDown, w.forgetful, w.refusesPush = false, false, false, false
	for _, p := range w.processes {
		p.gone = true
	}
	w.running()
	p := w.start()
	w.protected = w.protected && !w.pushesDirectly() // nobody would ever see those markers
	for _, key := range sortedKeys(w.api.automations) {
		w.updateAutomation(key, -1, func(a *automationObject) { a.suspended = false })
	}
	jumps, hasty, tried := 0, 0, map[Key]time.Time{}
	w.ghost.fair = true
	if chance(t, "leave", 4) == 0 {
		w.deletePolicy(pick(t, "policy", policyNames))
	}
	w.visits = 0
	most := 6 + 6*len(w.api.pins) // some may go
	for range maxRounds {
		before := w.api
		w.round(p)
		w.must(t)
		wait, waits := Next(p.observe(w.api)).(Wait)
		if len(p.todo) > 0 || !waits || !reflect.DeepEqual(before, w.api) || len(w.dueAutomations()) > 0 {
			continue
		}
		if w.visits > most {
			t.Fatalf("Git is read %d times although nothing happens\n%s", w.visits, strings.Join(w.log, "\n"))
		}
		w.visits = 0
		next, opens := wait.Until, w.opens()
		if !w.heedless { // the policy controller wakes up then
			next = sooner(w.now, next, opens)
		}
		if next.IsZero() || next.Equal(opens) || jumps >= maxJumps {
			w.assertWithdrawn()
			w.must(t)
		}
		if w.mergeAll(t, jumps >= maxJumps/2) {
			continue
		}
		if next.IsZero() || jumps >= maxJumps && opens.IsZero() {
			return
		}
		jumps++
		for _, key := range w.retried(next) {
			if at, again := tried[key]; again && next.Sub(at) <= Backoff(1) {
				hasty++
			}
			tried[key] = next
		}
		if hasty > 2*len(w.api.pins) {
			t.Fatalf("does not wait longer each time\n%s", strings.Join(w.log, "\n"))
		}
		w.now = next
	}
	t.Fatalf("does not settle: %+v\n%s", Next(p.observe(w.api)), strings.Join(w.log, "\n"))
}

// retried are the pins and automations that are tried again at a time.
func (w *world) retried(at time.Time) []Key {
	var keys []Key
	for key, p := range w.api.pins {
		if p.memory.RetryAt == at.UTC().Format(time.RFC3339) {
			keys = append(keys, key)
		}
	}
	for key, a := range w.api.automations {
		if a.memory.RetryAt.Equal(at) {
			keys = append(keys, key)
		}
	}
	return keys
}

// maxJumps is how often settle lets the time of a retry come, while no schedule is closed; one that waits for a tag is retried for
// ever.
const maxJumps = 12

func (w *world) round(p *process) {
	for _, key := range w.pinKeys() {
		w.reflectPin(key)
	}
	for range 5 {
		for _, key := range sortedKeys(w.api.automations) {
			w.runFlux(key)
		}
	}
	for _, name := range policyNames {
		for range len(w.api.pins) + 2 {
			w.decide(name)
		}
	}
	p.step(w.api)
	for len(p.todo) > 0 {
		p.step(w.api)
	}
}
