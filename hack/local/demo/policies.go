package demo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// seePolicy tells of targets, waves, blocked versions and ends of upgrades that a policy's status is the first to have.
func (w *world) seePolicy(policy *v1alpha1.AppUpgradePolicy) []entry {
	before, now := w.policies[policy.Name], policy.Status
	w.policies[policy.Name] = now
	told := append(tellWaves(policy.Name, before.Waves, now.Waves), tellEnded(before.History, now.History)...)
	for _, b := range now.Blocked {
		if !slices.Contains(before.Blocked, b) {
			told = append(told, entryf(labelBlocked, "%s for %s: %s", b.Version, policy.Name, b.Message))
		}
	}
	for _, target := range now.Targets {
		told = append(told, w.seeTarget(target, now.Held)...)
	}
	return told
}

func tellWaves(policy string, before, now []v1alpha1.WaveStatus) []entry {
	var told []entry
	for _, wave := range now {
		same := func(b v1alpha1.WaveStatus) bool {
			return b.Name == wave.Name && b.State == wave.State && b.Version == wave.Version
		}
		if !slices.ContainsFunc(before, same) {
			told = append(told, entryf(labelWave, "%s of %s: %s", wave.Name, policy, strings.TrimSpace(string(wave.State)+" "+wave.Version)))
		}
	}
	return told
}

// tellEnded tells of the upgrades of waves only: those of other policies are told as their App changes.
func tellEnded(before, now []v1alpha1.HistoryEntry) []entry {
	var told []entry
	for _, e := range slices.Backward(now) {
		same := func(b v1alpha1.HistoryEntry) bool { return b.Start.Equal(&e.Start) && summary(b) == summary(e) }
		if e.Wave != "" && e.Result != "" && !slices.ContainsFunc(before, same) {
			told = append(told, entryf(labelEnded, "%s", summary(e)))
		}
	}
	return told
}

func (w *world) seeTarget(target v1alpha1.TargetStatus, held []v1alpha1.Held) []entry {
	before := w.targets[target.Name]
	w.targets[target.Name] = target
	var told []entry
	if target.Finding != nil && (before.Finding == nil || *before.Finding != *target.Finding) {
		told = append(told, entryf(labelFinding, "%s: %s: %s", target.Name, target.Finding.Reason, target.Finding.Message))
	}
	if target.State == v1alpha1.TargetHeld && before.State != v1alpha1.TargetHeld {
		told = append(told, entryf(labelHeld, "%s: %s", target.Name, reasons(held)))
	}
	return told
}

// summary is one line of a policy's history.
func summary(e v1alpha1.HistoryEntry) string {
	what := "upgrade"
	if e.Rollback {
		what = "rollback"
	}
	return fmt.Sprintf("%s of wave %s from %s to %s: %s", what, e.Wave, e.From, e.To, e.Result)
}

func reasons(held []v1alpha1.Held) string {
	texts := make([]string, 0, len(held))
	for _, h := range held {
		texts = append(texts, fmt.Sprintf("%s %s: %s", h.Version, h.Reason, h.Message))
	}
	return strings.Join(texts, "; ")
}
