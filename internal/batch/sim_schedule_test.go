package batch

import (
	"time"

	"pgregory.net/rapid"
)

const scheduleClosed = "its schedule is closed"

// calendar is a policy's schedule: nothing may start from one time until another one.
type calendar struct {
	from, until time.Time
	// all: rollbacks must not start either.
	all bool
	// freeze: what is proposed and not merged is taken back, too.
	freeze bool
}

func (c calendar) covers(now time.Time) bool { return !now.Before(c.from) && now.Before(c.until) }

// closed says why a pin's version may not start now.
func (c calendar) closed(now time.Time, p pinObject) string {
	if !c.covers(now) || p.intent.Back != "" && !c.all {
		return ""
	}
	return scheduleClosed
}

// turns is when it opens or closes next; zero: never.
func (c calendar) turns(now time.Time) time.Time { return sooner(now, c.from, c.until) }

// changeSchedule is a human who freezes a policy now or later, or ends that.
func changeSchedule(w *world, t *rapid.T) {
	name := pick(t, "policy", policyNames)
	next := calendar{all: chance(t, "all", 2) == 0, freeze: chance(t, "frozen", 2) == 0}
	if chance(t, "freeze", 4) > 0 {
		next.from = w.now
		if chance(t, "later", 2) == 0 {
			next.from = w.now.Add(pick(t, "from", pauses))
		}
		next.until = next.from.Add(pick(t, "length", pauses))
	}
	w.note("human: policy %s is closed from %s until %s, for rollbacks too: %t", name, next.from.Format(time.TimeOnly), next.until.Format(time.TimeOnly), next.all)
	w.updatePolicy(name, func(p *policyObject) { p.schedule = next })
}

// opens is the next time at which a policy's schedule opens; zero: all are open.
func (w *world) opens() time.Time {
	var next time.Time
	for _, name := range policyNames {
		if s := w.api.policies[name].schedule; s.covers(w.now) {
			next = sooner(w.now, next, s.until)
		}
	}
	return next
}
