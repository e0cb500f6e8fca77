package status

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// world carries a policy from one decision to the next, as the controllers do.
type world struct {
	in     rollout.Input
	status v1alpha1.AppUpgradePolicyStatus
}

// look decides once, remembers what was decided, and returns the events.
func (w *world) look() []string {
	decision := rollout.Decide(w.in)
	after := Build(w.in, decision, Outcome{Now: w.in.Now, Previous: w.status})
	var events []string
	for _, event := range eventsOf(Events(w.status, after)) {
		const whose = " is held: wave production"
		if why, _, held := strings.Cut(event, whose); held {
			event = why + whose // why is for the gates to say
		}
		events = append(events, event)
	}
	w.in.Ledger, w.status = decision.Ledger, after
	for i, target := range decision.Targets {
		w.in.Targets[i].Pin.Upgrade = target.Upgrade
		w.in.Targets[i].Pin.Intent.Want, w.in.Targets[i].Pin.Intent.Back = target.Want, target.Back
	}
	return events
}

// commit writes into Git, and apply into the cluster, what the pins of all targets want.
func (w *world) commit() {
	for i := range w.in.Targets {
		p := w.in.Targets[i].Pin
		if want := p.Intent.Want; want != "" && want != p.Memory.Git {
			p.Memory.From, p.Memory.Git, p.Memory.Wanted, p.Memory.Commit = p.Memory.Git, want, want, "c0ffee"
		}
	}
}

// apply brings what Git has into the cluster, where it gets a release status.
func (w *world) apply(release string) {
	for i := range w.in.Targets {
		t := &w.in.Targets[i]
		if t.Spec != t.Pin.Memory.Git {
			t.Spec, t.Installed, t.ReleaseStatus, t.Trouble = t.Pin.Memory.Git, t.Pin.Memory.Git, release, troubleOf(release)
		}
	}
}

// TestTheStoryOfARollout: a version goes through two waves, the next one fails in the first and is taken back, and a human
// unblocks it.
func TestTheStoryOfARollout(t *testing.T) {
	w := world{in: makeInput(
		makeTarget("dev", "1.4.0").obj(),
		makeTarget("prod", "1.4.0").with(func(t *rollout.Target) { t.Waves = []int{1} }),
	).in}
	w.in.Policy.Waves = []rollout.Wave{{Name: "canary", Soak: time.Hour}, {Name: "production", AutoApprove: v1alpha1.ApproveNone}}
	w.in.Policy.Health.Rollback = true
	w.in.Candidate.Tag = "1.4.0"
	if got := w.look(); len(got) != 2 {
		t.Fatalf("the first look tells %q", got)
	}
	steps := []struct {
		name   string
		change func()
		events []string
	}{
		{"a new version", func() { w.in.Candidate.Tag = "1.5.0" }, []string{
			"Normal VersionAvailable: 1.5.0 is available",
			"Normal Soaking: 1.5.0 is held: wave production",
			"Normal AwaitingApproval: 1.5.0 is held: wave production",
			"Normal WaveUpgrading: Wave canary is on its way to 1.5.0",
			"Normal Pinned: Going to 1.5.0: App dev",
		}},
		{"a human approves", func() { w.in.Policy.Approve = "production=1.5.0" }, []string{"Normal Approved: Wave production: 1.5.0 is approved"}},
		{"Flux commits", w.commit, []string{"Normal Committed: 1.5.0 is in Git: App dev"}},
		{"Flux applies", func() { w.apply("deployed") }, []string{
			"Normal UpgradeSucceeded: Wave canary: Upgrade of 1 target from 1.4.0 to 1.5.0: Succeeded",
			"Normal WaveSoaking: Wave canary has 1.5.0, which soaks for the next wave until 2026-03-01T13:00:00Z",
			"Normal Deployed: 1.5.0 is deployed: App dev",
		}},
		{"an hour goes by", func() { w.in.Now = testNow.Add(time.Hour) }, []string{
			"Normal WaveUpToDate: Wave canary is up to date with 1.5.0",
			"Normal WaveUpgrading: Wave production is on its way to 1.5.0",
			"Normal Pinned: Going to 1.5.0: App prod",
		}},
		{"Flux commits and applies", func() { w.commit(); w.apply("deployed") }, []string{
			"Normal Succeeded: 2 of 2 targets run 1.5.0",
			"Normal UpgradeSucceeded: Wave production: Upgrade of 1 target from 1.4.0 to 1.5.0: Succeeded",
			"Normal WaveUpToDate: Wave production is up to date with 1.5.0",
			"Normal Deployed: 1.5.0 is deployed: App prod",
		}},
		{"the next version", func() { w.in.Candidate.Tag = "1.6.0" }, []string{
			"Normal VersionAvailable: 1.6.0 is available",
			"Normal Soaking: 1.6.0 is held: wave production",
			"Normal AwaitingApproval: 1.6.0 is held: wave production",
			"Normal WaveUpgrading: Wave canary is on its way to 1.6.0",
			"Normal Pinned: Going to 1.6.0: App dev",
		}},
		{"its chart is refused", func() { w.commit(); w.apply("invalid-manifest") }, []string{
			"Warning Blocked: Wave canary: 1.6.0 is blocked: 1 of 1 targets failed: App dev: its release is invalid-manifest",
			"Warning UpgradeFailed: Wave canary: Upgrade of 1 target from 1.5.0 to 1.6.0: Failed",
			"Warning RollbackStarted: Wave canary: Rollback of 1 target from 1.6.0 to 1.5.0",
			"Normal WaveUpgrading: Wave canary is on its way to 1.5.0",
			"Normal Pinned: Going to 1.5.0: App dev",
		}},
		{"Flux does not offer it any more", func() { w.in.Candidate.Tag = "1.5.0" }, nil},
		{"Flux commits and applies what was before", func() { w.commit(); w.apply("deployed") }, []string{
			"Normal RollbackSucceeded: Wave canary: Rollback of 1 target from 1.6.0 to 1.5.0: Succeeded",
		}},
		{"a human wants to try again", func() { w.in.Policy.Resume, w.in.Candidate.Tag = "try-again", "1.6.0" }, []string{
			"Normal Resumed: The token \"try-again\" of the annotation upgrades.giantswarm.io/resume is handled: versions that failed, " +
				"and those that humans left, may be taken again",
			"Normal Soaking: 1.6.0 is held: wave production",
			"Normal AwaitingApproval: 1.6.0 is held: wave production",
			"Normal WaveUpgrading: Wave canary is on its way to 1.6.0",
			"Normal Pinned: Going to 1.6.0: App dev",
		}},
	}
	for _, step := range steps {
		step.change()
		if diff := cmp.Diff(step.events, w.look()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		if again := w.look(); len(again) > 0 {
			t.Errorf("%s: a second look tells %q", step.name, again)
		}
	}
}
