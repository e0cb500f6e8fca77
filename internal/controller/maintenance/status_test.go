package maintenance

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

func at(text string) time.Time {
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return parsed
}

func span(name, start, end, recurrence string) v1alpha1.TimeWindow {
	return v1alpha1.TimeWindow{
		Name: name, StartTime: metav1.NewTime(at(start)), EndTime: metav1.NewTime(at(end)), Recurrence: recurrence,
	}
}

var (
	nights = span("nights", "2026-01-05T22:00:00Z", "2026-01-06T04:00:00Z", "FREQ=DAILY")
	once   = span("once", "2026-01-05T22:00:00Z", "2026-01-06T04:00:00Z", "")
	xmas   = span("xmas", "2026-12-18T00:00:00Z", "2027-01-07T00:00:00Z", "")
	frozen = span("until-deleted", "2026-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "")
)

func specOf(windows, exclusions []v1alpha1.TimeWindow) v1alpha1.MaintenanceScheduleSpec {
	return v1alpha1.MaintenanceScheduleSpec{Schedule: v1alpha1.Schedule{Windows: windows, Exclusions: exclusions}}
}

func TestJudge(t *testing.T) {
	type windows = []v1alpha1.TimeWindow
	type result struct{ State, Change, Reason, Message, Because string }
	with := func(spec v1alpha1.MaintenanceScheduleSpec, change func(*v1alpha1.MaintenanceScheduleSpec)) v1alpha1.MaintenanceScheduleSpec {
		change(&spec)
		return spec
	}
	wrong := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}}}
	const untilCorrected = "; until that is corrected nothing starts, in any policy"
	cases := map[string]struct {
		spec v1alpha1.MaintenanceScheduleSpec
		now  string
		want result
	}{
		"in a window": {
			spec: specOf(windows{nights}, nil), now: "2026-03-01T23:00:00Z",
			want: result{"Open", "2026-03-02T04:00:00Z", "Succeeded", "Upgrades may start", "window nights"},
		},
		"between windows": {
			spec: specOf(windows{nights}, nil), now: "2026-03-01T12:00:00Z",
			want: result{"Closed", "2026-03-01T22:00:00Z", "Succeeded", "No upgrade may start", "no window covers this time"},
		},
		"at the end of a window": {
			spec: specOf(windows{nights}, nil), now: "2026-03-02T04:00:00Z",
			want: result{"Closed", "2026-03-02T22:00:00Z", "Succeeded", "No upgrade may start", "no window covers this time"},
		},
		"in an exclusion that ends in a window": {
			spec: specOf(windows{nights}, windows{xmas}), now: "2027-01-06T12:00:00Z",
			want: result{"Closed", "2027-01-07T00:00:00Z", "Succeeded", "No upgrade may start", "exclusion xmas"},
		},
		"an exclusion that stops rollbacks, too": {
			spec: with(specOf(nil, windows{xmas}), func(s *v1alpha1.MaintenanceScheduleSpec) { s.Blocks = v1alpha1.BlocksAll }), now: "2026-12-24T00:00:00Z",
			want: result{"Closed", "2027-01-07T00:00:00Z", "Succeeded", "No upgrade and no rollback may start", "exclusion xmas"},
		},
		"before the only exclusion": {
			spec: specOf(nil, windows{xmas}), now: "2026-03-01T00:00:00Z",
			want: result{"Open", "2026-12-18T00:00:00Z", "Succeeded", "Upgrades may start", "no exclusion covers this time"},
		},
		"after the only exclusion": {
			spec: specOf(nil, windows{xmas}), now: "2027-03-01T00:00:00Z",
			want: result{"Open", "", "Succeeded", "Upgrades may start", "no exclusion covers this time"},
		},
		"a freeze until it is deleted": {
			spec: specOf(nil, windows{frozen}), now: "2026-03-01T00:00:00Z",
			want: result{"Closed", "", "Succeeded", "No upgrade may start", "exclusion until-deleted"},
		},
		"after the only window": {
			spec: specOf(windows{once}, nil), now: "2026-03-01T00:00:00Z",
			want: result{State: "Closed", Reason: "ScheduleNeverOpens",
				Message: "schedule: no window will open outside of the exclusions; add a window that comes again, or delete the MaintenanceSchedule"},
		},
		"an unknown time zone": {
			spec: with(specOf(windows{nights}, nil), func(s *v1alpha1.MaintenanceScheduleSpec) { s.Schedule.TimeZone = "Europe/Atlantis" }), now: "2026-03-01T23:00:00Z",
			want: result{State: "Closed", Reason: "InvalidSpec", Message: "schedule.timeZone: "},
		},
		"a recurrence that is none": {
			spec: specOf(windows{span("n", "2026-01-05T22:00:00Z", "2026-01-06T04:00:00Z", "FREQ=WEEKLY;BYDAY=XX")}, nil), now: "2026-03-01T23:00:00Z",
			want: result{State: "Closed", Reason: "InvalidSpec", Message: "schedule.windows[n].recurrence: "},
		},
		"a policySelector that is none": {
			spec: with(specOf(windows{nights}, nil), func(s *v1alpha1.MaintenanceScheduleSpec) { s.PolicySelector = wrong }), now: "2026-03-01T23:00:00Z",
			want: result{State: "Closed", Reason: "InvalidSpec", Message: "policySelector: "},
		},
		"a namespaceSelector that is none": {
			spec: with(specOf(windows{nights}, nil), func(s *v1alpha1.MaintenanceScheduleSpec) { s.NamespaceSelector = wrong }), now: "2026-03-01T23:00:00Z",
			want: result{State: "Closed", Reason: "InvalidSpec", Message: "namespaceSelector: "},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v := judge(c.spec, at(c.now))
			got := result{State: string(v.state), Reason: v.reason, Message: v.message, Because: v.because}
			if !v.change.IsZero() {
				got.Change = v.change.Format(time.RFC3339)
			}
			if c.want.Reason == v1alpha1.InvalidSpecReason { // what is wrong is said by other packages
				if !strings.HasPrefix(got.Message, c.want.Message) || !strings.HasSuffix(got.Message, untilCorrected) {
					t.Errorf("message %q", got.Message)
				}
				got.Message = c.want.Message
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever the time, the state holds until the next change and is another one then.
func TestChangeIsTheNext(t *testing.T) {
	spec := specOf([]v1alpha1.TimeWindow{nights}, []v1alpha1.TimeWindow{xmas})
	rapid.Check(t, func(t *rapid.T) {
		now := at("2026-01-01T00:00:00Z").Add(time.Duration(rapid.Int64Range(0, int64(2*365*24*time.Hour)).Draw(t, "now")))
		v := judge(spec, now)
		if !v.change.After(now) {
			t.Fatalf("at %s the next change is at %s", now, v.change)
		}
		between := now.Add(time.Duration(rapid.Int64Range(0, int64(v.change.Sub(now))-1).Draw(t, "between")))
		if got := judge(spec, between); got.state != v.state || !got.change.Equal(v.change) {
			t.Errorf("at %s it is %s, but at %s %s", now, v.state, between, got.state)
		}
		if got := judge(spec, v.change); got.state == v.state {
			t.Errorf("at %s it still is %s", v.change, got.state)
		}
	})
}

func TestStatusAndEvents(t *testing.T) {
	maintenance := &v1alpha1.MaintenanceSchedule{ObjectMeta: metav1.ObjectMeta{Generation: 1}}
	maintenance.Spec = specOf([]v1alpha1.TimeWindow{nights}, []v1alpha1.TimeWindow{xmas})
	steps := []struct {
		now        string
		timeZone   string
		conditions string
		event      event
	}{
		{now: "2026-03-01T12:00:00Z", conditions: "Ready=True@12", event: event{"Normal", "Closed", "No upgrade may start: no window covers this time"}},
		{now: "2026-03-01T13:00:00Z", conditions: "Ready=True@12"},
		{now: "2026-03-01T22:00:00Z", conditions: "Ready=True@12", event: event{"Normal", "Opened", "Upgrades may start: window nights"}},
		{
			now: "2026-03-01T23:00:00Z", timeZone: "Europe/Atlantis", conditions: "Ready=False@23 Stalled=True@23",
			event: event{"Warning", "InvalidSpec", judge(inZone(maintenance.Spec, "Europe/Atlantis"), at("2026-03-01T23:00:00Z")).message},
		},
		{now: "2026-03-02T00:00:00Z", timeZone: "Europe/Atlantis", conditions: "Ready=False@23 Stalled=True@23"},
		{now: "2026-03-02T01:00:00Z", conditions: "Ready=True@01", event: event{"Normal", "Opened", "Upgrades may start: window nights"}},
		{now: "2026-03-02T04:00:00Z", conditions: "Ready=True@01", event: event{"Normal", "Closed", "No upgrade may start: no window covers this time"}},
	}
	for _, step := range steps {
		maintenance.Spec.Schedule.TimeZone = step.timeZone
		maintenance.Generation++
		v := judge(maintenance.Spec, at(step.now))
		before := maintenance.Status
		maintenance.Status = v.status(maintenance, at(step.now))
		var conditions []string
		for _, c := range maintenance.Status.Conditions {
			conditions = append(conditions, c.Type+"="+string(c.Status)+"@"+c.LastTransitionTime.UTC().Format("15"))
			if c.ObservedGeneration != maintenance.Generation {
				t.Errorf("%s: condition %s is about generation %d", step.now, c.Type, c.ObservedGeneration)
			}
		}
		if got := strings.Join(conditions, " "); got != step.conditions {
			t.Errorf("%s: conditions are %s, want %s", step.now, got, step.conditions)
		}
		var got event
		if happened := v.eventOf(before, maintenance.Status); happened != nil {
			got = *happened
		}
		if got != step.event {
			t.Errorf("%s: event %+v, want %+v", step.now, got, step.event)
		}
	}
}

func inZone(spec v1alpha1.MaintenanceScheduleSpec, zone string) v1alpha1.MaintenanceScheduleSpec {
	spec.Schedule.TimeZone = zone
	return spec
}
