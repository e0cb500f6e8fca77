package status

import (
	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// maxWaves is the bound of status.waves.
const maxWaves = 16

// waves are the policy's named waves. A policy without waves has one that is of no interest to its user.
func (v view) waves() []v1alpha1.WaveStatus {
	var waves []v1alpha1.WaveStatus
	for _, wave := range v.decision.Waves[:min(len(v.decision.Waves), maxWaves)] {
		if wave.Name == "" {
			continue
		}
		waves = append(waves, v1alpha1.WaveStatus{
			Name:     wave.Name,
			State:    wave.State,
			Version:  wave.Version,
			Targets:  count(wave.Targets),
			Healthy:  count(wave.Healthy),
			Soaked:   known(wave.Soaked),
			Schedule: scheduleOf(wave),
		})
	}
	return waves
}

// schedule is that of a policy without waves.
func (v view) schedule() *v1alpha1.ScheduleStatus {
	if len(v.decision.Waves) != 1 || v.decision.Waves[0].Name != "" {
		return nil
	}
	return scheduleOf(v.decision.Waves[0])
}

func scheduleOf(wave rollout.WaveState) *v1alpha1.ScheduleStatus {
	if !wave.Scheduled {
		return nil
	}
	state := v1alpha1.ScheduleClosed
	if wave.Open {
		state = v1alpha1.ScheduleOpen
	}
	return &v1alpha1.ScheduleStatus{State: state, Reason: bounded(wave.Because), NextOpen: known(wave.Opens), NextClose: known(wave.Closes)}
}

// waveName is the name of a wave by its index; empty: none.
func waveName(policy rollout.Policy, index int) string {
	if index < 0 || index >= len(policy.Waves) {
		return ""
	}
	return policy.Waves[index].Name
}
