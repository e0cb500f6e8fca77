package e2e

import (
	"fmt"
	"testing"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
)

// A policy is suspended while a run of Flux is stuck: the operator disarms at once, and what the run may still write was
// allowed by every gate. Nothing newer follows.
func TestSuspendDuringStalledRun(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("suspend", ">=1.0.0", []string{"one"})
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	eventually(t, "the repository is at rest", f.atRest)

	stall := f.repo.StallPushes()
	defer stall.Release()
	f.release("1.1.0")
	f.scan()
	reached(t, stall.Reached())
	f.suspend("suspend", true)
	eventually(t, "it is disarmed", f.disarmed)
	f.release("1.2.0")
	stall.Release()
	eventually(t, "the repository is at rest", f.atRest)
	f.scan()
	eventually(t, "the newer version is seen", func() error {
		if got := f.get("suspend").Status.Available; got != "1.2.0" {
			return fmt.Errorf("available is %s", got)
		}
		return nil
	})
	must(t, f.atRest())
	if got := f.version("one"); got != "1.1.0" && got != "1.0.0" {
		t.Errorf("Git has %s after a suspend", got)
	}
	if commits := f.upgrades(); len(commits) > 1 {
		t.Errorf("%d commits", len(commits))
	}
	f.suspend("suspend", false)
	eventually(t, "it goes on", func() error { return f.deployed("one", "1.2.0") })
}

// A human commits to the line while Flux's run is stuck between the operator's check and its clone. Flux overwrites the
// human's value; the operator sees it in the commit's trailer and gives the value back.
func TestHumanCommitsDuringStalledRun(t *testing.T) {
	for name, stalled := range map[string]func(*fleet) (<-chan struct{}, func()){
		"push": func(f *fleet) (<-chan struct{}, func()) {
			stall := f.repo.StallPushes()
			return stall.Reached(), stall.Release
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
			f.release("0.9.0")
			startOperator(t, environment.OperatorOptions{})
			f.policy("human", ">=0.1.0", []string{"one", "two"})
			eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
			eventually(t, "the repository is at rest", f.atRest)

			held, release := stalled(f)
			defer release()
			f.release("1.1.0")
			f.scan()
			reached(t, held)
			f.commit("Back to 0.9.0", map[string]string{"one": "0.9.0"})
			release()
			eventually(t, "the human's value is in Git again, and held", func() error {
				if err := f.inGit("one", "0.9.0"); err != nil {
					return err
				}
				if err := f.deployed("two", "1.1.0"); err != nil {
					return err
				}
				if err := f.target("human", "one", inState(v1alpha1.TargetHeld)); err != nil {
					return err
				}
				return f.atRest()
			})
			f.release("1.2.0")
			f.scan()
			eventually(t, "a newer version ends the hold", func() error {
				if err := f.deployed("one", "1.2.0"); err != nil {
					return err
				}
				return f.deployed("two", "1.2.0")
			})
		})
	}
}
