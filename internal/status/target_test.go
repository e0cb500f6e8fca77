package status

import (
	"testing"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

func TestTargetStates(t *testing.T) {
	reverted := func(t *rollout.Target) { t.Pin.Memory.Hold = &pin.Hold{Reason: "ManualHold", UpTo: "1.5.0"} }
	cases := map[string]struct {
		target  rollout.Target
		state   v1alpha1.TargetState
		finding string
	}{
		"no pin":                  {target: makeTarget("a", "1.4.0").with(func(t *rollout.Target) { t.Pin = nil }), state: v1alpha1.TargetPending},
		"no marker":               {target: makeTarget("a", "1.4.0").unmarked().obj(), state: v1alpha1.TargetPending},
		"marker for a human":      {target: makeTarget("a", "1.4.0").unmarked().finding("MarkerUnmanaged", "paste it").obj(), state: v1alpha1.TargetPending, finding: "MarkerUnmanaged"},
		"cannot be managed":       {target: makeTarget("a", "1.4.0").finding("MarkerCopied", "twice").obj(), state: v1alpha1.TargetFailed, finding: "MarkerCopied"},
		"current from the start":  {target: makeTarget("a", "1.5.0").obj(), state: v1alpha1.TargetCurrent},
		"a human's newer version": {target: makeTarget("a", "1.4.0").upgrade("1.4.0", "1.5.0", "1.4.0", "1.4.0", "deployed").obj(), state: v1alpha1.TargetCurrent},
		"pinned":                  {target: makeTarget("a", "1.4.0").obj(), state: v1alpha1.TargetPinned},
		"committed":               {target: makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.4.0", "1.4.0", "deployed").obj(), state: v1alpha1.TargetCommitted},
		"applied, old release":    {target: makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.5.0", "1.4.0", "deployed").obj(), state: v1alpha1.TargetApplied},
		"applied, pending":        {target: makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.5.0", "1.5.0", "pending-upgrade").obj(), state: v1alpha1.TargetApplied},
		"applied, cordoned":       {target: makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.5.0", "", "cordoned").obj(), state: v1alpha1.TargetApplied},
		"the old version failed":  {target: makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.5.0", "1.4.0", "failed").obj(), state: v1alpha1.TargetApplied},
		"failed":                  {target: makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.5.0", "1.5.0", "failed").obj(), state: v1alpha1.TargetFailed, finding: "UpgradeFailed"},
		"chart is not there":      {target: makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.5.0", "", "app-version-not-found").obj(), state: v1alpha1.TargetApplied},
		"chart is refused":        {target: makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.5.0", "", "invalid-manifest").obj(), state: v1alpha1.TargetFailed, finding: "UpgradeFailed"},
		"failed before us":        {target: makeTarget("a", "1.5.0").with(func(t *rollout.Target) { t.ReleaseStatus = "failed" }), state: v1alpha1.TargetCurrent},
		"deployed":                {target: makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.5.0", "1.5.0", "deployed").obj(), state: v1alpha1.TargetDeployed},
		"a human reverted":        {target: makeTarget("a", "1.4.0").upgrade("1.5.0", "1.4.0", "1.4.0", "1.4.0", "deployed").with(reverted), state: v1alpha1.TargetHeld},
		"Git is newer":            {target: makeTarget("a", "1.6.0").obj(), state: v1alpha1.TargetHeld},
		"text with v in Git":      {target: makeTarget("a", "1.5.0").upgrade("1.5.0", "v1.5.0", "v1.5.0", "1.5.0", "deployed").obj(), state: v1alpha1.TargetDeployed},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := build(makeInput(tc.target).in, Outcome{}).Targets[0]
			if got.State != tc.state {
				t.Errorf("state %s, want %s", got.State, tc.state)
			}
			finding := ""
			if got.Finding != nil {
				finding = got.Finding.Reason
			}
			if finding != tc.finding {
				t.Errorf("finding %q, want %q", finding, tc.finding)
			}
		})
	}
}

func TestAFollowerGoesWithItsLeader(t *testing.T) {
	follower := func(git, spec, installed string) rollout.Target {
		return makeTarget("b", "1.4.0").with(func(t *rollout.Target) {
			t.Pin.Memory.Marked, t.Pin.Memory.Leader = false, pin.Name("App", "a")
			t.Pin.Memory.Git, t.Spec, t.Installed = git, spec, installed
		})
	}
	upgraded := makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.5.0", "1.5.0", "deployed")
	cases := map[string]struct {
		in    *inputBuilder
		state v1alpha1.TargetState
	}{
		"pinned":    {in: makeInput(makeTarget("a", "1.4.0").obj(), follower("1.4.0", "1.4.0", "1.4.0")), state: v1alpha1.TargetPinned},
		"committed": {in: makeInput(upgraded.obj(), follower("1.5.0", "1.4.0", "1.4.0")), state: v1alpha1.TargetCommitted},
		"deployed":  {in: makeInput(upgraded.obj(), follower("1.5.0", "1.5.0", "1.5.0")), state: v1alpha1.TargetDeployed},
		"held":      {in: makeInput(makeTarget("a", "1.4.0").obj(), follower("1.4.0", "1.4.0", "1.4.0")).suspended(), state: v1alpha1.TargetHeld},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			status := build(tc.in.in, Outcome{})
			if status.Counts.Marked != 2 {
				t.Errorf("%d are marked, want both", status.Counts.Marked)
			}
			for _, target := range status.Targets {
				if target.Name == "b" && target.State != tc.state {
					t.Errorf("state %s, want %s", target.State, tc.state)
				}
			}
		})
	}
}
