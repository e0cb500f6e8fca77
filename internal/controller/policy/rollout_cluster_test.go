package policy

import (
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// freeze creates a MaintenanceSchedule that is closed for a day around now.
func (f *fleet) freeze(selector map[string]string) *v1alpha1.MaintenanceSchedule {
	f.t.Helper()
	now := time.Now()
	freeze := &v1alpha1.MaintenanceSchedule{ObjectMeta: metav1.ObjectMeta{GenerateName: f.namespace + "-"}}
	freeze.Spec.NamespaceSelector = &metav1.LabelSelector{MatchLabels: selector}
	freeze.Spec.Schedule.Exclusions = []v1alpha1.TimeWindow{{
		Name: "today", StartTime: metav1.NewTime(now.Add(-12 * time.Hour)), EndTime: metav1.NewTime(now.Add(12 * time.Hour)),
	}}
	f.create(freeze)
	return freeze
}

// holds waits until a policy holds a version for a reason.
func (f *fleet) holds(policy, version, reason string) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		object := &v1alpha1.AppUpgradePolicy{}
		must(f.t, f.get(policy, object))
		for _, held := range object.Status.Held {
			if held.Version == version && held.Reason == reason {
				return nil
			}
		}
		return wrong("%s is not held for %s: %+v", version, reason, object.Status.Held)
	})
}

func (f *fleet) annotates(policy, key, value string) {
	f.t.Helper()
	change(f, policy, &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) {
		p.Annotations = map[string]string{key: value}
	})
}

func (e *environment) testFreeze(t *testing.T) {
	f := e.converged(t)
	freeze := f.freeze(map[string]string{corev1.LabelMetadataName: f.namespace})
	f.holdsAll("policy", 1)
	f.selects("policy", "1.5.0")
	f.holds("policy", "1.5.0", v1alpha1.FrozenReason)
	f.wants("one", "")
	must(t, f.client.Delete(t.Context(), freeze))
	f.wants("one", "1.5.0")

	// The label of a namespace brings it under a freeze, and out of it.
	label := func(value string) {
		namespace := &corev1.Namespace{}
		must(t, f.client.Get(t.Context(), client.ObjectKey{Name: f.namespace}, namespace))
		before := namespace.DeepCopy()
		namespace.Labels["freeze"] = value
		must(t, f.client.Patch(t.Context(), namespace, client.MergeFrom(before)))
	}
	f.freeze(map[string]string{"freeze": f.namespace})
	label(f.namespace)
	f.wants("one", "")
	f.holds("policy", "1.5.0", v1alpha1.FrozenReason)
	label("none")
	f.wants("one", "1.5.0")
}

// holdsAll waits until a policy is closed by its schedules.
func (f *fleet) holdsAll(policy string, targets int32) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		object := &v1alpha1.AppUpgradePolicy{}
		must(f.t, f.get(policy, object))
		if s := object.Status.Schedule; s == nil || s.State != v1alpha1.ScheduleClosed || object.Status.Counts.Total != targets {
			return wrong("the schedule is %+v", s)
		}
		return nil
	})
}

func (e *environment) testMinAge(t *testing.T) {
	f := e.newFleet(t)
	f.app("one", "1.0.0", nil)
	f.policy("policy", func(s *v1alpha1.AppUpgradePolicySpec) {
		s.Rollout = &v1alpha1.Rollout{MinAge: &metav1.Duration{Duration: 3 * time.Second}}
	}, "one")
	f.scanned()
	f.remembers("one", marked("1.0.0"))
	f.selects("policy", "1.5.0")
	f.holds("policy", "1.5.0", v1alpha1.TooYoungReason)
	f.wants("one", "1.5.0") // nothing but time has passed
}

func (e *environment) testApproval(t *testing.T) {
	f := e.newFleet(t)
	f.app("one", "1.0.0", nil)
	f.policy("policy", func(s *v1alpha1.AppUpgradePolicySpec) {
		s.Rollout = &v1alpha1.Rollout{
			AutoApprove: v1alpha1.ApproveNone,
			Health:      &v1alpha1.Health{Checks: []v1alpha1.HealthCheck{{APIVersion: "v1", Kind: "Secret", Name: "theirs"}}},
		}
	}, "one")
	f.scanned()
	f.remembers("one", marked("1.0.0"))
	f.selects("policy", "1.5.0")
	f.holds("policy", "1.5.0", v1alpha1.AwaitingApprovalReason)
	f.says("policy", v1alpha1.RolloutValidCondition, metav1.ConditionFalse, v1alpha1.CheckUnreadableReason)
	f.annotates("policy", v1alpha1.ApproveAnnotation, "1.5.0")
	f.wants("one", "1.5.0")
	cluster.Eventually(t, func() error {
		object := &v1alpha1.AppUpgradePolicy{}
		must(t, f.get("policy", object))
		if len(object.Status.Approvals) != 1 || object.Status.Approvals[0].Version != "1.5.0" {
			return wrong("approvals are %+v", object.Status.Approvals)
		}
		return nil
	})
	f.annotates("policy", v1alpha1.ResumeAnnotation, "again")
	f.intends("one", func(i pin.Intent) error {
		if i.Resume != "again" {
			return wrong("the pin was not given the token: %+v", i)
		}
		return nil
	})
}

func (e *environment) testDependency(t *testing.T) {
	f := e.newFleet(t)
	f.app("one", "1.0.0", nil)
	f.app("two", "1.0.0", nil)
	f.policy("base", nil, "two")
	f.policy("policy", func(s *v1alpha1.AppUpgradePolicySpec) {
		s.Rollout = &v1alpha1.Rollout{DependsOn: []v1alpha1.Dependency{{Name: "base", Range: ">=1.2.0"}}}
	}, "one")
	f.scanned()
	for _, app := range []string{"one", "two"} {
		f.remembers(app, marked("1.0.0"))
	}
	f.deployed("two", "1.0.0")
	f.selects("base", "1.0.0")
	f.selects("policy", "1.5.0")
	f.holds("policy", "1.5.0", v1alpha1.DependencyNotReadyReason)
	f.wants("one", "")
	f.deployed("two", "1.2.0")
	f.remembers("two", marked("1.2.0"))
	f.wants("one", "1.5.0")

	change(f, "base", &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Rollout = &v1alpha1.Rollout{DependsOn: []v1alpha1.Dependency{{Name: "policy"}}}
	})
	for _, policy := range []string{"base", "policy"} {
		f.says(policy, v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.DependencyCycleReason)
	}
	change(f, "base", &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) { p.Spec.Rollout = nil })
	for _, policy := range []string{"base", "policy"} {
		f.starts(policy)
	}
}

// starts waits until a policy is not stalled any more.
func (f *fleet) starts(policy string) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		object := &v1alpha1.AppUpgradePolicy{}
		must(f.t, f.get(policy, object))
		if stalled := apimeta.FindStatusCondition(object.Status.Conditions, v1alpha1.StalledCondition); stalled != nil {
			return wrong("%s is still stalled: %s", policy, stalled.Message)
		}
		return nil
	})
}

// deployed plays app-operator that rolled a version out, which somebody put into the spec.
func (f *fleet) deployed(app, version string) {
	f.t.Helper()
	change(f, app, &appv1alpha1.App{}, false, func(a *appv1alpha1.App) { a.Spec.Version = version })
	change(f, app, &appv1alpha1.App{}, true, func(a *appv1alpha1.App) {
		a.Status = &appv1alpha1.AppStatus{Version: version, Release: appv1alpha1.Release{Status: "deployed"}}
	})
}

func (e *environment) testSteps(t *testing.T) {
	f := e.newFleet(t)
	f.app("one", "1.4.0", nil)
	f.policy("policy", func(s *v1alpha1.AppUpgradePolicySpec) { s.Versions.NeverSkip = v1alpha1.StepMinor }, "one")
	f.scanned()
	f.remembers("one", marked("1.4.0"))
	f.selects("policy", "1.9.0")
	const step = "policy.next.1-4"
	for _, question := range []struct{ search, answer string }{
		{"Minor 1.5 1.6", ""}, {"Minor 1.6 1.9", "1.7.2"}, {"Minor 1.6 1.7", ""}, {"Minor 1.7 1.9", "1.7.2"}, {"Minor 1.7 1.8", "1.7.2"},
	} {
		f.answers(step, question.search, question.answer)
	}
	f.wants("one", "1.7.2")
	f.holds("policy", "1.9.0", v1alpha1.WouldSkipReason)
	f.remembers("one", marked("1.7.2"))
	f.deployed("one", "1.7.2")
	f.answers("policy.next.1-7", "Minor 1.8 1.9", "1.8.0")
	f.gone(step, &imagev1.ImagePolicy{})
	f.wants("one", "1.8.0")
}

// answers plays image-reflector-controller that looks for a tag in the span of a search; an empty one: there is none. As
// there, a condition whose text stays the same keeps its generation.
func (f *fleet) answers(name, search, tag string) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		step := &imagev1.ImagePolicy{}
		if err := f.get(name, step); err != nil {
			return err
		}
		if got := step.Annotations[fluxobjects.SearchAnnotation]; got != search {
			return wrong("searches %q and not %q", got, search)
		}
		return nil
	})
	change(f, name, &imagev1.ImagePolicy{}, true, func(p *imagev1.ImagePolicy) {
		p.Status.SetLastHandledReconcileRequest(p.Annotations[meta.ReconcileRequestAnnotation])
		ready := metav1.Condition{
			Type: meta.ReadyCondition, Status: metav1.ConditionTrue, Reason: meta.SucceededReason, ObservedGeneration: p.Generation,
		}
		if tag == "" {
			ready.Status, ready.Reason, ready.Message = metav1.ConditionFalse, metav1.StatusFailure, "unable to determine latest version from provided list"
			if before := readyOf(p); before != nil && before.Message == ready.Message {
				ready.ObservedGeneration = before.ObservedGeneration
			}
		} else {
			p.Status.ObservedGeneration = p.Generation
			p.Status.LatestRef = &imagev1.ImageRef{Name: "registry.example.com/charts/hello", Tag: tag}
		}
		apimeta.SetStatusCondition(&p.Status.Conditions, ready)
	})
}
