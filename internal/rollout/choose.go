package rollout

import (
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// choose says of every target what its location should have.
func (r *run) choose() {
	resolved := allResolved(r.in.Targets)
	for _, t := range r.targets {
		if t.leader == nil {
			r.chooseFor(t, resolved)
		}
	}
	for _, t := range r.targets {
		if t.leader != nil {
			r.follow(t)
		}
	}
	for _, t := range r.targets {
		t.finding = r.findingOf(t)
	}
}

func (r *run) chooseFor(t *target, resolved bool) {
	if t.Pin == nil || t.Pin.Memory.Leader != "" {
		return
	}
	t.want = settled(*t.Pin)
	if !t.movable() {
		r.keepOrWithdraw(t)
		return
	}
	if r.rollBack(t) {
		return
	}
	chosen := r.afterRollback(t, r.selectFor(t))
	t.holds = chosen.holds
	if chosen.offer < 0 || r.comesFirst(t, chosen) {
		r.keepOrWithdraw(t)
		return
	}
	want := tagFor(t.Target, r.offers[chosen.offer].tag)
	if (!resolved || r.assumed || r.searching[r.stepOf(t)]) && t.Pin.Intent.Want != want {
		r.keepOrWithdraw(t)
		return
	}
	t.want = want
	r.start(t, want)
}

// movable says whether the target's line can be written, and its wave is known.
func (t *target) movable() bool {
	return t.Finding == nil && t.finding == nil && t.placed && t.wave != nil
}

// afterRollback holds what was chosen for a target until its rollback has ended.
func (r *run) afterRollback(t *target, chosen selection) selection {
	if chosen.offer < 0 || !t.upgrade.Rollback || !r.arrives(t) {
		return chosen
	}
	in := gate.WaveInput{Tag: r.offers[chosen.offer].tag, Wave: t.wave.Name, Running: []string{t.upgrade.To}}
	return selection{offer: -1, holds: append(slices.Clip(chosen.holds), *gate.UpgradeRunning(in))}
}

// start begins an upgrade, unless it has begun.
func (r *run) start(t *target, to string) {
	u, git := t.upgrade, t.Pin.Memory.Git
	if u.Running() && !u.Rollback && u.To == to && u.From == git {
		return
	}
	t.upgrade = pin.Upgrade{From: git, To: to, Wave: t.wave.Name, Judged: r.wellAtStart(t), Unchecked: !r.checked, Start: r.now(), Health: u.Health}
}

// withdraw forgets an upgrade that Git does not have, and that nothing writes any more.
func (r *run) withdraw(t *target) {
	u := t.upgrade
	if u.Running() && !u.Rollback && u.Committed.IsZero() && !r.at(t, u.To) && !r.moving(t) {
		t.upgrade = pin.Upgrade{Health: u.Health}
	}
}

// follow gives a target that shares a line what its leader does: the version is the line's, the health its own.
func (r *run) follow(t *target) {
	if t.Pin == nil || t.wave == nil {
		return
	}
	lead, own := t.leader.upgrade, t.upgrade
	switch {
	case !lead.Running() && own.Running():
		r.withdraw(t)
	case lead.Running() && (own.To != lead.To || own.Rollback != lead.Rollback || !own.Start.Equal(lead.Start)):
		t.upgrade = pin.Upgrade{
			From: lead.From, To: lead.To, Rollback: lead.Rollback, Wave: t.wave.Name,
			Judged: lead.Rollback || r.wellAtStart(t), Unchecked: lead.Unchecked, Start: lead.Start, Health: own.Health,
		}
		t.upgrade = r.progress(t) // one that could not be followed before may have arrived
	}
}

// selectionKey is all that the choice of a version depends on, for a target that no human holds: a thousand targets have few.
type selectionKey struct {
	wave      *wave
	kind, git string
}

// selection is the index of the newest offer that passes, -1 if none does, and why newer ones do not.
type selection struct {
	offer int
	holds []Hold
}

func (r *run) selectFor(t *target) selection {
	memory := t.Pin.Memory
	if memory.Hold != nil || t.git == nil || r.rollbackFailed(t) {
		return r.newSelection(t)
	}
	k := selectionKey{wave: t.wave, kind: t.Kind, git: memory.Git}
	chosen, known := r.selection[k]
	if !known {
		chosen = r.newSelection(t)
		r.selection[k] = chosen
	}
	return chosen
}

// newSelection asks the gates about one version after the other, the newest first. A target's own gates are asked about those
// that its wave may have, and about the newest, so that a user sees every reason for that.
func (r *run) newSelection(t *target) selection {
	chosen, newer := selection{offer: -1}, r.newerThan(t.git)
	var own []Hold
	for i, o := range r.offers[:newer] {
		barred := r.gates(t.wave, i)
		if len(barred) > 0 && (i > 0 || o.blocked != nil) {
			continue
		}
		holds := gate.Evaluate(gate.ForTarget(), r.targetInput(t, o))
		if len(barred) == 0 && len(holds) == 0 {
			chosen.offer, newer = i, i
			break
		}
		own = append(own, holds...)
	}
	chosen.holds = t.wave.held(newer)
	if newer == 0 && r.outdated(t) {
		own = gate.Evaluate(gate.ForTarget(), r.targetInput(t, r.offers[0])) // NotNewer
	}
	if len(own) > 0 {
		chosen.holds = append(slices.Clip(chosen.holds), own...)
	}
	return chosen
}

// newerThan is how many offers are newer than a version; all of them if there is none.
func (r *run) newerThan(git *semver.Version) int {
	if git == nil {
		return len(r.offers)
	}
	i := slices.IndexFunc(r.offers, func(o offer) bool { return !o.parsed.GreaterThan(git) })
	if i < 0 {
		return len(r.offers)
	}
	return i
}

// outdated says whether the newest offer is older than what Git has.
func (r *run) outdated(t *target) bool {
	return len(r.offers) > 0 && t.git != nil && r.offers[0].parsed.LessThan(t.git)
}

func (r *run) targetInput(t *target, o offer) gate.TargetInput {
	memory := t.Pin.Memory
	in := gate.TargetInput{
		Verbatim: t.Verbatim, Wave: t.wave.Name, Tag: tagFor(t.Target, o.tag), Version: o.version,
		Git: memory.Git, GitVersion: r.filter.VersionOf(memory.Git), File: memory.File, Line: memory.Line,
		Hold: memory.Hold, NeverSkip: r.in.Policy.NeverSkip, Next: r.nextAfter(t),
		AutoApprove: t.wave.AutoApprove, Approved: r.approved(t.wave.Name, o.version),
	}
	if memory.Hold != nil {
		in.HoldVersion = r.filter.VersionOf(memory.Hold.UpTo)
	}
	if r.rollbackFailed(t) {
		in.RollbackFailed = t.upgrade.From
	}
	return in
}

// settled is the tag that the pin was given, if Git has it.
func settled(pin Pin) string {
	want, git := pin.Intent.Want, pin.Memory.Git
	if want == git || want == versions.Tag(git) {
		return want
	}
	return ""
}

// placed says whether the target's own marker stands in Git at a known version.
func placed(pin Pin) bool {
	return pin.Memory.Marked && pin.Memory.Git != "" && pin.Memory.Leader == ""
}

// allResolved says whether each target either is ready to move or has a finding that keeps it out.
func allResolved(targets []Target) bool {
	for _, target := range targets {
		if !resolved(target) {
			return false
		}
	}
	return true
}

func resolved(target Target) bool {
	switch {
	case target.Finding != nil:
		return true
	case target.Pin == nil:
		return false
	case target.Pin.Memory.Finding != nil:
		return true
	case target.Pin.Memory.Leader != "":
		return target.Pin.Memory.Git != ""
	default:
		return placed(*target.Pin)
	}
}
