package rollout

import (
	"reflect"
	"slices"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// operator is what the policy's controller has written, and when it looks again.
type operator struct {
	ledger pin.Ledger
	round  int64
	wake   time.Time
	// down: it died. behind: it has not heard of the last event.
	down, behind bool
	last         Decision
	// caches are what a cache may still show.
	caches caches
}

// maxLooks is how often the operator may look at a world in which nothing else happens, until nothing is left to be written.
const maxLooks = 4

// look is the operator that decides and writes, until there is nothing to write.
func (w *world) look() {
	if w.operator.down {
		return
	}
	w.fillCaches()
	if w.chance("stale", w.pace.stale) && !w.lookBack() {
		return
	}
	for range maxLooks {
		in := w.observe()
		decision := w.decide(in)
		wrote, alive := w.write(decision, cached{})
		if !alive {
			return
		}
		w.tell(decision)
		if !wrote {
			w.operator.wake, w.operator.behind, w.operator.last = decision.WakeUp, false, decision
			return
		}
	}
	w.fail("the operator writes although nothing happens")
}

// observe is the input of a decision. It is made of what survives, and of nothing that the status shows.
func (w *world) observe() Input {
	in := Input{
		Now: w.now, Policy: w.policy, Candidate: w.candidate(), Ledger: w.operator.ledger, Checks: slices.Clone(w.checks), Dependencies: slices.Clone(w.dependencies),
		Steps: w.stepAnswers(),
	}
	in.Policy.Waves = slices.Clone(w.policy.Waves)
	for _, name := range sortedKeys(w.maintenance) {
		in.Maintenance = append(in.Maintenance, w.maintenance[name])
	}
	for _, m := range w.members {
		t := m.target
		if t.Pin != nil {
			copied := *t.Pin
			t.Pin = &copied
		}
		in.Targets = append(in.Targets, t)
	}
	return in
}

// decide is a decision and what must be true of it by itself.
func (w *world) decide(in Input) Decision {
	before := in.Ledger.Encode()
	decision := Decide(in)
	if in.Ledger.Encode() != before {
		w.fail("the decision changed its input")
	}
	w.ghost.check(w, in, decision)
	w.again(in, decision)
	if w.chance("shuffle", 4) {
		w.shuffled(in, decision)
	}
	return decision
}

// write writes a decision, one object after the other, and dies sometimes in between. What failed is written before all, and
// nothing else until the next look: a pin that goes back does not tell it any more. An object that was read from an old cache is
// not written, and ends it.
func (w *world) write(d Decision, old cached) (wrote, alive bool) {
	if blocksMore(old.ledgerOf(w), d.Ledger) {
		if old.candidate != nil {
			return false, true
		}
		if w.dies() {
			return true, false
		}
		w.operator.ledger.Blocked = w.stored(d.Ledger).Blocked
		w.scan()
		return true, true
	}
	last := w.lastRound(old)
	round := old.roundOf(w)
	for i, m := range w.members {
		have := old.pinOf(m)
		next := w.wanted(m, have, d, d.Targets[i], last)
		round = max(round, next.Intent.Round)
		if have != nil && reflect.DeepEqual(*have, next) {
			continue
		}
		if old.member == m {
			return wrote, true
		}
		if w.dies() {
			return true, false
		}
		wrote = true
		m.target.Pin = &next
		w.ghost.meet(w, m)
	}
	ledger := w.stored(d.Ledger)
	if round != old.roundOf(w) || !reflect.DeepEqual(ledger, old.ledgerOf(w)) {
		if old.candidate != nil {
			return wrote, true
		}
		if w.dies() {
			return true, false
		}
		if len(ledger.Resumes) > 0 && ledger.Resume() != w.operator.ledger.Resume() {
			clear(w.ghost.failed)
		}
		rescan := !reflect.DeepEqual(ledger.Blocked, w.operator.ledger.Blocked)
		w.operator.ledger, w.operator.round, wrote = ledger, round, true
		if rescan {
			w.scan()
		}
	}
	w.ask(d.Steps)
	w.ghost.see(w, d)
	if wrote {
		w.soon()
	}
	return wrote, true
}

func blocksMore(known, next pin.Ledger) bool {
	return slices.ContainsFunc(next.Blocked, func(b pin.Blocked) bool {
		return !slices.ContainsFunc(known.Blocked, func(k pin.Blocked) bool { return k.Tag == b.Tag })
	})
}

// wanted is a target's pin as it should be.
func (w *world) wanted(m *member, have *Pin, d Decision, t TargetDecision, last int64) Pin {
	next := Pin{Name: m.pinName()}
	if have != nil {
		next = *have
	}
	before := next.Intent
	next.Intent.Want, next.Intent.Back, next.Intent.Resume = t.Want, t.Back, d.Ledger.Resume()
	next.Intent.Mark = m.target.Finding == nil && !w.policy.Suspended
	if next.Intent.Want != before.Want || next.Intent.Back != before.Back || next.Intent.Mark != before.Mark {
		next.Intent.Round = last + 1
	}
	next.Upgrade = w.storedUpgrade(t.Upgrade)
	return next
}

func (w *world) lastRound(old cached) int64 {
	last := old.roundOf(w)
	for _, m := range w.members {
		if have := old.pinOf(m); have != nil {
			last = max(last, have.Intent.Round)
		}
	}
	return last
}

// stored is a ledger after it was written and read.
func (w *world) stored(l pin.Ledger) pin.Ledger {
	candidate := &imagev1.ImagePolicy{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{pin.LedgerAnnotation: l.Encode()}}}
	read, err := pin.LedgerOf(candidate)
	if err != nil {
		w.fail("the ledger cannot be read: %v", err)
	}
	return read
}

func (w *world) storedUpgrade(u pin.Upgrade) pin.Upgrade {
	object := &imagev1.ImagePolicy{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{pin.UpgradeAnnotation: u.Encode()}}}
	read, err := pin.UpgradeOf(object)
	if err != nil {
		w.fail("the upgrade cannot be read: %v", err)
	}
	return read
}

// dies ends the operator now and then. It starts again later, and knows what was written.
func (w *world) dies() bool {
	if !w.chance("crash", w.pace.crashes) {
		return false
	}
	w.ghost.counts["crash"]++
	w.note("operator", "is killed between two writes")
	w.operator.down = true
	w.after(time.Minute, func() { w.operator.down = false })
	return true
}
