package rollout

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// presence is a version in a wave.
type presence struct {
	version *semver.Version
	// tag that says it best in a message.
	tag string
	// has: targets have it. healthy: all of these are, since, on the active clock.
	has, healthy bool
	since        time.Time
	// pending: targets are on their way to it.
	pending bool
}

// prove finds out which versions soak in which wave, and notes those that have.
func (r *run) prove() {
	for _, w := range r.waves {
		if len(w.targets) == 0 && len(r.targets) > 0 && len(r.waves) > 1 {
			r.problem(v1alpha1.WaveEmptyReason, emptyMessage(w))
		}
		for _, t := range w.targets {
			r.meet(w, t)
		}
		if w.next != nil {
			r.soak(w)
		}
	}
	r.forgetProven()
}

func emptyMessage(w *wave) string {
	if w.next == nil {
		return fmt.Sprintf("wave %s selects no target: correct its selector, or remove it", w.Name)
	}
	return fmt.Sprintf("wave %s selects no target, so no version is ever proven there for wave %s: correct its selector, or remove it", w.Name, w.next.Name)
}

// meet counts a target into what its wave is on its way to, and what soaks there.
func (r *run) meet(w *wave, t *target) {
	if to := r.running(t); to != "" {
		w.running = appendNew(w.running, to)
	}
	if w.next == nil || r.exempt(t) {
		return
	}
	u := t.upgrade
	if r.arrives(t) {
		p := presenceOf(w, t.git, u.To)
		p.has, p.pending = true, true
		return
	}
	if to := r.parse(u.To); u.Running() && to != nil && !to.Equal(t.git) {
		presenceOf(w, to, u.To).pending = true
	}
	presenceOf(w, t.git, t.Pin.Memory.Git).add(u.Health)
}

// running is the tag that a target is on its way to, or back to, so that its wave waits for it; empty: none.
func (r *run) running(t *target) string {
	u := t.upgrade
	switch {
	case (u.Rollback || r.mustGoBack(t)) && t.Pin.Memory.Finding != nil:
		return "" // the others do not wait for one that cannot go back
	case r.mustGoBack(t) && !r.unmovable(t):
		return tagFor(t.Target, u.From)
	case u.Running() && u.Judged && (u.Rollback || !u.Committed.IsZero() || r.moving(t)):
		return u.To
	default:
		return ""
	}
}

// arrives says whether Git has the version that a target is on its way to, and it may still get healthy with it.
func (r *run) arrives(t *target) bool { return t.upgrade.Running() && r.at(t, t.upgrade.To) }

// add counts a target that has the version. One that is healthy is so with what Git has.
func (p *presence) add(health pin.Health) {
	p.has = true
	p.healthy = p.healthy && health.Healthy
	if health.Since.After(p.since) {
		p.since = health.Since
	}
}

// presenceOf is the one of a version in a wave.
func presenceOf(w *wave, version *semver.Version, tag string) *presence {
	p := w.presences[key(version)]
	if p == nil {
		p = &presence{version: version, tag: versions.Tag(tag), healthy: true}
		w.presences[key(version)] = p
	}
	return p
}

// exempt says whether a target neither proves a version nor keeps others from doing so: it cannot be moved, a human chose its
// version, or it was not well to begin with. One that has become well since counts: the next version will judge it, so it
// must count in the same way before that begins.
func (r *run) exempt(t *target) bool {
	if r.unmovable(t) || t.Excused != "" || t.Pin.Memory.Hold != nil {
		return true
	}
	u := t.upgrade
	switch {
	case u.Running():
		return !u.Judged || !r.arrives(t) && r.ailing(t)
	case u.Result == v1alpha1.ResultUnjudged, u.Result == v1alpha1.ResultFailed:
		return r.at(t, u.To) && !r.healthy(t)
	default:
		return r.ailing(t)
	}
}

// unmovable says whether something is wrong with a target or its line that keeps every version from it.
func (r *run) unmovable(t *target) bool {
	if t.Finding != nil || t.finding != nil || t.git == nil {
		return true
	}
	if t.leader == nil && !t.placed {
		return true
	}
	found := t.Pin.Memory.Finding
	moving := []string{v1alpha1.TagMissingReason, v1alpha1.UpdateFailedReason, v1alpha1.GitUnwritableReason, v1alpha1.StaleBranchReason}
	return found != nil && !slices.Contains(moving, found.Reason)
}

// ailing says whether a target has been unhealthy for too long to be waited for.
func (r *run) ailing(t *target) bool {
	health := t.upgrade.Health
	if health.Of == "" || health.Healthy {
		return false
	}
	until := health.Since.Add(r.in.Policy.Health.Timeout)
	r.wakeAtActive(until)
	return !r.active.Before(until)
}

// soak finds out which versions of a wave have soaked, and which keep it from going on.
func (r *run) soak(w *wave) {
	known := true
	for _, k := range sortedKeys(w.presences) {
		p := w.presences[k]
		if !p.has || !r.awaited(w.next, p.version) {
			continue
		}
		p.pending = p.pending || r.lagging(w, p.version)
		r.noteProven(w, k, p)
		if r.proven(w, k) || !r.offered(p.version) {
			continue
		}
		w.soaking = append(w.soaking, p.tag)
		at := r.soaked(w, p)
		known = known && !at.IsZero()
		if at.After(w.soaked) {
			w.soaked = at
		}
		r.wakeAt(at)
	}
	if !known {
		w.soaked = time.Time{}
	}
}

// lagging says whether a target of a wave has still to take a version that others of it have: a wave proves it as a whole.
func (r *run) lagging(w *wave, version *semver.Version) bool {
	if w.before != nil && !r.proven(w.before, key(version)) {
		return false // nobody else of this wave will get it: it came another way
	}
	return slices.ContainsFunc(w.targets, func(t *target) bool {
		return !r.exempt(t) && t.Pin.Memory.Finding == nil && t.git.LessThan(version) && r.inReach(t, version)
	})
}

// inReach says whether a version skips no step of a target, or a human lets it.
func (r *run) inReach(t *target, version *semver.Version) bool {
	level, text := r.in.Policy.NeverSkip, version.String()
	return level == "" || versions.SameStep(text, t.git.String(), level) || versions.SameStep(text, r.nextAfter(t), level) ||
		r.approved(t.wave.Name, text)
}

// noteProven notes that a version has soaked, or that it must do so again because health was lost.
func (r *run) noteProven(w *wave, k string, p *presence) {
	switch {
	case !p.healthy:
		r.setProven(w, k, false)
	case !p.pending && !r.active.Before(p.since.Add(w.Soak)):
		r.setProven(w, k, true)
	}
}

// soaked is when a version will have soaked in a wave, on the wall; zero: not known as things are.
func (r *run) soaked(w *wave, p *presence) time.Time {
	if !p.has || !p.healthy || p.pending || r.in.Policy.Suspended {
		return time.Time{}
	}
	return r.ledger.Wall(p.since.Add(w.Soak))
}

// awaited says whether a target of a wave could take a version once it has soaked in the wave before, judged or not.
func (r *run) awaited(w *wave, version *semver.Version) bool {
	return slices.ContainsFunc(w.targets, func(t *target) bool {
		if r.unmovable(t) || !t.git.LessThan(version) {
			return false
		}
		hold := t.Pin.Memory.Hold
		return hold == nil || versions.Newer(version.String(), r.filter.VersionOf(hold.UpTo))
	})
}

func (r *run) proven(w *wave, k string) bool { return slices.Contains(r.ledger.Proven[w.Name], k) }

func (r *run) setProven(w *wave, k string, proven bool) {
	if proven == r.proven(w, k) {
		return
	}
	list := slices.Clone(r.ledger.Proven[w.Name])
	if proven {
		list = append(list, k)
	} else {
		list = slices.DeleteFunc(list, func(other string) bool { return other == k })
	}
	slices.Sort(list)
	r.keepProven(w.Name, list)
}

// forgetProven drops waves that are gone, and versions that were forgotten themselves.
func (r *run) forgetProven() {
	for _, name := range sortedKeys(r.ledger.Proven) {
		i := slices.IndexFunc(r.waves, func(w *wave) bool { return w.Name == name && w.next != nil })
		if i < 0 {
			r.keepProven(name, nil)
			continue
		}
		kept := slices.DeleteFunc(slices.Clone(r.ledger.Proven[name]), func(k string) bool {
			return r.waves[i].presences[k] == nil && !slices.ContainsFunc(r.ledger.Seen, func(s pin.Seen) bool {
				version := r.parse(s.Tag)
				return version != nil && key(version) == k
			})
		})
		r.keepProven(name, kept)
	}
}

func (r *run) keepProven(wave string, list []string) {
	if len(list) == 0 {
		delete(r.ledger.Proven, wave)
		return
	}
	if r.ledger.Proven == nil {
		r.ledger.Proven = map[string][]string{}
	}
	r.ledger.Proven[wave] = list
}

func sortedKeys[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }

// appendNew appends what is not there yet.
func appendNew(list []string, one string) []string {
	if slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}
