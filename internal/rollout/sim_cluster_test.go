package rollout

import (
	"slices"
	"strings"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// fate is what becomes of a version when it is installed.
type fate struct {
	kind string
	// only these targets; empty: all.
	only []string
}

// Fates that a version can have. Without one all is well.
const (
	failing   = "failing"   // Helm says failed
	refused   = "hopeless"  // the chart is refused
	hanging   = "hanging"   // Helm never ends
	transient = "transient" // the registry is away for a while
	late      = "late"      // it becomes healthy after the timeout
)

func (w *world) fateOf(m *member, version string) string {
	f := w.fates[versions.Tag(version)]
	if len(f.only) > 0 && !slices.Contains(f.only, m.target.Name) {
		return ""
	}
	return f.kind
}

// apply is the Flux Kustomization that brings Git into the cluster.
func (w *world) apply(m *member) {
	if m.stuck || m.target.Spec == m.text() {
		return
	}
	m.target.Spec = m.text()
	m.installs++
	run := m.installs
	w.after(w.pace.install, func() {
		if run == m.installs {
			w.install(m)
		}
	})
}

// install is the platform that brings the spec's version to run, or not.
func (w *world) install(m *member) {
	t, run := &m.target, m.installs
	later := func(d time.Duration) {
		w.after(d, func() {
			if run == m.installs {
				w.deployed(m)
			}
		})
	}
	version := strings.TrimPrefix(t.Spec, "v")
	t.Trouble = ""
	switch w.fateOf(m, t.Spec) {
	case failing:
		t.Installed, t.ReleaseStatus, t.ReleaseReason = version, releaseFailed, "post-upgrade hooks failed"
	case refused:
		t.Installed, t.ReleaseStatus, t.ReleaseReason = "", "values-schema-violation", "replicas: must be an integer"
		t.Trouble = TroubleLasting
	case hanging:
		t.Installed, t.ReleaseStatus, t.ReleaseReason = version, "pending-upgrade", ""
	case transient:
		t.Installed, t.ReleaseStatus, t.ReleaseReason = "", "chart-pull-failed", "registry is away"
		t.Trouble = TroublePassing
		later(w.policy.Health.Timeout / 3)
	case late:
		t.Installed, t.ReleaseStatus, t.ReleaseReason = version, "pending-upgrade", ""
		later(w.policy.Health.Timeout * 2)
	default:
		w.deployed(m)
		return
	}
	w.note("cluster", "%s: %s is %s", t.Name, t.Spec, t.ReleaseStatus)
}

func (w *world) deployed(m *member) {
	t := &m.target
	t.Installed, t.ReleaseStatus, t.ReleaseReason, t.Trouble = strings.TrimPrefix(t.Spec, "v"), releaseDeployed, "", ""
	w.note("cluster", "%s: %s is deployed", t.Name, t.Spec)
}

// loseHealth breaks what ran well.
func (w *world) loseHealth(m *member) {
	m.installs++
	m.target.ReleaseStatus, m.target.ReleaseReason, m.target.Trouble = releaseFailed, "pods crash", ""
	w.note("cluster", "%s: %s has lost its health", m.target.Name, m.target.Spec)
}

// repair ends all that is wrong in the cluster.
func (w *world) repair() {
	w.fates = map[string]fate{}
	for i := range w.checks {
		w.checks[i].Current = true
	}
	for _, m := range w.members {
		m.stuck, m.target.Excused, m.target.Finding = false, "", nil
		m.installs++
		m.target.Spec = m.text()
		w.deployed(m)
	}
}

// well says whether a member runs what Git has, and nothing is wrong.
func (w *world) well(m *member) bool {
	t := m.target
	for _, c := range w.checks {
		if !c.Current {
			return false
		}
	}
	return t.Pin != nil && t.Excused == "" && t.ReleaseStatus == releaseDeployed &&
		versions.Same(t.Spec, t.Pin.Memory.Git) && versions.Same(t.Installed, versions.Tag(t.Spec))
}
