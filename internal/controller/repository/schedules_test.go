package repository

import (
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// noon is now.
var noon = time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)

// span is a window, or an exclusion, from one hour of the day to another.
func span(from, until int) []v1alpha1.TimeWindow {
	at := func(hour int) metav1.Time { return metav1.NewTime(noon.Add(time.Duration(hour-12) * time.Hour)) }
	return []v1alpha1.TimeWindow{{Name: "span", StartTime: at(from), EndTime: at(until)}}
}

func windows(from, until int) *v1alpha1.Schedule {
	return &v1alpha1.Schedule{Windows: span(from, until)}
}

// freeze is a MaintenanceSchedule that excludes some hours, changed by with.
func freeze(from, until int, with ...func(*v1alpha1.MaintenanceSchedule)) client.Object {
	object := &v1alpha1.MaintenanceSchedule{ObjectMeta: metav1.ObjectMeta{Name: "freeze"}}
	object.Spec.Schedule.Exclusions = span(from, until)
	for _, change := range with {
		change(object)
	}
	return object
}

func blocksAll(m *v1alpha1.MaintenanceSchedule) { m.Spec.Blocks = v1alpha1.BlocksAll }

func upgrades(i *pin.Intent)  { i.Want = "1.2.0" }
func rollsBack(i *pin.Intent) { i.Want, i.Back = "0.9.0", "1.0.0" }

func ofWave(name string) func(*pin.Intent) {
	return func(i *pin.Intent) { i.Want, i.Wave = "1.2.0", name }
}

func scheduled(schedule *v1alpha1.Schedule) func(*v1alpha1.AppUpgradePolicy) {
	return func(p *v1alpha1.AppUpgradePolicy) { p.Spec.Schedule = schedule }
}

func staged(canary *v1alpha1.Schedule) func(*v1alpha1.AppUpgradePolicy) {
	return func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Schedule = windows(20, 22)
		p.Spec.Rollout = &v1alpha1.Rollout{Waves: []v1alpha1.Wave{{Name: "canary", Schedule: canary}, {Name: "production"}}}
	}
}

func stalls(generation int64) func(*v1alpha1.AppUpgradePolicy) {
	return func(p *v1alpha1.AppUpgradePolicy) {
		p.Generation = 2
		p.Status.Conditions = []metav1.Condition{{Type: v1alpha1.StalledCondition, Status: metav1.ConditionTrue, ObservedGeneration: generation}}
	}
}

func TestObserveSchedules(t *testing.T) {
	const (
		noWindow = "spec.schedule has no window open now: wait for one, or add one"
		frozen   = "MaintenanceSchedule freeze has the exclusion span: wait for its end, or shorten or remove it"
	)
	hour := func(h int) time.Time { return noon.Add(time.Duration(h-12) * time.Hour) }
	by := func(key, value string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
	}
	for name, tc := range map[string]struct {
		policy  func(*v1alpha1.AppUpgradePolicy)
		intent  func(*pin.Intent)
		objects []client.Object
		closed  string
		turns   time.Time
	}{
		"no schedules":               {intent: upgrades},
		"in a window":                {policy: scheduled(windows(11, 13)), intent: upgrades, turns: hour(13)},
		"before a window":            {policy: scheduled(windows(20, 22)), intent: upgrades, closed: noWindow, turns: hour(20)},
		"a rollback before a window": {policy: scheduled(windows(20, 22)), intent: rollsBack},
		"a broken schedule": {
			policy: scheduled(&v1alpha1.Schedule{TimeZone: "Berlin"}), intent: upgrades,
			closed: `spec.schedule cannot be read and allows nothing until you correct it: timeZone: "Berlin" is unknown: use an IANA name such as Europe/Berlin`,
		},
		"a wave with its own windows":     {policy: staged(windows(11, 13)), intent: ofWave("canary"), turns: hour(13)},
		"a wave with the policy's":        {policy: staged(windows(11, 13)), intent: ofWave("production"), closed: noWindow, turns: hour(20)},
		"a wave that is gone":             {policy: staged(nil), intent: ofWave("dev"), closed: `its policy has no wave "dev" any more`},
		"a wave of a policy without":      {intent: ofWave("dev"), closed: `its policy has no wave "dev" any more`},
		"no wave of a policy with some":   {policy: staged(nil), intent: upgrades, closed: `its policy has no wave "" any more`},
		"a freeze":                        {intent: upgrades, objects: []client.Object{freeze(11, 13)}, closed: frozen, turns: hour(13)},
		"a freeze that comes":             {intent: upgrades, objects: []client.Object{freeze(13, 14)}, turns: hour(13)},
		"a freeze that comes in a window": {policy: scheduled(windows(11, 14)), intent: upgrades, objects: []client.Object{freeze(13, 14)}, turns: hour(13)},
		"a freeze until after the window": {policy: scheduled(windows(11, 13)), intent: upgrades, objects: []client.Object{freeze(11, 14)}, closed: frozen},
		"a freeze of upgrades":            {intent: rollsBack, objects: []client.Object{freeze(11, 13)}},
		"a freeze of everything": {
			policy: scheduled(windows(20, 22)), intent: rollsBack, objects: []client.Object{freeze(11, 13, blocksAll)}, closed: frozen, turns: hour(13),
		},
		"a freeze of everything that comes": {
			policy: scheduled(windows(20, 22)), intent: rollsBack, objects: []client.Object{freeze(13, 14, blocksAll)}, turns: hour(13),
		},
		"a freeze of others": {intent: upgrades, objects: []client.Object{freeze(11, 13, func(m *v1alpha1.MaintenanceSchedule) {
			m.Spec.PolicySelector = by("team", "other")
		})}},
		"a freeze of other namespaces": {intent: upgrades, objects: []client.Object{freeze(11, 13, func(m *v1alpha1.MaintenanceSchedule) {
			m.Spec.NamespaceSelector = by("stage", "prod")
		})}},
		"a stalled policy":                 {policy: stalls(2), intent: upgrades, closed: "its policy is stalled"},
		"a rollback of a stalled policy":   {policy: stalls(2), intent: rollsBack, closed: "its policy is stalled"},
		"a policy that was stalled before": {policy: stalls(1), intent: upgrades},
		"a pin at rest":                    {policy: scheduled(windows(20, 22)), intent: func(i *pin.Intent) { i.Want = "1.0.0" }, objects: []client.Object{freeze(11, 13)}},
	} {
		t.Run(name, func(t *testing.T) {
			policy := &v1alpha1.AppUpgradePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "org", Name: "hello"}}
			if tc.policy != nil {
				tc.policy(policy)
			}
			s := scopeOf(policy, tc.intent)
			if err := observeSchedules(t.Context(), readerOf(t, tc.objects...), s); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.closed, s.Pins[0].Closed); diff != "" {
				t.Errorf("Closed (-want +got):\n%s", diff)
			}
			if !s.Turns.Equal(tc.turns) {
				t.Errorf("turns at %s, want %s", s.Turns, tc.turns)
			}
		})
	}
}

// Of several pins each has the answer for its own wave, and the first turn counts.
func TestObserveSchedulesOfSeveralPins(t *testing.T) {
	policy := &v1alpha1.AppUpgradePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "org", Name: "hello"}}
	staged(windows(11, 13))(policy)
	s := scopeOf(policy, ofWave("production"), ofWave("canary"), ofWave("production"))
	if err := observeSchedules(t.Context(), readerOf(t), s); err != nil {
		t.Fatal(err)
	}
	var closed []bool
	for _, p := range s.Pins {
		closed = append(closed, p.Closed != "")
	}
	if diff := cmp.Diff([]bool{true, false, true}, closed); diff != "" {
		t.Errorf("Closed (-want +got):\n%s", diff)
	}
	if want := noon.Add(time.Hour); !s.Turns.Equal(want) {
		t.Errorf("turns at %s, want %s", s.Turns, want)
	}
}

func TestPolicyChanges(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*v1alpha1.AppUpgradePolicy)
		want   bool
	}{
		"nothing":        {func(*v1alpha1.AppUpgradePolicy) {}, false},
		"the spec":       {func(p *v1alpha1.AppUpgradePolicy) { p.Generation++ }, true},
		"labels":         {func(p *v1alpha1.AppUpgradePolicy) { p.Labels = map[string]string{"team": "acme"} }, true},
		"an annotation":  {func(p *v1alpha1.AppUpgradePolicy) { p.Annotations = map[string]string{"a": "b"} }, false},
		"it stalls":      {stalls(2), true},
		"another status": {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Available = "1.2.0" }, false},
	} {
		before := &v1alpha1.AppUpgradePolicy{ObjectMeta: metav1.ObjectMeta{Generation: 2}}
		after := before.DeepCopy()
		tc.change(after)
		for _, e := range []event.UpdateEvent{{ObjectOld: before, ObjectNew: after}, {ObjectOld: after, ObjectNew: before}} {
			if got := policyChanges().Update(e); got != tc.want {
				t.Errorf("%s: got %t", name, got)
			}
		}
	}
}

// scopeOf has a pin at 1.0.0 for each intent.
func scopeOf(policy *v1alpha1.AppUpgradePolicy, intents ...func(*pin.Intent)) *scope {
	s := &scope{
		pins:  map[batch.Key]*imagev1.ImagePolicy{},
		lives: map[client.ObjectKey]policyState{client.ObjectKeyFromObject(policy): {object: policy}},
	}
	s.Now = noon
	for i, change := range intents {
		p := batch.Pin{Key: batch.Key{Namespace: policy.Namespace, Name: string(rune('a' + i))}, Memory: pin.Memory{Git: "1.0.0"}}
		change(&p.Intent)
		s.Pins = append(s.Pins, p)
		s.pins[p.Key] = &imagev1.ImagePolicy{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{pin.PolicyLabel: policy.Name}}}
	}
	return s
}

func readerOf(t *testing.T, objects ...client.Object) client.Reader {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "org", Labels: map[string]string{"stage": "dev"}}}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(namespace).WithObjects(objects...).Build()
}
