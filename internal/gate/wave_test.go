package gate

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/schedule"
)

const day = 24 * time.Hour

// spanning is one window or exclusion around noon.
func spanning(name string, from, to time.Duration) []v1alpha1.TimeWindow {
	return []v1alpha1.TimeWindow{{Name: name, StartTime: metav1.NewTime(noon.Add(from)), EndTime: metav1.NewTime(noon.Add(to))}}
}

func parsed(of, reason string, spec v1alpha1.Schedule) Schedule {
	s, err := schedule.Parse(spec)
	if err != nil {
		panic(err)
	}
	return Schedule{Of: of, Reason: reason, Schedule: s}
}

// The schedules of these tests, as they are at noon.
var (
	alwaysOpen = Schedule{Of: "spec.schedule"}
	openNow    = parsed("spec.schedule", "", v1alpha1.Schedule{Windows: spanning("lunch", -time.Hour, time.Hour)})
	later      = parsed("MaintenanceSchedule nights", "", v1alpha1.Schedule{Windows: spanning("night", 10*time.Hour, 12*time.Hour)})
	past       = parsed("rollout.waves[canary].schedule", "", v1alpha1.Schedule{Windows: spanning("once", -2*day, -day)})
	xmas       = parsed("MaintenanceSchedule xmas", "nobody is there", v1alpha1.Schedule{Exclusions: spanning("holidays", -day, day)})
	audit      = parsed("MaintenanceSchedule audit", "", v1alpha1.Schedule{Exclusions: spanning("week", -day, 3*day)})
	broken     = Schedule{Of: "MaintenanceSchedule bad", Broken: `timeZone: "Mars" is unknown`}
)

func blocksAll(s Schedule) Schedule {
	s.BlocksAll = true
	return s
}

// start is wave canary at noon, and 1.5.0 may start there.
func start(change func(*WaveInput)) WaveInput {
	in := WaveInput{
		Now: noon, Tag: "1.5.0", Wave: "canary", Seen: noon.Add(-time.Hour), Opens: noon,
		Schedules:    []Schedule{alwaysOpen, openNow},
		Dependencies: []Dependency{{Name: "cert-manager", Ready: true}},
	}
	change(&in)
	return in
}

func scheduled(opens time.Time, schedules ...Schedule) func(*WaveInput) {
	return func(in *WaveInput) { in.Schedules, in.Opens = schedules, opens }
}

func after(before Before) func(*WaveInput) {
	return func(in *WaveInput) {
		before.Wave = "canary"
		in.Wave, in.Before = "production", &before
	}
}

const (
	never       = ". No time will come at which all schedules allow a start: change one of them"
	xmasMessage = "MaintenanceSchedule xmas has the exclusion holidays (nobody is there): wait for its end, or shorten or remove it"
	badMessage  = `MaintenanceSchedule bad cannot be read and allows nothing until you correct it: timeZone: "Mars" is unknown`
	lateMessage = "MaintenanceSchedule nights has no window open now: wait for one, or add one"
	pastMessage = "rollout.waves[canary].schedule has no window open now: wait for one, or add one"
)

func TestForWave(t *testing.T) {
	soon := noon.Add(10 * time.Hour)
	cases := map[string]struct {
		change func(*WaveInput)
		want   []wantHold
	}{
		"open":          {change: func(*WaveInput) {}},
		"no conditions": {change: func(in *WaveInput) { *in = WaveInput{Now: noon, Tag: "1.5.0"} }},
		"suspended": {
			change: func(in *WaveInput) { in.Suspended = true },
			want:   []wantHold{{Reason: "Suspended", Message: "The policy is suspended: set spec.suspend to false to go on"}},
		},
		"blocked": {
			change: func(in *WaveInput) {
				in.Blocked = &pin.Blocked{Tag: "1.5.0", Wave: "canary", Message: "App hello is not deployed"}
			},
			want: []wantHold{{Reason: "Blocked", Message: "1.5.0 failed in wave canary: App hello is not deployed; it is not taken again until you " +
				"set a new token in the annotation upgrades.giantswarm.io/resume, and newer versions are not affected"}},
		},
		"blocked without waves": {
			change: func(in *WaveInput) { in.Blocked = &pin.Blocked{Message: "App hello is not deployed"} },
			want: []wantHold{{Reason: "Blocked", Message: "1.5.0 failed: App hello is not deployed; it is not taken again until you " +
				"set a new token in the annotation upgrades.giantswarm.io/resume, and newer versions are not affected"}},
		},

		"frozen":          {change: scheduled(noon.Add(day), xmas), want: []wantHold{{Reason: "Frozen", Message: xmasMessage, Earliest: noon.Add(day)}}},
		"frozen for ever": {change: scheduled(time.Time{}, xmas), want: []wantHold{{Reason: "Frozen", Message: xmasMessage}}},
		"frozen twice": {
			change: scheduled(noon.Add(3*day), xmas, openNow, audit),
			want: []wantHold{{Reason: "Frozen", Earliest: noon.Add(3 * day),
				Message: xmasMessage + "; MaintenanceSchedule audit has the exclusion week: wait for its end, or shorten or remove it"}},
		},
		"unreadable": {change: scheduled(time.Time{}, broken), want: []wantHold{{Reason: "Frozen", Message: badMessage}}},
		"unreadable, and closed": {
			change: scheduled(soon, later, broken),
			want:   []wantHold{{Reason: "Frozen", Message: badMessage}, {Reason: "OutsideWindow", Message: lateMessage}},
		},
		"outside of the window": {change: scheduled(soon, later), want: []wantHold{{Reason: "OutsideWindow", Message: lateMessage, Earliest: soon}}},
		"no window comes again": {change: scheduled(time.Time{}, past), want: []wantHold{{Reason: "OutsideWindow", Message: pastMessage + never}}},
		"frozen and outside": {
			change: scheduled(time.Time{}, later, xmas),
			want:   []wantHold{{Reason: "Frozen", Message: xmasMessage}, {Reason: "OutsideWindow", Message: lateMessage + never}},
		},

		"old enough": {change: func(in *WaveInput) { in.MinAge = time.Hour }},
		"too young": {
			change: func(in *WaveInput) { in.MinAge = 48 * time.Hour },
			want: []wantHold{{Reason: "TooYoung", Message: "rollout.minAge is 48h, and 1.5.0 is that old at 2026-03-12T11:00:00Z",
				Earliest: noon.Add(47 * time.Hour)}},
		},
		"never seen": {
			change: func(in *WaveInput) { in.MinAge, in.Seen = time.Hour, time.Time{} },
			want:   []wantHold{{Reason: "TooYoung", Message: "rollout.minAge is 1h, and 1.5.0 was never seen as the newest version in the range"}},
		},

		"proven": {change: after(Before{Proven: true, Empty: true, Soak: day})},
		"the wave before is empty": {
			change: after(Before{Empty: true, Soak: day}),
			want: []wantHold{{Reason: "Soaking", Message: "Wave canary has no targets, so no version is ever proven there: " +
				"give it some, or remove it from rollout.waves"}},
		},
		"soaks in the wave before": {
			change: after(Before{Has: true, Soak: day, Soaked: soon}),
			want: []wantHold{{Reason: "Soaking", Earliest: soon,
				Message: "1.5.0 soaks in wave canary for 24h, until 2026-03-10T22:00:00Z"}},
		},
		"unhealthy in the wave before": {
			change: after(Before{Has: true}),
			want:   []wantHold{{Reason: "Soaking", Message: "1.5.0 must be healthy in wave canary first"}},
		},
		"not yet in the wave before": {
			change: after(Before{Soak: day, Soaked: soon}),
			want:   []wantHold{{Reason: "Soaking", Message: "1.5.0 must get to wave canary first, and be healthy there for 24h"}},
		},
		"soaked meanwhile, and not yet noticed": {
			change: after(Before{Has: true, Soaked: noon}),
			want:   []wantHold{{Reason: "Soaking", Message: "1.5.0 must be healthy in wave canary first"}},
		},
		"another one soaks here": {
			change: func(in *WaveInput) { in.Soaking, in.Soaked = []string{"1.4.0"}, soon },
			want: []wantHold{{Reason: "Soaking", Earliest: soon,
				Message: "Wave canary keeps 1.4.0 until it has soaked for the next wave, at 2026-03-10T22:00:00Z"}},
		},
		"it soaks here itself":                    {change: func(in *WaveInput) { in.Soaking = []string{"1.4.0", "1.5.0"} }},
		"it soaks here itself, with another name": {change: func(in *WaveInput) { in.Soaking = []string{"v1.5.0"} }},
		"soaks before and another one here": {
			change: func(in *WaveInput) {
				after(Before{Has: true, Soak: day, Soaked: soon})(in)
				in.Soaking, in.Soaked = []string{"1.4.0"}, noon.Add(day)
			},
			want: []wantHold{{Reason: "Soaking", Earliest: noon.Add(day),
				Message: "1.5.0 soaks in wave canary for 24h, until 2026-03-10T22:00:00Z; " +
					"Wave production keeps 1.4.0 until it has soaked for the next wave, at 2026-03-11T12:00:00Z"}},
		},
		"soaks before for longer than another one here": {
			change: func(in *WaveInput) {
				after(Before{Has: true, Soaked: noon.Add(day)})(in)
				in.Soaking, in.Soaked = []string{"1.4.0"}, soon
			},
			want: []wantHold{{Reason: "Soaking", Earliest: noon.Add(day),
				Message: "1.5.0 soaks in wave canary, until 2026-03-11T12:00:00Z; " +
					"Wave production keeps 1.4.0 until it has soaked for the next wave, at 2026-03-10T22:00:00Z"}},
		},
		"soaks before, and nobody knows until when another one does here": {
			change: func(in *WaveInput) {
				after(Before{Has: true, Soaked: soon})(in)
				in.Soaking = []string{"1.4.0"}
			},
			want: []wantHold{{Reason: "Soaking",
				Message: "1.5.0 soaks in wave canary, until 2026-03-10T22:00:00Z; " +
					"Wave production keeps 1.4.0 until it has soaked for the next wave"}},
		},

		"another upgrade": {
			change: func(in *WaveInput) { in.Running = []string{"1.4.0", "1.4.1"} },
			want:   []wantHold{{Reason: "UpgradeRunning", Message: "Wave canary is on the way to 1.4.0, 1.4.1: wait until that has ended"}},
		},
		"another upgrade without waves": {
			change: func(in *WaveInput) { in.Wave, in.Running = "", []string{"1.4.0"} },
			want:   []wantHold{{Reason: "UpgradeRunning", Message: "The policy is on the way to 1.4.0: wait until that has ended"}},
		},
		"this upgrade": {change: func(in *WaveInput) { in.Running = []string{"v1.5.0"} }},

		"a dependency": {
			change: func(in *WaveInput) {
				in.Dependencies = append(in.Dependencies, Dependency{Name: "cilium", Message: "it is on the way to 1.2.0"})
			},
			want: []wantHold{{Reason: "DependencyNotReady", Message: "rollout.dependsOn: cilium is not ready: it is on the way to 1.2.0"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := start(tc.change)
			checkHolds(t, in.Tag, Evaluate(ForWave(), in), tc.want...)
		})
	}
}

func TestRollback(t *testing.T) {
	cases := map[string]struct {
		in   WaveInput
		want *wantHold
	}{
		"nothing else holds it": {in: start(func(in *WaveInput) {
			in.Blocked, in.MinAge, in.Running, in.Soaking = &pin.Blocked{}, day, []string{"1.6.0"}, []string{"1.7.0"}
			in.Before, in.Dependencies = &Before{Empty: true}, []Dependency{{Name: "cilium"}}
		})},
		"upgrades are blocked": {in: start(scheduled(time.Time{}, xmas, later, broken, blocksAll(openNow)))},
		"suspended": {
			in:   start(func(in *WaveInput) { in.Suspended = true }),
			want: &wantHold{Reason: "Suspended", Message: "The policy is suspended: set spec.suspend to false to go on"},
		},
		"all is frozen": {
			in:   start(scheduled(time.Time{}, past, audit, blocksAll(xmas))),
			want: &wantHold{Reason: "Frozen", Message: xmasMessage, Earliest: noon.Add(day)},
		},
		"all is outside of the window": {
			in:   start(scheduled(noon.Add(3*day), audit, blocksAll(later))),
			want: &wantHold{Reason: "OutsideWindow", Message: lateMessage, Earliest: noon.Add(10 * time.Hour)},
		},
		"all is closed for ever": {
			in:   start(scheduled(noon.Add(day), blocksAll(past))),
			want: &wantHold{Reason: "OutsideWindow", Message: pastMessage + never},
		},
		"unreadable": {
			in:   start(scheduled(noon, blocksAll(broken), blocksAll(later))),
			want: &wantHold{Reason: "Frozen", Message: badMessage},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			hold := Rollback(tc.in)
			switch {
			case hold != nil && tc.want != nil:
				checkHolds(t, tc.in.Tag, []Hold{*hold}, *tc.want)
			case hold != nil || tc.want != nil:
				t.Errorf("got %+v, want %+v", hold, tc.want)
			}
		})
	}
}
