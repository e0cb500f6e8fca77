package e2e

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
)

var twoStages = map[string]string{"canary-one": "1.0.0", "canary-two": "1.0.0", "production-one": "1.0.0", "production-two": "1.0.0"}

// A version goes to production in a commit of its own, after the canaries were healthy with it for the soak.
func TestStagedPromotion(t *testing.T) {
	const soak = 3 * time.Second
	f := newStagedFleet(t, twoStages)
	startOperator(t, environment.OperatorOptions{})
	f.policy("staged", ">=1.0.0", nil, inWaves(soak), ofAllApps)
	eventually(t, "the Apps are marked", func() error { return f.marked("canary-one", "canary-two", "production-one", "production-two") })
	f.release("1.1.0")
	f.scan()
	f.holds("staged", "1.1.0", v1alpha1.SoakingReason)
	f.everyoneRuns("staged", "1.1.0", "canary-one", "canary-two", "production-one", "production-two")

	if n := len(f.upgrades()); n != 2 {
		t.Errorf("%d commits, want one for each wave", n)
	}
	if first, second := f.firstWith("canary-one", "1.1.0"), f.firstWith("production-one", "1.1.0"); first >= second {
		t.Errorf("the canary has it with commit %d, production with commit %d", first, second)
	}
	before := f.ends("staged", canary, "1.1.0", false, v1alpha1.ResultSucceeded)
	after := f.ends("staged", production, "1.1.0", false, v1alpha1.ResultSucceeded)
	if proven := before.End.Add(soak); after.Start.Time.Before(proven) {
		t.Errorf("production began at %s, the soak was over at %s", after.Start, proven)
	}
	if before.Targets != 2 || before.From != "1.0.0" || before.Commit != f.upgrades()[0].Hash || after.Commit != f.upgrades()[1].Hash {
		t.Errorf("the history has %+v and %+v", before, after)
	}
	for _, wave := range []string{canary, production} {
		f.wave("staged", wave, "is up to date", func(w v1alpha1.WaveStatus) bool {
			return w.State == v1alpha1.WaveUpToDate && w.Version == "1.1.0" && w.Healthy == 2
		})
	}
	eventually(t, "nothing is held any more", func() error { return f.nothingHeld("staged") })
	f.onlyMarkersAndUpgrades()
}

// A version that is released while another one soaks waits for that: the train of releases gets to production.
func TestReleaseDuringSoak(t *testing.T) {
	f := newStagedFleet(t, map[string]string{"canary": "1.0.0", "production": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("train", ">=1.0.0", nil, inWaves(time.Hour), ofAllApps)
	eventually(t, "the Apps are marked", func() error { return f.marked("canary", "production") })
	f.release("1.1.0")
	f.scan()
	soaking := f.soaks("train", "1.1.0")
	f.release("1.2.0")
	f.scan()
	held := f.holds("train", "1.2.0", v1alpha1.SoakingReason)
	if again := f.soaks("train", "1.1.0"); !again.Soaked.Equal(soaking.Soaked) {
		t.Errorf("the soak ends at %s, and ended at %s before the release", again.Soaked, soaking.Soaked)
	}
	eventually(t, "the repository is at rest", f.atRest)
	t.Logf("1.2.0 is held: %s", held.Message)
	must(t, f.inGit("canary", "1.1.0"))
	must(t, f.inGit("production", "1.0.0"))

	f.soakFor("train", time.Second)
	f.everyoneRuns("train", "1.2.0", "canary", "production")
	for _, app := range []string{"canary", "production"} {
		if diff := cmp.Diff([]string{"1.0.0", "1.1.0", "1.2.0"}, f.story(app)); diff != "" {
			t.Errorf("versions of %s (-want +got):\n%s", app, diff)
		}
	}
	for _, version := range []string{"1.1.0", "1.2.0"} {
		if first, second := f.firstWith("canary", version), f.firstWith("production", version); first >= second {
			t.Errorf("the canary has %s with commit %d, production with commit %d", version, first, second)
		}
	}
	f.onlyMarkersAndUpgrades()
}

// A canary that is not healthy any more begins its soak anew when it is.
func TestLostHealthRestartsTheSoak(t *testing.T) {
	f := newStagedFleet(t, map[string]string{"canary": "1.0.0", "production": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("health", ">=1.0.0", nil, inWaves(time.Hour), ofAllApps)
	eventually(t, "the Apps are marked", func() error { return f.marked("canary", "production") })
	f.release("1.1.0")
	f.scan()
	f.soaks("health", "1.1.0")
	env.Apps.FailApp(f.namespace, "canary", true)
	f.wave("health", canary, "has lost its health", func(w v1alpha1.WaveStatus) bool { return w.Healthy == 0 && w.Soaked == nil })
	if held := f.holds("health", "1.1.0", v1alpha1.SoakingReason); held.Earliest != nil {
		t.Errorf("it is to go to production at %s, although the canary is not healthy", held.Earliest)
	}

	healed := time.Now().Truncate(time.Second)
	env.Apps.FailApp(f.namespace, "canary", false)
	if again := f.soaks("health", "1.1.0"); again.Soaked.Time.Before(healed.Add(time.Hour)) {
		t.Errorf("the soak ends at %s, although the canary was healthy again at %s only", again.Soaked, healed)
	}
	must(t, f.inGit("production", "1.0.0"))
	f.soakFor("health", time.Second)
	f.everyoneRuns("health", "1.1.0", "canary", "production")
}

// soaks waits until a version soaks with the canaries, and its end is known.
func (f *fleet) soaks(policy, version string) v1alpha1.WaveStatus {
	f.Helper()
	return f.wave(policy, canary, "soaks with "+version, func(w v1alpha1.WaveStatus) bool {
		return w.State == v1alpha1.WaveSoaking && w.Version == version && w.Healthy == w.Targets && w.Soaked != nil
	})
}
