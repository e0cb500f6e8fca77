package schedule

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

func TestZeroScheduleIsOpen(t *testing.T) {
	now := moment(t, "2026-03-01T12:00:00.5Z")
	if diff := cmp.Diff(State{Open: true}, Schedule{}.At(now)); diff != "" {
		t.Error(diff)
	}
	for name, all := range map[string][]Schedule{"none": nil, "one": {{}}, "two": {{}, {}}} {
		if at, ok := Opens(now, all...); !ok || !at.Equal(now) {
			t.Errorf("%s: opens %v %v", name, at, ok)
		}
		if at, ok := Closes(now, all...); ok {
			t.Errorf("%s: closes %v", name, at)
		}
	}
}

func TestAt(t *testing.T) {
	const nightly, weekly = "FREQ=DAILY", "FREQ=WEEKLY"
	night := newWindow(t, "night", "2026-01-05T22:00:00Z", "2026-01-06T06:00:00Z", nightly)
	late := newWindow(t, "late", "2026-01-05T20:00:00Z", "2026-01-05T23:00:00Z", nightly)
	party := newWindow(t, "party", "2026-01-09T23:30:00Z", "2026-01-10T00:30:00Z", weekly)
	freeze := newWindow(t, "freeze", "2026-01-10T00:00:00Z", "2026-01-20T00:00:00Z", "")
	both := parse(t, "", windows{night, late}, windows{party, freeze})
	cases := map[string]struct {
		schedule Schedule
		now      string
		want     State
	}{
		"before the first occurrence":        {both, "2026-01-05T19:59:59Z", State{}},
		"the start is part of it":            {both, "2026-01-05T20:00:00Z", State{Open: true, Name: "late"}},
		"the one that ends last":             {both, "2026-01-05T22:00:00Z", State{Open: true, Name: "night"}},
		"the last moment":                    {both, "2026-01-06T05:59:59.999Z", State{Open: true, Name: "night"}},
		"the end is not part of it":          {both, "2026-01-06T06:00:00Z", State{}},
		"an exclusion wins":                  {both, "2026-01-09T23:45:00Z", State{Frozen: true, Name: "party"}},
		"the exclusion that ends last":       {both, "2026-01-10T00:15:00Z", State{Frozen: true, Name: "freeze"}},
		"frozen outside of the windows, too": {both, "2026-01-10T12:00:00Z", State{Frozen: true, Name: "freeze"}},
		"no windows":                         {parse(t, "", nil, windows{freeze}), "2026-01-09T23:59:59Z", State{Open: true}},
		"no windows, frozen":                 {parse(t, "", nil, windows{freeze}), "2026-01-10T00:00:00Z", State{Frozen: true, Name: "freeze"}},
		"of equal ends the first":            {parse(t, "", windows{named(night, "a"), named(night, "b")}, nil), "2026-01-06T00:00:00Z", State{Open: true, Name: "a"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.schedule.At(moment(t, tc.now))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOpensAndCloses(t *testing.T) {
	const never = "never"
	nights := parse(t, "Europe/Berlin", windows{newWindow(t, "nights", "2026-01-05T21:00:00Z", "2026-01-06T05:00:00Z", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH")}, nil)
	mondays := parse(t, "", windows{newWindow(t, "mondays", "2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z", "FREQ=WEEKLY")}, nil)
	first := parse(t, "", windows{newWindow(t, "first", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "FREQ=MONTHLY")}, nil)
	tuesdays := parse(t, "", windows{newWindow(t, "tuesdays", "2026-01-06T00:00:00Z", "2026-01-07T00:00:00Z", "FREQ=WEEKLY")}, nil)
	leap := parse(t, "", windows{newWindow(t, "leap", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z", "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=29")}, nil)
	halves := parse(t, "", windows{
		newWindow(t, "am", "2026-01-05T00:00:00Z", "2026-01-05T12:00:00Z", "FREQ=DAILY"),
		newWindow(t, "pm", "2026-01-05T12:00:00Z", "2026-01-06T00:00:00Z", "FREQ=DAILY"),
	}, nil)
	past := parse(t, "", windows{newWindow(t, "past", "2025-01-05T00:00:00Z", "2025-01-05T12:00:00Z", "")}, nil)
	far := parse(t, "", windows{newWindow(t, "far", "2036-01-05T00:00:00Z", "2036-01-05T12:00:00Z", "")}, nil)
	freeze := parse(t, "", nil, windows{newWindow(t, "freeze", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", "")})
	touching := parse(t, "", windows{newWindow(t, "w", "2026-02-27T00:00:00Z", "2026-03-01T00:00:00Z", "")},
		windows{newWindow(t, "e", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "")})
	swallowed := parse(t, "", windows{newWindow(t, "w", "2026-02-27T10:00:00Z", "2026-02-27T12:00:00Z", "FREQ=DAILY")},
		windows{newWindow(t, "e", "2026-02-27T10:00:00Z", "2026-02-27T12:00:00Z", "FREQ=DAILY")})
	cases := map[string]struct {
		schedules     []Schedule
		now           string
		opens, closes string
	}{
		"open now":                       {[]Schedule{nights}, "2026-01-05T21:00:00.25Z", "2026-01-05T21:00:00.25Z", "2026-01-06T05:00:00Z"},
		"closed now":                     {[]Schedule{nights}, "2026-01-06T05:00:00.25Z", "2026-01-06T21:00:00Z", "2026-01-06T05:00:00.25Z"},
		"in summer":                      {[]Schedule{nights}, "2026-07-01T12:00:00Z", "2026-07-01T20:00:00Z", "2026-07-01T12:00:00Z"},
		"long before":                    {[]Schedule{nights}, "2022-01-01T00:00:00Z", "2026-01-05T21:00:00Z", "2022-01-01T00:00:00Z"},
		"too long before":                {[]Schedule{nights}, "2001-01-01T00:00:00Z", never, "2001-01-01T00:00:00Z"},
		"two that meet rarely":           {[]Schedule{mondays, first}, "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-01-01T00:00:00Z"},
		"three that meet more rarely":    {[]Schedule{mondays, first, freeze, nights}, "2026-06-02T00:00:00Z", "2027-02-01T21:00:00Z", "2026-06-02T00:00:00Z"},
		"two that never meet":            {[]Schedule{mondays, tuesdays}, "2026-01-01T00:00:00Z", never, "2026-01-01T00:00:00Z"},
		"29th of February":               {[]Schedule{leap}, "2024-03-01T00:00:00Z", "2028-02-29T00:00:00Z", "2024-03-01T00:00:00Z"},
		"windows that always follow":     {[]Schedule{halves}, "2026-01-10T10:00:00Z", "2026-01-10T10:00:00Z", never},
		"until the freeze":               {[]Schedule{halves, freeze}, "2026-01-10T10:00:00Z", "2026-01-10T10:00:00Z", "2026-03-01T00:00:00Z"},
		"freeze alone":                   {[]Schedule{freeze}, "2026-03-10T00:00:00Z", "2026-04-01T00:00:00Z", "2026-03-10T00:00:00Z"},
		"after the freeze":               {[]Schedule{freeze}, "2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z", never},
		"exclusions without windows":     {[]Schedule{touching.Exclusions()}, "2026-02-20T00:00:00Z", "2026-02-20T00:00:00Z", "2026-03-01T00:00:00Z"},
		"past":                           {[]Schedule{past}, "2026-01-01T00:00:00Z", never, "2026-01-01T00:00:00Z"},
		"beyond the horizon":             {[]Schedule{far}, "2026-01-01T00:00:00Z", never, "2026-01-01T00:00:00Z"},
		"an exclusion touches":           {[]Schedule{touching}, "2026-02-28T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"},
		"after the one that touches":     {[]Schedule{touching}, "2026-03-01T00:00:00Z", never, "2026-03-01T00:00:00Z"},
		"exclusions swallow all windows": {[]Schedule{swallowed}, "2026-03-01T00:00:00Z", never, "2026-03-01T00:00:00Z"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			now := moment(t, tc.now)
			for what, ask := range map[string]struct {
				want string
				by   func(time.Time, ...Schedule) (time.Time, bool)
			}{"opens": {tc.opens, Opens}, "closes": {tc.closes, Closes}} {
				got := never
				if at, ok := ask.by(now, tc.schedules...); ok {
					got = at.UTC().Format(time.RFC3339Nano)
				}
				if got != ask.want {
					t.Errorf("%s %s, want %s", what, got, ask.want)
				}
			}
		})
	}
}

func TestParseTakesWholeSeconds(t *testing.T) {
	spec := newWindow(t, "w", "2026-01-05T00:00:00.2Z", "2026-01-05T00:00:00.9Z", "")
	if _, err := Parse(v1alpha1.Schedule{Windows: windows{spec}}); err == nil {
		t.Error("an empty window")
	}
}
