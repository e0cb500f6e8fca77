package rollout

import (
	"slices"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// start judges a version that a target is to take.
func (g *ghost) start(w *world, in Input, m *member, t TargetDecision, d Decision) {
	p := w.policy
	admitted, err := versions.ParseRange(p.Range)
	wave := p.Waves[t.Wave]
	memory := m.target.Pin.Memory
	git, version := w.version(memory.Git), w.version(t.Want)
	for _, dependency := range in.Dependencies {
		if !dependency.Ready {
			w.fail("%s: %s starts although %s is not ready", t.Name, t.Want, dependency.Name)
		}
	}
	switch {
	case !strings.HasSuffix(t.Want, w.suffix):
		w.fail("%s: filterTags leaves %s out", t.Name, t.Want)
	case err != nil || !admitted.Contains(version):
		w.fail("%s: %s is not in %q", t.Name, t.Want, p.Range)
	case versions.Excluded(version, p.Exclude):
		w.fail("%s: %s is excluded", t.Name, t.Want)
	case slices.ContainsFunc(d.Ledger.Blocked, func(b pin.Blocked) bool { return versions.Same(b.Tag, t.Want) }):
		w.fail("%s: %s is blocked", t.Name, t.Want)
	case g.failed[versions.Tag(t.Want)] && d.Ledger.Resume() == in.Ledger.Resume():
		w.fail("%s: %s is taken again although it failed, and nobody resumed", t.Name, t.Want)
	case p.Suspended:
		w.fail("%s: %s starts while the policy is suspended", t.Name, t.Want)
	case !versions.Newer(version, git):
		w.fail("%s: %s is not newer than %s", t.Name, t.Want, memory.Git)
	case memory.Hold != nil && !versions.Newer(version, w.version(memory.Hold.UpTo)):
		w.fail("%s: %s was turned away by a human", t.Name, t.Want)
	case m.target.Finding != nil || len(m.target.Waves) != 1:
		w.fail("%s: %s starts although the target cannot be managed", t.Name, t.Want)
	case p.MinAge > 0 && (g.seen[t.Want].IsZero() || w.now.Before(g.seen[t.Want].Add(p.MinAge))):
		w.fail("%s: %s is younger than %s", t.Name, t.Want, p.MinAge)
	}
	for _, s := range append(slices.Clone(wave.Schedules), in.Maintenance...) {
		if s.Broken != "" || !s.Schedule.At(w.now).Open {
			w.fail("%s: %s starts although %s is closed", t.Name, t.Want, s.Of)
		}
	}
	if change, ok := versions.ChangeOf(git, version); ok && !g.approves(wave, change, version) {
		w.fail("%s: %s → %s needs an approval", t.Name, memory.Git, t.Want)
	}
	if t.Wave > 0 {
		g.crosses(w, t, d)
	}
	g.steps(w, m, t)
}

func (g *ghost) approves(wave Wave, change versions.Change, version string) bool {
	most := map[v1alpha1.AutoApprove]versions.Change{
		"": versions.MajorChange, v1alpha1.ApproveAll: versions.MajorChange, v1alpha1.ApproveMinor: versions.MinorChange,
		v1alpha1.ApprovePatch: versions.PatchChange, v1alpha1.ApproveNone: versions.NoChange,
	}[wave.AutoApprove]
	return change <= most || g.approved(wave, version)
}

func (g *ghost) approved(wave Wave, version string) bool {
	if wave.Name == "" {
		return g.approvals[version]
	}
	return g.approvals[wave.Name+"="+version]
}

// crosses: a version comes from the wave before only after it was healthy there for its soak.
func (g *ghost) crosses(w *world, t TargetDecision, d Decision) {
	before := w.policy.Waves[t.Wave-1]
	g.counts["crossing"]++
	version := w.version(t.Want)
	if !slices.Contains(d.Ledger.Proven[before.Name], version) {
		w.fail("%s: %s is not proven in wave %s", t.Name, t.Want, before.Name)
	}
	if !g.soaked[before.Name+"="+version] {
		w.fail("%s: %s never was healthy in wave %s for %s", t.Name, t.Want, before.Name, before.Soak)
	}
}

// proof judges a version that soaked, when it is noted: nobody whom one may ask is unwell with it.
func (g *ghost) proof(w *world, in Input, wave Wave, version string, d Decision) {
	if slices.Contains(in.Ledger.Proven[wave.Name], version) {
		return
	}
	g.counts["proven"]++
	for i, m := range w.members {
		t := d.Targets[i]
		if t.Wave < 0 || w.policy.Waves[t.Wave].Name != wave.Name || m.target.Pin == nil || w.version(m.target.Pin.Memory.Git) != version {
			continue
		}
		well, u := g.well[m], t.Upgrade
		excused := m.target.Excused != "" || m.target.Finding != nil || t.Finding != nil || m.target.Pin.Memory.Hold != nil || m.target.Pin.Memory.Finding != nil ||
			!m.target.Pin.Memory.Marked && m.leader == nil || u.Running() && !u.Judged ||
			u.Result == v1alpha1.ResultUnjudged || u.Result == v1alpha1.ResultFailed ||
			!well.healthy && !g.active(w.now).Before(well.since.Add(w.policy.Health.Timeout))
		if !excused && (!well.healthy || g.active(w.now).Before(well.since.Add(wave.Soak))) {
			w.fail("%s has soaked in wave %s, but %s is not healthy for %s: %+v", version, wave.Name, t.Name, wave.Soak, well)
		}
	}
}

// steps: no step that was there all the time is skipped.
func (g *ghost) steps(w *world, m *member, t TargetDecision) {
	level := w.policy.NeverSkip
	git, version := w.version(m.target.Pin.Memory.Git), w.version(t.Want)
	if level == "" || g.approved(w.policy.Waves[t.Wave], version) {
		return
	}
	from, _ := versions.StepOf(git, level)
	to, _ := versions.StepOf(version, level)
	since := m.since
	if search := w.steps[from]; search != nil && search.began.Before(since) {
		since = search.began // targets of one step share a search, which does not see what is released in a step that it has left
	}
	admitted, _ := versions.ParseRange(w.policy.Range)
	for _, r := range w.releases {
		one := w.version(r.tag)
		step, _ := versions.StepOf(one, level)
		between := step != from && step != to && versions.Newer(one, git) && versions.Newer(version, one)
		stood := !r.gone && !r.at.After(since) && !g.tuned.After(since) && strings.HasSuffix(r.tag, w.suffix)
		if between && stood && admitted.Contains(one) && !versions.Excluded(one, w.policy.Exclude) {
			w.fail("%s: %s → %s skips %s", t.Name, m.target.Pin.Memory.Git, t.Want, r.tag)
		}
	}
}

// rollback judges a way down.
func (g *ghost) rollback(w *world, m *member, t TargetDecision, d Decision) {
	blocked := slices.ContainsFunc(d.Ledger.Blocked, func(b pin.Blocked) bool { return b.Rollback && versions.Same(b.Tag, t.Back) })
	resumed := t.Upgrade.Rollback && t.Upgrade.Running() // begun before somebody resumed
	line := m
	if m.leader != nil {
		line = m.leader
	}
	switch origin := line.origin[versions.Tag(t.Back)]; {
	case !blocked && !resumed:
		w.fail("%s goes back from %s, which has not failed", t.Name, t.Back)
	case !versions.Same(origin, t.Want):
		w.fail("%s goes back from %s to %s, but it had %q before", t.Name, t.Back, t.Want, origin)
	case w.policy.Suspended:
		w.fail("%s goes back while the policy is suspended", t.Name)
	case !versions.Same(m.target.Pin.Memory.Git, t.Back):
		w.fail("%s goes back from %s, but Git has %s", t.Name, t.Back, m.target.Pin.Memory.Git)
	}
	for _, s := range append(slices.Clone(w.policy.Waves[t.Wave].Schedules), w.ordered()...) {
		if s.BlocksAll && (s.Broken != "" || !s.Schedule.At(w.now).Open) {
			w.fail("%s goes back although %s blocks all", t.Name, s.Of)
		}
	}
}

func (w *world) ordered() []Schedule {
	var all []gate.Schedule
	for _, name := range sortedKeys(w.maintenance) {
		all = append(all, w.maintenance[name])
	}
	return all
}
