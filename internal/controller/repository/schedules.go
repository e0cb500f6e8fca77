package repository

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
	"github.com/giantswarm/app-upgrade-operator/internal/schedule"
)

// start is what schedules are asked about: a rollback or an upgrade of a wave.
type start struct {
	policy   client.ObjectKey
	wave     string
	rollback bool
}

// verdict is why nothing may start now, empty if it may, and when that turns; zero: never, or nobody knows.
type verdict struct {
	closed string
	turns  time.Time
}

// observeSchedules says for pins that are to move whether that may start now. The policy loop decided by the same schedules,
// and may not have seen yet that one has closed since.
func observeSchedules(ctx context.Context, reader client.Reader, s *scope) error {
	asked := inquiry{now: s.Now, reader: reader, known: map[start]verdict{}}
	for i := range s.Pins {
		p := &s.Pins[i]
		policy := s.lives[s.policyKey(*p)].object
		if policy == nil || !batch.Scheduled(*p) {
			continue
		}
		found, err := asked.about(ctx, policy, p.Intent)
		if err != nil {
			return err
		}
		p.Closed = found.closed
		if s.Turns.IsZero() || !found.turns.IsZero() && found.turns.Before(s.Turns) {
			s.Turns = found.turns
		}
	}
	return nil
}

// inquiry asks for each start once. MaintenanceSchedules are read when the first one is asked for.
type inquiry struct {
	now         time.Time
	reader      client.Reader
	maintenance *resolve.Maintenance
	known       map[start]verdict
}

func (q *inquiry) about(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, intent pin.Intent) (verdict, error) {
	of := start{policy: client.ObjectKeyFromObject(policy), wave: intent.Wave, rollback: intent.Back != ""}
	if found, ok := q.known[of]; ok {
		return found, nil
	}
	if q.maintenance == nil {
		read, err := resolve.ReadMaintenance(ctx, q.reader)
		if err != nil {
			return verdict{}, err
		}
		q.maintenance = read
	}
	selecting, err := q.maintenance.Of(ctx, policy)
	if err != nil {
		return verdict{}, err
	}
	q.known[of] = judge(q.now, policy, intent, selecting)
	return q.known[of], nil
}

// judge says whether what a policy wants of a pin may start.
func judge(now time.Time, policy *v1alpha1.AppUpgradePolicy, intent pin.Intent, maintenance []gate.Schedule) verdict {
	if stalled(policy) {
		return verdict{closed: "its policy is stalled"}
	}
	wave, ok := waveOf(policy, intent.Wave)
	if !ok {
		return verdict{closed: fmt.Sprintf("its policy has no wave %q any more", intent.Wave)}
	}
	schedules := append(resolve.Schedules(policy, wave), maintenance...)
	if intent.Back != "" {
		schedules = slices.DeleteFunc(schedules, func(s gate.Schedule) bool { return !s.BlocksAll })
	}
	var all []schedule.Schedule
	for _, s := range schedules {
		all = append(all, s.Schedule)
	}
	opens, _ := schedule.Opens(now, all...)
	in := gate.WaveInput{Now: now, Tag: intent.Want, Wave: intent.Wave, Schedules: schedules, Opens: opens}
	if hold := held(in, intent); hold != nil {
		return verdict{closed: hold.Message, turns: hold.Earliest}
	}
	closes, _ := schedule.Closes(now, all...)
	return verdict{turns: closes}
}

// held is the verdict of the gates that look at schedules; nil: all are open.
func held(in gate.WaveInput, intent pin.Intent) *gate.Hold {
	if intent.Back != "" {
		return gate.Rollback(in)
	}
	if hold := gate.Frozen(in); hold != nil {
		return hold
	}
	return gate.OutsideWindow(in)
}

// waveOf is a wave of a policy by its name; nil for a policy without waves, whose only wave has none. It is not ok if there is no
// such wave.
func waveOf(policy *v1alpha1.AppUpgradePolicy, name string) (wave *v1alpha1.Wave, ok bool) {
	if policy.Spec.Rollout == nil || len(policy.Spec.Rollout.Waves) == 0 {
		return nil, name == ""
	}
	waves := policy.Spec.Rollout.Waves
	i := slices.IndexFunc(waves, func(w v1alpha1.Wave) bool { return w.Name == name })
	if i < 0 {
		return nil, false
	}
	return &waves[i], true
}

// stalled: the policy cannot work as it is, so its intents are those of an older spec, or of other surroundings.
func stalled(policy *v1alpha1.AppUpgradePolicy) bool {
	condition := meta.FindStatusCondition(policy.Status.Conditions, v1alpha1.StalledCondition)
	return condition != nil && condition.Status == metav1.ConditionTrue && condition.ObservedGeneration == policy.Generation
}
