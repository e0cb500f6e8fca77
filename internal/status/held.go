package status

import (
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// maxHeld is the bound of status.held.
const maxHeld = 32

// heldKey is what one entry of status.held is about.
type heldKey struct{ version, reason string }

// targetHold is a hold of one target.
type targetHold struct {
	target string
	hold   rollout.Hold
}

// heldOf merges the holds of all targets: one entry for a version and a reason, the newest version first.
func heldOf(d rollout.Decision) []v1alpha1.Held {
	groups := map[heldKey][]targetHold{}
	for _, target := range d.Targets {
		for _, hold := range target.Holds {
			key := heldKey{version: hold.Version, reason: hold.Reason}
			groups[key] = append(groups[key], targetHold{target: target.Name, hold: hold})
		}
	}
	var held []v1alpha1.Held
	for _, key := range slices.SortedFunc(maps.Keys(groups), compareHeld) {
		if len(held) == maxHeld {
			break
		}
		held = append(held, v1alpha1.Held{
			Version:  key.version,
			Reason:   key.reason,
			Message:  heldMessage(groups[key], len(d.Targets)),
			Earliest: earliest(groups[key]),
		})
	}
	return held
}

// heldMessage says why the targets of a group are held, and which they are unless it is all of them for one reason.
func heldMessage(group []targetHold, total int) string {
	var names, messages []string
	same := true
	for _, member := range group {
		names = append(names, member.target)
		messages = append(messages, member.target+": "+member.hold.Message)
		same = same && member.hold.Message == group[0].hold.Message
	}
	switch {
	case same && len(group) == total:
		return bounded(group[0].hold.Message)
	case same:
		return bounded(enumerate(names, ", ") + ": " + group[0].hold.Message)
	default:
		return bounded(enumerate(messages, "; "))
	}
}

func earliest(group []targetHold) *metav1.Time {
	var first time.Time
	for _, member := range group {
		at := member.hold.Earliest
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if first.IsZero() {
		return nil
	}
	return &metav1.Time{Time: first.UTC().Truncate(time.Second)}
}

func compareHeld(a, b heldKey) int {
	switch {
	case versions.Newer(a.version, b.version):
		return -1
	case versions.Newer(b.version, a.version):
		return 1
	case a.version != b.version:
		return strings.Compare(a.version, b.version)
	default:
		return strings.Compare(a.reason, b.reason)
	}
}
