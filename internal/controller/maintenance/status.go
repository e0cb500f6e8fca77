package maintenance

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/schedule"
)

// Reasons of events.
const (
	openedReason = "Opened"
	closedReason = "Closed"
)

// verdict is what a status says beside the conditions' bookkeeping.
type verdict struct {
	state v1alpha1.ScheduleState
	// change is when the state changes next; zero: not within schedule.Horizon.
	change time.Time
	// reason of the condition Ready, which is True for Succeeded only, and message. It is true until the next change.
	reason, message string
	// because is the window or exclusion that decides now; another may before the next change.
	because string
}

// judge says what is to be said of a MaintenanceSchedule now.
func judge(spec v1alpha1.MaintenanceScheduleSpec, now time.Time) verdict {
	parsed, err := parse(spec)
	if err != nil {
		return verdict{
			state: v1alpha1.ScheduleClosed, reason: v1alpha1.InvalidSpecReason,
			message: err.Error() + "; until that is corrected nothing starts, in any policy",
		}
	}
	state := parsed.At(now)
	if state.Open {
		change, _ := schedule.Closes(now, parsed)
		return verdict{
			state: v1alpha1.ScheduleOpen, change: change, because: because(state),
			reason: v1alpha1.SucceededReason, message: "Upgrades may start",
		}
	}
	opens, ok := schedule.Opens(now, parsed)
	if !ok && len(spec.Schedule.Windows) > 0 {
		return verdict{
			state: v1alpha1.ScheduleClosed, reason: v1alpha1.ScheduleNeverOpensReason,
			message: "schedule: no window will open outside of the exclusions; add a window that comes again, or delete the MaintenanceSchedule",
		}
	}
	message := "No upgrade may start"
	if spec.Blocks == v1alpha1.BlocksAll {
		message = "No upgrade and no rollback may start"
	}
	return verdict{
		state: v1alpha1.ScheduleClosed, change: opens, because: because(state),
		reason: v1alpha1.SucceededReason, message: message,
	}
}

func because(state schedule.State) string {
	switch {
	case state.Frozen:
		return "exclusion " + state.Name
	case state.Name != "":
		return "window " + state.Name
	case state.Open:
		return "no exclusion covers this time"
	default:
		return "no window covers this time"
	}
}

// parse reads all that can be wrong. An error names the field.
func parse(spec v1alpha1.MaintenanceScheduleSpec) (schedule.Schedule, error) {
	if _, err := metav1.LabelSelectorAsSelector(spec.PolicySelector); err != nil {
		return schedule.Schedule{}, fmt.Errorf("policySelector: %w", err)
	}
	if _, err := metav1.LabelSelectorAsSelector(spec.NamespaceSelector); err != nil {
		return schedule.Schedule{}, fmt.Errorf("namespaceSelector: %w", err)
	}
	parsed, err := schedule.Parse(spec.Schedule)
	if err != nil {
		return schedule.Schedule{}, fmt.Errorf("schedule.%w", err)
	}
	return parsed, nil
}

// status is the verdict as the API has it. Conditions keep the time of their last transition.
func (v verdict) status(maintenance *v1alpha1.MaintenanceSchedule, now time.Time) v1alpha1.MaintenanceScheduleStatus {
	status := *maintenance.Status.DeepCopy()
	status.ObservedGeneration = maintenance.Generation
	status.State = v.state
	status.NextChange = nil
	if !v.change.IsZero() {
		change := stored(v.change)
		status.NextChange = &change
	}
	condition := metav1.Condition{
		ObservedGeneration: maintenance.Generation, LastTransitionTime: stored(now), Reason: v.reason, Message: v.message,
	}
	condition.Type, condition.Status = v1alpha1.ReadyCondition, metav1.ConditionFalse
	if v.reason == v1alpha1.SucceededReason {
		condition.Status = metav1.ConditionTrue
	}
	meta.SetStatusCondition(&status.Conditions, condition)
	if v.reason != v1alpha1.InvalidSpecReason {
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.StalledCondition)
		return status
	}
	condition.Type, condition.Status = v1alpha1.StalledCondition, metav1.ConditionTrue
	meta.SetStatusCondition(&status.Conditions, condition)
	return status
}

// stored is a time as exact as the API keeps it.
func stored(at time.Time) metav1.Time { return metav1.NewTime(at.UTC().Truncate(time.Second)) }

// event is something that happened.
type event struct{ kind, reason, message string }

// eventOf says what happened when a status became another; nil: nothing that anybody waits for.
func (v verdict) eventOf(before, after v1alpha1.MaintenanceScheduleStatus) *event {
	was := meta.FindStatusCondition(before.Conditions, v1alpha1.ReadyCondition)
	wasReady := was != nil && was.Status == metav1.ConditionTrue
	if v.reason != v1alpha1.SucceededReason {
		if was != nil && !wasReady && was.Message == v.message {
			return nil
		}
		return &event{kind: corev1.EventTypeWarning, reason: v.reason, message: v.message}
	}
	if wasReady && before.State == after.State {
		return nil
	}
	reason := closedReason
	if after.State == v1alpha1.ScheduleOpen {
		reason = openedReason
	}
	return &event{kind: corev1.EventTypeNormal, reason: reason, message: v.message + ": " + v.because}
}
