package e2e

import (
	"errors"
	"strings"
	"testing"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
)

// A human reverts an upgrade that is in Git and not yet installed: it is over, and the App is held until the human says to
// resume.
func TestHumanRevertsRunningUpgrade(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("revert", ">=1.0.0", []string{"one", "two"})
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
	t.Cleanup(func() { env.Apps.Pause(false) })
	f.onItsWay("revert", "1.1.0", "one", "two")

	f.commit("Back to 1.0.0", map[string]string{"one": "1.0.0"})
	eventually(t, "the revert is held", func() error { return f.target("revert", "one", inState(v1alpha1.TargetHeld)) })
	env.Apps.Pause(false)
	f.holds("revert", "1.1.0", v1alpha1.ManualHoldReason)
	f.ends("revert", "", "1.1.0", false, v1alpha1.ResultSucceeded) // of the other
	eventually(t, "the repository is at rest", f.atRest)
	must(t, f.inGit("one", "1.0.0"))
	must(t, f.deployed("two", "1.1.0"))

	f.annotated("revert", v1alpha1.ResumeAnnotation, "once")
	f.everyoneRuns("revert", "1.1.0", "one", "two")
	f.commit("Back to 1.0.0 again", map[string]string{"one": "1.0.0"})
	eventually(t, "the second revert is held", func() error { return f.target("revert", "one", inState(v1alpha1.TargetHeld)) })
	f.annotated("revert", v1alpha1.ResumeAnnotation, "")
	f.annotated("revert", v1alpha1.ResumeAnnotation, "once")
	eventually(t, "the repository is at rest", f.atRest)
	must(t, f.inGit("one", "1.0.0"))
	f.annotated("revert", v1alpha1.ResumeAnnotation, "twice")
	f.everyoneRuns("revert", "1.1.0", "one", "two")
	f.onlyMarkersAndUpgrades()
}

// A human commits while Flux's run is stuck: the value is given back, and held until the human says to resume.
func TestHumanRevertsStalledRun(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	f.release("0.9.0")
	startOperator(t, environment.OperatorOptions{})
	f.policy("stalled", ">=0.1.0", []string{"one", "two"})
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
	eventually(t, "the repository is at rest", f.atRest)
	release := f.stallPush("1.1.0")
	f.commit("Back to 0.9.0", map[string]string{"one": "0.9.0"})
	release()
	eventually(t, "the human's value is in Git again, and held", func() error {
		if err := f.inGit("one", "0.9.0"); err != nil {
			return err
		}
		if err := f.target("stalled", "one", inState(v1alpha1.TargetHeld)); err != nil {
			return err
		}
		if err := f.deployed("two", "1.1.0"); err != nil {
			return err
		}
		return f.atRest()
	})
	f.holds("stalled", "1.1.0", v1alpha1.ManualHoldReason)
	f.annotated("stalled", v1alpha1.ResumeAnnotation, "go on")
	f.everyoneRuns("stalled", "1.1.0", "one", "two")
}

// A marker that a human deleted is missed when a version is to go there. It is not put back until the human says so.
func TestHumanDeletesMarker(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("marker", ">=1.0.0", []string{"one", "two"})
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
	eventually(t, "the policy has seen that", func() error { return errors.Join(f.isDone("marker", "one"), f.isDone("marker", "two")) })
	f.edit("No robots here", map[string]string{path("one"): strings.Replace(f.file("one"), f.marker("one"), "", 1)})
	f.release("1.1.0")
	f.scan()
	eventually(t, "the marker is missed", func() error { return f.target("marker", "one", withFinding(v1alpha1.MarkerMissingReason)) })
	eventually(t, "the other one is upgraded", func() error { return f.upgraded("1.1.0", "two") })
	f.release("1.2.0")
	f.scan()
	eventually(t, "the other one goes on", func() error { return f.upgraded("1.2.0", "two") })
	if f.marked("one") == nil {
		t.Error("the marker was put back")
	}
	must(t, f.inGit("one", "1.0.0"))

	f.annotated("marker", v1alpha1.ResumeAnnotation, "put it back")
	f.everyoneRuns("marker", "1.2.0", "one", "two")
	must(t, f.marked("one"))
	f.onlyMarkersAndUpgrades()
}
