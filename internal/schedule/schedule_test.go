package schedule

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// moment is a time as RFC 3339.
func moment(t testing.TB, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// weekly, once and so on are windows; from and to are RFC 3339.
func newWindow(t testing.TB, name, from, to, recurrence string) v1alpha1.TimeWindow {
	t.Helper()
	return v1alpha1.TimeWindow{
		Name: name, StartTime: metav1.NewTime(moment(t, from)), EndTime: metav1.NewTime(moment(t, to)), Recurrence: recurrence,
	}
}

func parse(t testing.TB, zone string, windows, exclusions []v1alpha1.TimeWindow) Schedule {
	t.Helper()
	parsed, err := Parse(v1alpha1.Schedule{TimeZone: zone, Windows: windows, Exclusions: exclusions})
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

type windows = []v1alpha1.TimeWindow

func TestZeroScheduleIsOpen(t *testing.T) {
	now := moment(t, "2026-03-01T12:00:00.5Z")
	if diff := cmp.Diff(State{Open: true}, Schedule{}.At(now)); diff != "" {
		t.Error(diff)
	}
	if at, ok := Opens(now, Schedule{}); !ok || !at.Equal(now) {
		t.Errorf("opens %v %v", at, ok)
	}
	if at, ok := Closes(now, Schedule{}); ok {
		t.Errorf("closes %v", at)
	}
}
