package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// world is everything around a policy: a registry, Flux, one repository branch, a cluster and people. It runs on a clock of
// its own that jumps from event to event. The operator looks after an event and at the time that its last decision named, and
// at no other time: a wake-up that is missing shows.
type world struct {
	TB
	// roll is one of n numbers; label is for the log of a failure.
	roll  func(label string, n int) int
	now   time.Time
	queue []event
	// happened counts events.
	happened int
	log      []string

	policy      Policy
	maintenance map[string]Schedule
	checks      []Check
	// dependencies are the policies of dependsOn.
	dependencies []gate.Dependency

	releases []release
	// suffix of the tags that are considered.
	suffix string
	// fates are what becomes of versions.
	fates map[string]fate
	shown shown
	steps map[string]*searching

	members []*member
	commits int
	moving  *moving

	operator operator
	ghost    *ghost
	// told is what was said last of each target, and of the policy.
	told map[string][]string
	pace pace
}

// pace is how fast the world answers, and how often something goes wrong on the way.
type pace struct {
	flux, repository, batch, apply, install time.Duration
	// jitter in percent of each.
	jitter int
	// crashes is one in how many writes the operator dies before; 0: never.
	crashes int
	// races is one in how many batches is written although it was withdrawn; 0: none.
	races int
	// lazy is one in how many events the operator does not hear of at once; 0: none.
	lazy int
	// stale is one in how many looks a cache shows an object as it was before the last write; 0: never.
	stale int
}

// calm is the pace of the scenarios that one reads.
var calm = pace{flux: time.Minute, repository: time.Minute, batch: time.Minute, apply: 2 * time.Minute, install: 3 * time.Minute}

type event struct {
	at time.Time
	do func()
}

// release is a tag in the registry.
type release struct {
	tag  string
	at   time.Time
	gone bool
}

// member is one target, its pin and its line in Git.
type member struct {
	target Target
	// line is the text in Git now, since a time. A follower's line is its leader's.
	line   string
	since  time.Time
	leader *member
	// stuck: the cluster does not follow Git.
	stuck bool
	// installs counts installations, so that an old one that is overtaken says nothing.
	installs int
	// unread: a human committed, and nobody has read it.
	unread bool
	// origin is what Git had before Flux wrote a version.
	origin map[string]string
	// human: the line was written by a human last.
	human bool
}

func newWorld(t TB, roll func(string, int) int, policy Policy, p pace) *world {
	w := &world{
		TB: t, roll: roll, now: noon, policy: policy, maintenance: map[string]Schedule{}, fates: map[string]fate{},
		steps: map[string]*searching{}, told: map[string][]string{}, pace: p,
	}
	w.ghost = newGhost()
	return w
}

// add makes a target that runs a version well.
func (w *world) add(name, version string, waves ...int) *member {
	m := &member{
		target: Target{
			Kind: "App", Name: name, Waves: waves, Spec: version, Installed: strings.TrimPrefix(version, "v"),
			ReleaseStatus: releaseDeployed, Chart: "oci://registry.example/charts/hello",
		},
		line: version, since: w.now, origin: map[string]string{},
	}
	w.members = append(w.members, m)
	return m
}

// follow makes a target whose version is on the line of another.
func (w *world) follow(name string, leader *member) *member {
	m := w.add(name, leader.line, leader.target.Waves...)
	m.leader = leader
	return m
}

// text is the version that Git has for a member.
func (m *member) text() string {
	if m.leader != nil {
		return m.leader.line
	}
	return m.line
}

func (m *member) pinName() string { return pin.Name(m.target.Kind, m.target.Name) }

// after plans something. Jitter lets things overtake each other.
func (w *world) after(d time.Duration, do func()) {
	if w.pace.jitter > 0 {
		d += time.Duration(w.roll("jitter", w.pace.jitter+1)) * d / 100
	}
	at := w.now.Add(d)
	i := slices.IndexFunc(w.queue, func(e event) bool { return e.at.After(at) })
	if i < 0 {
		i = len(w.queue)
	}
	w.queue = slices.Insert(w.queue, i, event{at: at, do: do})
}

// note tells what happened, by whom.
func (w *world) note(who, format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf("%s  %-10s  %s", w.now.UTC().Format("Mon 02 Jan 15:04"), who, fmt.Sprintf(format, args...)))
}

// fail ends the run with all that happened.
func (w *world) fail(format string, args ...any) {
	w.Helper()
	w.Fatalf("%s\n%s", fmt.Sprintf(format, args...), strings.Join(w.log, "\n"))
}

// advance lets the next thing happen, an event or a wake-up, if it does before a time. It is false if nothing does.
func (w *world) advance(until time.Time) bool {
	next, wakes := time.Time{}, false
	if len(w.queue) > 0 {
		next = w.queue[0].at
	}
	if wake := w.operator.wake; !wake.IsZero() && !w.operator.down && (next.IsZero() || wake.Before(next)) {
		next, wakes = wake, true
	}
	if next.IsZero() || next.After(until) {
		w.probe(until)
		w.now = until
		return false
	}
	w.probe(next)
	w.now = next
	if wakes {
		w.look()
		return true
	}
	e := w.queue[0]
	w.queue = w.queue[1:]
	w.happened++
	e.do()
	if w.chance("lazy", w.pace.lazy) {
		w.operator.behind = true
		w.after(time.Minute, func() {})
		return true
	}
	w.look()
	return true
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	until := w.now.Add(d)
	for n := 0; w.advance(until); n++ {
		if n > 20000 {
			w.fail("there is no end to events and wake-ups")
		}
	}
}

// chance is one in n; 0: never.
func (w *world) chance(label string, n int) bool { return n > 0 && w.roll(label, n) == n-1 }
