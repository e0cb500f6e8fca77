package status

import (
	"math"
	"slices"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// blockedOf are the versions that failed, the last one first.
func blockedOf(ledger pin.Ledger) []v1alpha1.BlockedVersion {
	entries := slices.Clone(ledger.Blocked)
	slices.SortStableFunc(entries, func(a, b pin.Blocked) int { return b.At.Compare(a.At) })
	var blocked []v1alpha1.BlockedVersion
	for _, entry := range entries[:min(len(entries), pin.MaxBlocked)] {
		blocked = append(blocked, v1alpha1.BlockedVersion{
			Version: entry.Tag, Wave: entry.Wave, Message: bounded(entry.Message), Time: stored(entry.At),
		})
	}
	return blocked
}

// approvalsOf are those that were handled, the last one first.
func approvalsOf(ledger pin.Ledger) []v1alpha1.Approval {
	var approvals []v1alpha1.Approval
	for _, entry := range last(ledger.Approvals, pin.MaxApprovals) {
		approvals = append(approvals, v1alpha1.Approval{Version: entry.Version, Wave: entry.Wave, Time: stored(entry.At)})
	}
	return approvals
}

// seenOf are the versions that may be taken, the newest one first.
func seenOf(ledger pin.Ledger, p parser) []v1alpha1.SeenVersion {
	first := map[string]pin.Seen{}
	var tags []string
	for _, entry := range ledger.Seen {
		if other, twice := first[entry.Tag]; twice && other.At.Before(entry.At) {
			continue
		}
		first[entry.Tag] = entry
		tags = append(tags, entry.Tag)
	}
	ordered := p.newestFirst(tags)
	var seen []v1alpha1.SeenVersion
	for _, tag := range ordered[:min(len(ordered), pin.MaxSeen)] {
		seen = append(seen, v1alpha1.SeenVersion{Version: tag, Time: stored(first[tag].At)})
	}
	return seen
}

// historyOf are the upgrades and rollbacks, the last one first.
func historyOf(ledger pin.Ledger) []v1alpha1.HistoryEntry {
	var history []v1alpha1.HistoryEntry
	for _, entry := range last(ledger.History, pin.MaxHistory) {
		history = append(history, v1alpha1.HistoryEntry{
			From:     entry.From,
			To:       entry.To,
			Wave:     entry.Wave,
			Rollback: entry.Rollback,
			Approved: entry.Approved,
			Targets:  count(entry.Targets),
			Start:    stored(entry.Start),
			End:      known(entry.End),
			Result:   entry.Result,
			Commit:   entry.Commit,
		})
	}
	return history
}

// last are at most so many of the last entries, in reverse.
func last[Entry any](entries []Entry, most int) []Entry {
	newest := slices.Clone(entries[max(0, len(entries)-most):])
	slices.Reverse(newest)
	return newest
}

// count is a number as the API keeps it.
func count(n int) int32 { return int32(max(0, min(n, math.MaxInt32))) }
