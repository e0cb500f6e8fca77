package gate

import (
	"fmt"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// Soaking holds a version that is not proven in the wave before, and every other version while this wave keeps one
// until that has soaked for the next wave: else a train of daily releases would never get past the first wave.
func Soaking(in WaveInput) *Hold {
	unproven := in.Before != nil && !in.Before.Proven
	kept := len(in.Soaking) > 0 && !among(in.Soaking, in.Tag)
	if !unproven && !kept {
		return nil
	}
	hold := &Hold{Version: in.Tag, Reason: v1alpha1.SoakingReason}
	if !kept {
		hold.Earliest = in.provenAt()
		hold.Message = in.unprovenMessage()
		return hold
	}
	hold.Earliest = in.upcoming(in.Soaked)
	hold.Message = fmt.Sprintf("%s keeps %s until it has soaked for the next wave", mover(in.Wave), list(in.Soaking, ", "))
	if !hold.Earliest.IsZero() {
		hold.Message += ", at " + written(hold.Earliest)
	}
	if !unproven {
		return hold
	}
	hold.Earliest = both(hold.Earliest, in.provenAt())
	hold.Message = in.unprovenMessage() + "; " + hold.Message
	return hold
}

// provenAt is when the version will be proven in the wave before, if it goes on like this; zero: not known.
func (in WaveInput) provenAt() time.Time {
	if !in.Before.Has {
		return time.Time{}
	}
	return in.upcoming(in.Before.Soaked)
}

func (in WaveInput) unprovenMessage() string {
	wave, soak, at := in.Before.Wave, "", in.provenAt()
	if in.Before.Soak > 0 {
		soak = " for " + span(in.Before.Soak)
	}
	switch {
	case in.Before.Empty:
		return fmt.Sprintf("Wave %s has no targets, so no version is ever proven there: give it some, or remove it from rollout.waves", wave)
	case in.Before.Unwell != "":
		return fmt.Sprintf("%s must be healthy in wave %s%s first, and no target that has it there can prove that: %s", in.Tag, wave, soak, in.Before.Unwell)
	case !in.Before.Has:
		return fmt.Sprintf("%s must get to wave %s first, and be healthy there%s", in.Tag, wave, soak)
	case at.IsZero():
		return fmt.Sprintf("%s must be healthy in wave %s%s first", in.Tag, wave, soak)
	default:
		return fmt.Sprintf("%s soaks in wave %s%s, until %s", in.Tag, wave, soak, written(at))
	}
}

// both is when two times have come; zero if one of them is not known.
func both(a, b time.Time) time.Time {
	if a.IsZero() || b.IsZero() {
		return time.Time{}
	}
	if a.After(b) {
		return a
	}
	return b
}
