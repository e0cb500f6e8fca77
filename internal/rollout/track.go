package rollout

import (
	"fmt"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// track finds out how far each running upgrade is, and how each target is doing.
func (r *run) track() {
	for _, t := range r.targets {
		if t.Pin == nil || t.wave == nil {
			t.upgrade.Health = pin.Health{} // nobody looks after it
			continue
		}
		if t.upgrade.Running() {
			t.upgrade = r.progress(t)
		}
		t.upgrade.Health = r.healthOf(t)
		if t.upgrade.Result == v1alpha1.ResultSucceeded && r.lost(t) {
			t.upgrade.Result = v1alpha1.ResultFailed
		}
	}
}

// progress is a running upgrade after a look at Git and at the cluster.
func (r *run) progress(t *target) pin.Upgrade {
	u := t.upgrade
	git := t.Pin.Memory.Git
	switch {
	case r.same(git, u.To):
		return r.arrival(t)
	case r.moving(t):
		return r.rejudged(t) // it may still be written
	case u.Rollback && r.left(t, u.To):
		return r.ended(u, v1alpha1.ResultOverridden)
	case (git == u.From || t.leader != nil) && u.Committed.IsZero():
		return r.rejudged(t) // choose says whether it is still wanted, for a follower what its leader does
	default:
		return r.ended(u, v1alpha1.ResultOverridden)
	}
}

// left says whether Flux wrote a version last, though Git has another one: then a human chose that. Nobody need have seen it in
// between.
func (r *run) left(t *target, tag string) bool {
	memory := t.Pin.Memory
	return r.same(memory.Wanted, tag) && memory.Commit != "" && !r.at(t, tag)
}

// rejudged is an upgrade that the cluster does not have yet: a target that stops being well meanwhile is not judged by it.
func (r *run) rejudged(t *target) pin.Upgrade {
	u := t.upgrade
	if r.same(t.Spec, u.From) {
		u.Judged = u.Judged && (u.Rollback || r.wellAtStart(t))
	}
	return u
}

// arrival follows an upgrade that is in Git into the cluster.
func (r *run) arrival(t *target) pin.Upgrade {
	u, timeout := t.upgrade, r.in.Policy.Health.Timeout
	if u.Committed.IsZero() {
		u.Committed, u.From = r.active, r.replaced(t)
		if t.proposes() {
			u.Start = r.now() // the merge is the start
		}
	}
	if r.same(t.Spec, u.To) && u.Applied.IsZero() {
		u.Applied = r.active
	}
	if u.Applied.IsZero() {
		r.wakeAtActive(u.Committed.Add(timeout))
		return u
	}
	u.Judged = u.Judged && t.Excused == ""
	if result := r.verdict(t, u); result != "" {
		return r.ended(u, result)
	}
	r.wakeAtActive(u.Applied.Add(timeout))
	return u
}

// verdict is the result of an upgrade that the cluster has; empty: it is still to come.
func (r *run) verdict(t *target, u pin.Upgrade) string {
	_, hopelessly := Failing(t.Target)
	late := !r.active.Before(u.Applied.Add(r.in.Policy.Health.Timeout))
	switch {
	case r.runs(t) && (r.checked || u.Unchecked):
		return v1alpha1.ResultSucceeded
	case u.Judged && (hopelessly || late):
		return v1alpha1.ResultFailed
	case late:
		return v1alpha1.ResultUnjudged
	default:
		return ""
	}
}

// replaced is what a target had before the version that Git has now: a human may have chosen another one after the upgrade began,
// and before it was written.
func (r *run) replaced(t *target) string {
	u, memory := t.upgrade, t.Pin.Memory
	if !u.Rollback && memory.Commit != "" && memory.From != "" && r.same(memory.Wanted, u.To) {
		return memory.From
	}
	return u.From
}

func (r *run) ended(u pin.Upgrade, result string) pin.Upgrade {
	u.Result, u.End = result, r.now()
	return u
}

// moving says whether the target's line is in a batch, which may write it whatever is wanted now.
func (r *run) moving(t *target) bool {
	if t.leader != nil {
		t = t.leader
	}
	return t.Pin != nil && t.Pin.Batch != ""
}

// lost says whether a target was unhealthy for too long while its version soaked.
func (r *run) lost(t *target) bool {
	u, timeout := t.upgrade, r.in.Policy.Health.Timeout
	if !u.Judged || u.Rollback || !r.at(t, u.To) || t.Excused != "" || t.wave.next == nil || u.Health.Healthy || r.proven(t.wave, key(t.git)) {
		return false
	}
	lostFor := r.active.Sub(u.Health.Since)
	return r.same(u.Health.Of, u.To) && lostFor >= timeout
}

// at says whether Git has a version for a target.
func (r *run) at(t *target, tag string) bool {
	return tag != "" && t.Pin != nil && r.same(t.Pin.Memory.Git, tag)
}

// findingOf says what a human should look at after an upgrade.
func (r *run) findingOf(t *target) *pin.Finding {
	u := t.upgrade
	switch {
	case t.finding != nil:
		return t.finding
	case t.wave == nil || !r.at(t, u.To):
		return r.refusedRollback(t)
	case u.Result == v1alpha1.ResultFailed && u.Rollback:
		return &pin.Finding{Reason: v1alpha1.RollbackFailedReason, Message: fmt.Sprintf(
			"It was taken back from %s to %s, and that is not healthy: %s; repair it, then set a new token in the annotation %s",
			u.From, u.To, r.ailment(t), v1alpha1.ResumeAnnotation)}
	case u.Result == v1alpha1.ResultFailed:
		return &pin.Finding{Reason: v1alpha1.UpgradeFailedReason, Message: fmt.Sprintf(
			"The upgrade from %s to %s failed: %s; repair it, or commit the version that you want", u.From, u.To, r.ailment(t))}
	case u.Running() && u.Applied.IsZero() && !u.Committed.IsZero() && r.notApplied(u):
		return &pin.Finding{Reason: v1alpha1.NotAppliedReason, Message: r.notAppliedMessage(t)}
	default:
		return nil
	}
}

func (r *run) notApplied(u pin.Upgrade) bool {
	return !r.active.Before(u.Committed.Add(r.in.Policy.Health.Timeout))
}

func (r *run) notAppliedMessage(t *target) string {
	message := fmt.Sprintf("%s is in Git since %s and the cluster still has %s", t.upgrade.To,
		r.ledger.Wall(t.upgrade.Committed).Format(time.RFC3339), t.Spec)
	if t.ApplyMessage != "" {
		return message + ": " + shortened(t.ApplyMessage)
	}
	return message + ": see the Flux Kustomization that applies it"
}
