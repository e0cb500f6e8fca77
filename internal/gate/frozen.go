package gate

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// Frozen holds everything while an exclusion covers the time, and while a schedule cannot be read: nobody knows what
// that one allows.
func Frozen(in WaveInput) *Hold {
	var closed []string
	for _, s := range in.Schedules {
		if s.Broken != "" {
			closed = append(closed, fmt.Sprintf("%s cannot be read and allows nothing until you correct it: %s", s.Of, s.Broken))
			continue
		}
		if state := s.Schedule.At(in.Now); state.Frozen {
			closed = append(closed, fmt.Sprintf("%s has the exclusion %s%s: wait for its end, or shorten or remove it", s.Of, state.Name, s.because()))
		}
	}
	return in.closed(v1alpha1.FrozenReason, closed)
}
