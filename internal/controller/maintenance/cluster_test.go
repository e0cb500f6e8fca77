package maintenance

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	testclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
)

const ownCRD = "../../../config/crd/upgrades.giantswarm.io_maintenanceschedules.yaml"

// TestCluster reconciles MaintenanceSchedules of a real API server.
func TestCluster(t *testing.T) {
	log.SetLogger(logr.Discard())
	c := cluster.ForTest(t)
	must(t, c.InstallCRDs(t.Context(), ownCRD))
	scheme := runtime.NewScheme()
	must(t, v1alpha1.AddToScheme(scheme))
	direct, err := client.New(c.Config(), client.Options{Scheme: scheme})
	must(t, err)
	t.Run("goes with the clock and writes only changes", func(t *testing.T) { testClock(t, direct) })
	t.Run("stalls until the spec is corrected", func(t *testing.T) { testStalled(t, direct) })
	t.Run("repairs its status in a manager", func(t *testing.T) { testManager(t, c, direct) })
}

func testClock(t *testing.T, direct client.Client) {
	clock := testclock.NewFakePassiveClock(at("2026-03-01T12:00:00.25Z"))
	recorder := events.NewFakeRecorder(16)
	r := &Reconciler{client: direct, recorder: recorder, clock: clock}
	maintenance := create(t, direct, "clock", specOf([]v1alpha1.TimeWindow{nights}, nil))

	wantAfter(t, r, maintenance, 10*time.Hour-250*time.Millisecond)
	wantStatus(t, direct, maintenance, "Closed", "2026-03-01T22:00:00Z", "True Succeeded")
	wantEvents(t, recorder, "Normal Closed No upgrade may start: no window covers this time")
	version := maintenance.ResourceVersion
	clock.SetTime(at("2026-03-01T13:00:00Z"))
	wantAfter(t, r, maintenance, 9*time.Hour)
	wantStatus(t, direct, maintenance, "Closed", "2026-03-01T22:00:00Z", "True Succeeded")
	if maintenance.ResourceVersion != version {
		t.Error("the status was written although nothing had changed")
	}
	wantEvents(t, recorder)

	clock.SetTime(at("2026-03-01T22:00:00Z"))
	wantAfter(t, r, maintenance, 6*time.Hour)
	wantStatus(t, direct, maintenance, "Open", "2026-03-02T04:00:00Z", "True Succeeded")
	wantEvents(t, recorder, "Normal Opened Upgrades may start: window nights")

	must(t, direct.Delete(t.Context(), maintenance))
	wantAfter(t, r, maintenance, 0)
	wantEvents(t, recorder)
}

func testStalled(t *testing.T, direct client.Client) {
	recorder := events.NewFakeRecorder(16)
	r := &Reconciler{client: direct, recorder: recorder, clock: testclock.NewFakePassiveClock(at("2026-03-01T12:00:00Z"))}
	spec := inZone(specOf([]v1alpha1.TimeWindow{nights}, nil), "Europe/Atlantis")
	maintenance := create(t, direct, "stalled", spec)
	wantAfter(t, r, maintenance, 0)
	wantStatus(t, direct, maintenance, "Closed", "", "False InvalidSpec")
	if !meta.IsStatusConditionTrue(maintenance.Status.Conditions, v1alpha1.StalledCondition) {
		t.Errorf("not stalled: %+v", maintenance.Status.Conditions)
	}
	maintenance.Spec.Schedule.TimeZone = "Europe/Berlin"
	must(t, direct.Update(t.Context(), maintenance))
	wantAfter(t, r, maintenance, 10*time.Hour)
	wantStatus(t, direct, maintenance, "Closed", "2026-03-01T22:00:00Z", "True Succeeded")
	if meta.FindStatusCondition(maintenance.Status.Conditions, v1alpha1.StalledCondition) != nil {
		t.Errorf("still stalled: %+v", maintenance.Status.Conditions)
	}
	<-recorder.Events
	wantEvents(t, recorder, "Normal Closed No upgrade may start: no window covers this time")
}

func testManager(t *testing.T, c *cluster.Cluster, direct client.Client) {
	mgr, err := ctrl.NewManager(c.Config(), ctrl.Options{Scheme: direct.Scheme(), Metrics: server.Options{BindAddress: "0"}})
	must(t, err)
	clock := testclock.NewFakePassiveClock(at("2026-03-01T12:00:00Z"))
	must(t, SetupWithManager(mgr, Options{Clock: clock, SkipNameValidation: true}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-done)
	})
	maintenance := create(t, direct, "manager", specOf(nil, []v1alpha1.TimeWindow{xmas}))
	open := func() error {
		must(t, direct.Get(t.Context(), client.ObjectKeyFromObject(maintenance), maintenance))
		if maintenance.Status.State != v1alpha1.ScheduleOpen || maintenance.Status.ObservedGeneration != 1 {
			return fmt.Errorf("status is %+v", maintenance.Status)
		}
		return nil
	}
	cluster.Eventually(t, open)
	maintenance.Status = v1alpha1.MaintenanceScheduleStatus{State: v1alpha1.ScheduleClosed}
	must(t, direct.Status().Update(t.Context(), maintenance))
	cluster.Eventually(t, open)
}

func create(t *testing.T, c client.Client, name string, spec v1alpha1.MaintenanceScheduleSpec) *v1alpha1.MaintenanceSchedule {
	t.Helper()
	maintenance := &v1alpha1.MaintenanceSchedule{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
	must(t, c.Create(t.Context(), maintenance))
	return maintenance
}

// wantAfter reconciles and compares when it should be done again.
func wantAfter(t *testing.T, r *Reconciler, maintenance *v1alpha1.MaintenanceSchedule, want time.Duration) {
	t.Helper()
	result, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(maintenance)})
	must(t, err)
	if result.RequeueAfter != want {
		t.Errorf("comes back after %s, want %s", result.RequeueAfter, want)
	}
}

// wantStatus reads the object again and compares its state, next change, and condition Ready.
func wantStatus(t *testing.T, c client.Client, maintenance *v1alpha1.MaintenanceSchedule, state v1alpha1.ScheduleState, change, ready string) {
	t.Helper()
	must(t, c.Get(t.Context(), client.ObjectKeyFromObject(maintenance), maintenance))
	status := maintenance.Status
	gotChange := ""
	if status.NextChange != nil {
		gotChange = status.NextChange.UTC().Format(time.RFC3339)
	}
	condition := meta.FindStatusCondition(status.Conditions, v1alpha1.ReadyCondition)
	if condition == nil {
		t.Fatalf("no condition Ready in %+v", status)
	}
	got := []string{string(status.State), gotChange, string(condition.Status) + " " + condition.Reason}
	if diff := cmp.Diff([]string{string(state), change, ready}, got); diff != "" {
		t.Error(diff)
	}
	if status.ObservedGeneration != maintenance.Generation {
		t.Errorf("observed generation %d of %d", status.ObservedGeneration, maintenance.Generation)
	}
}

func wantEvents(t *testing.T, recorder *events.FakeRecorder, want ...string) {
	t.Helper()
	var got []string
	for len(recorder.Events) > 0 {
		got = append(got, <-recorder.Events)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
