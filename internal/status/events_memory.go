package status

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// Reasons of the events about what a policy remembers. The end of an upgrade or a rollback has its result behind the prefix,
// as in UpgradeSucceeded.
const (
	ApprovedReason        = "Approved"
	ResumedReason         = "Resumed"
	RollbackStartedReason = "RollbackStarted"
	UpgradePrefix         = "Upgrade"
	RollbackPrefix        = "Rollback"
)

// memoryEvents tell what a policy has learned. Without a status before there is nothing to compare with, and what is
// remembered is no news.
func memoryEvents(before, after v1alpha1.AppUpgradePolicyStatus) []Event {
	if len(before.Conditions) == 0 {
		return nil
	}
	events := approvalEvents(before, after)
	if token := after.LastHandledResume; token != "" && token != before.LastHandledResume {
		events = append(events, normal(ResumedReason, fmt.Sprintf("The token %q of the annotation %s is handled: versions "+
			"that failed, and those that humans left, may be taken again", token, v1alpha1.ResumeAnnotation)))
	}
	events = append(events, blockedEvents(before, after)...)
	return append(events, historyEvents(before, after)...)
}

// memoryKey is what makes an entry of a policy's memory the same in two statuses.
type memoryKey struct {
	version, wave string
	rollback      bool
	// second of its time.
	second int64
}

func approvalEvents(before, after v1alpha1.AppUpgradePolicyStatus) []Event {
	keyOf := func(a v1alpha1.Approval) memoryKey {
		return memoryKey{version: a.Version, wave: a.Wave, second: a.Time.Unix()}
	}
	known := map[memoryKey]bool{}
	for _, approval := range before.Approvals {
		known[keyOf(approval)] = true
	}
	var events []Event
	for _, approval := range after.Approvals {
		if !known[keyOf(approval)] {
			events = append(events, normal(ApprovedReason, inWave(approval.Wave)+approval.Version+" is approved"))
		}
	}
	return events
}

func blockedEvents(before, after v1alpha1.AppUpgradePolicyStatus) []Event {
	keyOf := func(b v1alpha1.BlockedVersion) memoryKey {
		return memoryKey{version: b.Version, wave: b.Wave, second: b.Time.Unix()}
	}
	known := map[memoryKey]bool{}
	for _, blocked := range before.Blocked {
		known[keyOf(blocked)] = true
	}
	var events []Event
	for _, blocked := range after.Blocked {
		if !known[keyOf(blocked)] {
			message := fmt.Sprintf("%s%s is blocked: %s", inWave(blocked.Wave), blocked.Version, blocked.Message)
			events = append(events, warning(v1alpha1.BlockedReason, message))
		}
	}
	return events
}

// historyEvents tell that rollbacks begin, and how upgrades and rollbacks end. That an upgrade begins is told by its targets.
func historyEvents(before, after v1alpha1.AppUpgradePolicyStatus) []Event {
	keyOf := func(h v1alpha1.HistoryEntry) memoryKey {
		return memoryKey{version: h.To, wave: h.Wave, rollback: h.Rollback, second: h.Start.Unix()}
	}
	type end struct {
		key    memoryKey
		result string
	}
	begun, ended := map[memoryKey]bool{}, map[end]bool{}
	for _, entry := range before.History {
		begun[keyOf(entry)] = true
		ended[end{keyOf(entry), entry.Result}] = true
	}
	var events []Event
	for i := len(after.History) - 1; i >= 0; i-- { // as it happened
		entry := after.History[i]
		switch {
		case entry.Result != "" && !ended[end{keyOf(entry), entry.Result}]:
			events = append(events, endEvent(entry))
		case entry.Result == "" && entry.Rollback && !begun[keyOf(entry)]:
			events = append(events, warning(RollbackStartedReason, moveOf(entry)))
		}
	}
	return events
}

func endEvent(entry v1alpha1.HistoryEntry) Event {
	reason, message := kindOf(entry)+entry.Result, moveOf(entry)+": "+entry.Result
	if entry.Result == v1alpha1.ResultFailed {
		return warning(reason, message)
	}
	return normal(reason, message)
}

// moveOf says what an upgrade or a rollback does.
func moveOf(entry v1alpha1.HistoryEntry) string {
	plural := "s"
	if entry.Targets == 1 {
		plural = ""
	}
	return fmt.Sprintf("%s%s of %d target%s from %s to %s",
		inWave(entry.Wave), kindOf(entry), entry.Targets, plural, entry.From, entry.To)
}

func kindOf(entry v1alpha1.HistoryEntry) string {
	if entry.Rollback {
		return RollbackPrefix
	}
	return UpgradePrefix
}

// inWave begins a message about a wave.
func inWave(name string) string {
	if name == "" {
		return ""
	}
	return "Wave " + name + ": "
}
