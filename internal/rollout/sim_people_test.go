package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/schedule"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

func pick[T any](w *world, label string, of ...T) T { return of[w.roll(label, len(of))] }

// someone is any target.
func (w *world) someone() *member { return w.members[w.roll("target", len(w.members))] }

// people are all that humans and the world do to a policy, at random.
var people = map[string]func(w *world){
	"release": (*world).releaseAny,
	"delete":  func(w *world) { w.remove(pick(w, "tag", w.releases...).tag) },
	"commit": func(w *world) {
		w.commitBy(w.someone(), pick(w, "text", "1.0.0", "v1.1.0", "1.1.1", "1.2.0", "2.0.0", "latest", "0.9.0"))
	},
	"revert": (*world).revert,
	"suspend": func(w *world) {
		w.policy.Suspended = !w.policy.Suspended
		w.note("human", "suspended: %v", w.policy.Suspended)
	},
	"resume":    (*world).resumeAny,
	"approve":   (*world).approveAny,
	"versions":  (*world).changeVersions,
	"waves":     (*world).changeWaves,
	"schedule":  (*world).changeSchedule,
	"freeze":    (*world).changeMaintenance,
	"excuse":    func(w *world) { m := w.someone(); m.target.Excused = pick(w, "excuse", "", "", "paused", "cordoned") },
	"stick":     (*world).stick,
	"fate":      (*world).changeFate,
	"bad":       (*world).releaseBad,
	"ill":       func(w *world) { w.loseHealth(w.someone()) },
	"well":      func(w *world) { m := w.someone(); m.installs++; w.deployed(m) },
	"check":     (*world).changeCheck,
	"depend":    (*world).changeDependency,
	"find":      (*world).findOrLose,
	"tolerance": func(w *world) { w.policy.Health.MaxFailed = w.roll("max failed", 3) },
	"rollback":  func(w *world) { w.policy.Health.Rollback = !w.policy.Health.Rollback },
}

// releaseAny pushes a version that follows one of those that are there.
func (w *world) releaseAny() {
	var tags []string
	for _, r := range w.releases {
		tags = append(tags, r.tag)
	}
	for range 10 {
		last, err := versions.Parse(w.version(pick(w, "after", append(tags, tags[len(tags)-1], tags[len(tags)-1])...)))
		if err != nil {
			return
		}
		next := last.IncPatch()
		switch w.roll("change", 6) {
		case 0, 1:
			next = last.IncMinor()
		case 2:
			next = last.IncMajor()
		case 3:
			next, _ = last.IncMinor().SetPrerelease("rc.1")
		}
		if tag := next.String() + w.suffix; !slices.Contains(tags, tag) {
			w.push(tag)
			return
		}
	}
}

// commitBy is a human who writes a version.
func (w *world) commitBy(m *member, text string) {
	if m.leader != nil {
		m = m.leader
	}
	if m.line == text {
		return
	}
	w.note("human", "commits %s: %s → %s", m.target.Name, m.line, text)
	w.commits++
	m.human = true
	w.set(m, text)
	for _, other := range w.members {
		if other == m || other.leader == m {
			other.unread = true
		}
	}
	w.soon()
}

// revert takes the last commit back, mostly while an upgrade runs.
func (w *world) revert() {
	m := w.someone()
	for _, other := range w.members {
		if other.target.Pin != nil && other.target.Pin.Upgrade.Running() && other.leader == nil {
			m = other
		}
	}
	if m.target.Pin != nil && m.target.Pin.Memory.From != "" {
		w.commitBy(m, m.target.Pin.Memory.From)
	}
}

func (w *world) resumeAny() {
	token := fmt.Sprintf("token-%d", w.happened)
	if used := w.operator.ledger.Resumes; len(used) > 0 && w.roll("replay", 3) == 0 {
		token = pick(w, "used", used...)
	}
	w.resumeWith(token)
}

func (w *world) resumeWith(token string) {
	w.policy.Resume = token
	w.note("human", "resumes with %q", token)
	w.ghost.tuned = w.now
}

func (w *world) approveAny() {
	version := pick(w, "version", "9.9.9", "nonsense", "")
	if available := w.operator.last.Available; available != "" && w.roll("known", 3) > 0 {
		version = available
	}
	if seen := w.operator.ledger.Seen; len(seen) > 0 && w.roll("older", 4) == 0 {
		version = pick(w, "seen", seen...).Tag
	}
	if len(w.policy.Waves) > 1 || w.roll("wave", 6) == 0 {
		version = pick(w, "wave", append(slices.Clone(w.policy.Waves), Wave{Name: "nobody"})...).Name + "=" + version
	}
	w.approveWith(version)
}

func (w *world) approveWith(text string) {
	w.policy.Approve = text
	w.ghost.approvals[strings.TrimPrefix(text, "=")] = true
	w.note("human", "approves %q", text)
}

func (w *world) changeVersions() {
	p := &w.policy
	switch w.roll("versions", 4) {
	case 0:
		p.Range = pick(w, "range", ">=1.0.0 <2.0.0", ">=1.0.0", ">=1.0.0-0", "~1.1.0 || >=2.0.0", "1.x", ">=3.0.0")
	case 1:
		p.Exclude = []string{pick(w, "exclude", w.releases...).tag}
	case 2:
		p.Exclude = nil
	default:
		p.NeverSkip = pick(w, "never skip", "", "", v1alpha1.StepMinor, v1alpha1.StepMajor)
	}
	w.note("human", "wants %q without %v, never skips %q", p.Range, p.Exclude, p.NeverSkip)
	w.ghost.tuned = w.now
	w.scan()
}

func (w *world) changeWaves() {
	p := &w.policy
	wave := &p.Waves[w.roll("wave", len(p.Waves))]
	switch w.roll("waves", 5) {
	case 0:
		wave.Soak = pick(w, "soak", 0, 30*time.Minute, 24*time.Hour)
	case 1:
		wave.AutoApprove = pick(w, "auto approve", v1alpha1.ApproveAll, v1alpha1.ApproveMinor, v1alpha1.ApprovePatch, v1alpha1.ApproveNone)
	case 2:
		m := w.someone()
		m.target.Waves = pick(w, "membership", [][]int{{w.roll("to", len(p.Waves))}, {w.roll("to", len(p.Waves))}, nil, {0, len(p.Waves) - 1}}...)
		if len(p.Waves) == 1 {
			m.target.Waves = []int{0}
		}
	case 3:
		p.MinAge = pick(w, "min age", 0, time.Hour, 48*time.Hour)
	default:
		p.Health.Timeout = pick(w, "timeout", 10*time.Minute, 30*time.Minute, 2*time.Hour)
	}
	w.note("human", "has waves %+v, minAge %s, timeout %s", p.Waves, p.MinAge, p.Health.Timeout)
}

// windows of one hour or of a day, for the schedules of a run.
func (w *world) anySchedule(of string) Schedule {
	start := w.now.Truncate(time.Hour).Add(time.Duration(w.roll("start", 48)-24) * time.Hour)
	window := func(hours int, rule string) []v1alpha1.TimeWindow {
		return []v1alpha1.TimeWindow{{
			Name: "some", StartTime: metav1.NewTime(start), EndTime: metav1.NewTime(start.Add(time.Duration(hours) * time.Hour)), Recurrence: rule,
		}}
	}
	spec := pick(w, "schedule",
		v1alpha1.Schedule{TimeZone: "Europe/Berlin", Windows: window(1, "FREQ=DAILY")},
		v1alpha1.Schedule{Windows: window(24, "FREQ=WEEKLY")},
		v1alpha1.Schedule{Exclusions: window(30, "")},
		v1alpha1.Schedule{Windows: window(8, "FREQ=DAILY"), Exclusions: window(4, "FREQ=WEEKLY")},
	)
	s := Schedule{Of: of}
	parsed, err := schedule.Parse(spec)
	if err != nil {
		w.fail("schedule: %v", err)
	}
	s.Schedule = parsed
	if w.roll("broken", 12) == 0 {
		s.Broken = "nobody can read it"
	}
	return s
}

func (w *world) changeSchedule() {
	wave := &w.policy.Waves[w.roll("wave", len(w.policy.Waves))]
	if wave.Schedules = nil; w.roll("windows", 3) > 0 {
		wave.Schedules = []Schedule{w.anySchedule("spec.schedule")}
	}
	w.note("human", "has schedules %+v for wave %s", wave.Schedules, wave.Name)
}

func (w *world) changeMaintenance() {
	name := pick(w, "name", "a", "b")
	if _, there := w.maintenance[name]; there {
		delete(w.maintenance, name)
		w.note("human", "removes MaintenanceSchedule %s", name)
		return
	}
	s := w.anySchedule("MaintenanceSchedule " + name)
	s.BlocksAll = w.roll("all", 2) == 0
	w.maintenance[name] = s
	w.note("human", "adds MaintenanceSchedule %s, blocks all: %v", name, s.BlocksAll)
}

func (w *world) stick() {
	m := w.someone()
	if m.stuck = !m.stuck; !m.stuck {
		w.after(w.pace.apply, func() { w.apply(m) })
	}
	w.note("cluster", "%s is stuck: %v", m.target.Name, m.stuck)
}

func (w *world) changeFate() {
	version := pick(w, "version", w.releases...).tag
	w.fates[version] = fate{kind: pick(w, "fate", "", failing, refused, hanging, transient, late)}
	if w.roll("only", 2) == 0 {
		w.fates[version] = fate{kind: w.fates[version].kind, only: []string{w.someone().target.Name}}
	}
	w.note("world", "%s will be %+v", version, w.fates[version])
}

// releaseBad releases a version that will not do.
func (w *world) releaseBad() {
	w.releaseAny()
	w.fates[w.releases[len(w.releases)-1].tag] = fate{kind: pick(w, "fate", failing, refused, hanging)}
}

func (w *world) changeCheck() {
	if len(w.checks) == 0 {
		w.checks = []Check{{Name: "Deployment hello", Current: true}}
	}
	w.checks[0].Current, w.checks[0].Message = !w.checks[0].Current, "1 of 2 pods are ready"
	w.note("cluster", "Deployment hello is current: %v", w.checks[0].Current)
}

// changeDependency adds a policy that this one depends on, or lets it become ready, or not.
func (w *world) changeDependency() {
	name := pick(w, "dependency", "cert-manager", "ingress")
	i := slices.IndexFunc(w.dependencies, func(d gate.Dependency) bool { return d.Name == name })
	if i < 0 {
		i = len(w.dependencies)
		w.dependencies = append(w.dependencies, gate.Dependency{Name: name, Ready: true})
	}
	d := &w.dependencies[i]
	d.Ready, d.Message = !d.Ready, "it is being upgraded"
	w.note("cluster", "policy %s is ready: %v", name, d.Ready)
}

func (w *world) findOrLose() {
	m := w.someone()
	if m.target.Finding == nil {
		m.target.Finding = &pin.Finding{Reason: v1alpha1.TargetMissingReason, Message: "no such App"}
	} else {
		m.target.Finding = nil
	}
	w.note("cluster", "%s is found: %v", m.target.Name, m.target.Finding == nil)
}
