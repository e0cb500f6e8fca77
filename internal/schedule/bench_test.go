package schedule

import (
	"fmt"
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// full is a schedule with as many windows and exclusions as the API allows.
func full(t testing.TB, zone string, window, exclusion func(i int) v1alpha1.TimeWindow) Schedule {
	t.Helper()
	var windows, exclusions []v1alpha1.TimeWindow
	for i := range 16 {
		windows = append(windows, window(i))
	}
	for i := range 32 {
		exclusions = append(exclusions, exclusion(i))
	}
	return parse(t, zone, windows, exclusions)
}

func everyWeek(t testing.TB) Schedule {
	weekdays := []string{"MO", "TU", "WE", "TH", "FR"}
	return full(t, "Europe/Berlin", func(i int) v1alpha1.TimeWindow {
		return newWindow(t, fmt.Sprint(i), "2020-01-05T22:00:00+01:00", "2020-01-06T06:00:00+01:00", "FREQ=WEEKLY;BYDAY="+weekdays[i%5])
	}, func(i int) v1alpha1.TimeWindow {
		return newWindow(t, fmt.Sprint(i), "2020-01-05T00:00:00+01:00", "2020-01-06T00:00:00+01:00", fmt.Sprintf("FREQ=MONTHLY;BYMONTHDAY=%d", i%8+20))
	})
}

// swallowed is a schedule of daily windows, each of which is swallowed by an exclusion: Opens looks at every one of them.
func swallowed(t testing.TB, zone string) Schedule {
	window := func(i int) v1alpha1.TimeWindow {
		start := moment(t, "2020-01-01T00:00:00Z").Add(time.Duration(i%16) * 80 * time.Minute)
		end := start.Add(5 * time.Minute)
		return newWindow(t, fmt.Sprint(i), start.Format(time.RFC3339), end.Format(time.RFC3339), "FREQ=DAILY")
	}
	return full(t, zone, window, window)
}

// sparse is a schedule of rules that yield a day in 28 years.
func sparse(t testing.TB) Schedule {
	window := func(i int) v1alpha1.TimeWindow {
		return newWindow(t, fmt.Sprint(i), "1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z", "FREQ=DAILY;BYMONTH=1,2;BYDAY=MO;BYMONTHDAY=29,-31;INTERVAL=3")
	}
	return full(t, "America/New_York", window, window)
}

func BenchmarkAt(b *testing.B) {
	now := moment(b, "2026-07-06T23:00:00Z")
	for name, schedule := range map[string]Schedule{"weekly": everyWeek(b), "daily": swallowed(b, "Europe/Berlin"), "sparse": sparse(b)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				schedule.At(now)
			}
		})
	}
}

func BenchmarkOpens(b *testing.B) {
	now := moment(b, "2026-07-07T12:00:00Z")
	for name, tc := range map[string]struct {
		schedule Schedule
		ok       bool
	}{
		"weekly":          {everyWeek(b), true},
		"never in Berlin": {swallowed(b, "Europe/Berlin"), false},
		"never in UTC":    {swallowed(b, ""), false},
		"never, sparse":   {sparse(b), false},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, ok := Opens(now, tc.schedule); ok != tc.ok {
					b.Fatal(ok)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	spec := v1alpha1.Schedule{TimeZone: "Europe/Berlin", Windows: []v1alpha1.TimeWindow{
		newWindow(b, "w", "2020-01-05T22:00:00+01:00", "2020-01-06T06:00:00+01:00", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH"),
	}}
	for b.Loop() {
		if _, err := Parse(spec); err != nil {
			b.Fatal(err)
		}
	}
}
