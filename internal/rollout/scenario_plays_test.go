package rollout

import (
	"fmt"
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

func scenarios(t testing.TB) map[string]scenario {
	t.Helper()
	return map[string]scenario{
		"staged-promotion": {
			about:  "A version goes to the canary first, soaks there for a day, and then goes to production, in one commit.",
			policy: Policy{Waves: wavesOf(24 * time.Hour)},
			play: func(w *world) {
				w.push("1.5.0")
				w.run(30 * time.Hour)
			},
		},
		"failing-version": {
			about: "A version does not get healthy within the timeout of 30 minutes. It is blocked, the canary goes back to what it had, and\n" +
				"production never gets it. A newer version is not affected.",
			policy: Policy{Waves: wavesOf(time.Hour), Health: Health{Rollback: true}},
			play: func(w *world) {
				w.fates["1.5.0"] = fate{kind: hanging}
				w.push("1.5.0")
				w.run(3 * time.Hour)
				w.push("1.5.1")
				w.run(3 * time.Hour)
			},
		},
		"window": {
			about: "Upgrades start in a window only, every day from 22:00 to 22:05. One that has started goes on when the window is closed.",
			policy: Policy{Waves: []Wave{{AutoApprove: v1alpha1.ApproveAll, Schedules: []Schedule{
				makeSchedule(t, "spec.schedule", v1alpha1.Schedule{Windows: window("nights", 10*time.Hour, 5*time.Minute, "FREQ=DAILY")}),
			}}}},
			play: func(w *world) {
				w.push("1.5.0")
				w.run(10 * time.Hour)
				w.run(time.Hour)
				w.push("1.6.0")
				w.run(24 * time.Hour)
			},
		},
		"freeze": {
			about: "A MaintenanceSchedule without selectors stops the whole fleet: what has not been committed is taken back. Deleting it lets all go on.",
			play: func(w *world) {
				freeze := makeSchedule(t, "MaintenanceSchedule xmas", v1alpha1.Schedule{Exclusions: window("holidays", -time.Hour, 400*time.Hour, "")})
				freeze.Reason = "nobody is in the office"
				w.push("1.5.0")
				w.run(2 * time.Minute)
				w.note("human", "applies MaintenanceSchedule xmas")
				w.maintenance["xmas"] = freeze
				w.look()
				w.run(48 * time.Hour)
				w.note("human", "deletes MaintenanceSchedule xmas")
				delete(w.maintenance, "xmas")
				w.look()
				w.run(time.Hour)
			},
		},
		"approval": {
			about:  "Production needs a human for anything larger than a patch. An approval is for one version and one wave.",
			policy: Policy{Waves: []Wave{{Name: "canary", AutoApprove: v1alpha1.ApproveAll}, {Name: "production", AutoApprove: v1alpha1.ApprovePatch}}},
			play: func(w *world) {
				w.push("1.4.1")
				w.run(time.Hour)
				w.push("1.5.0")
				w.run(time.Hour)
				for _, text := range []string{"production=1.6.0", "production=1.5.0"} {
					w.approveWith(text)
					w.look()
					w.run(time.Hour)
				}
				w.push("1.6.0")
				w.run(time.Hour)
			},
		},
		"human-revert": {
			about: "A human takes an upgrade back while it runs. That target stays where it is, the others go on. A token lets it go on, and the\n" +
				"same token does nothing when it is given again.",
			play: func(w *world) {
				w.push("1.5.0")
				w.run(4 * time.Minute)
				w.commitBy(w.members[0], "1.4.0")
				w.look()
				w.run(time.Hour)
				w.resumeWith("go on")
				w.look()
				w.run(time.Hour)
				w.commitBy(w.members[0], "1.4.0")
				w.look()
				w.run(time.Hour)
				w.resumeWith("")
				w.look()
				w.resumeWith("go on")
				w.look()
				w.run(time.Hour)
			},
		},
		"never-skip": {
			about:  "Minors are never skipped: 1.5 was released, 1.6 never was, and of 1.5 and 1.7 the newest patch goes.",
			policy: Policy{NeverSkip: v1alpha1.StepMinor},
			play: func(w *world) {
				for _, tag := range []string{"1.5.0", "1.5.1", "1.7.0", "1.7.2", "1.8.0"} {
					w.releases = append(w.releases, release{tag: tag, at: w.now})
				}
				w.note("registry", "has 1.5.0, 1.5.1, 1.7.0, 1.7.2 and 1.8.0")
				w.scan()
				w.run(3 * time.Hour)
			},
		},
		"daily-releases": {
			about:  "There is a new version every day, and it soaks for a day. The canary keeps the one that soaks, so production is reached.",
			policy: Policy{Waves: wavesOf(24 * time.Hour)},
			play: func(w *world) {
				for n := range 4 {
					w.push(fmt.Sprintf("1.5.%d", n))
					w.run(24 * time.Hour)
				}
			},
		},
		"suspend": {
			about:  "A suspended policy moves nothing, and its clocks stand still: the soak of two hours goes on where it was.",
			policy: Policy{Waves: wavesOf(2 * time.Hour)},
			play: func(w *world) {
				w.push("1.5.0")
				w.run(time.Hour)
				for _, suspended := range []bool{true, false} {
					w.policy.Suspended = suspended
					w.note("human", "sets spec.suspend to %v", suspended)
					w.look()
					w.run(12 * time.Hour)
				}
			},
		},
	}
}
