package schedule

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// daysFrom are the first days on which a window of one hour starts.
func daysFrom(t *testing.T, schedule Schedule, from string, count int) []string {
	t.Helper()
	var days []string
	now := moment(t, from)
	for len(days) < count {
		at, ok := Opens(now, schedule)
		if !ok {
			return append(days, "never")
		}
		days = append(days, at.Format("2006-01-02"))
		if now, ok = Closes(at, schedule); !ok {
			return append(days, "always")
		}
	}
	return days
}

func TestRecurrence(t *testing.T) {
	const monday, day31 = "2026-01-05", "2026-01-31"
	cases := map[string]struct {
		first, rule string
		want        []string
	}{
		"once":                             {monday, "", []string{"2026-01-05", "never"}},
		"daily":                            {monday, "FREQ=DAILY", []string{"2026-01-05", "2026-01-06", "2026-01-07"}},
		"every third day":                  {monday, "FREQ=DAILY;INTERVAL=3", []string{"2026-01-05", "2026-01-08", "2026-01-11"}},
		"days in some months":              {day31, "FREQ=DAILY;BYMONTH=4,5", []string{"2026-04-01", "2026-04-02", "2026-04-03"}},
		"daily on some days":               {monday, "FREQ=DAILY;BYDAY=SA,SU", []string{"2026-01-10", "2026-01-11", "2026-01-17"}},
		"daily on days of a month":         {monday, "FREQ=DAILY;BYMONTHDAY=1,-1", []string{"2026-01-31", "2026-02-01", "2026-02-28"}},
		"a week's day":                     {monday, "FREQ=WEEKLY", []string{"2026-01-05", "2026-01-12", "2026-01-19"}},
		"a week's days":                    {monday, "FREQ=WEEKLY;BYDAY=MO,FR", []string{"2026-01-05", "2026-01-09", "2026-01-12"}},
		"a start that the rule leaves out": {monday, "FREQ=WEEKLY;BYDAY=TU", []string{"2026-01-06", "2026-01-13", "2026-01-20"}},
		// The example of RFC 5545, 3.3.10, moved to a Tuesday of 2026.
		"every second week, from Monday":     {"2026-01-06", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO", []string{"2026-01-06", "2026-01-11", "2026-01-20", "2026-01-25"}},
		"every second week, from Sunday":     {"2026-01-06", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", []string{"2026-01-06", "2026-01-18", "2026-01-20", "2026-02-01"}},
		"a month's day":                      {monday, "FREQ=MONTHLY", []string{"2026-01-05", "2026-02-05", "2026-03-05"}},
		"a day that not every month has":     {day31, "FREQ=MONTHLY", []string{"2026-01-31", "2026-03-31", "2026-05-31"}},
		"the last day of a month":            {day31, "FREQ=MONTHLY;BYMONTHDAY=-1", []string{"2026-01-31", "2026-02-28", "2026-03-31"}},
		"the 31st from the end":              {day31, "FREQ=MONTHLY;BYMONTHDAY=-31", []string{"2026-03-01", "2026-05-01", "2026-07-01"}},
		"every quarter":                      {day31, "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", []string{"2026-04-01", "2026-07-01", "2026-10-01"}},
		"the second Tuesday":                 {monday, "FREQ=MONTHLY;BYDAY=2TU", []string{"2026-01-13", "2026-02-10", "2026-03-10"}},
		"the last Friday":                    {monday, "FREQ=MONTHLY;BYDAY=-1FR", []string{"2026-01-30", "2026-02-27", "2026-03-27"}},
		"the fifth Monday":                   {monday, "FREQ=MONTHLY;BYDAY=5MO", []string{"2026-03-30", "2026-06-29", "2026-08-31"}},
		"all Sundays and the first Monday":   {monday, "FREQ=MONTHLY;BYDAY=SU,1MO", []string{"2026-01-05", "2026-01-11", "2026-01-18", "2026-01-25", "2026-02-01", "2026-02-02"}},
		"Friday the 13th":                    {monday, "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", []string{"2026-02-13", "2026-03-13", "2026-11-13"}},
		"the last workday":                   {monday, "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", []string{"2026-01-30", "2026-02-27", "2026-03-31"}},
		"the first and the second workday":   {monday, "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,2", []string{"2026-02-02", "2026-02-03", "2026-03-02"}},
		"three times":                        {monday, "FREQ=WEEKLY;BYDAY=MO,FR;COUNT=3", []string{"2026-01-05", "2026-01-09", "2026-01-12", "never"}},
		"a count over months":                {day31, "FREQ=MONTHLY;COUNT=2", []string{"2026-01-31", "2026-03-31", "never"}},
		"a count that counts from startTime": {"2026-01-20", "FREQ=DAILY;BYMONTHDAY=10,19,20,30;COUNT=3", []string{"2026-01-20", "2026-01-30", "2026-02-10", "never"}},
		"until a day, which is part of it":   {monday, "FREQ=DAILY;UNTIL=20260106", []string{"2026-01-05", "2026-01-06", "never"}},
		"until its own start":                {monday, "FREQ=DAILY;UNTIL=20260106T120000", []string{"2026-01-05", "2026-01-06", "never"}},
		"until a second before its start":    {monday, "FREQ=DAILY;UNTIL=20260106T115959", []string{"2026-01-05", "never"}},
		"until UTC":                          {monday, "FREQ=DAILY;UNTIL=20260106T120000Z", []string{"2026-01-05", "2026-01-06", "never"}},
		"until UTC a second before":          {monday, "FREQ=DAILY;UNTIL=20260106T115959Z", []string{"2026-01-05", "never"}},
		"an enormous interval":               {monday, "FREQ=MONTHLY;INTERVAL=9223372036854775807", []string{"2026-01-05", "never"}},
		"an enormous count":                  {monday, "FREQ=MONTHLY;COUNT=9223372036854775807", []string{"2026-01-05", "2026-02-05"}},
		"FREQ at the end":                    {monday, "BYDAY=TU;FREQ=WEEKLY", []string{"2026-01-06", "2026-01-13"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			schedule := parse(t, "", windows{newWindow(t, "w", tc.first+"T12:00:00Z", tc.first+"T13:00:00Z", tc.rule)}, nil)
			if diff := cmp.Diff(tc.want, daysFrom(t, schedule, "2026-01-01T00:00:00Z", len(tc.want))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUntilInItsZone(t *testing.T) {
	for rule, want := range map[string][]string{
		"FREQ=DAILY;UNTIL=20260701T220000":  {"2026-06-30", "2026-07-01", "never"},
		"FREQ=DAILY;UNTIL=20260701T200000Z": {"2026-06-30", "2026-07-01", "never"},
		"FREQ=DAILY;UNTIL=20260701T195959Z": {"2026-06-30", "never"},
		"FREQ=DAILY;UNTIL=20260701":         {"2026-06-30", "2026-07-01", "never"},
	} {
		schedule := parse(t, "Europe/Berlin", windows{newWindow(t, "w", "2026-01-01T22:00:00+01:00", "2026-01-01T23:00:00+01:00", rule)}, nil)
		if diff := cmp.Diff(want, daysFrom(t, schedule, "2026-06-30T12:00:00Z", len(want))); diff != "" {
			t.Errorf("%s: %s", rule, diff)
		}
	}
}

func TestOverlappingOccurrences(t *testing.T) {
	rules := map[string][]string{
		// Two days long, every day: open from the first start until two days after the last.
		"FREQ=DAILY;COUNT=5": {"2026-01-05T22:00:00Z/2026-01-11T22:00:00Z"},
		// Monday and Tuesday overlap, Friday is alone.
		"FREQ=WEEKLY;BYDAY=MO,TU,FR;COUNT=3": {"2026-01-05T22:00:00Z/2026-01-08T22:00:00Z", "2026-01-09T22:00:00Z/2026-01-11T22:00:00Z"},
	}
	for rule, want := range rules {
		schedule := parse(t, "", windows{newWindow(t, "w", "2026-01-05T22:00:00Z", "2026-01-07T22:00:00Z", rule)}, nil)
		got := opening(t, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", moment(t, "2026-01-01T00:00:00Z").Location(), schedule)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", rule, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const start, end = "2026-01-05T12:00:00Z", "2026-01-05T13:00:00Z"
	rule := func(text string) v1alpha1.Schedule {
		return v1alpha1.Schedule{Windows: windows{newWindow(t, "w", start, end, text)}}
	}
	cases := map[string]struct {
		spec v1alpha1.Schedule
		want string
	}{
		"unknown zone":        {v1alpha1.Schedule{TimeZone: "Europe/Nowhere"}, `timeZone: "Europe/Nowhere" is unknown`},
		"the machine's zone":  {v1alpha1.Schedule{TimeZone: "Local"}, "timeZone: must not be the operator's own"},
		"the machine's file":  {v1alpha1.Schedule{TimeZone: "localtime"}, "timeZone: must not be the operator's own"},
		"a path":              {v1alpha1.Schedule{TimeZone: "../../etc/localtime"}, "timeZone: "},
		"an absolute path":    {v1alpha1.Schedule{TimeZone: "/etc/localtime"}, "timeZone: "},
		"space":               {v1alpha1.Schedule{TimeZone: " "}, "timeZone: "},
		"an exclusion's name": {v1alpha1.Schedule{Exclusions: windows{newWindow(t, "e", end, start, "")}}, "exclusions[e].endTime: must be after startTime"},
		"empty":               {v1alpha1.Schedule{Windows: windows{newWindow(t, "w", start, start, "")}}, "windows[w].endTime: must be after startTime"},
		"no start":            {v1alpha1.Schedule{Windows: windows{{Name: "w"}}}, "windows[w].startTime: is missing"},
		"too long":            {v1alpha1.Schedule{Windows: windows{newWindow(t, "w", start, "2036-01-05T12:00:00Z", "FREQ=DAILY")}}, "windows[w].endTime: must be within 1830 days of startTime"},
		"backwards on the clock": {v1alpha1.Schedule{TimeZone: "Europe/Berlin",
			Windows: windows{newWindow(t, "w", "2026-10-25T02:30:00+02:00", "2026-10-25T02:10:00+01:00", "FREQ=DAILY")}},
			"windows[w].endTime: is not after startTime on the wall clock"},
		"nonsense":                  {rule("nonsense"), `windows[w].recurrence: must not have "nonsense"`},
		"no FREQ":                   {rule("BYDAY=MO"), "windows[w].recurrence: must be an RRULE of RFC 5545: RRULE property FREQ is required"},
		"yearly":                    {rule("FREQ=YEARLY"), "must not have FREQ=YEARLY: use DAILY, WEEKLY or MONTHLY"},
		"hourly":                    {rule("FREQ=HOURLY"), "must not have FREQ=HOURLY"},
		"unknown FREQ":              {rule("FREQ=OFTEN"), "undefined frequency: OFTEN"},
		"lower case":                {rule("freq=DAILY"), `must not have "freq"`},
		"a property":                {rule("RRULE:FREQ=DAILY"), `must not have "RRULE:FREQ"`},
		"two lines":                 {rule("DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY"), "must not have spaces"},
		"line at the end":           {rule("FREQ=DAILY;BYDAY=MO\n"), "must not have spaces"},
		"a start":                   {rule("FREQ=DAILY;DTSTART=20260101"), "must not have DTSTART: it is startTime"},
		"a part twice":              {rule("FREQ=DAILY;FREQ=WEEKLY"), "has FREQ twice"},
		"an empty part":             {rule("FREQ=DAILY;"), `must not have ""`},
		"an empty value":            {rule("FREQ=DAILY;BYDAY="), "BYDAY option has no value"},
		"hours":                     {rule("FREQ=DAILY;BYHOUR=1,2"), "must not have BYHOUR: the time of day is startTime's"},
		"week numbers":              {rule("FREQ=WEEKLY;BYWEEKNO=1"), "must not have BYWEEKNO"},
		"easter":                    {rule("FREQ=DAILY;BYEASTER=1"), `must not have "BYEASTER"`},
		"interval 0":                {rule("FREQ=DAILY;INTERVAL=0"), "must have an INTERVAL of 1 or more"},
		"interval -1":               {rule("FREQ=DAILY;INTERVAL=-1"), "interval must be greater than 0"},
		"count 0":                   {rule("FREQ=DAILY;COUNT=0"), "must have a COUNT of 1 or more"},
		"count -1":                  {rule("FREQ=DAILY;COUNT=-1"), "must have a COUNT of 1 or more"},
		"count and until":           {rule("FREQ=DAILY;COUNT=1;UNTIL=20270101"), "must not have both COUNT and UNTIL"},
		"until nonsense":            {rule("FREQ=DAILY;UNTIL=tomorrow"), "must be an RRULE of RFC 5545"},
		"until before startTime":    {rule("FREQ=DAILY;UNTIL=20260104"), "yields no day from startTime on"},
		"a number with a week":      {rule("FREQ=WEEKLY;BYDAY=1MO"), "must have FREQ=MONTHLY with +1MO in BYDAY"},
		"a month's eighth Monday":   {rule("FREQ=MONTHLY;BYDAY=8MO"), "must not have +8MO in BYDAY: no month has that day"},
		"no Monday at all":          {rule("FREQ=MONTHLY;BYDAY=-99999999999999999999MO"), "must be an RRULE"},
		"days of a month in a week": {rule("FREQ=WEEKLY;BYMONTHDAY=1"), "must not have BYMONTHDAY with FREQ=WEEKLY"},
		"positions in a week":       {rule("FREQ=WEEKLY;BYDAY=MO;BYSETPOS=1"), "must have FREQ=MONTHLY with BYSETPOS"},
		"positions of nothing":      {rule("FREQ=MONTHLY;BYSETPOS=1"), "must have BYDAY or BYMONTHDAY with BYSETPOS"},
		"no such month":             {rule("FREQ=DAILY;BYMONTH=13"), "bymonth must be between 1 and 12"},
		"31 February":               {rule("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31"), "yields no day from startTime on"},
		"out of step":               {rule("FREQ=DAILY;INTERVAL=7;BYDAY=TU"), "yields no day from startTime on"},
		"months out of step":        {rule("FREQ=MONTHLY;INTERVAL=12;BYMONTH=2"), "yields no day from startTime on"},
		"a position that is not":    {rule("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6"), "yields no day from startTime on"},
		"too long a rule":           {rule("FREQ=DAILY;BYMONTH=" + strings.Repeat("1,", 200) + "1"), "must have at most 256 characters"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(tc.spec)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
