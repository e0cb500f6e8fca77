package e2e

import (
	"testing"

	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
)

// A second replica takes over while the first is dead in the middle of an upgrade: its first act is to disarm.
func TestSecondLeader(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	elect := []string{"--leader-elect", "--leader-election-namespace=" + operatorNamespace}
	first := startOperator(t, environment.OperatorOptions{Name: "first-leader", Args: elect})
	f.policy("lead", ">=1.0.0", []string{"one"})
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	eventually(t, "the repository is at rest", f.atRest)

	stall := f.repo.StallPushes()
	defer stall.Release()
	f.release("1.1.0")
	f.scan()
	reached(t, stall.Reached())
	startOperator(t, environment.OperatorOptions{Name: "second-leader", Args: elect, WithoutReady: true})
	must(t, first.Kill())
	eventually(t, "the second leader disarms", f.disarmed)
	stall.Release()
	eventually(t, "the version that was allowed is deployed, and all is at rest", func() error {
		if err := f.deployed("one", "1.1.0"); err != nil {
			return err
		}
		return f.atRest()
	})
	if commits := f.upgrades(); len(commits) != 1 {
		t.Errorf("%d commits for one upgrade", len(commits))
	}
}

// Two operators that both believe to lead may get in each other's way, and do no harm: a change is one commit, and the
// repository ends at rest.
func TestTwoLiveLeaders(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	startOperator(t, environment.OperatorOptions{Name: "first-of-two"})
	f.policy("pair", ">=1.0.0", []string{"one", "two"})
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
	eventually(t, "the repository is at rest", f.atRest)

	release := f.stallPush("1.1.0")
	second := startOperator(t, environment.OperatorOptions{Name: "second-of-two"})
	release()
	eventually(t, "1.1.0 is deployed, and all is at rest", func() error { return f.upgraded("1.1.0", "one", "two") })
	if commits := f.upgrades(); len(commits) != 1 {
		t.Errorf("%d commits for one upgrade", len(commits))
	}
	// While both live, one may keep the other from beginning. When one is gone, the other goes on.
	f.release("1.2.0")
	f.scan()
	eventually(t, "the next version is seen", func() error { return f.available("pair", "1.2.0") })
	must(t, second.Stop())
	eventually(t, "1.2.0 is deployed, and all is at rest", func() error { return f.upgraded("1.2.0", "one", "two") })
	if commits := f.upgrades(); len(commits) != 2 {
		t.Errorf("%d commits for two upgrades", len(commits))
	}
	f.onlyMarkersAndUpgrades()
}

// upgraded complains unless Apps run a version and the repository is at rest.
func (f *fleet) upgraded(version string, apps ...string) error {
	for _, app := range apps {
		if err := f.deployed(app, version); err != nil {
			return err
		}
	}
	return f.atRest()
}
