package rollout

import (
	"maps"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// ghost sees the world as it is, remembers all of it in its own way, and says which rule is broken.
type ghost struct {
	// paused is for how long the policy was suspended, suspendedAt since when it is.
	paused      time.Duration
	suspendedAt time.Time
	// seen is when a tag was the candidate first, or a next step.
	seen map[string]time.Time
	// approvals that humans ever gave, as they wrote them.
	approvals map[string]bool
	// well is how each member is doing with the version that Git has.
	well map[*member]wellness
	// soaked are the versions that were healthy in a wave for its soak, by wave and version.
	soaked map[string]bool
	// failed are the versions from which a target was to go back, since somebody resumed last.
	failed map[string]bool
	// tuned is when the range, the exclusions, the blocklist or the registry's past changed last.
	tuned  time.Time
	counts counts
}

// wellness is how a member has been doing with one version, since when on the active clock.
type wellness struct {
	version string
	healthy bool
	since   time.Time
}

// counts say how often runs came to what.
type counts map[string]int

// tried is what runs must come to, or they prove nothing.
var tried = []string{"decision", "commit", "rollback", "blocked", "crossing", "hold", "proven", "resume", "approval", "human's hold", "crash", "stale look", "dependency", "filtered commit"}

func newGhost() *ghost {
	return &ghost{counts: counts{}, seen: map[string]time.Time{}, approvals: map[string]bool{}, well: map[*member]wellness{}, soaked: map[string]bool{}, failed: map[string]bool{}}
}

// seeing is the ghost as it will be once a decision is written.
func (g *ghost) seeing(w *world, d Decision) *ghost {
	next := *g
	next.well, next.soaked = maps.Clone(g.well), maps.Clone(g.soaked)
	next.see(w, d)
	return &next
}

func (g *ghost) active(now time.Time) time.Time {
	if !g.suspendedAt.IsZero() {
		now = g.suspendedAt
	}
	return now.Add(-g.paused).Truncate(time.Second)
}

// see remembers the world at a decision that was written.
func (g *ghost) see(w *world, d Decision) {
	now := w.now.Truncate(time.Second)
	switch {
	case w.policy.Suspended && g.suspendedAt.IsZero():
		g.suspendedAt = now
	case !w.policy.Suspended && !g.suspendedAt.IsZero():
		g.paused += now.Sub(g.suspendedAt)
		g.suspendedAt = time.Time{}
	}
	for _, m := range w.members {
		g.meet(w, m)
	}
	g.soak(w, d)
}

// meet remembers how a member is doing when its pin was written.
func (g *ghost) meet(w *world, m *member) {
	if m.target.Pin == nil {
		return
	}
	if back := intentOf(m).Back; back != "" && m.target.Pin.Upgrade.Start.Equal(w.now.Truncate(time.Second)) {
		g.failed[versions.Tag(back)] = true
	}
	version, healthy := w.version(m.target.Pin.Memory.Git), w.well(m)
	if before, known := g.well[m]; !known || before.version != version || before.healthy != healthy {
		g.well[m] = wellness{version: version, healthy: healthy, since: g.active(w.now)}
	}
}

// soak remembers which versions were healthy for long enough, by its own records.
func (g *ghost) soak(w *world, d Decision) {
	for i, wave := range w.policy.Waves {
		for j, m := range w.members {
			well := g.well[m]
			if d.Targets[j].Wave == i && well.healthy && !g.active(w.now).Before(well.since.Add(wave.Soak)) {
				g.soaked[wave.Name+"="+well.version] = true
			}
		}
	}
}

// check finds rules that a decision breaks.
func (g *ghost) check(w *world, in Input, d Decision) {
	g.counts["decision"]++
	g.note(w, in)
	g.bounds(w, d)
	g = g.seeing(w, d)
	g.counts["blocked"] += len(d.Ledger.Blocked)
	g.counts["resume"] += len(d.Ledger.Resumes)
	g.counts["approval"] += len(d.Ledger.Approvals)
	for i, t := range d.Targets {
		m := w.members[i]
		if m.target.Pin != nil && m.target.Pin.Memory.Hold != nil {
			g.counts["human's hold"]++
		}
		g.followed(w, m, t, d)
		switch pin := m.target.Pin; {
		case t.Want == "" || pin == nil:
		case versions.Same(t.Want, pin.Memory.Git):
		case t.Back != "":
			g.rollback(w, m, t, d)
		default:
			g.start(w, in, m, t, d)
		}
		g.explained(w, m, t, d)
	}
	for _, s := range w.policy.Waves {
		for _, version := range d.Ledger.Proven[s.Name] {
			g.proof(w, in, s, version, d)
		}
	}
}

// note remembers what was on offer.
func (g *ghost) note(w *world, in Input) {
	tags := []string{in.Candidate.Tag}
	for _, answer := range in.Steps {
		tags = append(tags, answer.Tag)
	}
	for _, tag := range tags {
		if _, known := g.seen[tag]; !known {
			g.seen[tag] = w.now.Truncate(time.Second)
		}
	}
}

func (g *ghost) bounds(w *world, d Decision) {
	l := d.Ledger
	for what, over := range map[string]bool{
		"seen": len(l.Seen) > pin.MaxSeen, "blocked": len(l.Blocked) > pin.MaxBlocked, "approvals": len(l.Approvals) > pin.MaxApprovals,
		"resumes": len(l.Resumes) > pin.MaxResumes, "history": len(l.History) > pin.MaxHistory, "steps": len(d.Steps) > maxSteps,
	} {
		if over {
			w.fail("too many %s", what)
		}
	}
	for wave, proven := range l.Proven {
		if len(proven) > pin.MaxSeen+len(w.members) {
			w.fail("wave %s has %d proven versions", wave, len(proven))
		}
	}
	if !d.WakeUp.IsZero() && !d.WakeUp.After(w.now) {
		w.fail("wakes up at %v, which is not to come", d.WakeUp)
	}
}

// followed: a running upgrade's clocks run from the moment at which the world was so, and end in time.
func (g *ghost) followed(w *world, m *member, t TargetDecision, d Decision) {
	u := t.Upgrade
	if !u.Running() || m.target.Pin == nil || t.Wave < 0 {
		return
	}
	active := d.Ledger.Active(w.now)
	inGit := versions.Same(m.target.Pin.Memory.Git, u.To)
	switch {
	case inGit && u.Committed.IsZero():
		w.fail("%s: Git has %s and nobody noticed", t.Name, u.To)
	case inGit && versions.Same(m.target.Spec, u.To) && u.Applied.IsZero():
		w.fail("%s: the cluster has %s and nobody noticed", t.Name, u.To)
	case !u.Applied.IsZero() && inGit && !active.Before(u.Applied.Add(w.policy.Health.Timeout)):
		w.fail("%s: %s runs longer than %s", t.Name, u.To, w.policy.Health.Timeout)
	}
}

// explained: a target that could be newer either is to be, or a reason says why not.
func (g *ghost) explained(w *world, m *member, t TargetDecision, d Decision) {
	p := m.target.Pin
	if p == nil || !p.Memory.Marked || t.Wave < 0 || d.Available == "" || m.target.Finding != nil || t.Finding != nil || t.Back != "" {
		return
	}
	for _, hold := range t.Holds {
		g.counts["hold"]++
		if hold.Reason == v1alpha1.DependencyNotReadyReason {
			g.counts["dependency"]++
		}
		if hold.Version == "" || hold.Reason == "" || hold.Message == "" {
			w.fail("%s: a hold says nothing: %+v", t.Name, hold)
		}
		if !hold.Earliest.IsZero() && !hold.Earliest.After(w.now) {
			w.fail("%s: a hold promises what has come: %+v", t.Name, hold)
		}
	}
	in := w.observe()
	waits := in.Candidate.Tag == "" || !allResolved(in.Targets) // for Flux to look, or for the others
	if versions.Newer(d.Available, p.Memory.Git) && !versions.Same(t.Want, d.Available) && len(t.Holds) == 0 && !waits {
		w.fail("%s: %s is out, and nothing says why Git has %s", t.Name, d.Available, p.Memory.Git)
	}
}

// written judges what Flux writes.
func (g *ghost) written(w *world, m *member, to string) {
	g.counts["commit"]++
	if w.policy.FilterPattern != "" {
		g.counts["filtered commit"]++
	}
	p := m.target.Pin
	switch {
	case p.Memory.Restore != "" || versions.Newer(w.version(to), w.version(p.Memory.From)):
	case versions.Same(m.origin[versions.Tag(p.Memory.From)], to):
		g.counts["rollback"]++
	default:
		w.fail("Flux takes %s down from %s to %s", m.target.Name, p.Memory.From, to)
	}
}
