package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

func TestPolicyInputDefaults(t *testing.T) {
	want := rollout.Policy{
		Namespace: "default", Name: "policy",
		Waves:  []rollout.Wave{{AutoApprove: v1alpha1.ApproveAll}},
		Health: rollout.Health{Timeout: 30 * time.Minute},
	}
	if diff := cmp.Diff(want, policyInput(testPolicy())); diff != "" {
		t.Error(diff)
	}
	policy := testPolicy()
	policy.Spec.Rollout = &v1alpha1.Rollout{Health: &v1alpha1.Health{}}
	if diff := cmp.Diff(want, policyInput(policy)); diff != "" {
		t.Error(diff)
	}
}

func TestPolicyInput(t *testing.T) {
	hours := func(n int) *metav1.Duration { return &metav1.Duration{Duration: time.Duration(n) * time.Hour} }
	policy := testPolicy()
	policy.Annotations = map[string]string{v1alpha1.ApproveAnnotation: "production=1.5.0", v1alpha1.ResumeAnnotation: "again"}
	policy.Spec = v1alpha1.AppUpgradePolicySpec{
		Suspend:  true,
		Versions: v1alpha1.Versions{Range: ">=1.0.0", Exclude: []string{"1.4.3"}, NeverSkip: v1alpha1.StepMinor, FilterTags: &v1alpha1.FilterTags{Pattern: "^v(.*)$", Extract: "$1"}},
		Schedule: &v1alpha1.Schedule{},
		Rollout: &v1alpha1.Rollout{
			MinAge:      hours(48),
			AutoApprove: v1alpha1.ApprovePatch,
			Waves:       []v1alpha1.Wave{{Name: "canary", Soak: hours(24), AutoApprove: v1alpha1.ApproveAll}, {Name: "production", Schedule: &v1alpha1.Schedule{}}},
			Health:      &v1alpha1.Health{Timeout: hours(1), MaxFailed: 3, OnFailure: v1alpha1.FailureRollback},
		},
	}
	want := rollout.Policy{
		Namespace: "default", Name: "policy", Suspended: true, Range: ">=1.0.0", Exclude: []string{"1.4.3"},
		FilterPattern: "^v(.*)$", FilterExtract: "$1", NeverSkip: v1alpha1.StepMinor, MinAge: 48 * time.Hour,
		Waves: []rollout.Wave{
			{Name: "canary", Soak: 24 * time.Hour, AutoApprove: v1alpha1.ApproveAll, Schedules: []rollout.Schedule{{Of: "spec.schedule"}}},
			{Name: "production", AutoApprove: v1alpha1.ApprovePatch, Schedules: []rollout.Schedule{{Of: "spec.schedule"}, {Of: "rollout.waves[production].schedule"}}},
		},
		Health:  rollout.Health{Timeout: time.Hour, MaxFailed: 3, Rollback: true},
		Approve: "production=1.5.0", Resume: "again",
	}
	if diff := cmp.Diff(want, policyInput(policy), cmpopts.IgnoreFields(rollout.Schedule{}, "Schedule")); diff != "" {
		t.Error(diff)
	}
}

func TestWakeUp(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	r := &Reconciler{options: Options{Clock: testclock.NewFakePassiveClock(now)}}
	for name, test := range map[string]struct {
		at   time.Time
		want time.Duration
	}{
		"never":    {time.Time{}, 0},
		"later":    {now.Add(time.Hour), time.Hour},
		"now":      {now, soonest},
		"long ago": {now.Add(-time.Hour), soonest},
	} {
		if got := r.wakeUp(scope{decision: rollout.Decision{WakeUp: test.at}}); got.RequeueAfter != test.want {
			t.Errorf("%s: got %s", name, got.RequeueAfter)
		}
	}
}
