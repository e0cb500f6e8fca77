package status

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

var testNow = time.Date(2026, 3, 1, 12, 0, 0, 123, time.UTC)

// inputBuilder makes the input of a policy for `>=1.0.0 <2.0.0` whose candidate is 1.5.0.
type inputBuilder struct{ in rollout.Input }

func makeInput(targets ...rollout.Target) *inputBuilder {
	return &inputBuilder{in: rollout.Input{
		Now: testNow,
		Policy: rollout.Policy{
			Namespace: "org-demo", Name: "hello", Range: ">=1.0.0 <2.0.0",
			Waves:  []rollout.Wave{{}},
			Health: rollout.Health{Timeout: 30 * time.Minute},
		},
		Candidate: rollout.Candidate{Tag: "1.5.0"},
		Targets:   targets,
	}}
}

func (b *inputBuilder) with(change func(*rollout.Input)) *inputBuilder { change(&b.in); return b }

func (b *inputBuilder) suspended() *inputBuilder { b.in.Policy.Suspended = true; return b }

func (b *inputBuilder) noCandidate(reason, message string) *inputBuilder {
	b.in.Candidate = rollout.Candidate{Reason: reason, Message: message}
	return b
}

// targetBuilder makes an App whose marker stands at a version that also runs.
type targetBuilder struct{ target rollout.Target }

func makeTarget(name, version string) *targetBuilder {
	return &targetBuilder{target: rollout.Target{
		Kind: "App", Name: name, Waves: []int{0}, Spec: version, Installed: version, ReleaseStatus: "deployed",
		Chart: "oci://registry.example/charts/hello",
		Pin: &rollout.Pin{
			Name: pin.Name("App", name),
			Intent: pin.Intent{Mark: true, Source: pin.Source{
				Repository: pin.NamespacedName{Namespace: "default", Name: "gitops"},
			}},
			Memory: pin.Memory{File: "apps/" + name + ".yaml", Line: 9, Git: version, Marked: true},
		},
	}}
}

// upgrade says that the operator moved the target to a version, and what Git, the cluster and Helm have.
func (b *targetBuilder) upgrade(to, git, spec, installed, release string) *targetBuilder {
	start := testNow.Add(-time.Minute)
	b.target.Pin.Upgrade = pin.Upgrade{From: b.target.Pin.Memory.Git, To: to, Judged: true, Start: start, Committed: start, Applied: start}
	b.target.Pin.Intent.Want, b.target.Pin.Memory.Wanted = to, to
	b.target.Pin.Memory.Git, b.target.Spec = git, spec
	b.target.Installed, b.target.ReleaseStatus, b.target.Trouble = installed, release, troubleOf(release)
	return b
}

// troubleOf is what a release status means that says that the chart is refused.
func troubleOf(release string) rollout.Trouble {
	if release == "invalid-manifest" {
		return rollout.TroubleLasting
	}
	return ""
}

func (b *targetBuilder) unmarked() *targetBuilder {
	b.target.Pin.Memory = pin.Memory{}
	return b
}

func (b *targetBuilder) finding(reason, message string) *targetBuilder {
	b.target.Pin.Memory.Finding = &pin.Finding{Reason: reason, Message: message}
	return b
}

func (b *targetBuilder) with(change func(*rollout.Target)) rollout.Target {
	change(&b.target)
	return b.target
}

func (b *targetBuilder) obj() rollout.Target { return b.target }
