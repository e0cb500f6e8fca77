package status

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

func TestWavesAndSchedule(t *testing.T) {
	later := testNow.Add(time.Hour)
	at := &metav1.Time{Time: later.Truncate(time.Second)}
	cases := map[string]struct {
		waves    []rollout.WaveState
		schedule *v1alpha1.ScheduleStatus
		want     []v1alpha1.WaveStatus
	}{
		"nothing decided": {},
		"no waves and no schedule": {
			waves: []rollout.WaveState{{State: v1alpha1.WaveUpToDate, Targets: 1}},
		},
		"no waves, open": {
			waves:    []rollout.WaveState{{Scheduled: true, Open: true, Because: "spec.schedule (window nights)", Closes: later}},
			schedule: &v1alpha1.ScheduleStatus{State: "Open", Reason: "spec.schedule (window nights)", NextClose: at},
		},
		"no waves, open for ever": {
			waves:    []rollout.WaveState{{Scheduled: true, Open: true}},
			schedule: &v1alpha1.ScheduleStatus{State: "Open"},
		},
		"no waves, closed": {
			waves:    []rollout.WaveState{{Scheduled: true, Because: "MaintenanceSchedule xmas (exclusion holidays)", Opens: later}},
			schedule: &v1alpha1.ScheduleStatus{State: "Closed", Reason: "MaintenanceSchedule xmas (exclusion holidays)", NextOpen: at},
		},
		"no waves, closed for ever": {
			waves:    []rollout.WaveState{{Scheduled: true, Because: "spec.schedule"}},
			schedule: &v1alpha1.ScheduleStatus{State: "Closed", Reason: "spec.schedule"},
		},
		"two waves, each with its schedule": {
			waves: []rollout.WaveState{
				{Name: "canary", State: v1alpha1.WaveSoaking, Version: "1.5.0", Targets: 3, Healthy: 2, Soaked: later},
				{Name: "production", State: v1alpha1.WaveWaiting, Version: "1.4.0", Targets: 9, Healthy: 9, Scheduled: true, Because: "spec.schedule", Opens: later},
			},
			want: []v1alpha1.WaveStatus{
				{Name: "canary", State: "Soaking", Version: "1.5.0", Targets: 3, Healthy: 2, Soaked: at},
				{
					Name: "production", State: "Waiting", Version: "1.4.0", Targets: 9, Healthy: 9,
					Schedule: &v1alpha1.ScheduleStatus{State: "Closed", Reason: "spec.schedule", NextOpen: at},
				},
			},
		},
		"one wave with a name": {
			waves: []rollout.WaveState{{Name: "all", State: v1alpha1.WaveIsEmpty, Scheduled: true, Open: true}},
			want:  []v1alpha1.WaveStatus{{Name: "all", State: "Empty", Schedule: &v1alpha1.ScheduleStatus{State: "Open"}}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := makeInput(makeTarget("a", "1.5.0").obj()).in
			decision := rollout.Decision{Targets: []rollout.TargetDecision{{Kind: "App", Name: "a"}}, Waves: tc.waves}
			got := Build(in, decision, Outcome{Now: testNow})
			if diff := cmp.Diff(tc.schedule, got.Schedule); diff != "" {
				t.Errorf("schedule (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, got.Waves); diff != "" {
				t.Errorf("waves (-want +got):\n%s", diff)
			}
		})
	}
}

func TestATargetNamesItsWave(t *testing.T) {
	in := makeInput(makeTarget("a", "1.5.0").obj(), makeTarget("b", "1.5.0").obj()).in
	in.Policy.Waves = []rollout.Wave{{Name: "canary"}, {Name: "production"}}
	decision := rollout.Decision{Targets: []rollout.TargetDecision{{Kind: "App", Name: "a", Wave: 1}, {Kind: "App", Name: "b", Wave: -1}}}
	got := Build(in, decision, Outcome{Now: testNow}).Targets
	if got[0].Wave != "production" || got[1].Wave != "" {
		t.Errorf("waves %q and %q, want production and none", got[0].Wave, got[1].Wave)
	}
}
