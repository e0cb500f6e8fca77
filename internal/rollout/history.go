package rollout

import (
	"slices"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// move is one upgrade of one wave, as far as its targets tell.
type move struct {
	wave, to string
	rollback bool
}

// record brings the history up to date: an entry begins when a target of a wave begins, and ends when none runs any more.
func (r *run) record() {
	moved := map[move][]*target{}
	var order []move
	for _, t := range r.targets {
		u := t.upgrade
		if u.To == "" {
			continue
		}
		m := move{wave: u.Wave, to: u.To, rollback: u.Rollback}
		if moved[m] == nil {
			order = append(order, m)
		}
		moved[m] = append(moved[m], t)
	}
	open := map[move]bool{}
	for i := range r.ledger.History {
		entry := &r.ledger.History[i]
		if entry.End.IsZero() {
			m := move{wave: entry.Wave, to: entry.To, rollback: entry.Rollback}
			open[m] = true
			r.update(entry, moved[m])
		}
	}
	for _, m := range order {
		if !open[m] && slices.ContainsFunc(moved[m], running) {
			entry := pin.Entry{To: m.to, Wave: m.wave, Rollback: m.rollback, Start: firstStart(moved[m])}
			r.update(&entry, moved[m])
			r.ledger.History = append(r.ledger.History, entry)
		}
	}
	r.ledger.History = last(r.ledger.History, pin.MaxHistory)
}

// running: an upgrade has not begun while it is only proposed.
func running(t *target) bool {
	proposes := t.Pin != nil && t.Pin.Memory.Proposal.Branch != ""
	return t.upgrade.Running() && (!proposes || !t.upgrade.Committed.IsZero())
}

func firstStart(targets []*target) time.Time {
	var first time.Time
	for _, t := range targets {
		if start := t.upgrade.Start; running(t) && (first.IsZero() || start.Before(first)) {
			first = start
		}
	}
	return first
}

// update brings an open entry up to date with those targets that have begun since it has.
func (r *run) update(entry *pin.Entry, targets []*target) {
	targets = slices.DeleteFunc(slices.Clone(targets), func(t *target) bool { return t.upgrade.Start.Before(entry.Start) })
	entry.Approved = entry.Approved || r.approved(entry.Wave, r.filter.VersionOf(entry.To))
	for _, t := range targets {
		from := t.upgrade.From
		if was, is := r.parse(entry.From), r.parse(from); entry.From == "" || was != nil && is != nil && is.LessThan(was) {
			entry.From = from
		}
		if memory := t.Pin.Memory; r.same(memory.Wanted, entry.To) && memory.Commit != "" {
			entry.Commit = memory.Commit
		}
	}
	entry.Targets = max(entry.Targets, len(targets))
	if !slices.ContainsFunc(targets, running) {
		entry.End, entry.Result = r.now(), r.resultOf(entry, targets)
	}
}

// resultOf is the result of an upgrade from those of its targets: the one that a human should know.
func (r *run) resultOf(entry *pin.Entry, targets []*target) string {
	results := map[string]bool{}
	for _, t := range targets {
		results[t.upgrade.Result] = true
	}
	for _, t := range r.targets {
		if since(t.upgrade, entry) && r.same(t.upgrade.From, entry.To) {
			results[resultBefore(t.upgrade)] = true
		}
	}
	for _, result := range []string{v1alpha1.ResultFailed, v1alpha1.ResultSucceeded, v1alpha1.ResultUnjudged, v1alpha1.ResultOverridden} {
		if results[result] {
			return result
		}
	}
	if r.blocked(entry.To) != nil {
		return v1alpha1.ResultFailed
	}
	return v1alpha1.ResultWithdrawn
}

// since says whether an upgrade began after one that was in Git, so that its target may not tell of that any more.
func since(u pin.Upgrade, entry *pin.Entry) bool {
	return entry.Commit != "" && u.Wave == entry.Wave && !u.Start.Before(entry.Start)
}

// resultBefore is what became of the upgrade before one: a target goes back from a failure, and on when it is well.
func resultBefore(u pin.Upgrade) string {
	switch {
	case u.Rollback:
		return v1alpha1.ResultFailed
	case u.Judged:
		return v1alpha1.ResultSucceeded
	default:
		return v1alpha1.ResultUnjudged
	}
}
