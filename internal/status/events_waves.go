package status

import (
	"fmt"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// Reasons of the events about waves.
const (
	WaveUpgradingReason = "WaveUpgrading"
	WaveSoakingReason   = "WaveSoaking"
	WaveUpToDateReason  = "WaveUpToDate"
	WaveFailedReason    = "WaveFailed"
)

// waveEvents tell how waves go on with a version. What a wave waits for is told by what is held.
func waveEvents(before, after v1alpha1.AppUpgradePolicyStatus) []Event {
	known := map[string]v1alpha1.WaveStatus{}
	for _, wave := range before.Waves {
		known[wave.Name] = wave
	}
	var events []Event
	for _, wave := range after.Waves {
		was, found := known[wave.Name]
		if !found || was.State == wave.State && was.Version == wave.Version {
			continue
		}
		if event, told := waveEvent(was, wave); told {
			events = append(events, event)
		}
	}
	return events
}

// waveEvent is false for what is no news: a wave that reaches a version was on its way to it.
func waveEvent(was, is v1alpha1.WaveStatus) (Event, bool) {
	switch is.State {
	case v1alpha1.WaveUpgrading:
		return normal(WaveUpgradingReason, fmt.Sprintf("Wave %s is on its way to %s", is.Name, is.Version)), true
	case v1alpha1.WaveSoaking:
		message := fmt.Sprintf("Wave %s has %s, which soaks for the next wave", is.Name, is.Version)
		if is.Soaked != nil {
			message += " until " + is.Soaked.UTC().Format(time.RFC3339)
		}
		return normal(WaveSoakingReason, message), true
	case v1alpha1.WaveFailed:
		return warning(WaveFailedReason, fmt.Sprintf("Wave %s failed with %s", is.Name, is.Version)), true
	case v1alpha1.WaveUpToDate:
		onItsWay := was.State == v1alpha1.WaveUpgrading || was.State == v1alpha1.WaveSoaking
		return normal(WaveUpToDateReason, fmt.Sprintf("Wave %s is up to date with %s", is.Name, is.Version)), onItsWay
	default:
		return Event{}, false
	}
}
