package rollout

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// find is a target by its name.
func (w *world) find(name string) *member {
	return w.members[slices.IndexFunc(w.members, func(m *member) bool { return m.target.Name == name })]
}

func (w *world) lines() map[string]string {
	lines := map[string]string{}
	for _, m := range w.members {
		lines[m.target.Name] = m.text()
	}
	return lines
}

func (w *world) mustHave(want map[string]string) {
	w.Helper()
	for name, version := range want {
		if got := w.lines()[name]; got != version {
			w.fail("%s has %s, want %s", name, got, version)
		}
	}
}

func (w *world) finding(name string) string {
	for _, t := range w.operator.last.Targets {
		if t.Name == name && t.Finding != nil {
			return t.Finding.Reason
		}
	}
	return ""
}

// TestTrainsReachProduction: releases that come faster than versions may go on do not starve production.
func TestTrainsReachProduction(t *testing.T) {
	cases := map[string]struct {
		policy Policy
		every  time.Duration
		days   int
		behind time.Duration
	}{
		"daily releases that soak for a day":    {policy: Policy{Waves: wavesOf(24 * time.Hour)}, every: 24 * time.Hour, days: 12, behind: 50 * time.Hour},
		"daily releases that soak for two days": {policy: Policy{Waves: wavesOf(48 * time.Hour)}, every: 24 * time.Hour, days: 12, behind: 98 * time.Hour},
		"hourly releases, two days old":         {policy: Policy{MinAge: 48 * time.Hour}, every: time.Hour, days: 4, behind: 50 * time.Hour},
		"hourly releases, old and soaking": {
			policy: Policy{MinAge: 24 * time.Hour, Waves: wavesOf(12 * time.Hour)}, every: time.Hour, days: 4, behind: 54 * time.Hour,
		},
		"more releases than are remembered until they are old": {policy: Policy{MinAge: 48 * time.Hour}, every: 20 * time.Minute, days: 4, behind: 54 * time.Hour},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newScenario(t, tc.policy, map[string]int{"prod-1": len(tc.policy.Waves) - min(1, len(tc.policy.Waves)), "canary": 0})
			releasedAt := map[string]time.Time{"1.4.0": w.now}
			for n := range int(time.Duration(tc.days) * 24 * time.Hour / tc.every) {
				tag := fmt.Sprintf("1.5.%d", n)
				releasedAt[tag] = w.now
				w.push(tag)
				w.run(tc.every)
				if behind := w.now.Sub(releasedAt[w.find("prod-1").line]); behind > tc.behind {
					w.fail("prod-1 is %s behind, at %s", behind, w.find("prod-1").line)
				}
			}
		})
	}
}

// TestUnjudged: what was not well before is not blamed on a version, and holds nothing.
func TestUnjudged(t *testing.T) {
	for name, spoil := range map[string]func(w *world){
		"unhealthy": func(w *world) { w.loseHealth(w.find("a")) },
		"paused":    func(w *world) { w.find("a").target.Excused = "paused" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newScenario(t, Policy{Waves: wavesOf(time.Hour), Health: Health{Rollback: true}}, map[string]int{"a": 0, "b": 0, "prod": 1})
			spoil(w)
			w.look()
			w.run(time.Hour)
			w.fates["1.5.0"] = fate{kind: hanging, only: []string{"a"}}
			w.push("1.5.0")
			w.run(6 * time.Hour)
			w.mustHave(map[string]string{"a": "1.5.0", "b": "1.5.0", "prod": "1.5.0"})
			if len(w.operator.ledger.Blocked) > 0 {
				w.fail("1.5.0 is blocked")
			}
			if got := w.find("a").target.Pin.Upgrade.Result; got != v1alpha1.ResultUnjudged {
				w.fail("the result of a is %q", got)
			}
		})
	}
}

// TestNotApplied: a cluster that does not follow Git is no failure of a version, but its wave waits.
func TestNotApplied(t *testing.T) {
	w := newScenario(t, Policy{Waves: wavesOf(time.Hour), Health: Health{Rollback: true}}, map[string]int{"a": 0, "b": 0, "prod": 1})
	stuck := w.find("a")
	stuck.stuck, stuck.target.ApplyMessage = true, "health check failed"
	w.push("1.5.0")
	w.run(6 * time.Hour)
	w.mustHave(map[string]string{"a": "1.5.0", "b": "1.5.0", "prod": "1.4.0"})
	if got := w.finding("a"); got != v1alpha1.NotAppliedReason {
		w.fail("finding is %q", got)
	}
	stuck.stuck = false
	w.apply(stuck)
	w.look()
	w.run(2 * time.Hour)
	w.mustHave(map[string]string{"prod": "1.5.0"})
}

// TestRollbackFails: it stops, and says so, until a human lets it go on.
func TestRollbackFails(t *testing.T) {
	w := newScenario(t, Policy{Health: Health{Rollback: true}}, map[string]int{"a": 0})
	w.fates["1.5.0"], w.fates["1.4.0"] = fate{kind: failing}, fate{kind: failing}
	w.push("1.5.0")
	w.run(3 * time.Hour)
	w.push("1.6.0")
	w.run(3 * time.Hour)
	w.mustHave(map[string]string{"a": "1.4.0"})
	if got := w.finding("a"); got != v1alpha1.RollbackFailedReason {
		w.fail("finding is %q", got)
	}
	w.resumeWith("repaired")
	w.look()
	w.run(3 * time.Hour)
	w.mustHave(map[string]string{"a": "1.6.0"})
}

// TestRollbacksWaitForFewGates: a window that is closed does not stop them, and what blocks all does.
func TestRollbacksWaitForFewGates(t *testing.T) {
	closed := func(blocksAll bool) func(w *world) {
		return func(w *world) {
			s := makeSchedule(t, "MaintenanceSchedule xmas", v1alpha1.Schedule{Exclusions: window("xmas", 0, 100*24*time.Hour, "")})
			s.BlocksAll = blocksAll
			w.maintenance["xmas"] = s
		}
	}
	for name, tc := range map[string]struct {
		stop func(w *world)
		want string
	}{
		"freeze":     {stop: closed(false), want: "1.4.0"},
		"blocks all": {stop: closed(true), want: "1.5.0"},
		"suspended":  {stop: func(w *world) { w.policy.Suspended = true }, want: "1.5.0"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newScenario(t, Policy{Health: Health{Rollback: true}}, map[string]int{"a": 0})
			w.fates["1.5.0"] = fate{kind: hanging}
			w.push("1.5.0")
			w.run(20 * time.Minute)
			tc.stop(w)
			w.look()
			w.run(5 * time.Hour)
			w.mustHave(map[string]string{"a": tc.want})
			w.maintenance, w.policy.Suspended = map[string]Schedule{}, false
			w.look()
			w.run(5 * time.Hour)
			w.mustHave(map[string]string{"a": "1.4.0"})
		})
	}
}

// TestLostHealth restarts the soak, and fails the version if it lasts.
func TestLostHealth(t *testing.T) {
	w := newScenario(t, Policy{Waves: wavesOf(4 * time.Hour), Health: Health{Rollback: true}}, map[string]int{"canary": 0, "prod": 1})
	w.push("1.5.0")
	w.run(3 * time.Hour)
	w.loseHealth(w.find("canary"))
	w.look()
	w.run(20 * time.Minute)
	w.deployed(w.find("canary"))
	w.look()
	w.run(3 * time.Hour)
	w.mustHave(map[string]string{"prod": "1.4.0"})
	w.loseHealth(w.find("canary"))
	w.look()
	w.run(2 * time.Hour)
	w.mustHave(map[string]string{"canary": "1.4.0", "prod": "1.4.0"})
	if !slices.ContainsFunc(w.operator.ledger.Blocked, func(b pin.Blocked) bool { return versions.Same(b.Tag, "1.5.0") }) {
		w.fail("1.5.0 is not blocked")
	}
}

// TestLateTargetsOfAWave: one that comes to a wave late takes the version, and does not take it away from the next wave.
func TestLateTargetsOfAWave(t *testing.T) {
	w := newScenario(t, Policy{Waves: wavesOf(time.Hour)}, map[string]int{"canary": 0, "prod": 1})
	night := makeSchedule(t, "spec.rollout.waves[production].schedule", v1alpha1.Schedule{Windows: window("night", 10*time.Hour, time.Hour, "FREQ=DAILY")})
	w.policy.Waves[1].Schedules = []Schedule{night}
	w.push("1.5.0")
	w.run(noon.Add(9*time.Hour + 58*time.Minute).Sub(w.now))
	w.add("late", "1.4.0", 0)
	w.look()
	w.run(40 * time.Minute)
	w.mustHave(map[string]string{"canary": "1.5.0", "late": "1.5.0", "prod": "1.5.0"})
}

// TestExcusedOnTheWay: what is paused while its version is being installed is not judged by it.
func TestExcusedOnTheWay(t *testing.T) {
	w := newScenario(t, Policy{Health: Health{Rollback: true}}, map[string]int{"a": 0})
	w.fates["1.5.0"] = fate{kind: hanging}
	w.push("1.5.0")
	w.run(15 * time.Minute)
	w.find("a").target.Excused = "paused"
	w.look()
	w.run(5 * time.Minute)
	w.find("a").target.Excused = ""
	w.look()
	w.run(5 * time.Hour)
	w.mustHave(map[string]string{"a": "1.5.0"})
	if got := w.operator.last.Targets[0].Upgrade.Result; got != v1alpha1.ResultUnjudged {
		w.fail("the result is %q", got)
	}
}

// TestAwayIsNotSoaking: a version does not soak in a target that is not there.
func TestAwayIsNotSoaking(t *testing.T) {
	w := newScenario(t, Policy{Waves: wavesOf(4 * time.Hour)}, map[string]int{"canary": 0, "prod": 1})
	w.push("1.5.0")
	w.run(time.Hour)
	w.find("canary").target.Finding = &pin.Finding{Reason: v1alpha1.TargetMissingReason, Message: "no such App"}
	w.look()
	w.run(10 * time.Hour)
	w.find("canary").target.Finding = nil
	w.look()
	w.run(3 * time.Hour)
	w.mustHave(map[string]string{"prod": "1.4.0"})
	w.run(2 * time.Hour)
	w.mustHave(map[string]string{"prod": "1.5.0"})
}

// TestLaggingClusters: one whose cluster has not followed Git for too long takes the next version, and keeps it.
func TestLaggingClusters(t *testing.T) {
	w := newScenario(t, Policy{Waves: wavesOf(4 * time.Hour)}, map[string]int{"canary": 0, "prod": 1})
	w.find("canary").stuck = true
	w.commitBy(w.find("canary"), "1.4.1")
	w.look()
	w.releases = append(w.releases, release{tag: "1.4.1", at: w.now})
	w.scan()
	w.run(20 * time.Minute)
	w.push("1.5.0")
	w.run(3 * time.Hour)
	w.mustHave(map[string]string{"canary": "1.5.0"})
}
