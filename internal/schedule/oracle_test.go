package schedule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// zones whose clocks are set forward and back, at different hours, by differing amounts, or never.
var zones = []string{"", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu", "Africa/Casablanca"}

// weeks before which the drawn schedules are looked at: the ones with the changes of 2026, and one with none.
var weeks = []string{"2026-03-01T00:00:00Z", "2026-03-22T00:00:00Z", "2026-04-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-09-28T00:00:00Z", "2026-10-20T00:00:00Z"}

const minutes = 21 * 24 * 60

func drawList(t *rapid.T, label string, of []string) string {
	return strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(of), 1, 3, rapid.ID).Draw(t, label), ",")
}

// drawRule is a rule that RFC 5545 allows, and that rrule-go reads as the RFC has it: it counts positions in whole months,
// and wants both of a plain weekday and an nth one.
func drawRule(t *rapid.T) string {
	plain := []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
	nth := []string{"1MO", "2TU", "3WE", "-1TH", "-2FR", "4SA", "5SU", "-5SU"}
	monthDays := []string{"1", "2", "8", "15", "28", "29", "30", "31", "-1", "-2", "-31"}
	frequency := rapid.SampledFrom([]string{"DAILY", "WEEKLY", "MONTHLY"}).Draw(t, "frequency")
	rule := "FREQ=" + frequency
	if rapid.Bool().Draw(t, "has interval") {
		rule += fmt.Sprintf(";INTERVAL=%d", rapid.IntRange(1, 9).Draw(t, "interval"))
	}
	if rapid.Bool().Draw(t, "has week start") {
		rule += ";WKST=" + rapid.SampledFrom(plain).Draw(t, "week start")
	}
	days := rapid.Bool().Draw(t, "has days")
	switch {
	case days && frequency == "MONTHLY" && rapid.Bool().Draw(t, "nth"):
		rule += ";BYDAY=" + drawList(t, "nth days", nth)
	case days:
		rule += ";BYDAY=" + drawList(t, "days", plain)
	}
	if frequency != "WEEKLY" && rapid.Bool().Draw(t, "has month days") {
		rule += ";BYMONTHDAY=" + drawList(t, "month days", monthDays)
		days = true
	}
	if days && frequency == "MONTHLY" && rapid.Bool().Draw(t, "has positions") {
		rule += ";BYSETPOS=" + drawList(t, "positions", []string{"1", "2", "-1", "-3"})
	}
	if rapid.IntRange(0, 5).Draw(t, "has months") == 0 {
		rule += ";BYMONTH=" + drawList(t, "months", []string{"3", "4", "6", "10"})
	}
	switch rapid.IntRange(0, 5).Draw(t, "ends") {
	case 0:
		rule += fmt.Sprintf(";COUNT=%d", rapid.IntRange(1, 80).Draw(t, "count"))
	case 1:
		rule += ";UNTIL=" + rapid.SampledFrom([]string{"20260401T030000", "20261025T013000", "20270101T000000"}).Draw(t, "until")
	}
	return rule
}

func drawWindow(t *rapid.T, name, zone string) v1alpha1.TimeWindow {
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 1, rapid.IntRange(1, 80).Draw(t, "day"), 0, 15*rapid.IntRange(0, 95).Draw(t, "quarter"), 0, 0, location)
	length := time.Duration(rapid.SampledFrom([]int{15, 30, 45, 60, 90, 480, 1440, 3000, 20000}).Draw(t, "minutes")) * time.Minute
	window := v1alpha1.TimeWindow{Name: name, StartTime: metav1.NewTime(start), EndTime: metav1.NewTime(start.Add(length))}
	if rapid.IntRange(0, 4).Draw(t, "recurs") > 0 {
		window.Recurrence = drawRule(t)
	}
	return window
}

// drawSchedule is a schedule of the drawn windows that Parse takes: some never come.
func drawSchedule(t *rapid.T) (v1alpha1.Schedule, Schedule) {
	zone := rapid.SampledFrom(zones).Draw(t, "zone")
	spec := v1alpha1.Schedule{TimeZone: zone}
	for i := range rapid.IntRange(0, 3).Draw(t, "windows") {
		if window := drawWindow(t, fmt.Sprintf("w%d", i), zone); comes(t, window, zone) {
			spec.Windows = append(spec.Windows, window)
		}
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "exclusions") {
		if window := drawWindow(t, fmt.Sprintf("e%d", i), zone); comes(t, window, zone) {
			spec.Exclusions = append(spec.Exclusions, window)
		}
	}
	schedule, err := Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return spec, schedule
}

func comes(t *rapid.T, window v1alpha1.TimeWindow, zone string) bool {
	_, err := Parse(v1alpha1.Schedule{TimeZone: zone, Windows: windows{window}})
	if err != nil && !strings.Contains(err.Error(), "yields no day") && !strings.Contains(err.Error(), "wall clock") {
		t.Fatal(err)
	}
	return err == nil
}

// oracle says for every minute from a time on what a schedule says, by looking at the clock of every minute, and with
// rrule-go.
type oracle struct {
	from, to time.Time
	// walls is what the clock shows in every minute, as UTC.
	walls []time.Time
}

func newOracle(from time.Time, zone string) (oracle, error) {
	location, err := time.LoadLocation(zone)
	o := oracle{from: from, to: from.Add(minutes * time.Minute)}
	for at := from; at.Before(o.to); at = at.Add(time.Minute) {
		o.walls = append(o.walls, wallOf(at, location))
	}
	return o, err
}

func wallOf(at time.Time, location *time.Location) time.Time {
	local := at.In(location)
	return time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), 0, time.UTC)
}

// minute is the first one at which the clock shows a time or a later one.
func (o oracle) minute(wall time.Time) int {
	for i, shown := range o.walls {
		if !shown.Before(wall) {
			return i
		}
	}
	return len(o.walls)
}

// covers adds the name of a window to every minute that it covers.
func (o oracle) covers(window v1alpha1.TimeWindow, zone string, minutes [][]string) error {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return err
	}
	add := func(from, to int) {
		for i := max(from, 0); i < min(to, len(minutes)); i++ {
			minutes[i] = append(minutes[i], window.Name)
		}
	}
	exact := func(at time.Time) int { return int(at.Sub(o.from) / time.Minute) }
	if window.Recurrence == "" {
		add(exact(window.StartTime.Time), exact(window.EndTime.Time))
		return nil
	}
	start, end := wallOf(window.StartTime.Time, location), wallOf(window.EndTime.Time, location)
	option, err := rrule.StrToROption(window.Recurrence)
	if err != nil {
		return err
	}
	option.Dtstart = start
	rule, err := rrule.NewRRule(*option)
	if err != nil {
		return err
	}
	for _, wall := range rule.Between(start, o.to.AddDate(0, 0, 2), true) {
		if wall.Equal(start) {
			add(exact(window.StartTime.Time), exact(window.EndTime.Time))
			continue
		}
		add(o.minute(wall), o.minute(wall.Add(end.Sub(start))))
	}
	return nil
}

// states is the windows and the exclusions that cover each minute.
func (o oracle) states(spec v1alpha1.Schedule) (windows, exclusions [][]string, err error) {
	windows, exclusions = make([][]string, len(o.walls)), make([][]string, len(o.walls))
	for _, window := range spec.Windows {
		if err := o.covers(window, spec.TimeZone, windows); err != nil {
			return nil, nil, err
		}
	}
	for _, exclusion := range spec.Exclusions {
		if err := o.covers(exclusion, spec.TimeZone, exclusions); err != nil {
			return nil, nil, err
		}
	}
	return windows, exclusions, nil
}

func TestEveryMinuteIsAsTheClockShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, schedule := drawSchedule(t)
		from, err := time.Parse(time.RFC3339, rapid.SampledFrom(weeks).Draw(t, "week"))
		if err != nil {
			t.Fatal(err)
		}
		o, err := newOracle(from, spec.TimeZone)
		if err != nil {
			t.Fatal(err)
		}
		windows, exclusions, err := o.states(spec)
		if err != nil {
			t.Fatal(err)
		}
		allowed := make([]bool, minutes)
		for i := range allowed {
			allowed[i] = len(exclusions[i]) == 0 && (len(windows[i]) > 0 || len(spec.Windows) == 0)
			if i%5 == 0 || allowed[i] != allowed[i-1] {
				checkState(t, schedule.At(from.Add(time.Duration(i)*time.Minute)), i, windows[i], exclusions[i], allowed[i])
			}
		}
		for range 5 {
			i := rapid.IntRange(0, minutes-1).Draw(t, "minute")
			checkNext(t, "opens", Opens, schedule, from, i, slices.Index(allowed[i:], true))
			checkNext(t, "closes", Closes, schedule, from, i, slices.Index(allowed[i:], false))
		}
	})
}

func checkState(t *rapid.T, got State, minute int, windows, exclusions []string, allowed bool) {
	covering := windows
	if len(exclusions) > 0 {
		covering = exclusions
	}
	switch {
	case got.Open != allowed, got.Frozen != (len(exclusions) > 0):
		t.Fatalf("minute %d: %+v, but windows %v and exclusions %v cover it", minute, got, windows, exclusions)
	case len(covering) == 0 && got.Name != "", len(covering) > 0 && !slices.Contains(covering, got.Name):
		t.Fatalf("minute %d: %+v is not one of %v", minute, got, covering)
	}
}

// checkNext asks in a minute for a time that is some minutes later, or after the ones that are known if that is negative.
func checkNext(t *rapid.T, what string, ask func(time.Time, ...Schedule) (time.Time, bool), schedule Schedule, from time.Time, minute, later int) {
	now := from.Add(time.Duration(minute) * time.Minute)
	at, ok := ask(now, schedule)
	switch {
	case later < 0 && ok && at.Before(from.Add(minutes*time.Minute)):
		t.Fatalf("%s %v, but it does not in these weeks", what, at)
	case later >= 0 && (!ok || !at.Equal(now.Add(time.Duration(later)*time.Minute))):
		t.Fatalf("%s %v %v, but should %d minutes after %v", what, at, ok, later, now)
	}
}

// TestOpensAndClosesAreTheEarliest asks several schedules, at any time, and looks at times in between.
func TestOpensAndClosesAreTheEarliest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []Schedule
		for range rapid.IntRange(1, 4).Draw(t, "schedules") {
			_, schedule := drawSchedule(t)
			all = append(all, schedule)
		}
		allow := func(at time.Time) bool {
			return !slices.ContainsFunc(all, func(s Schedule) bool { return !s.At(at).Open })
		}
		now := time.Unix(rapid.Int64Range(1767000000, 1830000000).Draw(t, "now"), rapid.Int64Range(0, 999999999).Draw(t, "fraction"))
		opens, ok := Opens(now, all...)
		checkEarliest(t, "opens", now, opens, ok, allow)
		closes, ok := Closes(now, all...)
		checkEarliest(t, "closes", now, closes, ok, func(at time.Time) bool { return !allow(at) })
	})
}

func checkEarliest(t *rapid.T, what string, now, at time.Time, ok bool, want func(time.Time) bool) {
	end := now.Add(Horizon)
	if ok {
		end = at
		switch {
		case !want(at):
			t.Fatalf("%s %v, but it does not", what, at)
		case at.Before(now):
			t.Fatalf("%s %v, before %v", what, at, now)
		}
	}
	between := func(earlier time.Time) {
		if !earlier.Before(now) && earlier.Before(end) && want(earlier) {
			t.Fatalf("%s %v (%v), but it does at %v", what, at, ok, earlier)
		}
	}
	between(now)
	between(end.Add(-time.Nanosecond))
	for range 50 {
		between(now.Add(time.Duration(rapid.Int64Range(0, int64(end.Sub(now))).Draw(t, "between"))))
	}
	for minute := range 300 {
		between(now.Add(time.Duration(minute) * time.Minute))
	}
}
