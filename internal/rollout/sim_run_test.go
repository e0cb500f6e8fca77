package rollout

import (
	"encoding/binary"
	"flag"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

var (
	seeds = flag.Int("rollout.seeds", 20, "how many seeded rollouts are simulated")
	first = flag.Int("rollout.first", 0, "the first seed")
)

// FuzzSimulation goes through rollouts that a fuzzer makes up, without end.
func FuzzSimulation(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		roll := func(label string, n int) int {
			hash := fnv.New64a()
			_ = binary.Write(hash, binary.LittleEndian, rapid.Uint64().Draw(t, label)) // a hash takes all
			return int(hash.Sum64() % uint64(n))
		}
		simulate(t, roll)
	}))
}

// TestSimulation goes through longer rollouts, the same ones each time.
func TestSimulation(t *testing.T) {
	all := counts{}
	for seed := *first; seed < *first+*seeds; seed++ {
		t.Logf("seed %d", seed)
		source := rand.New(rand.NewPCG(uint64(seed), 1))
		all.add(simulate(t, func(_ string, n int) int { return source.IntN(n) }))
	}
	all.assert(t)
}

// TB is what a simulation needs of a test.
type TB interface {
	Fatalf(format string, args ...any)
	Helper()
}

func (c counts) add(other counts) {
	for name, n := range other {
		c[name] += n
	}
}

// assert says that the runs tried everything.
func (c counts) assert(t *testing.T) {
	t.Helper()
	t.Logf("%v", c)
	for _, name := range tried {
		if c[name] == 0 {
			t.Errorf("no run came to a %s", name)
		}
	}
}

// pauses between two things that people do.
var pauses = []time.Duration{time.Second, time.Minute, 5 * time.Minute, 11 * time.Minute, time.Hour, 6 * time.Hour, 26 * time.Hour, 72 * time.Hour}

// simulate is one rollout: people do what they like, and then all is quiet.
func simulate(t TB, roll func(string, int) int) counts {
	w := anyWorld(t, roll)
	events := w.drawPeople()
	w.look()
	for range 5 + roll("steps", 40) {
		people[pick(w, "event", events...)](w)
		w.look()
		w.run(pick(w, "pause", pauses...))
	}
	w.calm()
	w.converges()
	return w.ghost.counts
}

// anyWorld is a policy of one to three waves with some targets.
func anyWorld(t TB, roll func(string, int) int) *world {
	policy := Policy{Namespace: "org-demo", Name: "hello", Range: ">=1.0.0", Health: Health{Timeout: 30 * time.Minute, Rollback: roll("rollback", 2) == 0}}
	names := []string{"canary", "early", "production"}
	waves := 1 + roll("waves", 3)
	for i := range waves {
		policy.Waves = append(policy.Waves, Wave{Name: names[i], Soak: []time.Duration{0, 20 * time.Minute, 24 * time.Hour}[roll("soak", 3)], AutoApprove: v1alpha1.ApproveAll})
	}
	if waves == 1 && roll("unnamed", 2) == 0 {
		policy.Waves[0] = Wave{AutoApprove: v1alpha1.ApproveAll}
	}
	w := newWorld(t, roll, policy, pace{
		flux: time.Minute, repository: 30 * time.Second, batch: time.Minute, apply: 2 * time.Minute, install: 3 * time.Minute,
		jitter: 300, crashes: []int{0, 5, 20}[roll("crashes", 3)], races: 3, lazy: []int{0, 4}[roll("lazy", 2)], stale: []int{0, 3}[roll("stale", 2)],
	})
	for i := range 1 + roll("targets", 5) {
		m := w.add(string(rune('a'+i)), pick(w, "version", "1.0.0", "v1.0.0", "1.1.0"), roll("wave", waves))
		if roll("follower", 6) == 0 {
			w.follow(m.target.Name+"-follower", m)
		}
	}
	if roll("filter", 3) == 0 { // those for other machines are in the registry, too
		w.suffix, w.policy.FilterPattern, w.policy.FilterExtract = "-arm64", `^([0-9.]+(?:-rc\.1)?)-arm64$`, "$1"
	}
	w.releases = []release{{tag: "1.0.0" + w.suffix, at: noon.Add(-time.Hour)}, {tag: "1.1.0" + w.suffix, at: noon.Add(-time.Hour)}, {tag: "1.9.0-amd64"}}
	w.scan()
	return w
}

// drawPeople chooses what happens in a run: one with little gets further than one with all.
func (w *world) drawPeople() []string {
	events := []string{"release", "release", "release"}
	if w.roll("failures", 2) == 0 {
		events = append(events, "bad", "bad", "bad")
	}
	for _, name := range sortedKeys(people) {
		if w.roll(name, 3) == 0 {
			events = append(events, name)
		}
	}
	return events
}

// calm opens every gate and mends everything, then all have time.
func (w *world) calm() {
	w.note("world", "all is calm")
	w.pace.crashes, w.pace.races, w.pace.lazy, w.pace.jitter, w.pace.stale = 0, 0, 0, 0, 0
	w.policy.Suspended, w.policy.NeverSkip, w.policy.Approve = false, "", ""
	clear(w.maintenance)
	for i := range w.policy.Waves {
		w.policy.Waves[i].AutoApprove, w.policy.Waves[i].Schedules = v1alpha1.ApproveAll, nil
	}
	for _, m := range w.members {
		if len(m.target.Waves) != 1 || m.leader != nil {
			m.target.Waves = []int{0}
		}
		if m.leader != nil {
			m.target.Waves = m.leader.target.Waves
		}
	}
	for i := range w.dependencies {
		w.dependencies[i].Ready = true
	}
	w.repair()
	w.scan()
	w.look()
	w.run(time.Hour)
	w.resumeWith("the last token")
	w.look()
	w.run(40 * 24 * time.Hour)
}

// converges: nothing is left to be done, and every target has the newest version that it may have.
func (w *world) converges() {
	if len(w.queue) > 0 || !w.operator.wake.IsZero() {
		w.fail("in a quiet world, %d things are left to happen, and the operator wakes at %v", len(w.queue), w.operator.wake)
	}
	newest := w.newestAllowed()
	if newest == "" {
		return
	}
	for i, m := range w.members {
		git := m.target.Pin.Memory.Git
		if _, err := versions.Parse(git); err != nil || w.cut(i) {
			continue
		}
		if versions.Newer(w.version(newest), w.version(git)) {
			w.fail("%s stays at %s although %s is allowed: %+v, %+v", m.target.Name, git, newest, m.target, w.operator.last.Targets[i])
		}
	}
}

func (w *world) newestAllowed() string {
	of, err := w.composed(w.policy.Range)
	if err != nil {
		return ""
	}
	return w.newestIn(of)
}

// cut says whether no target of an earlier wave can prove a version for a member's, for a reason that people know.
func (w *world) cut(i int) bool {
	for wave := range w.members[i].target.Waves[0] {
		proves := slices.ContainsFunc(w.members, func(m *member) bool {
			return m.target.Waves[0] == wave && versions.Same(w.version(m.target.Pin.Memory.Git), w.version(w.newestAllowed()))
		})
		if !proves {
			return true
		}
	}
	return false
}
