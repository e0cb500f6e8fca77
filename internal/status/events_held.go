package status

import (
	"fmt"
	"slices"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// toldElsewhere are reasons to hold a version that have an event or a condition of their own.
var toldElsewhere = []string{v1alpha1.SuspendedReason, v1alpha1.BlockedReason}

// heldEvents tell what is held anew: one event for a reason, in the words about the newest version.
func heldEvents(before, after v1alpha1.AppUpgradePolicyStatus) []Event {
	known := map[heldKey]bool{}
	for _, held := range before.Held {
		known[heldKey{version: held.Version, reason: held.Reason}] = true
	}
	anew := map[string][]v1alpha1.Held{}
	var reasons []string
	for _, held := range after.Held {
		if known[heldKey{version: held.Version, reason: held.Reason}] || slices.Contains(toldElsewhere, held.Reason) {
			continue
		}
		if anew[held.Reason] == nil {
			reasons = append(reasons, held.Reason)
		}
		anew[held.Reason] = append(anew[held.Reason], held)
	}
	var events []Event
	for _, reason := range reasons {
		events = append(events, normal(reason, heldSaying(anew[reason])))
	}
	return events
}

// heldSaying names some versions, the newest first, and says why that is held.
func heldSaying(held []v1alpha1.Held) string {
	named := enumerateOf(len(held), ", ", func(i int) string { return held[i].Version })
	are := "is"
	if len(held) > 1 {
		are = "are"
	}
	return fmt.Sprintf("%s %s held: %s", named, are, held[0].Message)
}
