package status

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// VersionAvailableReason is that of the event about a newer version in the range.
const VersionAvailableReason = "VersionAvailable"

// Event is something that happened.
type Event struct {
	// Type is corev1.EventTypeNormal or corev1.EventTypeWarning.
	Type            string
	Reason, Message string
}

// Events says what happened between two statuses of a policy. It is empty when nothing did. Targets with one story share
// an event; a target that is only in one of the statuses has none, but for its finding.
func Events(before, after v1alpha1.AppUpgradePolicyStatus) []Event {
	var events []Event
	if isNew(before, after.Available) {
		events = append(events, normal(VersionAvailableReason, after.Available+" is available"))
	}
	events = append(events, readyEvents(before, after)...)
	events = append(events, invalidEvents(before, after)...)
	events = append(events, memoryEvents(before, after)...)
	events = append(events, heldEvents(before, after)...)
	events = append(events, waveEvents(before, after)...)
	events = append(events, noteEvents(before, after)...)
	events = append(events, findingEvents(before, after)...)
	return append(events, stateEvents(before, after)...)
}

// isNew says whether a version was not available before. One that was, is again when a newer one is blocked.
func isNew(before v1alpha1.AppUpgradePolicyStatus, available string) bool {
	if available == "" || available == before.Available {
		return false
	}
	return !slices.ContainsFunc(before.Seen, func(seen v1alpha1.SeenVersion) bool { return seen.Version == available })
}

// invalidEvents tell what can never work.
func invalidEvents(before, after v1alpha1.AppUpgradePolicyStatus) []Event {
	was := meta.FindStatusCondition(before.Conditions, v1alpha1.RolloutValidCondition)
	is := meta.FindStatusCondition(after.Conditions, v1alpha1.RolloutValidCondition)
	if is == nil || is.Status != metav1.ConditionFalse {
		return nil
	}
	if was != nil && was.Status == is.Status && was.Message == is.Message {
		return nil
	}
	return []Event{warning(is.Reason, is.Message)}
}

func normal(reason, message string) Event {
	return Event{Type: corev1.EventTypeNormal, Reason: reason, Message: bounded(message)}
}

func warning(reason, message string) Event {
	return Event{Type: corev1.EventTypeWarning, Reason: reason, Message: bounded(message)}
}

// readyEvents leaves out what the other events tell better, and what is only on its way.
func readyEvents(before, after v1alpha1.AppUpgradePolicyStatus) []Event {
	was := meta.FindStatusCondition(before.Conditions, v1alpha1.ReadyCondition)
	is := meta.FindStatusCondition(after.Conditions, v1alpha1.ReadyCondition)
	if is == nil || is.Status == metav1.ConditionUnknown {
		return nil
	}
	switch is.Reason {
	case v1alpha1.FindingsReason, v1alpha1.UpgradingReason, v1alpha1.HeldReason:
		return nil
	}
	same := was != nil && was.Status == is.Status && was.Reason == is.Reason
	if is.Status == metav1.ConditionTrue {
		if same {
			return nil
		}
		return []Event{normal(is.Reason, is.Message)}
	}
	if same && was.Message == is.Message {
		return nil
	}
	return []Event{warning(is.Reason, is.Message)}
}

func findingEvents(before, after v1alpha1.AppUpgradePolicyStatus) []Event {
	known := targetsByName(before)
	messages := map[string][]string{}
	for _, target := range after.Targets {
		if target.Finding == nil {
			continue
		}
		was := known[key(target)].Finding
		if was == nil || *was != *target.Finding {
			messages[target.Finding.Reason] = append(messages[target.Finding.Reason], label(target)+": "+target.Finding.Message)
		}
	}
	var events []Event
	for _, reason := range slices.Sorted(maps.Keys(messages)) {
		events = append(events, warning(reason, enumerate(messages[reason], "; ")))
	}
	return events
}

// FileReformatReason is that of the event about a file whose layout Flux will change.
const FileReformatReason = "FileReformat"

// noteEvents tell once for each file what its targets' notes say.
func noteEvents(before, after v1alpha1.AppUpgradePolicyStatus) []Event {
	known := map[string]bool{"": true}
	for _, target := range before.Targets {
		known[target.Note] = true
	}
	var notes []string
	for _, target := range after.Targets {
		if !known[target.Note] {
			known[target.Note] = true
			notes = append(notes, target.Note)
		}
	}
	if len(notes) == 0 {
		return nil
	}
	slices.Sort(notes)
	return []Event{normal(FileReformatReason, enumerate(notes, "; "))}
}

// story is what several targets of one policy go through together.
type story struct {
	state   v1alpha1.TargetState
	version string
}

// sayings tell a story: its version and then the targets.
var sayings = map[v1alpha1.TargetState]string{
	v1alpha1.TargetPinned:    "Going to %s: %s",
	v1alpha1.TargetCommitted: "%s is in Git: %s",
	v1alpha1.TargetApplied:   "%s is applied to the cluster: %s",
	v1alpha1.TargetDeployed:  "%s is deployed: %s",
}

func stateEvents(before, after v1alpha1.AppUpgradePolicyStatus) []Event {
	known := targetsByName(before)
	stories := map[story][]string{}
	for _, target := range after.Targets {
		was, found := known[key(target)]
		if !found || !goesOn(was, target) {
			continue
		}
		if _, told := sayings[target.State]; told {
			what := story{state: target.State, version: target.Desired}
			stories[what] = append(stories[what], label(target))
		}
	}
	var events []Event
	for _, what := range slices.SortedFunc(maps.Keys(stories), compareStories) {
		slices.Sort(stories[what])
		message := fmt.Sprintf(sayings[what.state], what.version, enumerate(stories[what], ", "))
		events = append(events, normal(string(what.state), message))
	}
	return events
}

// goesOn says whether a target is further on its way than before. One that is not held any more was there already.
func goesOn(was, is v1alpha1.TargetStatus) bool {
	switch {
	case was.Desired != is.Desired:
		return true
	case is.State == v1alpha1.TargetDeployed:
		return upgrading(was.State) || was.State == v1alpha1.TargetFailed
	default:
		return was.State != is.State
	}
}

func compareStories(a, b story) int {
	if order := slices.Index(progress, a.state) - slices.Index(progress, b.state); order != 0 {
		return order
	}
	return strings.Compare(a.version, b.version)
}

func targetsByName(status v1alpha1.AppUpgradePolicyStatus) map[string]v1alpha1.TargetStatus {
	targets := make(map[string]v1alpha1.TargetStatus, len(status.Targets))
	for _, target := range status.Targets {
		targets[key(target)] = target
	}
	return targets
}

func key(t v1alpha1.TargetStatus) string { return t.Kind + "/" + t.Name }

// label names a target for a human.
func label(t v1alpha1.TargetStatus) string { return t.Kind + " " + t.Name }
