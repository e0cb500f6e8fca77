package rollout

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// rollBack takes a target back to what it had before the version that failed, if Git has that version and the policy says so.
// It says whether it is about the target. What stops it is shown, and it goes on later.
func (r *run) rollBack(t *target) bool {
	next := t.upgrade
	if !r.goesBack(t) {
		if !r.mustGoBack(t) {
			return false
		}
		next = pin.Upgrade{
			From: t.Pin.Memory.Git, To: tagFor(t.Target, t.upgrade.From), Rollback: true, Judged: true, Unchecked: t.upgrade.Unchecked,
			Wave: t.wave.Name, Start: r.now(), Health: t.upgrade.Health,
		}
	}
	if barred := r.rollbackBarred(t.wave); barred != nil {
		hold := *barred
		hold.Version = next.To
		t.holds = []Hold{hold}
		r.wakeAt(hold.Earliest)
		return true
	}
	t.upgrade, t.want, t.back = next, next.To, tagFor(t.Target, next.From)
	return true
}

// rollbackBarred is what stops the rollbacks of a wave, whatever they go back to; nil: nothing does.
func (r *run) rollbackBarred(w *wave) *Hold {
	if !w.rollbackAsked {
		in := gate.WaveInput{Now: r.in.Now, Wave: w.Name, Suspended: r.in.Policy.Suspended, Schedules: w.schedules}
		w.rollbackAsked, w.rollbackBarred = true, gate.Rollback(in)
	}
	return w.rollbackBarred
}

// goesBack: a rollback has begun, and Git does not have it yet.
func (r *run) goesBack(t *target) bool {
	u := t.upgrade
	return u.Running() && u.Rollback && r.at(t, u.From)
}

// mustGoBack: Git has a version that failed, and the target was given it by an upgrade, not by a human who was faster.
func (r *run) mustGoBack(t *target) bool {
	u := t.upgrade
	if u.Rollback || u.From == "" || !r.at(t, u.To) || r.same(u.From, u.To) || r.left(t, u.From) {
		return false
	}
	blocked := r.blocked(u.To)
	return blocked != nil && blocked.Rollback
}

// refusedRollback tells of a target that is not healthy, and that a human did not let go back; nil: it is none.
func (r *run) refusedRollback(t *target) *pin.Finding {
	u := t.upgrade
	if !u.Rollback || u.Result != v1alpha1.ResultOverridden || !t.proposes() || !r.at(t, u.From) || r.healthy(t) {
		return nil
	}
	return &pin.Finding{Reason: v1alpha1.UpgradeFailedReason, Message: fmt.Sprintf(
		"The rollback from %s to %s was proposed and refused, and %s is not healthy: %s; repair it, commit the version that you want, "+
			"or wait for a newer one", u.From, u.To, u.From, r.ailment(t))}
}

// rollbackFailed: the target is at the version that it was taken back to, and that is not healthy either.
func (r *run) rollbackFailed(t *target) bool {
	u := t.upgrade
	return u.Rollback && u.Result == v1alpha1.ResultFailed && r.at(t, u.To)
}
