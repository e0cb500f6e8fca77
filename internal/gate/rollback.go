package gate

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/schedule"
)

// Rollback is what stops a rollback of a wave; nil: nothing does. Rollbacks wait for no window, age or approval, only
// for a policy that is suspended and for schedules that block everything. Tag is the version that targets go back to.
func Rollback(in WaveInput) *Hold {
	if hold := Suspended(in); hold != nil {
		return hold
	}
	in.Schedules = blockAll(in.Schedules)
	for _, gate := range []func(WaveInput) *Hold{Frozen, OutsideWindow} {
		if gate(in) != nil {
			in.Opens = opens(in.Now, in.Schedules)
			return gate(in)
		}
	}
	return nil
}

func blockAll(schedules []Schedule) []Schedule {
	var all []Schedule
	for _, s := range schedules {
		if s.BlocksAll {
			all = append(all, s)
		}
	}
	return all
}

// opens is when all of the schedules allow a start together; zero: never.
func opens(now time.Time, schedules []Schedule) time.Time {
	var all []schedule.Schedule
	for _, s := range schedules {
		all = append(all, s.Schedule)
	}
	if at, ok := schedule.Opens(now, all...); ok {
		return at
	}
	return time.Time{}
}
