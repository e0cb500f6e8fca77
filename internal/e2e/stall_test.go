package e2e

import (
	"fmt"
	"syscall"
	"testing"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
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

// A human commits to the line while Flux's run is stuck between the operator's check and its push. Flux overwrites the
// human's value; the operator sees it in the commit's trailer and gives the value back.
func TestHumanCommitsDuringStalledRun(t *testing.T) {
	for name, stalled := range map[string]func(*fleet, string) (release func()){
		"before the clone": (*fleet).stallStart,
		"during the clone": (*fleet).stallClone,
		"before the push":  (*fleet).stallPush,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
			f.release("0.9.0")
			startOperator(t, environment.OperatorOptions{})
			f.policy("human", ">=0.1.0", []string{"one", "two"})
			eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
			eventually(t, "the repository is at rest", f.atRest)
			eventually(t, "Flux has applied the markers", func() error { return f.applied(f.log()[0].Hash) })

			release := stalled(f, "1.1.0")
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
			if n := len(f.upgrades()); n != 2 {
				t.Errorf("%d commits of Flux, want the one that overwrote the human's value and the one that gave it back", n)
			}
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

// stallPush releases a version and returns when Flux pushes it, which is held back.
func (f *fleet) stallPush(version string) (release func()) {
	f.Helper()
	stall := f.repo.StallPushes()
	f.Cleanup(stall.Release)
	f.release(version)
	f.scan()
	reached(f.T, stall.Reached())
	return stall.Release
}

// stallStart releases a version and returns when the operator has checked the lines and lets Flux write them, which is
// frozen and has not begun.
func (f *fleet) stallStart(version string) (release func()) {
	f.Helper()
	check := f.repo.StallFetches()
	f.Cleanup(func() { check.Release() })
	f.release(version)
	f.scan()
	eventually(f.T, "the pins select "+version, func() error {
		early := isClosed(check.Reached())
		err := f.selected(version)
		if err != nil && early { // a fetch for something else: what is to be held back waits for the pins
			check = f.repo.StallFetches()
		}
		return err
	})
	reached(f.T, check.Reached())
	thaw := freezeFlux(f.T)
	check.Release()
	eventually(f.T, "the automation is armed", f.armed)
	return thaw
}

// stallClone releases a version and returns when Flux, which knows the branch's head already, clones it, which is held back.
func (f *fleet) stallClone(version string) (release func()) {
	f.Helper()
	thaw := f.stallStart(version)
	stall := f.repo.StallFetches()
	f.Cleanup(stall.Release)
	thaw()
	reached(f.T, stall.Reached())
	return stall.Release
}

// selected complains unless every pin shows a tag that Flux has selected for it.
func (f *fleet) selected(tag string) error {
	var pins imagev1.ImagePolicyList
	if err := env.Client.List(f.Context(), &pins, client.InNamespace(f.namespace), client.HasLabels{pin.BatchLabel}); err != nil {
		return err
	}
	if len(pins.Items) == 0 {
		return fmt.Errorf("no pin is in a batch")
	}
	for _, p := range pins.Items {
		if ref := p.Status.LatestRef; ref == nil || ref.Tag != tag {
			return fmt.Errorf("pin %s shows %+v, want tag %s", p.Name, ref, tag)
		}
	}
	return nil
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// freezeFlux stops the controller that commits in the middle of whatever it does, until it is thawed.
func freezeFlux(t *testing.T) (thaw func()) {
	t.Helper()
	controllers := env.Flux.ImageControllers()
	process := env.Flux.Process(controllers[len(controllers)-1])
	must(t, process.Signal(syscall.SIGSTOP))
	thaw = func() {
		if err := process.Signal(syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(thaw)
	return thaw
}
