package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
)

// window is one that is open for an hour.
func window(name string, start time.Time) v1alpha1.TimeWindow {
	return v1alpha1.TimeWindow{Name: name, StartTime: metav1.NewTime(start), EndTime: metav1.NewTime(start.Add(time.Hour))}
}

// A version waits for a window, and starts when it opens without anybody touching anything.
func TestWindowOpens(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	late := time.Now().Add(2 * time.Hour).Truncate(time.Second)
	f.policy("window", ">=1.0.0", []string{"one"}, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Schedule = &v1alpha1.Schedule{Windows: []v1alpha1.TimeWindow{window("tonight", late)}}
	})
	eventually(t, "the App is marked, which no window keeps from it", func() error { return f.marked("one") })
	f.release("1.1.0")
	f.scan()
	held := f.holds("window", "1.1.0", v1alpha1.OutsideWindowReason)
	if held.Earliest == nil || !held.Earliest.Time.Equal(late) {
		t.Errorf("earliest is %v, want %s", held.Earliest, late)
	}
	eventually(t, "the schedule is shown", func() error {
		schedule := f.get("window").Status.Schedule
		if schedule == nil || schedule.State != v1alpha1.ScheduleClosed || schedule.NextOpen == nil || !schedule.NextOpen.Time.Equal(late) {
			return fmt.Errorf("the schedule is %+v", schedule)
		}
		return nil
	})
	must(t, f.inGit("one", "1.0.0"))

	opens := time.Now().Add(8 * time.Second).Truncate(time.Second)
	start, end := opens.UTC().Format(time.RFC3339), opens.Add(time.Hour).UTC().Format(time.RFC3339)
	must(t, env.Client.Patch(t.Context(), f.get("window"), mergePatch(
		`{"spec":{"schedule":{"windows":[{"name":"soon","startTime":%q,"endTime":%q}]}}}`, start, end)))
	f.everyoneRuns("window", "1.1.0", "one")
	entry := f.ends("window", "", "1.1.0", false, v1alpha1.ResultSucceeded)
	if entry.Start.Time.Before(opens) {
		t.Errorf("it began at %s, the window opened at %s", entry.Start, opens)
	}
	eventually(t, "nothing is held any more", func() error { return f.nothingHeld("window") })
}

// A version waits for a human, who copies what is asked for. What was approved once is not approved again by the same
// annotation after a human has taken it back.
func TestApproval(t *testing.T) {
	f := newStagedFleet(t, map[string]string{"canary": "1.0.0", "production": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("approve", ">=1.0.0", nil, inWaves(time.Second), ofAllApps, func(p *v1alpha1.AppUpgradePolicy) {
		rollout(p).Waves[1].AutoApprove = v1alpha1.ApprovePatch
	})
	eventually(t, "the Apps are marked", func() error { return f.marked("canary", "production") })
	f.release("1.1.0")
	f.scan()
	eventually(t, "the canary needs no human", func() error { return f.deployed("canary", "1.1.0") })
	held := f.holds("approve", "1.1.0", v1alpha1.AwaitingApprovalReason)
	const approval = "production=1.1.0"
	if text := fmt.Sprintf("%s: %q", v1alpha1.ApproveAnnotation, approval); !strings.Contains(held.Message, text) {
		t.Errorf("the message has no %s: %s", text, held.Message)
	}
	f.annotated("approve", v1alpha1.ApproveAnnotation, "production=7.0.0")
	eventually(t, "an approval of what is not there is refused", func() error {
		return f.condition("approve", v1alpha1.RolloutValidCondition, metav1.ConditionFalse, v1alpha1.ApprovalUnknownReason)
	})
	must(t, f.inGit("production", "1.0.0"))

	f.annotated("approve", v1alpha1.ApproveAnnotation, approval)
	f.everyoneRuns("approve", "1.1.0", "canary", "production")
	if entry := f.ends("approve", production, "1.1.0", false, v1alpha1.ResultSucceeded); !entry.Approved {
		t.Errorf("the history does not say that it was approved: %+v", entry)
	}
	if approvals := f.get("approve").Status.Approvals; len(approvals) != 1 || approvals[0].Version != "1.1.0" || approvals[0].Wave != production {
		t.Errorf("approvals are %+v", approvals)
	}

	f.commit("Back to 1.0.0", map[string]string{"production": "1.0.0"})
	eventually(t, "the revert is held", func() error { return f.target("approve", "production", inState(v1alpha1.TargetHeld)) })
	commits := len(f.log())
	f.annotated("approve", v1alpha1.ApproveAnnotation, "")
	f.annotated("approve", v1alpha1.ApproveAnnotation, approval)
	eventually(t, "the repository is at rest", f.atRest)
	if n := len(f.log()); n != commits {
		t.Errorf("%d commits after the human's", n-commits)
	}
	must(t, f.inGit("production", "1.0.0"))
	if n := len(f.get("approve").Status.Approvals); n != 1 {
		t.Errorf("%d approvals are noted, want the one", n)
	}
}

// A freeze of everything stops upgrades and rollbacks of all policies. When it is deleted all of them go on.
func TestFreezeOfEverything(t *testing.T) {
	f := newFleet(t, map[string]string{"failing": "1.0.0", "waiting": "2.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("failing", ">=1.0.0 <2.0.0", []string{"failing"}, onFailure(v1alpha1.FailureRollback))
	f.policy("waiting", ">=2.0.0", []string{"waiting"})
	eventually(t, "the Apps are marked", func() error { return f.marked("failing", "waiting") })
	t.Cleanup(func() { env.Apps.Pause(false) })
	f.onItsWay("failing", "1.1.0", "failing")

	freeze := &v1alpha1.MaintenanceSchedule{
		ObjectMeta: metav1.ObjectMeta{Name: "freeze-of-" + f.namespace},
		Spec: v1alpha1.MaintenanceScheduleSpec{
			Schedule: v1alpha1.Schedule{Exclusions: []v1alpha1.TimeWindow{window("incident", time.Now().Add(-time.Minute))}},
			Blocks:   v1alpha1.BlocksAll,
			Reason:   "we do not know what is wrong",
		},
	}
	must(t, env.Client.Create(t.Context(), freeze))
	t.Cleanup(func() { _ = env.Client.Delete(cleanupContext(t), freeze) })
	for _, name := range []string{"failing", "waiting"} {
		eventually(t, name+" is frozen", func() error {
			if schedule := f.get(name).Status.Schedule; schedule == nil || schedule.State != v1alpha1.ScheduleClosed {
				return fmt.Errorf("the schedule is %+v", schedule)
			}
			return nil
		})
	}
	commits := len(f.log())
	env.Apps.Fail(f.chart, "1.1.0", true)
	env.Apps.Pause(false)
	f.release("2.1.0")
	f.scan()
	if held := f.holds("waiting", "2.1.0", v1alpha1.FrozenReason); !strings.Contains(held.Message, freeze.Spec.Reason) || held.Earliest == nil {
		t.Errorf("it is held without the reason or the end of the freeze: %+v", held)
	}
	f.holds("failing", "1.0.0", v1alpha1.FrozenReason)
	must(t, f.blocked("failing", "1.1.0"))
	eventually(t, "the repository is at rest", f.atRest)
	if n := len(f.log()); n != commits {
		t.Errorf("%d commits in a freeze", n-commits)
	}

	must(t, env.Client.Delete(t.Context(), freeze))
	f.everyoneRuns("waiting", "2.1.0", "waiting")
	f.takenBack("failing", map[string]string{"failing": "1.0.0"})
	f.ends("failing", "", "1.0.0", true, v1alpha1.ResultSucceeded)
	for app, want := range map[string][]string{"failing": {"1.0.0", "1.1.0", "1.0.0"}, "waiting": {"2.0.0", "2.1.0"}} {
		if diff := cmp.Diff(want, f.story(app)); diff != "" {
			t.Errorf("versions of %s (-want +got):\n%s", app, diff)
		}
	}
	f.onlyMarkersAndUpgrades()
}
