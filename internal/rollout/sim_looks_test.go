package rollout

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// again looks at what was written, while nothing else happens: at once nothing changes any more. Only what was withdrawn may
// let a version be proven that waited for it; then it takes a look more, but nothing is wanted that was taken back before.
func (w *world) again(in Input, decision Decision) {
	looks := []Decision{intended(in), decision}
	for range maxLooks {
		last := looks[len(looks)-1]
		in = written(in, last)
		next := Decide(in)
		diff := differ(last, next)
		if diff == "" {
			return
		}
		if last, next := last.Ledger, next.Ledger; reflect.DeepEqual(last.Proven, next.Proven) {
			w.fail("a second look at the same changes what is decided:\n%s", diff)
		}
		for _, before := range looks[:len(looks)-1] {
			for i := range next.Targets {
				if want := next.Targets[i].Want; want != last.Targets[i].Want && want == before.Targets[i].Want {
					w.fail("%s flaps between %q, because of %+v, and %q", next.Targets[i].Name, last.Targets[i].Want, last.Targets[i].Holds, want)
				}
			}
		}
		looks = append(looks, next)
		w.ghost.counts["second look"]++
	}
	w.fail("%d looks at the same do not come to an end", maxLooks)
}

// intended is what the last decision wanted.
func intended(in Input) Decision {
	var d Decision
	for _, t := range in.Targets {
		want := ""
		if t.Pin != nil {
			want = t.Pin.Intent.Want
		}
		d.Targets = append(d.Targets, TargetDecision{Want: want})
	}
	return d
}

// differ says in what two decisions differ that is written.
func differ(a, b Decision) string {
	type memory struct {
		Ledger  pin.Ledger
		Targets []pin.Upgrade
		Wants   []string
	}
	of := func(d Decision) memory {
		m := memory{Ledger: d.Ledger}
		for _, t := range d.Targets {
			m.Targets = append(m.Targets, t.Upgrade)
			m.Wants = append(m.Wants, t.Want+"|"+t.Back)
		}
		return m
	}
	if left, right := of(a), of(b); !reflect.DeepEqual(left, right) {
		return cmp.Diff(left, right)
	}
	return ""
}

// shuffled decides about the targets in another order.
func (w *world) shuffled(in Input, want Decision) {
	in.Targets = slices.Clone(in.Targets)
	at := make([]int, len(in.Targets))
	for i := range at {
		at[i] = i
	}
	for i := len(at) - 1; i > 0; i-- {
		j := w.roll("order", i+1)
		at[i], at[j] = at[j], at[i]
		in.Targets[i], in.Targets[j] = in.Targets[j], in.Targets[i]
	}
	got := Decide(in)
	sorted := make([]TargetDecision, len(at))
	for i, t := range got.Targets {
		sorted[at[i]] = t
	}
	got.Targets = sorted
	for _, d := range []*Decision{&got, &want} {
		d.Ledger = clone(d.Ledger)
		for i := range d.Ledger.Blocked {
			d.Ledger.Blocked[i].Message = "" // names the first few
		}
		for i := range d.Ledger.History {
			d.Ledger.History[i].Commit = ""                                // of several, the last
			d.Ledger.History[i].From = w.version(d.Ledger.History[i].From) // of two texts that are one version, the first
		}
		slices.SortFunc(d.Ledger.History, func(a, b pin.Entry) int {
			return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
		})
	}
	if diff := differ(want, got); diff != "" {
		w.fail("the order of targets matters:\n%s", diff)
	}
}

// probe asks the operator shortly before the next event or wake-up: it must not have missed anything.
func (w *world) probe(next time.Time) {
	if w.operator.down || w.operator.behind || len(w.operator.last.Targets) != len(w.members) {
		return
	}
	gap := next.Sub(w.now)
	if gap < 2*time.Second {
		return
	}
	in := w.observe()
	for _, at := range []time.Duration{gap - time.Second, time.Duration(1+w.roll("probe", 99)) * gap / 100} {
		in.Now = w.now.Add(at).Truncate(time.Second)
		now, then := Decide(in), w.operator.last
		now.Ledger.Proven, then.Ledger.Proven = nil, nil // one for which nobody waits is noted when somebody looks
		if diff := differ(then, now); diff != "" {
			w.now = in.Now
			w.fail("nothing would have woken the operator, and its decision changes (it wakes at %v):\n%s", w.operator.wake, diff)
		}
	}
}
