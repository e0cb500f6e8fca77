package rollout

import (
	"slices"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/schedule"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// proposal is the tag that stands on the push branch for a target and waits for a human to merge it; empty: none.
func (t *target) proposal() string {
	if t.leader != nil {
		return t.leader.proposal()
	}
	if t.Pin == nil {
		return ""
	}
	return t.Pin.Memory.Proposal.Tag
}

// proposes says whether what a target should have is proposed on a push branch.
func (t *target) proposes() bool { return t.Pin != nil && t.Pin.Memory.Proposal.Branch != "" }

// comesFirst says whether a target's proposal is seen to before what was chosen for the target: that is nothing newer, or the proposal
// may not be merged any more. Then it is taken back first, since another one may never get there.
func (r *run) comesFirst(t *target, chosen selection) bool {
	proposed := r.parse(t.proposal())
	if proposed == nil {
		return false
	}
	return r.bad(t) || t.Pin.Intent.Want == t.proposal() && !r.offers[chosen.offer].parsed.GreaterThan(proposed)
}

// bad says whether no target may have what is proposed for one, whatever the gates of its wave say: these may be closed by the very
// version that replaces it.
func (r *run) bad(t *target) bool { return !t.upgrade.Rollback && !r.admits(t.proposal()) }

// keepOrWithdraw leaves a target without a new version: a proposal that may stay does, anything else is withdrawn.
func (r *run) keepOrWithdraw(t *target) {
	if r.stays(t) {
		t.want = t.Pin.Intent.Want
		return
	}
	r.withdraw(t)
}

// stays says whether a proposal may wait for a human: it is wanted, and welcome.
func (r *run) stays(t *target) bool {
	return r.parse(t.proposal()) != nil && t.Pin.Intent.Want == t.proposal() && r.welcome(t)
}

// welcome says whether nothing but windows, and policies that it depends on, keeps a proposal from being made now. These are about when a
// version is proposed, not when a human merges it. What cannot be known at the moment takes nothing back either, but a freeze always does.
func (r *run) welcome(t *target) bool {
	proposed := r.parse(t.proposal())
	switch {
	case r.bad(t), r.freezes(t):
		return false
	case !t.movable():
		return true
	}
	i := slices.IndexFunc(r.offers, func(o offer) bool { return o.parsed.Equal(proposed) })
	if i < 0 {
		return r.newest == nil && r.in.Candidate.Reason != v1alpha1.NoCandidateReason
	}
	holds := append(slices.Clone(r.gates(t.wave, i)), gate.Evaluate(gate.ForTarget(), r.targetInput(t, r.offers[i]))...)
	return !slices.ContainsFunc(holds, func(h Hold) bool {
		return !slices.Contains(waitsBeforeMerge, h.Reason)
	})
}

// waitsBeforeMerge are reasons to make no proposal that take none back.
var waitsBeforeMerge = []string{v1alpha1.OutsideWindowReason, v1alpha1.SuspendedReason, v1alpha1.DependencyNotReadyReason}

// freezes says whether an exclusion of a target's wave covers the time; of the cluster's if it is in none.
func (r *run) freezes(t *target) bool {
	schedules := r.in.Maintenance
	if t.wave != nil {
		schedules = t.wave.schedules
	}
	return slices.ContainsFunc(schedules, func(s Schedule) bool { return s.Broken == "" && s.Schedule.At(r.in.Now).Frozen })
}

// admits says whether the policy's versions have a tag, and it did not fail.
func (r *run) admits(tag string) bool {
	text := r.filter.VersionOf(tag)
	return newAllowed(r.in, r.filter).Contains(text) && !versions.Excluded(text, r.in.Policy.Exclude) && r.blocked(tag) == nil
}

// await holds each target whose wanted version only waits for a human.
func (r *run) await() {
	for _, t := range r.targets {
		want := t.want
		if t.leader != nil {
			want = t.leader.want
		}
		if want != "" && want == t.proposal() {
			hold := gate.AwaitingMerge(want, t.Pin.Memory.Proposal.Branch)
			t.holds = append(slices.Clip(t.holds), *hold)
			t.awaits = true
			r.wakeBeforeFreeze(t.wave)
		}
	}
}

// wakeBeforeFreeze asks for a new decision when the next exclusion of a wave begins, for it takes proposals back. Windows say nothing of
// that: they may be closed already, and stay so.
func (r *run) wakeBeforeFreeze(w *wave) {
	if w == nil || w.freezeAsked {
		return
	}
	w.freezeAsked = true
	exclusions := make([]schedule.Schedule, 0, len(w.schedules))
	for _, s := range w.schedules {
		exclusions = append(exclusions, s.Schedule.Exclusions())
	}
	if at, ok := schedule.Closes(r.in.Now, exclusions...); ok {
		r.wakeAt(at)
	}
}
