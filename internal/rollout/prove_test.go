package rollout

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// remembered is an input whose targets' clocks go by the active time of its ledger.
func remembered(in Input) Input {
	in.Ledger.Began = noon.Add(-24 * time.Hour)
	for _, t := range in.Targets {
		t.Pin.Upgrade.Clock = in.Ledger.Began
	}
	return in
}

// TestProof says when a version that one target of a wave has had for long enough is proven, by what another one does.
func TestProof(t *testing.T) {
	healthy := func(version string, hours int) pin.Health {
		return pin.Health{Of: version, Healthy: true, Since: noon.Add(-time.Duration(hours) * time.Hour)}
	}
	at := func(git string, upgrade pin.Upgrade) Target {
		return changed(placedTarget("b", git, ""), func(t *Target) {
			t.Spec, t.Installed, t.ReleaseStatus, t.Pin.Upgrade = git, git, releaseDeployed, upgrade
		})
	}
	onTheWay := pin.Upgrade{From: "1.4.0", To: "1.5.0", Judged: true, Start: noon.Add(-time.Minute), Health: healthy("1.4.0", 9)}
	unjudged := onTheWay
	unjudged.Judged = false
	ill := func(since time.Duration) Target {
		return changed(at("1.5.0", pin.Upgrade{Health: pin.Health{Of: "1.5.0", Since: noon.Add(-since)}}), func(t *Target) { t.ReleaseStatus = releaseFailed })
	}
	ended := func(result string) pin.Upgrade {
		return pin.Upgrade{From: "1.4.0", To: "1.5.0", Start: noon.Add(-time.Hour), Result: result}
	}
	for name, tc := range map[string]struct {
		other Target
		want  bool
	}{
		"healthy for long":              {other: at("1.5.0", pin.Upgrade{Health: healthy("1.5.0", 3)}), want: true},
		"healthy for a while":           {other: at("1.5.0", pin.Upgrade{Health: healthy("1.5.0", 1)})},
		"healthy for long with another": {other: at("1.5.0", pin.Upgrade{Health: healthy("1.4.0", 3)})},
		"unhealthy for a while":         {other: ill(20 * time.Minute)},
		"unhealthy for too long":        {other: ill(40 * time.Minute), want: true},
		"on the way":                    {other: changed(at("1.4.0", onTheWay), func(t *Target) { t.Pin.Batch = "moving" })},
		"on the way, and not judged":    {other: changed(at("1.4.0", unjudged), func(t *Target) { t.Pin.Batch = "moving" }), want: true},
		"arriving":                      {other: changed(at("1.4.0", onTheWay), func(t *Target) { t.Pin.Memory.Git = "1.5.0" })},
		"arriving, and not judged":      {other: changed(at("1.4.0", unjudged), func(t *Target) { t.Pin.Memory.Git = "1.5.0" }), want: true},
		"held by a human":               {other: changed(at("1.4.0", pin.Upgrade{}), func(t *Target) { t.Pin.Memory.Hold = &pin.Hold{Reason: "ManualHold", UpTo: "1.5.0"} }), want: true},
		"paused":                        {other: changed(ill(time.Minute), func(t *Target) { t.Excused = "paused" }), want: true},
		"not marked":                    {other: changed(ill(time.Minute), func(t *Target) { t.Pin.Memory.Marked = false }), want: true},
		"broken in Git":                 {other: changed(ill(time.Minute), func(t *Target) { t.Pin.Memory.Finding = &pin.Finding{Reason: v1alpha1.MarkerMissingReason} }), want: true},
		"not moved for the moment":      {other: changed(ill(time.Minute), func(t *Target) { t.Pin.Memory.Finding = &pin.Finding{Reason: v1alpha1.TagMissingReason} })},
		"tolerated failure":             {other: changed(ill(time.Minute), func(t *Target) { t.Pin.Upgrade = ended(v1alpha1.ResultFailed) }), want: true},
		"tolerated failure, well again": {other: at("1.5.0", ended(v1alpha1.ResultFailed))},
	} {
		t.Run(name, func(t *testing.T) {
			soaked := changed(at("1.5.0", pin.Upgrade{Health: healthy("1.5.0", 3)}), func(t *Target) { t.Name, t.Pin.Name = "a", "pin.app.a" })
			last := changed(at("1.4.0", pin.Upgrade{}), func(t *Target) { t.Name, t.Waves, t.Pin.Name = "c", []int{1}, "pin.app.c" })
			in := makeInput(soaked, tc.other, last).in
			in.Policy.Waves = []Wave{{Name: "canary", Soak: 2 * time.Hour}, {Name: "late"}}
			in.Policy.Health.MaxFailed = 1
			in = remembered(in)
			if got := slices.Contains(Decide(in).Ledger.Proven["canary"], "1.5.0"); got != tc.want {
				t.Errorf("proven: %v, want %v", got, tc.want)
			}
		})
	}
}

// TestNothingStartsWhileOthersGoBack: in the look in which a version failed, no target begins a newer one.
func TestNothingStartsWhileOthersGoBack(t *testing.T) {
	failed := pin.Upgrade{From: "1.3.0", To: "1.4.0", Judged: true, Start: noon.Add(-time.Hour), Applied: noon.Add(-time.Hour), Committed: noon.Add(-time.Hour)}
	in := makeInput(
		changed(placedTarget("a", "1.4.0", "1.4.0"), func(t *Target) { t.Pin.Upgrade = failed }),
		placedTarget("b", "1.3.0", ""),
	).in
	in.Policy.Health.Rollback = true
	decision := Decide(remembered(in))
	if got := wants(decision); !slices.Equal(got, []string{"1.3.0", ""}) {
		t.Errorf("wants %v", got)
	}
	if got := decision.Targets[0].Back; got != "1.4.0" {
		t.Errorf("goes back from %q", got)
	}
}

// TestLostHealthIsNotProven: what was proven must soak again when health is lost, and not because a target comes late.
func TestLostHealthIsNotProven(t *testing.T) {
	ill := changed(placedTarget("a", "1.5.0", "1.5.0"), func(t *Target) { t.Spec, t.Installed, t.ReleaseStatus = "1.5.0", "1.5.0", releaseFailed })
	well := changed(placedTarget("a", "1.5.0", "1.5.0"), func(t *Target) {
		t.Spec, t.Installed, t.ReleaseStatus = "1.5.0", "1.5.0", releaseDeployed
		t.Pin.Upgrade.Health = pin.Health{Of: "1.5.0", Healthy: true, Since: noon.Add(-time.Minute)}
	})
	for name, tc := range map[string]struct {
		target Target
		want   bool
	}{"lost": {target: ill}, "not for long": {target: well, want: true}} {
		t.Run(name, func(t *testing.T) {
			in := remembered(makeInput(tc.target, changed(placedTarget("c", "1.4.0", ""), func(t *Target) { t.Waves = []int{1} })).in)
			in.Policy.Waves = []Wave{{Name: "canary", Soak: 2 * time.Hour}, {Name: "late"}}
			in.Ledger.Proven = map[string][]string{"canary": {"1.5.0"}}
			if got := slices.Contains(Decide(in).Ledger.Proven["canary"], "1.5.0"); got != tc.want {
				t.Errorf("proven: %v, want %v", got, tc.want)
			}
		})
	}
}

// TestNothingStartsBeforeARollbackEnded, not even the version that another target went back to.
func TestNothingStartsBeforeARollbackEnded(t *testing.T) {
	back := func(name, to string) Target {
		return changed(placedTarget(name, to, to), func(t *Target) {
			t.Spec, t.Installed, t.ReleaseStatus = "1.5.0", "1.5.0", releaseFailed
			t.Pin.Upgrade = pin.Upgrade{From: "1.5.0", To: to, Rollback: true, Judged: true, Start: noon.Add(-time.Minute)}
		})
	}
	in := remembered(makeInput(back("a", "1.4.0"), back("b", "1.3.0")).candidate("1.4.0").in)
	in.Ledger.Blocked = []pin.Blocked{{Tag: "1.5.0", Message: "failed", At: noon, Rollback: true}}
	decision := Decide(in)
	if got := wants(decision); !slices.Equal(got, []string{"1.4.0", "1.3.0"}) {
		t.Errorf("wants %v", got)
	}
	if holds := decision.Targets[1].Holds; !slices.ContainsFunc(holds, func(h Hold) bool { return h.Reason == v1alpha1.UpgradeRunningReason }) {
		t.Errorf("holds are %+v", holds)
	}
}

// TestFollowersCatchUp: one that could not be followed before notes at once that Git has the version of its leader.
func TestFollowersCatchUp(t *testing.T) {
	arrived := pin.Upgrade{From: "1.4.0", To: "1.5.0", Judged: true, Start: noon.Add(-time.Hour), Committed: noon.Add(-time.Minute)}
	leader := changed(placedTarget("a", "1.5.0", "1.5.0"), func(t *Target) { t.Pin.Upgrade = arrived })
	follower := changed(placedTarget("follower", "1.5.0", ""), func(t *Target) { t.Pin.Memory.Marked, t.Pin.Memory.Leader = false, "pin.app.a" })
	got := Decide(remembered(makeInput(leader, follower).in)).Targets[1].Upgrade
	if got.To != "1.5.0" || got.Committed.IsZero() {
		t.Errorf("the follower's upgrade is %+v", got)
	}
}

// TestReplacedUpgrades: one that replaces an unjudged one which has not ended is not judged either.
func TestReplacedUpgrades(t *testing.T) {
	for _, judged := range []bool{true, false} {
		lagging := changed(placedTarget("a", "1.4.5", "1.4.5"), func(t *Target) {
			t.Spec, t.Installed, t.ReleaseStatus = "1.4.0", "1.4.0", releaseDeployed
			t.Pin.Upgrade = pin.Upgrade{From: "1.4.0", To: "1.4.5", Judged: judged, Start: noon.Add(-time.Hour), Committed: noon.Add(-time.Hour)}
		})
		got := Decide(remembered(makeInput(lagging).in)).Targets[0]
		if want := map[bool]string{true: "1.4.5", false: "1.5.0"}[judged]; got.Want != want || got.Upgrade.Judged != judged {
			t.Errorf("judged %v: wants %q, upgrade %+v", judged, got.Want, got.Upgrade)
		}
	}
}

// TestHistoryOfTheWithdrawn: another target that goes on from the version does not tell that it was taken.
func TestHistoryOfTheWithdrawn(t *testing.T) {
	goesOn := changed(placedTarget("b", "1.4.5", "1.5.0"), func(t *Target) {
		t.Pin.Upgrade = pin.Upgrade{From: "1.4.5", To: "1.5.0", Judged: true, Start: noon}
	})
	in := remembered(makeInput(placedTarget("a", "1.4.0", ""), goesOn).in)
	in.Ledger.History = []pin.Entry{{From: "1.4.0", To: "1.4.5", Targets: 1, Start: noon.Add(-time.Hour)}}
	if got := Decide(in).Ledger.History[0].Result; got != v1alpha1.ResultWithdrawn {
		t.Errorf("the result is %q", got)
	}
}

// TestNobodyWaitsForWhatCannotCome: a version that the wave before never proved came to a wave another way. It soaks there, and
// the wave goes on, though others of it cannot take that version.
func TestNobodyWaitsForWhatCannotCome(t *testing.T) {
	w := newScenario(t, Policy{Waves: []Wave{{Name: "canary"}, {Name: "early", Soak: time.Hour}, {Name: "late"}}}, map[string]int{"a": 0, "b": 1, "c": 1, "d": 2})
	w.releases = append(w.releases, release{tag: "1.4.5", at: w.now})
	w.fates["1.4.5"] = fate{kind: failing, only: []string{"a"}}
	w.scan()
	w.run(time.Hour)
	w.commitBy(w.find("c"), "1.4.5")
	w.look()
	w.resumeWith("again")
	w.look()
	w.run(time.Hour)
	w.push("1.5.0")
	w.run(6 * time.Hour)
	w.mustHave(map[string]string{"a": "1.5.0", "b": "1.5.0", "c": "1.5.0", "d": "1.5.0"})
}

// TestWhoIsAwaited: a wave keeps a version for whatever target of the next one could take it, and for no other. A second look
// agrees.
func TestWhoIsAwaited(t *testing.T) {
	heldUpTo := func(upTo string) func(*Target) {
		return func(t *Target) { t.Pin.Memory.Hold = &pin.Hold{Reason: "ManualHold", UpTo: upTo} }
	}
	for name, tc := range map[string]struct {
		change func(*Target)
		want   []string
	}{
		"well":               {change: func(*Target) {}, want: []string{"1.4.5", "1.4.1"}},
		"paused":             {change: func(t *Target) { t.Excused = "paused" }, want: []string{"1.4.5", "1.4.1"}},
		"ill":                {change: func(t *Target) { t.ReleaseStatus = releaseFailed }, want: []string{"1.4.5", "1.4.1"}},
		"held before it":     {change: heldUpTo("1.4.0"), want: []string{"1.4.5", "1.4.1"}},
		"held up to it":      {change: heldUpTo("1.4.5"), want: []string{"1.5.0", ""}},
		"not marked":         {change: func(t *Target) { t.Pin.Memory.Finding = &pin.Finding{Reason: v1alpha1.MarkerMissingReason} }, want: []string{"1.5.0", "1.4.1"}},
		"has it, or a newer": {change: func(t *Target) { t.Pin.Memory.Git = "1.4.9" }, want: []string{"1.5.0", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			canary := changed(placedTarget("a", "1.4.5", "1.4.5"), func(t *Target) {
				t.Spec, t.Installed, t.ReleaseStatus = "1.4.5", "1.4.5", releaseDeployed
			})
			next := changed(placedTarget("b", "1.3.0", ""), func(t *Target) {
				t.Waves, t.Spec, t.Installed, t.ReleaseStatus = []int{1}, "1.3.0", "1.3.0", releaseDeployed
				tc.change(t)
			})
			in := makeInput(canary, next).in
			in.Policy.Waves = []Wave{{Name: "canary", Soak: time.Hour}, {Name: "late"}}
			in.Ledger.Proven = map[string][]string{"canary": {"1.4.1"}}
			for _, tag := range []string{"1.4.1", "1.4.5", "1.5.0"} {
				in.Ledger.Seen = append(in.Ledger.Seen, pin.Seen{Tag: tag, At: noon.Add(-time.Hour)})
			}
			decision := Decide(in)
			if diff := cmp.Diff(tc.want, wants(decision)); diff != "" {
				t.Fatalf("wants (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, wants(Decide(written(in, decision)))); diff != "" {
				t.Errorf("at the second look (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRollbacksThatAHumanUndid: the pin says that it was written, and Git has the version that failed again.
func TestRollbacksThatAHumanUndid(t *testing.T) {
	for name, tc := range map[string]struct {
		commit string
		result string
		want   string
	}{
		"done, and undone": {commit: "c0ffee", result: v1alpha1.ResultOverridden},
		"not done":         {want: "1.4.0"},
	} {
		t.Run(name, func(t *testing.T) {
			target := changed(placedTarget("a", "1.5.0", ""), func(t *Target) {
				t.Pin.Memory.Wanted, t.Pin.Memory.Commit = "1.4.0", tc.commit
				t.Pin.Upgrade = pin.Upgrade{From: "1.5.0", To: "1.4.0", Rollback: true, Judged: true, Start: noon}
			})
			in := remembered(makeInput(target).in)
			in.Ledger.Blocked = []pin.Blocked{{Tag: "1.5.0", Message: "failed", At: noon, Rollback: true}}
			if got := Decide(in).Targets[0]; got.Upgrade.Result != tc.result || got.Want != tc.want {
				t.Errorf("wants %q, upgrade %+v", got.Want, got.Upgrade)
			}
		})
	}
}

// TestRollbacksLeadToWhatWasReplaced, also if that is not what the target had when its upgrade began.
func TestRollbacksLeadToWhatWasReplaced(t *testing.T) {
	target := changed(placedTarget("a", "1.5.0", "1.5.0"), func(t *Target) {
		t.Spec, t.Installed, t.ReleaseStatus = "1.5.0", "1.5.0", releaseFailed
		t.Pin.Memory.From, t.Pin.Memory.Wanted, t.Pin.Memory.Commit = "1.2.0", "1.5.0", "c0ffee"
		t.Pin.Upgrade = pin.Upgrade{From: "1.3.0", To: "1.5.0", Judged: true, Start: noon}
	})
	in := remembered(makeInput(target).in)
	in.Policy.Health.Rollback = true
	if got := Decide(in).Targets[0].Want; got != "1.2.0" {
		t.Errorf("wants %q", got)
	}
}

// TestNothingGoesBackThatAHumanWasFasterWith: what failed is taken back only if Flux wrote it, for the upgrade that the policy began.
func TestNothingGoesBackThatAHumanWasFasterWith(t *testing.T) {
	for name, tc := range map[string]struct {
		written string // what Flux wrote last
		want    string
	}{
		"Flux wrote it":      {written: "1.5.0", want: "1.4.0"},
		"a human was faster": {written: "1.4.0", want: "1.5.0"},
	} {
		t.Run(name, func(t *testing.T) {
			target := changed(arrived("a", releaseFailed, time.Minute), func(t *Target) {
				t.Pin.Intent.Want = "1.5.0"
				t.Pin.Memory.From, t.Pin.Memory.Wanted, t.Pin.Memory.Commit = "1.4.0", tc.written, "c0ffee"
				if tc.written == "1.4.0" {
					t.Pin.Memory.From = "1.3.0"
				}
			})
			in := remembered(makeInput(target).in)
			in.Policy.Health.Rollback = true
			got := Decide(in)
			if len(got.Ledger.Blocked) != 1 || got.Targets[0].Want != tc.want {
				t.Errorf("wants %q, blocked %v", got.Targets[0].Want, got.Ledger.Blocked)
			}
		})
	}
}
