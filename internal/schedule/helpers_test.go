package schedule

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

type windows = []v1alpha1.TimeWindow

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func newWindow(t testing.TB, name, start, end, recurrence string) v1alpha1.TimeWindow {
	t.Helper()
	return v1alpha1.TimeWindow{
		Name: name, StartTime: metav1.NewTime(moment(t, start)), EndTime: metav1.NewTime(moment(t, end)), Recurrence: recurrence,
	}
}

func named(window v1alpha1.TimeWindow, name string) v1alpha1.TimeWindow {
	window.Name = name
	return window
}

func parse(t testing.TB, zone string, windows, exclusions []v1alpha1.TimeWindow) Schedule {
	t.Helper()
	parsed, err := Parse(v1alpha1.Schedule{TimeZone: zone, Windows: windows, Exclusions: exclusions})
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// opening is every time in which all schedules allow a start, as start/end in a zone.
func opening(t testing.TB, from, to string, zone *time.Location, all ...Schedule) []string {
	t.Helper()
	var spans []string
	now, end := moment(t, from), moment(t, to)
	for now.Before(end) {
		opens, ok := Opens(now, all...)
		if !ok || !opens.Before(end) {
			break
		}
		closes, ok := Closes(opens, all...)
		if !ok || closes.After(end) {
			closes = end
		}
		spans = append(spans, opens.In(zone).Format(time.RFC3339)+"/"+closes.In(zone).Format(time.RFC3339))
		now = closes
	}
	return spans
}
