package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// deployedTarget runs what Git has.
func deployedTarget(name, version string) Target {
	return changed(placedTarget(name, version, version), func(t *Target) {
		t.Spec, t.Installed, t.ReleaseStatus = version, version, releaseDeployed
	})
}

// arrived is a target whose upgrade from 1.4.0 to 1.5.0 the cluster has since some time, with a release status.
func arrived(name, status string, since time.Duration) Target {
	return changed(deployedTarget(name, "1.5.0"), func(t *Target) {
		t.ReleaseStatus = status
		at := noon.Add(-since)
		t.Pin.Upgrade = pin.Upgrade{From: "1.4.0", To: "1.5.0", Judged: true, Start: at, Committed: at, Applied: at}
	})
}

// TestClocksOfAnotherLedger: active time of another policy, or of a candidate that is gone, means nothing.
func TestClocksOfAnotherLedger(t *testing.T) {
	canary := changed(arrived("a", releaseDeployed, 48*time.Hour), func(t *Target) {
		t.Pin.Upgrade.Result = v1alpha1.ResultSucceeded
		t.Pin.Upgrade.Health = pin.Health{Of: "1.5.0", Healthy: true, Since: noon.Add(-48 * time.Hour)}
	})
	slow := changed(arrived("b", "pending-upgrade", 48*time.Hour), func(t *Target) { t.Pin.Name = "pin.app.b" })
	last := changed(deployedTarget("c", "1.4.0"), func(t *Target) { t.Waves, t.Pin.Name = []int{1}, "pin.app.c" })
	for name, own := range map[string]bool{"its own": true, "another": false} {
		t.Run(name, func(t *testing.T) {
			in := makeInput(canary, slow, last).in
			in.Policy.Waves = []Wave{{Name: "canary", Soak: 24 * time.Hour}, {Name: "late"}}
			in = remembered(in)
			if !own {
				in.Ledger.Began = noon.Add(-time.Hour)
			}
			got := Decide(in)
			if failed := got.Targets[1].Upgrade.Result == v1alpha1.ResultFailed; failed != own {
				t.Errorf("failed by the clock: %v", failed)
			}
			if since := got.Targets[0].Upgrade.Health.Since; since.Equal(noon) == own {
				t.Errorf("healthy since %s", since)
			}
			if got.Targets[2].Want != "" && got.Targets[2].Want != "1.4.0" {
				t.Errorf("production wants %s", got.Targets[2].Want)
			}
		})
	}
}

// TestWhatFailedMustSoakAgain: a version that was proven and failed later is proven no more.
func TestWhatFailedMustSoakAgain(t *testing.T) {
	failing := changed(arrived("b", releaseFailed, time.Minute), func(t *Target) { t.Waves, t.Pin.Name = []int{1}, "pin.app.b" })
	in := makeInput(deployedTarget("a", "1.5.0"), failing).in
	in.Policy.Waves = []Wave{{Name: "canary", Soak: time.Hour}, {Name: "late"}}
	in.Ledger.Proven = map[string][]string{"canary": {"1.5.0"}}
	in.Ledger.Seen = []pin.Seen{{Tag: "1.5.0", At: noon.Add(-time.Hour)}}
	got := Decide(remembered(in))
	if len(got.Ledger.Blocked) != 1 || len(got.Ledger.Proven) != 0 {
		t.Errorf("blocked %v, proven %v", got.Ledger.Blocked, got.Ledger.Proven)
	}
}

// TestBlockedMessagesAreBounded, whatever others write into a status.
func TestBlockedMessagesAreBounded(t *testing.T) {
	huge := strings.Repeat("x", 300_000)
	target := changed(arrived("a", huge, time.Hour), func(t *Target) { t.ReleaseReason, t.Installed = huge, huge })
	in := remembered(makeInput(target).in)
	got := Decide(in)
	if len(got.Ledger.Blocked) != 1 || len(got.Ledger.Encode()) > 4096 {
		t.Errorf("%d blocked, %d bytes", len(got.Ledger.Blocked), len(got.Ledger.Encode()))
	}
}

// TestChecksThatWereNotCurrent do not switch judging off: the target itself is judged, and a version soaks only while they are.
func TestChecksThatWereNotCurrent(t *testing.T) {
	in := makeInput(deployedTarget("a", "1.4.0")).in
	in.Checks = []Check{{Name: "Deployment hello", Absent: true, Message: "does not exist"}}
	started := Decide(in)
	u := started.Targets[0].Upgrade
	if started.Targets[0].Want != "1.5.0" || !u.Judged || !u.Unchecked {
		t.Fatalf("started %+v", started.Targets[0])
	}
	if len(started.Problems) != 1 || started.Problems[0].Reason != v1alpha1.CheckUnreadableReason {
		t.Errorf("problems %v", started.Problems)
	}
	for status, want := range map[string]string{releaseDeployed: v1alpha1.ResultSucceeded, releaseFailed: v1alpha1.ResultFailed, "pending-upgrade": ""} {
		in := makeInput(changed(arrived("a", status, time.Minute), func(t *Target) { t.Pin.Upgrade.Unchecked = true })).in
		in.Checks = []Check{{Name: "Deployment hello"}}
		if got := Decide(remembered(in)).Targets[0].Upgrade.Result; got != want {
			t.Errorf("%s: result %q, want %q", status, got, want)
		}
	}
}

// TestWhatBreaksBeforeItsUpgrade is not blamed on the version.
func TestWhatBreaksBeforeItsUpgrade(t *testing.T) {
	waiting := changed(deployedTarget("a", "1.4.0"), func(t *Target) {
		t.Pin.Intent.Want, t.Pin.Batch = "1.5.0", "b1"
		t.Pin.Upgrade = pin.Upgrade{From: "1.4.0", To: "1.5.0", Judged: true, Start: noon.Add(-time.Hour)}
	})
	for status, judged := range map[string]bool{releaseDeployed: true, "validation-failed": false} {
		in := remembered(makeInput(changed(waiting, func(t *Target) { t.ReleaseStatus = status })).in)
		if got := Decide(in).Targets[0].Upgrade; got.Judged != judged || got.To != "1.5.0" {
			t.Errorf("%s: %+v", status, got)
		}
	}
}

// TestRollbackThatCannotBeWritten holds its own target only.
func TestRollbackThatCannotBeWritten(t *testing.T) {
	stuck := changed(deployedTarget("b", "1.5.0"), func(t *Target) {
		t.Pin.Upgrade = pin.Upgrade{From: "1.5.0", To: "1.4.0", Rollback: true, Judged: true, Start: noon.Add(-time.Hour)}
		t.Pin.Memory.Finding = &pin.Finding{Reason: v1alpha1.MarkerMissingReason, Message: "gone"}
	})
	in := makeInput(deployedTarget("a", "1.4.0"), stuck).candidate("1.6.0").in
	in.Ledger.Blocked = []pin.Blocked{{Tag: "1.5.0", At: noon.Add(-time.Hour), Rollback: true}}
	got := Decide(remembered(in))
	if got.Targets[0].Want != "1.6.0" {
		t.Errorf("the other one wants %q: %v", got.Targets[0].Want, got.Targets[0].Holds)
	}
}

// TestThinningKeepsWhatNeedsNoHuman: if every newer version waits for a human, the newest that does not must not be forgotten.
func TestThinningKeepsWhatNeedsNoHuman(t *testing.T) {
	in := makeInput(deployedTarget("a", "1.4.0")).candidate("2.0.99").in
	in.Policy.Range = ">=1.0.0"
	in.Policy.Waves = []Wave{{AutoApprove: v1alpha1.ApproveMinor}}
	in.Ledger.Seen = []pin.Seen{{Tag: "1.9.0", At: noon.Add(-100 * time.Hour)}}
	for i := range pin.MaxSeen {
		in.Ledger.Seen = append(in.Ledger.Seen, pin.Seen{Tag: "2.0." + string(rune('0'+i/10)) + string(rune('0'+i%10)), At: noon.Add(time.Duration(i-90) * time.Hour)})
	}
	for i := range in.Ledger.Seen { // 2.0.05 is no version
		in.Ledger.Seen[i].Tag = strings.Replace(in.Ledger.Seen[i].Tag, "2.0.0", "2.0.", 1)
	}
	got := Decide(in)
	if len(got.Ledger.Seen) > pin.MaxSeen || got.Targets[0].Want != "1.9.0" {
		t.Errorf("%d are remembered, wants %q", len(got.Ledger.Seen), got.Targets[0].Want)
	}
	if !slices.ContainsFunc(got.Ledger.Seen, func(s pin.Seen) bool { return s.Tag == "2.0.99" }) {
		t.Error("the candidate is forgotten")
	}
}
