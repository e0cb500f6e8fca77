package rollout

import (
	"fmt"
	"slices"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/schedule"
)

// wave is one wave and what is known about it.
type wave struct {
	Wave
	index int
	// before and next are nil at the ends.
	before, next *wave
	targets      []*target
	// oldest is the oldest version that a target has in Git; nil: none has one.
	oldest *semver.Version
	// schedules are its own and those of the cluster. closed names the first that allows no start; empty: none.
	schedules []Schedule
	closed    string
	frozen    bool
	// opens is when all allow a start next, closes when one does not any more next; zero: never.
	opens, closes time.Time
	// running are the tags that the wave is on its way to, soaking those that soak for the next wave, until soaked.
	running, soaking []string
	soaked           time.Time
	// presences of versions, by key.
	presences map[string]*presence
	// verdicts of the gates by offer, all of them in one, and where there those of each offer end.
	verdicts [][]Hold
	all      []Hold
	ends     []int
	// rollbackBarred is the verdict on rollbacks, once it was asked for.
	rollbackAsked  bool
	rollbackBarred *Hold
	// freezeAsked: it is known when the next exclusion begins.
	freezeAsked bool
}

func (r *run) addWaves() {
	for i, input := range r.in.Policy.Waves {
		w := &wave{Wave: input, index: i, presences: map[string]*presence{}}
		w.schedules = append(slices.Clone(input.Schedules), r.in.Maintenance...)
		if i > 0 {
			w.before = r.waves[i-1]
			w.before.next = w
		}
		r.waves = append(r.waves, w)
		r.clock(w)
	}
}

// clock finds out whether the schedules of a wave allow a start, and when that changes.
func (r *run) clock(w *wave) {
	all := make([]schedule.Schedule, 0, len(w.schedules))
	for _, s := range w.schedules {
		state := s.Schedule.At(r.in.Now)
		if w.closed == "" && (s.Broken != "" || !state.Open) {
			w.closed, w.frozen = because(s, state), state.Frozen
		}
		all = append(all, s.Schedule)
	}
	broken := slices.ContainsFunc(w.schedules, func(s Schedule) bool { return s.Broken != "" })
	switch {
	case broken || len(all) == 0:
	case w.closed == "":
		w.closes, _ = schedule.Closes(r.in.Now, all...)
		if !w.closes.IsZero() {
			w.opens, _ = schedule.Opens(w.closes, all...)
		}
		r.wakeAt(w.closes)
	default:
		r.untilOpen(w, all)
	}
}

// untilOpen finds out when schedules that are closed open. A freeze for years is meant to be one; anything else that never
// ends is not.
func (r *run) untilOpen(w *wave, all []schedule.Schedule) {
	opens, ever := schedule.Opens(r.in.Now, all...)
	if ever {
		w.opens = opens
		w.closes, _ = schedule.Closes(opens, all...)
		r.wakeAt(opens)
		return
	}
	if !w.frozen {
		r.problem(v1alpha1.ScheduleNeverOpensReason, fmt.Sprintf("%sno time will come at which the schedules allow an upgrade to start: %s is closed",
			waveLabel(w.Name), w.closed))
	}
}

// because says what decides about a schedule, such as `spec.schedule (window nights)`.
func because(s Schedule, state schedule.State) string {
	switch {
	case s.Broken != "":
		return s.Of + " (cannot be read)"
	case state.Name == "":
		return s.Of
	case state.Frozen:
		return fmt.Sprintf("%s (exclusion %s)", s.Of, state.Name)
	default:
		return fmt.Sprintf("%s (window %s)", s.Of, state.Name)
	}
}

// waveLabel begins a message about a wave; empty for the only wave of a policy without waves.
func waveLabel(name string) string {
	if name == "" {
		return ""
	}
	return "wave " + name + ": "
}

// joinWave puts a target into its wave, or says why it is in none.
func (r *run) joinWave(t *target) {
	switch {
	case t.Finding != nil || len(r.waves) == 0 || r.in.Policy.Deleting:
	case len(t.Waves) == 1 && t.Waves[0] < len(r.waves):
		t.wave = r.waves[t.Waves[0]]
		t.wave.targets = append(t.wave.targets, t)
		if oldest := t.wave.oldest; t.git != nil && (oldest == nil || t.git.LessThan(oldest)) {
			t.wave.oldest = t.git
		}
	case len(t.Waves) == 0:
		t.finding = &pin.Finding{Reason: v1alpha1.NoWaveReason, Message: fmt.Sprintf(
			"No wave of spec.rollout.waves selects %s %s, so it gets no version: give it a label that one selects, or add a wave without a selector", t.Kind, t.Name)}
	default:
		t.finding = &pin.Finding{Reason: v1alpha1.SeveralWavesReason, Message: fmt.Sprintf(
			"The waves %s and %s of spec.rollout.waves both select %s %s, so it gets no version: change its labels, or a selector",
			r.waves[t.Waves[0]].Name, r.waves[t.Waves[1]].Name, t.Kind, t.Name)}
	}
}

// checkLine finds targets of one line and of different waves: they could not move apart.
func (r *run) checkLine(t *target) {
	if t.leader == nil || t.finding != nil || t.Finding != nil || t.leader.Finding != nil || t.leader.wave == t.wave {
		return
	}
	for _, one := range []*target{t, t.leader} {
		one.finding = &pin.Finding{Reason: v1alpha1.SeveralWavesReason, Message: fmt.Sprintf(
			"%s %s and %s %s have their version on one line and are of different waves, so neither gets a version: put them into one wave, or give each a line of its own",
			t.leader.Kind, t.leader.Name, t.Kind, t.Name)}
	}
}

// gates are the verdicts of a wave's gates about an offer.
func (r *run) gates(w *wave, i int) []Hold {
	for len(w.verdicts) <= i {
		holds := r.ask(w, r.offers[len(w.verdicts)])
		for _, hold := range holds {
			r.wakeAt(hold.Earliest)
		}
		w.all = append(w.all, holds...)
		w.verdicts = append(w.verdicts, holds)
		w.ends = append(w.ends, len(w.all))
	}
	return w.verdicts[i]
}

// ask asks all gates of a wave about an offer. Of a version that failed nothing else is of interest.
func (r *run) ask(w *wave, o offer) []Hold {
	in := r.waveInput(w, o)
	if hold := gate.Blocked(in); hold != nil {
		return []Hold{*hold}
	}
	return gate.Evaluate(gate.ForWave(), in)
}

// held are the verdicts about the first n offers together.
func (w *wave) held(n int) []Hold {
	if n == 0 {
		return nil
	}
	end := w.ends[n-1]
	return w.all[:end:end]
}

func (r *run) waveInput(w *wave, o offer) gate.WaveInput {
	in := gate.WaveInput{
		Now: r.in.Now, Tag: o.tag, Wave: w.Name, Suspended: r.in.Policy.Suspended, Blocked: o.blocked,
		Seen: o.seen, MinAge: r.in.Policy.MinAge,
		Schedules: w.schedules, Opens: w.opens, Dependencies: r.in.Dependencies,
		Running: r.spelled(o, w.running), Soaking: r.spelled(o, w.soaking), Soaked: w.soaked,
	}
	if w.before != nil {
		in.Before = r.beforeOf(w.before, o.parsed)
	}
	return in
}

func (r *run) beforeOf(w *wave, version *semver.Version) *gate.Before {
	before := &gate.Before{Wave: w.Name, Empty: len(w.targets) == 0, Proven: r.proven(w, key(version)), Soak: w.Soak}
	if p := w.presences[key(version)]; p != nil {
		before.Has = p.has
		before.Soaked = r.soaked(w, p)
	}
	if !before.Has && !before.Proven {
		before.Unwell = r.unwell(w, version)
	}
	return before
}

// unwell says what is wrong with the first target that has a version in a wave in which none counts; empty: none has it.
func (r *run) unwell(w *wave, version *semver.Version) string {
	for _, t := range w.targets {
		if t.git == nil || !t.git.Equal(version) {
			continue
		}
		switch {
		case t.Excused != "":
			return fmt.Sprintf("%s %s is %s", t.Kind, t.Name, t.Excused)
		case t.Pin.Memory.Hold != nil || r.unmovable(t):
			return fmt.Sprintf("%s %s cannot be moved, see its finding or hold", t.Kind, t.Name)
		default:
			return fmt.Sprintf("%s %s: %s", t.Kind, t.Name, r.ailment(t))
		}
	}
	return ""
}

// waveState is how far a wave is.
func (r *run) waveState(w *wave) WaveState {
	state := WaveState{Name: w.Name, Targets: len(w.targets), Scheduled: len(w.schedules) > 0, Open: w.closed == ""}
	state.Because, state.Opens, state.Closes = w.closed, w.opens, w.closes
	if state.Open {
		state.Because = r.openBecause(w)
	}
	newest := r.newestOf(w)
	for _, t := range w.targets {
		if newest != nil && t.git != nil && t.git.Equal(newest) && r.healthy(t) {
			state.Healthy++
		}
	}
	if newest != nil {
		state.Version = newest.Original()
	}
	state.State = r.stateOf(w)
	if state.State == v1alpha1.WaveSoaking {
		state.Soaked = w.soaked
	}
	return state
}

func (r *run) openBecause(w *wave) string {
	for _, s := range w.schedules {
		if state := s.Schedule.At(r.in.Now); state.Name != "" {
			return because(s, state)
		}
	}
	return ""
}

// newestOf is the newest version that a target of a wave has or is to have.
func (r *run) newestOf(w *wave) *semver.Version {
	var newest *semver.Version
	for _, t := range w.targets {
		version := t.git
		if t.want != "" {
			version = r.parse(t.want)
		}
		if version != nil && (newest == nil || version.GreaterThan(newest)) {
			newest = version
		}
	}
	return newest
}

func (r *run) stateOf(w *wave) v1alpha1.WaveState {
	has := func(is func(*target) bool) bool { return slices.ContainsFunc(w.targets, is) }
	switch {
	case len(w.targets) == 0:
		return v1alpha1.WaveIsEmpty
	case has(func(t *target) bool { return t.upgrade.Running() && !t.awaits }):
		return v1alpha1.WaveUpgrading
	case has(func(t *target) bool { return t.upgrade.Result == v1alpha1.ResultFailed && r.at(t, t.upgrade.To) }):
		return v1alpha1.WaveFailed
	case len(w.soaking) > 0:
		return v1alpha1.WaveSoaking
	case has(func(t *target) bool { return len(t.holds) > 0 }):
		return v1alpha1.WaveWaiting
	default:
		return v1alpha1.WaveUpToDate
	}
}
