package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/internal/status"
)

// A version that fails with the canaries is taken back in Git, each App to what it had itself. Production never has it, a
// status that is lost changes nothing, and the next version goes everywhere.
func TestFailingVersionIsRolledBack(t *testing.T) {
	f := newStagedFleet(t, map[string]string{"canary-one": "1.0.0", "canary-two": "1.0.1", "production": "1.0.0"})
	f.release("1.1.0")
	env.Apps.Fail(f.chart, "1.1.0", true)
	startOperator(t, environment.OperatorOptions{})
	f.policy("back", ">=1.0.0", nil, inWaves(time.Second), onFailure(v1alpha1.FailureRollback), ofAllApps, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Versions.Exclude = []string{"1.0.1"} // else canary-one would take it, which is newer than what it has
	})
	f.ends("back", canary, "1.1.0", false, v1alpha1.ResultFailed)
	f.takenBack("back", map[string]string{"canary-one": "1.0.0", "canary-two": "1.0.1", "production": "1.0.0"})
	for _, reason := range []string{
		v1alpha1.BlockedReason, status.UpgradePrefix + v1alpha1.ResultFailed, status.RollbackStartedReason,
		status.RollbackPrefix + v1alpha1.ResultSucceeded,
	} {
		f.told("back", reason)
	}
	f.holds("back", "1.1.0", v1alpha1.BlockedReason)
	if n := len(f.upgrades()); n != 2 {
		t.Errorf("%d commits, want the upgrade and the rollback", n)
	}

	before := f.get("back").Status
	must(t, env.Client.Status().Patch(t.Context(), f.get("back"), mergePatch(`{"status":null}`)))
	f.takenBack("back", map[string]string{"canary-one": "1.0.0", "canary-two": "1.0.1", "production": "1.0.0"})
	after := f.get("back").Status
	if diff := cmp.Diff([]any{before.Blocked, before.History, before.Seen}, []any{after.Blocked, after.History, after.Seen}); diff != "" {
		t.Errorf("what the status remembers has changed by its loss (-before +after):\n%s", diff)
	}

	f.release("1.2.0")
	f.scan()
	f.everyoneRuns("back", "1.2.0", "canary-one", "canary-two", "production")
	for app, want := range map[string][]string{
		"canary-one": {"1.0.0", "1.1.0", "1.0.0", "1.2.0"}, "canary-two": {"1.0.1", "1.1.0", "1.0.1", "1.2.0"}, "production": {"1.0.0", "1.2.0"},
	} {
		if diff := cmp.Diff(want, f.story(app)); diff != "" {
			t.Errorf("versions of %s (-want +got):\n%s", app, diff)
		}
	}
	if n := len(f.upgrades()); n != 4 {
		t.Errorf("%d commits, want the upgrade, the rollback, and one for each wave", n)
	}
	f.onlyMarkersAndUpgrades()
}

// takenBack waits until 1.1.0 is blocked, Apps have versions again, and all is at rest.
func (f *fleet) takenBack(policy string, versions map[string]string) {
	f.Helper()
	eventually(f.T, "1.1.0 is blocked and taken back", func() error {
		if err := f.blocked(policy, "1.1.0"); err != nil {
			return err
		}
		for app, version := range versions {
			if err := f.inGit(app, version); err != nil {
				return err
			}
			if err := f.deployed(app, version); err != nil {
				return err
			}
		}
		for _, entry := range f.get(policy).Status.History {
			if entry.Result == "" {
				return fmt.Errorf("it has not ended: %+v", entry)
			}
		}
		return f.atRest()
	})
}

// Without a rollback a version that fails stays where it is and goes nowhere else, until a token that was never handled says
// to go on.
func TestFailingVersionIsHeld(t *testing.T) {
	f := newStagedFleet(t, map[string]string{"canary": "1.0.0", "production": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("stay", ">=1.0.0", nil, inWaves(time.Second), onFailure(v1alpha1.FailureHold), ofAllApps)
	eventually(t, "the Apps are marked", func() error { return f.marked("canary", "production") })
	f.annotated("stay", v1alpha1.ResumeAnnotation, "first")
	f.annotated("stay", v1alpha1.ResumeAnnotation, "second")

	env.Apps.Fail(f.chart, "1.1.0", true)
	f.release("1.1.0")
	f.scan()
	f.ends("stay", canary, "1.1.0", false, v1alpha1.ResultFailed)
	f.holds("stay", "1.1.0", v1alpha1.BlockedReason)
	f.wave("stay", canary, "has failed", func(w v1alpha1.WaveStatus) bool { return w.State == v1alpha1.WaveFailed })
	eventually(t, "the canary has its finding", func() error { return f.target("stay", "canary", withFinding(v1alpha1.UpgradeFailedReason)) })
	eventually(t, "the repository is at rest", f.atRest)

	env.Apps.Fail(f.chart, "1.1.0", false)
	eventually(t, "somebody has repaired the canary", func() error { return f.deployed("canary", "1.1.0") })
	f.annotated("stay", v1alpha1.ResumeAnnotation, "first")
	must(t, f.blocked("stay", "1.1.0"))
	must(t, f.inGit("canary", "1.1.0"))
	must(t, f.inGit("production", "1.0.0"))

	f.annotated("stay", v1alpha1.ResumeAnnotation, "third")
	f.everyoneRuns("stay", "1.1.0", "canary", "production")
	if f.blocked("stay", "1.1.0") == nil {
		t.Error("1.1.0 is still blocked")
	}
	if n := len(f.upgrades()); n != 2 {
		t.Errorf("%d commits, want one for each wave", n)
	}
}

// The operator is killed right after each of its writes of a rollback, and started again: a rollback is one commit all the
// same.
func TestKilledAfterEachWriteOfRollback(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	proxy, config := throughProxy(t)
	operator := startOperator(t, environment.OperatorOptions{Kubeconfig: config})
	f.policy("crash", ">=1.0.0", []string{"one", "two"}, onFailure(v1alpha1.FailureRollback))
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
	t.Cleanup(func() { env.Apps.Pause(false) })

	for n, done := 1, false; !done; n++ {
		version := fmt.Sprintf("1.%d.0", n)
		// Only so many blocked versions are remembered, and all this fails.
		must(t, env.Client.Patch(t.Context(), f.get("crash"), mergePatch(`{"spec":{"versions":{"range":"1.0.0 || %s"}}}`, version)))
		f.onItsWay("crash", version, "one", "two")
		killed := killAfter(proxy, operator, n)
		env.Apps.Fail(f.chart, version, true)
		env.Apps.Pause(false)
		reached := func() error {
			if err := f.blocked("crash", version); err != nil {
				return err
			}
			if entry := f.get("crash").Status.History[0]; !entry.Rollback || entry.From != version || entry.Result != v1alpha1.ResultSucceeded {
				return fmt.Errorf("the rollback of %s has not ended: %+v", version, entry)
			}
			return f.upgraded("1.0.0", "one", "two")
		}
		if w, ok := killedOrReached(t, proxy, killed, reached); ok {
			t.Logf("killed after write %d of the rollback of %s: %s", n, version, w)
			proxy.AfterWrite(nil)
			operator = startOperator(t, environment.OperatorOptions{Kubeconfig: config, Name: fmt.Sprintf("rollback-after-%d", n)})
		} else {
			done = true // a rollback has fewer writes: each was tried
		}
		eventually(t, version+" is taken back and all is at rest", reached)
		if commits := f.upgrades(); len(commits) != 2*n {
			t.Fatalf("%d commits for %d upgrades and rollbacks, after a kill after write %d", len(commits), n, n)
		}
	}
	f.onlyMarkersAndUpgrades()
}

// onItsWay releases a version and waits until Apps have it in their specs and nothing is left to write: what is missing is that
// app-operator, which is paused, installs it.
func (f *fleet) onItsWay(policy, version string, apps ...string) {
	f.Helper()
	env.Apps.Pause(true)
	f.release(version)
	f.scan()
	eventually(f.T, version+" is applied and all is at rest", func() error {
		for _, app := range apps {
			if err := f.target(policy, app, inState(v1alpha1.TargetApplied)); err != nil {
				return err
			}
			if err := f.inGit(app, version); err != nil {
				return err
			}
		}
		if len(f.get(policy).Status.History) == 0 {
			return errors.New("the history is empty")
		}
		return f.atRest()
	})
}
