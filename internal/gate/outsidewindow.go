package gate

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// OutsideWindow holds everything while no window of a schedule is open.
func OutsideWindow(in WaveInput) *Hold {
	var closed []string
	for _, s := range in.Schedules {
		if s.Broken != "" {
			continue
		}
		if state := s.Schedule.At(in.Now); !state.Open && !state.Frozen {
			closed = append(closed, fmt.Sprintf("%s has no window open now%s: wait for one, or add one", s.Of, s.because()))
		}
	}
	return in.closed(v1alpha1.OutsideWindowReason, closed)
}
