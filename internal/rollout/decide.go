package rollout

import (
	"maps"
	"slices"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Decide says which tag each target should have. The rules:
//
//   - A target gets the newest version on offer for which every gate of its wave and its own are open, once all targets of the
//     policy are resolved: one commit moves them together. A target that was given a version before keeps it while gates are
//     open, even if another target is not resolved any more.
//
//   - Else a target keeps the tag that it was given if Git has it, so that a decision that came true stays as it is and
//     nothing is written at rest; any other tag is withdrawn. So a gate that closes takes back what Git does not have yet,
//     and what Git has goes on.
//
//   - A follower gets no tag: its version stands on the line of another target, which moves it.
//
//   - A target whose version failed goes back to what it had before, if the policy says so.
//
//   - With a push branch Git has a version once it is merged. What only waits for that is kept when a window closes, and
//     withdrawn when any other gate does.
//
// The same input gives the same decision, and so does an input in which the decision came true.
func Decide(in Input) Decision {
	r := newRun(in)
	if in.Policy.Deleting {
		return r.decision()
	}
	r.remember()
	r.step()
	r.see()
	r.approve()
	r.track()
	r.judge()
	r.prove()
	r.choose()
	r.await()
	r.record()
	r.stamp()
	return r.decision()
}

// run is one decision in the making.
type run struct {
	in     Input
	filter versions.Filter
	ledger pin.Ledger
	// active is Now on the clock that stands still while the policy is suspended.
	active time.Time
	// candidate is the tag, if it satisfies the policy's versions; newest its version. assumed: Flux has not looked for it yet.
	candidate string
	newest    *semver.Version
	assumed   bool
	// resumed: a new resume token is being handled.
	resumed bool
	// checked: every health check is Current.
	checked bool
	offers  []offer
	targets []*target
	waves   []*wave
	// next is the newest version of the next step, by step.
	next  map[string]*semver.Version
	steps []StepQuery
	// searching are the steps whose next one Flux is looking for at the moment.
	searching map[string]bool
	problems  []Problem
	selection map[selectionKey]selection
	// parsed are the versions of texts and tags, since a thousand targets have few; nil: it has none.
	parsed map[string]*semver.Version
	wakeUp time.Time
}

// target is one target and what is decided about it.
type target struct {
	Target
	// placed: its own marker stands in Git at a known version.
	placed bool
	// git is the version in Git; nil if there is none.
	git *semver.Version
	// wave is nil if the target is in none, or in several.
	wave *wave
	// leader moves the line of this target; nil: it is on a line of its own.
	leader  *target
	upgrade pin.Upgrade
	finding *pin.Finding
	want    string
	back    string
	holds   []Hold
	// awaits: its version is proposed, and a human must merge it.
	awaits bool
}

func newRun(in Input) *run {
	r := &run{in: in, ledger: clone(in.Ledger), checked: true, selection: map[selectionKey]selection{}, parsed: map[string]*semver.Version{}}
	filter, err := versions.NewFilter(in.Policy.FilterPattern, in.Policy.FilterExtract)
	if err == nil {
		r.filter = filter
		r.findCandidate()
	}
	for _, check := range in.Checks {
		r.checked = r.checked && check.Current
		if check.Unreadable || check.Absent {
			r.problem(checkUnreadable, check.Name+": "+check.Message)
		}
	}
	r.active = r.ledger.Active(in.Now)
	r.addWaves()
	r.addTargets()
	return r
}

// clone copies what a decision changes.
func clone(l pin.Ledger) pin.Ledger {
	l.Seen, l.Blocked, l.Approvals = slices.Clone(l.Seen), slices.Clone(l.Blocked), slices.Clone(l.Approvals)
	l.Resumes, l.History, l.Proven = slices.Clone(l.Resumes), slices.Clone(l.History), maps.Clone(l.Proven)
	return l
}

func (r *run) addTargets() {
	r.targets = make([]*target, 0, len(r.in.Targets))
	byPin := make(map[string]*target, len(r.in.Targets))
	for _, input := range r.in.Targets {
		t := &target{Target: input}
		if t.Pin != nil {
			t.git = r.parse(t.Pin.Memory.Git)
			t.placed = placed(*t.Pin)
			t.upgrade = t.Pin.Upgrade
			byPin[t.Pin.Name] = t
		}
		r.joinWave(t)
		r.targets = append(r.targets, t)
	}
	for _, t := range r.targets {
		if t.Pin != nil && t.Pin.Memory.Leader != "" {
			t.leader = byPin[t.Pin.Memory.Leader]
		}
	}
	for _, t := range r.targets {
		r.checkLine(t)
	}
}

// parse is the version of a text in Git or of a tag; nil if there is none.
func (r *run) parse(text string) *semver.Version {
	version, known := r.parsed[text]
	if !known {
		if parsed, err := versions.Parse(r.filter.VersionOf(text)); err == nil {
			version = parsed
		}
		r.parsed[text] = version
	}
	return version
}

// same says whether two texts or tags are of one version.
func (r *run) same(a, b string) bool {
	if a == b {
		return true
	}
	left, right := r.parse(a), r.parse(b)
	return left != nil && right != nil && left.Equal(right)
}

func (r *run) problem(reason, message string) {
	r.problems = append(r.problems, Problem{Reason: reason, Message: message})
}

// wakeAt asks for a new decision at a time, if it is still to come.
func (r *run) wakeAt(at time.Time) {
	if at.After(r.in.Now) && (r.wakeUp.IsZero() || at.Before(r.wakeUp)) {
		r.wakeUp = at
	}
}

// wakeAtActive is wakeAt on the clock that stands still while the policy is suspended.
func (r *run) wakeAtActive(at time.Time) {
	if !r.in.Policy.Suspended {
		r.wakeAt(r.ledger.Wall(at))
	}
}

// now is the time that is remembered: whole seconds.
func (r *run) now() time.Time { return r.in.Now.UTC().Truncate(time.Second) }

func (r *run) decision() Decision {
	d := Decision{
		Available: r.candidate, Ledger: r.ledger, Steps: r.steps, Problems: r.problems,
		Targets: make([]TargetDecision, 0, len(r.targets)),
	}
	for _, t := range r.targets {
		wave := -1
		if t.wave != nil {
			wave = t.wave.index
		}
		d.Targets = append(d.Targets, TargetDecision{
			Kind: t.Kind, Name: t.Name, Wave: wave, Want: t.want, Back: t.back, Healthy: r.healthy(t),
			Upgrade: t.upgrade, Finding: t.finding, Holds: t.holds, Awaits: t.awaits,
		})
	}
	for _, w := range r.waves {
		d.Waves = append(d.Waves, r.waveState(w))
	}
	d.WakeUp = r.wakeUp
	return d
}
