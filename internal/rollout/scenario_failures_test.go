package rollout

import (
	"fmt"
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// TestFailures: a version is blocked when its time is over, every target goes back to what it had, and a token lets it go again.
func TestFailures(t *testing.T) {
	for kind, blockedAfter := range map[string]time.Duration{failing: 3 * time.Minute, refused: 3 * time.Minute, hanging: 30 * time.Minute, late: 30 * time.Minute} {
		t.Run(kind, func(t *testing.T) {
			w := newScenario(t, Policy{Range: ">=1.5.0", Waves: wavesOf(time.Hour), Health: Health{Rollback: true}}, map[string]int{"canary": 0, "second": 0, "prod": 1})
			w.commitBy(w.find("second"), "1.3.0")
			w.run(time.Hour)
			w.fates["1.5.0"] = fate{kind: kind}
			w.push("1.5.0")
			for w.find("canary").target.Spec != "1.5.0" {
				w.advance(w.now.Add(time.Hour))
			}
			applied := w.now
			for len(w.operator.ledger.Blocked) == 0 {
				w.advance(w.now.Add(time.Hour))
			}
			if after := w.now.Sub(applied); after > blockedAfter {
				w.fail("blocked after %s", after)
			}
			w.run(5 * time.Hour)
			w.mustHave(map[string]string{"canary": "1.4.0", "second": "1.3.0", "prod": "1.4.0"})
			w.repair()
			w.resumeWith("again")
			w.look()
			w.run(5 * time.Hour)
			w.mustHave(map[string]string{"canary": "1.5.0", "second": "1.5.0", "prod": "1.5.0"})
			w.fates["1.6.0"] = fate{kind: kind}
			w.push("1.6.0")
			w.run(5 * time.Hour)
			w.resumeWith("")
			w.look()
			w.resumeWith("again")
			w.look()
			w.run(5 * time.Hour)
			w.mustHave(map[string]string{"canary": "1.5.0", "second": "1.5.0", "prod": "1.5.0"})
		})
	}
}

// TestFailuresThatHold: without a rollback what has a version that failed keeps it, until a newer one comes.
func TestFailuresThatHold(t *testing.T) {
	w := newScenario(t, Policy{Waves: wavesOf(time.Hour)}, canaryAndProduction)
	w.fates["1.5.0"] = fate{kind: hanging}
	w.push("1.5.0")
	w.run(5 * time.Hour)
	w.mustHave(map[string]string{"canary": "1.5.0", "prod-1": "1.4.0"})
	if got := w.finding("canary"); got != v1alpha1.UpgradeFailedReason {
		w.fail("finding is %q", got)
	}
	w.push("1.5.1")
	w.run(5 * time.Hour)
	w.mustHave(map[string]string{"canary": "1.5.1", "prod-1": "1.5.1"})
}

// TestRollbackWaitsForWhatBlocksAll, and no longer.
func TestRollbackWaitsForWhatBlocksAll(t *testing.T) {
	w := newScenario(t, Policy{Health: Health{Rollback: true}}, map[string]int{"a": 0})
	w.fates["1.5.0"] = fate{kind: hanging}
	w.push("1.5.0")
	w.run(20 * time.Minute)
	for name, length := range map[string]time.Duration{"all": 4 * time.Hour, "upgrades": 100 * time.Hour} {
		s := makeSchedule(t, "MaintenanceSchedule "+name, v1alpha1.Schedule{Exclusions: window(name, 0, length, "")})
		s.BlocksAll = name == "all"
		w.maintenance[name] = s
	}
	w.look()
	w.run(3 * time.Hour)
	w.mustHave(map[string]string{"a": "1.5.0"})
	w.run(time.Hour)
	w.mustHave(map[string]string{"a": "1.4.0"})
}

// TestTolerance: so many targets of a wave may fail, the others go on, and the next wave follows.
func TestTolerance(t *testing.T) {
	targets := map[string]int{"a": 0, "b": 0, "c": 0, "prod": 1}
	for maxFailed, want := range map[int]map[string]string{
		0: {"a": "1.4.0", "b": "1.4.0", "c": "1.4.0", "prod": "1.4.0"},
		1: {"a": "1.5.0", "b": "1.5.0", "c": "1.5.0", "prod": "1.5.0"},
	} {
		t.Run(fmt.Sprint(maxFailed), func(t *testing.T) {
			w := newScenario(t, Policy{Waves: wavesOf(time.Hour), Health: Health{Rollback: true, MaxFailed: maxFailed}}, targets)
			w.fates["1.5.0"] = fate{kind: hanging, only: []string{"b"}}
			w.push("1.5.0")
			w.run(6 * time.Hour)
			w.mustHave(want)
		})
	}
}

// TestFilteredTags: what filterTags makes of a tag counts, so a version that a human wrote without the suffix of the tags keeps
// none of its wave from it.
func TestFilteredTags(t *testing.T) {
	w := newScenario(t, Policy{Waves: wavesOf(time.Hour), FilterPattern: `^([0-9.]+)-arm64$`, FilterExtract: "$1"}, map[string]int{"a": 0, "b": 0, "prod": 1})
	w.commitBy(w.find("a"), "1.5.0")
	w.look()
	w.run(time.Hour)
	w.push("1.5.0-arm64")
	w.run(4 * time.Hour)
	w.mustHave(map[string]string{"a": "1.5.0", "b": "1.5.0-arm64", "prod": "1.5.0-arm64"})
}
