package resolve

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
)

func TestWavesOf(t *testing.T) {
	dev := v1alpha1.Wave{Name: "dev", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"stage": "dev"}}}
	eu := v1alpha1.Wave{Name: "eu", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"region": "eu"}}}
	rest := v1alpha1.Wave{Name: "rest"}
	invalid := v1alpha1.Wave{Name: "invalid", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"a/b/c": "d"}}}
	for name, test := range map[string]struct {
		waves []v1alpha1.Wave
		set   labels.Set
		want  []int
	}{
		"no waves":             {nil, labels.Set{"stage": "dev"}, []int{0}},
		"selected":             {[]v1alpha1.Wave{rest, dev}, labels.Set{"stage": "dev"}, []int{1}},
		"selected by none":     {[]v1alpha1.Wave{dev, rest}, labels.Set{"stage": "prod"}, []int{1}},
		"in no wave":           {[]v1alpha1.Wave{dev, eu}, labels.Set{"stage": "prod"}, nil},
		"in several":           {[]v1alpha1.Wave{dev, eu, rest}, labels.Set{"stage": "dev", "region": "eu"}, []int{0, 1}},
		"invalid selects none": {[]v1alpha1.Wave{invalid}, labels.Set{"a": "d"}, nil},
	} {
		policy := newWorld().policy
		policy.Spec.Rollout = &v1alpha1.Rollout{Waves: test.waves}
		if diff := cmp.Diff(test.want, WavesOf(policy).Of(test.set)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestInputOfTarget(t *testing.T) {
	w := newWorld()
	w.policy.Spec.Rollout = &v1alpha1.Rollout{Waves: []v1alpha1.Wave{
		{Name: "production"}, {Name: "canary", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"stage": "dev"}}},
	}}
	w.app.Annotations = map[string]string{kinds.PausedAnnotation: "true"}
	w.kustomization.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionFalse, Message: "a webhook refuses it"}}
	in := w.resolve(t).Targets[0].Input()
	if diff := cmp.Diff([]int{1}, in.Waves); diff != "" || in.Excused != "paused" || in.ApplyMessage != "Kustomization default/mc: a webhook refuses it" {
		t.Errorf("got %+v", in)
	}
	w.kustomization.Status.Conditions[0].Status = metav1.ConditionTrue
	if in := w.resolve(t).Targets[0].Input(); in.ApplyMessage != "" {
		t.Errorf("got %q", in.ApplyMessage)
	}
}

// TestUnappliedTarget: what Flux does not apply now is not judged, and it is said why.
func TestUnappliedTarget(t *testing.T) {
	const group = "kustomize.toolkit.fluxcd.io"
	for name, tc := range map[string]struct {
		change  func(w *world)
		message string
	}{
		"suspended Kustomization": {func(w *world) { w.kustomization.Spec.Suspend = true }, "Kustomization default/mc is suspended: resume it"},
		"disabled by annotation": {func(w *world) { w.app.Annotations = map[string]string{group + "/reconcile": "disabled"} },
			"Flux does not change App org-acme/hello, which has " + group + "/reconcile: disabled: remove that"},
		"disabled by label": {func(w *world) { w.app.Labels[group+"/reconcile"] = "disabled" },
			"Flux does not change App org-acme/hello, which has " + group + "/reconcile: disabled: remove that"},
		"ignored": {func(w *world) { w.app.Annotations = map[string]string{group + "/ssa": "Ignore"} },
			"Flux does not change App org-acme/hello, which has " + group + "/ssa: Ignore: remove that"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			tc.change(w)
			in := w.resolve(t).Targets[0].Input()
			if in.Excused != kinds.Paused || in.ApplyMessage != tc.message {
				t.Errorf("excused %q: %q", in.Excused, in.ApplyMessage)
			}
		})
	}
	w := newWorld()
	w.app.Annotations = map[string]string{group + "/ssa": "Merge"}
	if in := w.resolve(t).Targets[0].Input(); in.Excused != "" || in.ApplyMessage != "" {
		t.Errorf("excused %q: %q", in.Excused, in.ApplyMessage)
	}
}

func TestSchedules(t *testing.T) {
	start := time.Date(2026, 1, 5, 20, 0, 0, 0, time.UTC)
	window := func(name string, from, to int) v1alpha1.TimeWindow {
		return v1alpha1.TimeWindow{Name: name, StartTime: metav1.NewTime(start.Add(time.Duration(from) * time.Hour)), EndTime: metav1.NewTime(start.Add(time.Duration(to) * time.Hour))}
	}
	policy := newWorld().policy
	policy.Spec.Schedule = &v1alpha1.Schedule{
		Windows: []v1alpha1.TimeWindow{window("evening", 0, 2)}, Exclusions: []v1alpha1.TimeWindow{window("fair", 5, 6)},
	}
	for name, test := range map[string]struct {
		wave *v1alpha1.Schedule
		// open are the hours in which all allow a start.
		open []int
	}{
		"no schedule of its own":     {nil, []int{0, 1}},
		"windows replace":            {&v1alpha1.Schedule{Windows: []v1alpha1.TimeWindow{window("night", 3, 7)}}, []int{3, 4, 6}},
		"exclusions add":             {&v1alpha1.Schedule{Exclusions: []v1alpha1.TimeWindow{window("lunch", 0, 1)}}, []int{1}},
		"cannot be read, so nothing": {&v1alpha1.Schedule{TimeZone: "Berlin"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			schedules := Schedules(policy, &v1alpha1.Wave{Name: "production", Schedule: test.wave})
			var open []int
			for hour := range 8 {
				all := true
				for _, s := range schedules {
					all = all && s.Broken == "" && s.Schedule.At(start.Add(time.Duration(hour)*time.Hour)).Open
				}
				if all {
					open = append(open, hour)
				}
			}
			if diff := cmp.Diff(test.open, open); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := Schedules(newWorld().policy, nil); got != nil {
		t.Errorf("a policy without schedules has %+v", got)
	}
}

// maintenance makes a MaintenanceSchedule that selects everything.
func maintenance(name string, edit func(*v1alpha1.MaintenanceScheduleSpec)) client.Object {
	m := &v1alpha1.MaintenanceSchedule{ObjectMeta: metav1.ObjectMeta{Name: name}}
	m.Spec.Reason = "because"
	edit(&m.Spec)
	return m
}

func TestMaintenance(t *testing.T) {
	type spec = v1alpha1.MaintenanceScheduleSpec
	by := func(key, value string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
	}
	for name, test := range map[string]struct {
		edit func(*spec)
		// want is whether the policy is selected, broken a word of what is wrong.
		want   bool
		broken string
	}{
		"everything": {func(*spec) {}, true, ""},
		"empty selectors": {func(s *spec) {
			s.PolicySelector, s.NamespaceSelector = &metav1.LabelSelector{}, &metav1.LabelSelector{}
		}, true, ""},
		"the policy":              {func(s *spec) { s.PolicySelector = by("team", "acme") }, true, ""},
		"another policy":          {func(s *spec) { s.PolicySelector = by("team", "other") }, false, ""},
		"the namespace":           {func(s *spec) { s.NamespaceSelector = by("stage", "dev") }, true, ""},
		"another namespace":       {func(s *spec) { s.NamespaceSelector = by("stage", "prod") }, false, ""},
		"policy, not namespace":   {func(s *spec) { s.PolicySelector, s.NamespaceSelector = by("team", "acme"), by("stage", "prod") }, false, ""},
		"broken policySelector":   {func(s *spec) { s.PolicySelector = by("a/b/c", "d") }, true, "policySelector"},
		"broken namespaces":       {func(s *spec) { s.NamespaceSelector, s.PolicySelector = by("a/b/c", "d"), by("team", "other") }, true, "namespaceSelector"},
		"broken schedule":         {func(s *spec) { s.Schedule.TimeZone = "Berlin" }, true, "timeZone"},
		"broken and not selected": {func(s *spec) { s.Schedule.TimeZone, s.PolicySelector = "Berlin", by("team", "other") }, true, "timeZone"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.policy.Labels = map[string]string{"team": "acme"}
			w.others = []client.Object{
				&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "org-acme", Labels: map[string]string{"stage": "dev"}}},
				maintenance("freeze", test.edit),
			}
			w.resolve(t)
			got, err := w.resolver.Maintenance(t.Context(), w.policy)
			if err != nil || (len(got) == 1) != test.want {
				t.Fatalf("got %+v, %v", got, err)
			}
			if test.want && (got[0].Of != "MaintenanceSchedule freeze" || got[0].Reason != "because" || !strings.Contains(got[0].Broken, test.broken) || (got[0].Broken == "") != (test.broken == "")) {
				t.Errorf("got %+v", got[0])
			}
		})
	}
}

func TestMaintenanceOfSeveral(t *testing.T) {
	w := newWorld()
	unknown := func(s *v1alpha1.MaintenanceScheduleSpec) {
		s.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"stage": "dev"}}
	}
	all := func(s *v1alpha1.MaintenanceScheduleSpec) { s.Blocks = v1alpha1.BlocksAll }
	w.others = []client.Object{maintenance("b", all), maintenance("c", unknown), maintenance("a", func(*v1alpha1.MaintenanceScheduleSpec) {})}
	w.resolve(t)
	got, err := w.resolver.Maintenance(t.Context(), w.policy)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range got {
		names = append(names, fmt.Sprintf("%s %t", s.Of, s.BlocksAll))
	}
	want := []string{"MaintenanceSchedule a false", "MaintenanceSchedule b true", "MaintenanceSchedule c false"} // the namespace may be c's
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}
