package schedule

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWallClock shows in local time when windows are open around the days on which clocks are adjusted.
func TestWallClock(t *testing.T) {
	const berlin, newYork, lordHowe = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
	cases := map[string]struct {
		zone       string
		start, end string // of the first occurrence
		recurrence string
		from, to   string
		want       []string
	}{
		"a night in Berlin that is set forward": {
			berlin, "2026-01-05T22:00:00+01:00", "2026-01-06T06:00:00+01:00", "FREQ=WEEKLY;BYDAY=SA,SU",
			"2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z",
			[]string{"2026-03-28T22:00:00+01:00/2026-03-29T06:00:00+02:00", "2026-03-29T22:00:00+02:00/2026-03-30T06:00:00+02:00"},
		},
		"a night in Berlin that is set back": {
			berlin, "2026-01-05T22:00:00+01:00", "2026-01-06T06:00:00+01:00", "FREQ=WEEKLY;BYDAY=SA,SU",
			"2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z",
			[]string{"2026-10-24T22:00:00+02:00/2026-10-25T06:00:00+01:00", "2026-10-25T22:00:00+01:00/2026-10-26T06:00:00+01:00"},
		},
		"a first occurrence that is written in UTC, and in which clocks are set forward": {
			berlin, "2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z", "FREQ=DAILY",
			"2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z",
			[]string{"2026-03-28T22:00:00+01:00/2026-03-29T06:00:00+02:00", "2026-03-29T22:00:00+02:00/2026-03-30T06:00:00+02:00"},
		},
		"a start that is skipped in New York": {
			newYork, "2026-03-01T02:30:00-05:00", "2026-03-01T04:00:00-05:00", "FREQ=DAILY",
			"2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z",
			[]string{"2026-03-08T03:00:00-04:00/2026-03-08T04:00:00-04:00", "2026-03-09T02:30:00-04:00/2026-03-09T04:00:00-04:00"},
		},
		"an end that is skipped": {
			newYork, "2026-03-01T01:00:00-05:00", "2026-03-01T02:30:00-05:00", "FREQ=DAILY",
			"2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z",
			[]string{"2026-03-08T01:00:00-05:00/2026-03-08T03:00:00-04:00", "2026-03-09T01:00:00-04:00/2026-03-09T02:30:00-04:00"},
		},
		"an occurrence that is skipped": {
			newYork, "2026-03-01T02:00:00-05:00", "2026-03-01T03:00:00-05:00", "FREQ=DAILY",
			"2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z",
			[]string{"2026-03-09T02:00:00-04:00/2026-03-09T03:00:00-04:00"},
		},
		"a start that comes twice": {
			newYork, "2026-03-01T01:30:00-05:00", "2026-03-01T04:00:00-05:00", "FREQ=DAILY",
			"2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z",
			[]string{"2026-11-01T01:30:00-04:00/2026-11-01T04:00:00-05:00", "2026-11-02T01:30:00-05:00/2026-11-02T04:00:00-05:00"},
		},
		"an end that comes twice": {
			newYork, "2026-03-01T00:00:00-05:00", "2026-03-01T01:30:00-05:00", "FREQ=DAILY",
			"2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z",
			[]string{"2026-11-01T00:00:00-04:00/2026-11-01T01:30:00-04:00", "2026-11-02T00:00:00-05:00/2026-11-02T01:30:00-05:00"},
		},
		"both come twice": {
			newYork, "2026-03-01T01:15:00-05:00", "2026-03-01T01:45:00-05:00", "FREQ=DAILY",
			"2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z",
			[]string{"2026-11-01T01:15:00-04:00/2026-11-01T01:45:00-04:00", "2026-11-02T01:15:00-05:00/2026-11-02T01:45:00-05:00"},
		},
		"the first occurrence is exact": {
			berlin, "2026-10-25T02:30:00+01:00", "2026-10-25T04:00:00+01:00", "FREQ=WEEKLY",
			"2026-10-24T00:00:00Z", "2026-11-02T00:00:00Z",
			[]string{"2026-10-25T02:30:00+01:00/2026-10-25T04:00:00+01:00", "2026-11-01T02:30:00+01:00/2026-11-01T04:00:00+01:00"},
		},
		"a window that comes once is exact": {
			berlin, "2026-10-25T02:30:00+02:00", "2026-10-25T02:10:00+01:00", "",
			"2026-10-24T00:00:00Z", "2026-11-02T00:00:00Z",
			[]string{"2026-10-25T02:30:00+02:00/2026-10-25T02:10:00+01:00"},
		},
		"half an hour that is skipped on Lord Howe": {
			lordHowe, "2026-09-01T01:45:00+10:30", "2026-09-01T03:00:00+10:30", "FREQ=DAILY",
			"2026-10-02T12:00:00Z", "2026-10-04T12:00:00Z",
			[]string{"2026-10-03T01:45:00+10:30/2026-10-03T03:00:00+10:30", "2026-10-04T01:45:00+10:30/2026-10-04T03:00:00+11:00"},
		},
		"half an hour that comes twice on Lord Howe": {
			lordHowe, "2026-01-01T01:45:00+11:00", "2026-01-01T03:00:00+11:00", "FREQ=DAILY",
			"2026-04-03T12:00:00Z", "2026-04-05T12:00:00Z",
			[]string{"2026-04-04T01:45:00+11:00/2026-04-04T03:00:00+11:00", "2026-04-05T01:45:00+11:00/2026-04-05T03:00:00+10:30"},
		},
		"a day that Samoa skipped": {
			"Pacific/Apia", "2011-12-01T00:00:00-10:00", "2011-12-01T12:00:00-10:00", "FREQ=DAILY",
			"2011-12-29T00:00:00Z", "2012-01-01T00:00:00Z",
			[]string{"2011-12-29T00:00:00-10:00/2011-12-29T12:00:00-10:00", "2011-12-31T00:00:00+14:00/2011-12-31T12:00:00+14:00",
				"2012-01-01T00:00:00+14:00/2012-01-01T12:00:00+14:00"},
		},
		"clocks that are set back at midnight": {
			"America/Havana", "2026-06-01T00:00:00-04:00", "2026-06-01T00:30:00-04:00", "FREQ=DAILY",
			"2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z",
			[]string{"2026-11-01T00:00:00-04:00/2026-11-01T00:30:00-04:00", "2026-11-02T00:00:00-05:00/2026-11-02T00:30:00-05:00"},
		},
		"the last day of a leap year": {
			berlin, "2028-12-01T22:00:00+01:00", "2028-12-02T06:00:00+01:00", "FREQ=DAILY",
			"2028-12-30T12:00:00Z", "2029-01-01T12:00:00Z",
			[]string{"2028-12-30T22:00:00+01:00/2028-12-31T06:00:00+01:00", "2028-12-31T22:00:00+01:00/2029-01-01T06:00:00+01:00"},
		},
		"summer far in the future": {
			berlin, "2026-01-05T22:00:00+01:00", "2026-01-06T06:00:00+01:00", "FREQ=DAILY",
			"2086-07-01T12:00:00Z", "2086-07-02T12:00:00Z",
			[]string{"2086-07-01T22:00:00+02:00/2086-07-02T06:00:00+02:00"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			zone, err := time.LoadLocation(tc.zone)
			if err != nil {
				t.Fatal(err)
			}
			schedule := parse(t, tc.zone, windows{newWindow(t, "w", tc.start, tc.end, tc.recurrence)}, nil)
			if diff := cmp.Diff(tc.want, opening(t, tc.from, tc.to, zone, schedule)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestClockGoesOn looks at every hour of years in which time.ZoneBounds is wrong.
func TestClockGoesOn(t *testing.T) {
	for _, name := range zones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2033; at = at.Add(time.Hour) {
			wall := wallOf(at, zone).Unix()
			c := clock{zone: zone}
			if got := c.at(at.Unix()); got != wall {
				t.Fatalf("%s shows %d at %v, want %d", name, got, at, wall)
			}
			c = clock{zone: zone}
			if first := c.first(wall); first > at.Unix() || c.at(first) != wall {
				t.Fatalf("%s shows %d first at %d, not at %v", name, wall, first, at)
			}
		}
	}
}
