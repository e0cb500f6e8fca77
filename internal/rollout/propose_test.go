package rollout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// proposedTarget runs a version, and is proposed another one that its upgrade goes to.
func proposedTarget(name, git, tag string) Target {
	return changed(deployedTarget(name, git), func(t *Target) {
		t.Pin.Intent.Want = tag
		t.Pin.Memory.Proposal = pin.Proposal{Branch: "upgrades", Checkout: git, Tag: tag}
		t.Pin.Upgrade = pin.Upgrade{From: git, To: tag, Judged: true, Start: noon.Add(-time.Hour)}
	})
}

func TestProposals(t *testing.T) {
	window := v1alpha1.TimeWindow{Name: "later", StartTime: metav1.NewTime(noon.Add(time.Hour)), EndTime: metav1.NewTime(noon.Add(2 * time.Hour))}
	closed := makeSchedule(t, "spec.schedule", v1alpha1.Schedule{Windows: []v1alpha1.TimeWindow{window}})
	now := v1alpha1.TimeWindow{Name: "xmas", StartTime: metav1.NewTime(noon.Add(-time.Hour)), EndTime: metav1.NewTime(noon.Add(time.Hour))}
	frozen := makeSchedule(t, "spec.schedule", v1alpha1.Schedule{Exclusions: []v1alpha1.TimeWindow{now}})
	during := func(s Schedule) func(*Input) {
		return func(in *Input) { in.Policy.Waves[0].Schedules = []Schedule{s} }
	}
	candidate := func(c Candidate) func(*Input) { return func(in *Input) { in.Candidate = c } }
	awaits := v1alpha1.AwaitingMergeReason
	for name, tc := range map[string]struct {
		proposed string
		with     func(*Input)
		want     string
		holds    []string
	}{
		"waits":                     {proposed: "1.5.0", want: "1.5.0", holds: []string{awaits}},
		"a newer one is out":        {proposed: "1.4.5", want: "1.5.0"},
		"a window closed":           {proposed: "1.5.0", with: during(closed), want: "1.5.0", holds: []string{v1alpha1.OutsideWindowReason, awaits}},
		"a newer one is out, later": {proposed: "1.4.5", with: during(closed), want: "1.4.5", holds: []string{v1alpha1.OutsideWindowReason, v1alpha1.OutsideWindowReason, awaits}},
		"frozen":                    {proposed: "1.5.0", with: during(frozen), holds: []string{v1alpha1.FrozenReason}},
		"excluded":                  {proposed: "1.5.0", with: func(in *Input) { in.Policy.Exclude = []string{"1.5.0"} }},
		"excluded for an older one": {
			proposed: "1.5.0", with: func(in *Input) { in.Policy.Exclude, in.Candidate.Tag = []string{"1.5.0"}, "1.4.5" },
		},
		"excluded, and a newer one is out": {proposed: "1.4.5", with: func(in *Input) { in.Policy.Exclude = []string{"1.4.5"} }},
		"blocked, and a newer one is out": {proposed: "1.4.5", with: func(in *Input) {
			in.Ledger.Blocked = []pin.Blocked{{Tag: "1.4.5", Message: "1 of 1 targets failed"}}
		}},
		"blocked": {proposed: "1.5.0", holds: []string{v1alpha1.BlockedReason}, with: func(in *Input) {
			in.Ledger.Blocked = []pin.Blocked{{Tag: "1.5.0", Message: "1 of 1 targets failed"}}
		}},
		"needs an approval by now": {proposed: "1.5.0", holds: []string{v1alpha1.AwaitingApprovalReason}, with: func(in *Input) {
			in.Policy.Waves[0].AutoApprove = v1alpha1.ApproveNone
		}},
		"gone from the registry": {proposed: "1.5.0", with: candidate(Candidate{Tag: "1.4.0"})},
		"nothing is in range":    {proposed: "1.5.0", with: candidate(Candidate{Reason: v1alpha1.NoCandidateReason})},
		"the registry is away":   {proposed: "1.5.0", with: candidate(Candidate{Reason: v1alpha1.ScanFailedReason}), want: "1.5.0", holds: []string{awaits}},
		"suspended": {
			proposed: "1.5.0", with: func(in *Input) { in.Policy.Suspended = true }, want: "1.5.0", holds: []string{v1alpha1.SuspendedReason, awaits},
		},
		"the target has a finding": {
			proposed: "1.5.0", with: func(in *Input) { in.Targets[0].Finding = &pin.Finding{Reason: "KustomizationUnproven"} }, want: "1.5.0", holds: []string{awaits},
		},
		"frozen, and the registry is away": {
			proposed: "1.5.0", holds: nil, with: func(in *Input) { in.Candidate = Candidate{Reason: v1alpha1.ScanFailedReason}; during(frozen)(in) },
		},
		"frozen, and the target has a finding": {
			proposed: "1.5.0", with: func(in *Input) {
				in.Targets[0].Finding = &pin.Finding{Reason: "KustomizationUnproven"}
				in.Maintenance = []Schedule{frozen}
			},
		},
		"a dependency is not ready": {
			proposed: "1.5.0", want: "1.5.0", holds: []string{v1alpha1.DependencyNotReadyReason, awaits},
			with: func(in *Input) { in.Dependencies = []gate.Dependency{{Name: "base"}} },
		},
		"others are not resolved": {
			proposed: "1.4.5", with: func(in *Input) { in.Targets = append(in.Targets, Target{Kind: "App", Name: "b"}) }, want: "1.4.5", holds: []string{awaits},
		},
		"the policy wants it no more": {proposed: "1.5.0", want: "1.5.0", with: func(in *Input) { in.Targets[0].Pin.Intent.Want = "" }, holds: []string{awaits}},
	} {
		t.Run(name, func(t *testing.T) {
			in := makeInput(proposedTarget("a", "1.4.0", tc.proposed)).in
			in.Ledger.Seen = []pin.Seen{{Tag: "1.4.0", At: noon}, {Tag: tc.proposed, At: noon}}
			if tc.with != nil {
				tc.with(&in)
			}
			got := Decide(in).Targets[0]
			var holds []string
			for _, hold := range got.Holds {
				holds = append(holds, hold.Reason)
			}
			if got.Want != tc.want {
				t.Errorf("wants %q, want %q", got.Want, tc.want)
			}
			if diff := cmp.Diff(tc.holds, holds); diff != "" {
				t.Errorf("holds (-want +got):\n%s", diff)
			}
		})
	}
}

// The upgrade begins when a human has merged it: then it enters the history, and its time starts.
func TestMergeIsTheStart(t *testing.T) {
	in := remembered(makeInput(proposedTarget("a", "1.4.0", "1.5.0")).in)
	d := Decide(in)
	if len(d.Ledger.History) > 0 || d.Waves[0].State != v1alpha1.WaveWaiting || !d.Targets[0].Awaits {
		t.Fatalf("a proposal is %+v of %+v, with the history %+v", d.Targets[0], d.Waves[0], d.Ledger.History)
	}
	merged := changed(in.Targets[0], func(t *Target) {
		t.Pin.Memory.Git, t.Pin.Memory.Wanted = "1.5.0", "1.5.0"
		t.Pin.Memory.Proposal = pin.Proposal{Branch: "upgrades", Checkout: "1.5.0"}
	})
	in.Targets, in.Now = []Target{merged}, noon.Add(24*time.Hour)
	d = Decide(in)
	u := d.Targets[0].Upgrade
	if !u.Start.Equal(in.Now) || !u.Committed.Equal(in.Now) || !u.Running() || d.Targets[0].Awaits || len(d.Targets[0].Holds) > 0 {
		t.Errorf("the merged upgrade is %+v of %+v", u, d.Targets[0])
	}
	if len(d.Ledger.History) != 1 || !d.Ledger.History[0].Start.Equal(in.Now) {
		t.Errorf("the history is %+v", d.Ledger.History)
	}
}

// A rollback is proposed, too, and goes on whatever the policy wants until a human has merged it.
func TestRollbackIsProposed(t *testing.T) {
	target := changed(deployedTarget("a", "1.5.0"), func(t *Target) {
		t.Pin.Intent.Want, t.Pin.Intent.Back = "1.4.0", "1.5.0"
		t.Pin.Memory.Wanted = "1.4.0"
		t.Pin.Memory.Proposal = pin.Proposal{Branch: "upgrades", Checkout: "1.5.0", Tag: "1.4.0"}
		t.Pin.Upgrade = pin.Upgrade{From: "1.5.0", To: "1.4.0", Rollback: true, Judged: true, Start: noon}
	})
	in := remembered(makeInput(target).in)
	in.Ledger.Blocked = []pin.Blocked{{Tag: "1.5.0", Rollback: true}}
	d := Decide(in).Targets[0]
	if d.Want != "1.4.0" || d.Back != "1.5.0" || !d.Awaits || !d.Upgrade.Running() {
		t.Errorf("the rollback is %+v", d)
	}
}

// A freeze that begins while the window is closed takes a proposal back, so it asks for a decision; without a proposal it does not.
func TestFreezeWakesForProposal(t *testing.T) {
	at := func(hours int) metav1.Time { return metav1.NewTime(noon.Add(time.Duration(hours) * time.Hour)) }
	window := v1alpha1.TimeWindow{Name: "later", StartTime: at(10), EndTime: at(12)}
	xmas := v1alpha1.TimeWindow{Name: "xmas", StartTime: at(2), EndTime: at(4)}
	closed := makeSchedule(t, "spec.schedule", v1alpha1.Schedule{Windows: []v1alpha1.TimeWindow{window}})
	frozen := makeSchedule(t, "MaintenanceSchedule xmas", v1alpha1.Schedule{Exclusions: []v1alpha1.TimeWindow{xmas}})
	for name, tc := range map[string]struct {
		target Target
		wakeUp time.Time
	}{
		"a proposal stands": {target: proposedTarget("a", "1.4.0", "1.5.0"), wakeUp: xmas.StartTime.Time},
		"none stands":       {target: deployedTarget("a", "1.4.0"), wakeUp: window.StartTime.Time},
	} {
		t.Run(name, func(t *testing.T) {
			in := remembered(makeInput(tc.target).in)
			in.Policy.Waves[0].Schedules, in.Maintenance = []Schedule{closed}, []Schedule{frozen}
			d := Decide(in)
			if !d.WakeUp.Equal(tc.wakeUp) {
				t.Fatalf("it wakes at %s, want %s", d.WakeUp, tc.wakeUp)
			}
			in.Now = d.WakeUp
			if d = Decide(in); d.Targets[0].Want == "1.5.0" && in.Now.Equal(xmas.StartTime.Time) {
				t.Errorf("the freeze leaves the proposal: %+v", d.Targets[0])
			}
		})
	}
}

// A rollback that cannot be proposed, or that a human refuses, ends the wait of its wave and says so: a newer version may come.
func TestRollbackIsRefused(t *testing.T) {
	back := func(memory pin.Memory) Target {
		return changed(deployedTarget("a", "1.5.0"), func(t *Target) {
			t.ReleaseStatus = "failed"
			t.Pin.Intent.Want, t.Pin.Intent.Back = "1.4.0", "1.5.0"
			memory.File, memory.Line, memory.Marked, memory.Git = t.Pin.Memory.File, t.Pin.Memory.Line, true, "1.5.0"
			t.Pin.Memory = memory
			t.Pin.Upgrade = pin.Upgrade{From: "1.5.0", To: "1.4.0", Rollback: true, Judged: true, Start: noon}
		})
	}
	read := pin.Proposal{Branch: "upgrades", Checkout: "1.5.0"}
	for name, tc := range map[string]struct {
		memory pin.Memory
		result string
		// want is that of another target of the wave, once a newer version is out.
		want string
	}{
		"not yet proposed": {memory: pin.Memory{Proposal: read}, want: "1.4.0"},
		"the server refuses the push": {
			memory: pin.Memory{Proposal: read, Wanted: "1.4.0", Finding: &pin.Finding{Reason: v1alpha1.GitUnwritableReason}}, want: "1.6.0",
		},
		"a human deletes the branch": {
			memory: pin.Memory{Proposal: read, Wanted: "1.4.0", Commit: "c1"}, result: v1alpha1.ResultOverridden, want: "1.6.0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := remembered(makeInput(back(tc.memory.OnCheckout()), deployedTarget("b", "1.4.0")).in)
			in.Ledger.Blocked = []pin.Blocked{{Tag: "1.5.0", Rollback: true}}
			d := Decide(in)
			if got := d.Targets[0].Upgrade.Result; got != tc.result {
				t.Errorf("the rollback is %q, want %q", got, tc.result)
			}
			if found := d.Targets[0].Finding != nil; found != (tc.result != "") {
				t.Errorf("the finding is %+v", d.Targets[0].Finding)
			}
			in.Ledger.Seen = append(in.Ledger.Seen, pin.Seen{Tag: "1.6.0", At: noon})
			in.Candidate.Tag = "1.6.0"
			if got := Decide(in).Targets[1]; got.Want != tc.want {
				t.Errorf("another target of the wave wants %q, want %q: %+v", got.Want, tc.want, got.Holds)
			}
		})
	}
}

// A proposal that may not be merged any more is gone before another one comes: that one may never get there.
func TestBadProposalGoesFirst(t *testing.T) {
	in := makeInput(proposedTarget("a", "1.4.0", "1.4.5")).in
	in.Policy.Exclude = []string{"1.4.5"}
	first := Decide(in).Targets[0]
	if first.Want != "" || first.Upgrade.Running() {
		t.Fatalf("it is replaced at once: %+v", first)
	}
	in.Targets[0].Pin.Intent.Want, in.Targets[0].Pin.Upgrade = "", first.Upgrade
	in.Targets[0].Pin.Memory.Proposal.Tag = ""
	if then := Decide(in).Targets[0]; then.Want != "1.5.0" {
		t.Errorf("nothing else is proposed: %+v", then)
	}
}

// A proposal that is being replaced by a newer one goes on being replaced: that one is on its way, which keeps others from starting.
func TestReplacementGoesOn(t *testing.T) {
	in := remembered(makeInput(proposedTarget("a", "1.4.0", "1.4.5")).in)
	d := Decide(in)
	if d.Targets[0].Want != "1.5.0" {
		t.Fatalf("it is not replaced: %+v", d.Targets[0])
	}
	in.Ledger = d.Ledger
	in.Targets[0].Pin.Intent.Want, in.Targets[0].Pin.Upgrade, in.Targets[0].Pin.Batch = "1.5.0", d.Targets[0].Upgrade, "b1"
	if then := Decide(in).Targets[0]; then.Want != "1.5.0" {
		t.Errorf("it is taken back: %+v", then)
	}
}
