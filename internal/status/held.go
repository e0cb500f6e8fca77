package status

import (
	"slices"
	"strings"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// maxHeld is the bound of status.held.
const maxHeld = 32

// heldKey is what one entry of status.held is about.
type heldKey struct{ version, reason string }

// share is a hold and those who have it: indexes of targets.
type share struct {
	hold    *rollout.Hold
	members []int
}

// heldVersions merges the holds of all targets: one entry for a version and a reason, the newest version first, and its
// reasons in the order of the gates. Only the entries that fit are put into words.
func (v view) heldVersions() []v1alpha1.Held {
	groups, keys := v.sharesByKey()
	tags := make([]string, 0, len(keys))
	for _, key := range keys {
		tags = append(tags, key.version)
	}
	rank := map[string]int{}
	for i, tag := range v.parser.newestFirst(tags) {
		rank[tag] = i
	}
	slices.SortStableFunc(keys, func(a, b heldKey) int { return rank[a.version] - rank[b.version] })
	var held []v1alpha1.Held
	for _, key := range keys[:min(len(keys), maxHeld)] {
		held = append(held, v1alpha1.Held{
			Version:  key.version,
			Reason:   key.reason,
			Message:  v.sharesMessage(groups[key]),
			Earliest: known(earliest(groups[key])),
		})
	}
	return held
}

// sharesByKey groups the holds of all targets. The keys are in the order in which they came first.
func (v view) sharesByKey() (groups map[heldKey][]share, keys []heldKey) {
	groups = map[heldKey][]share{}
	for _, set := range holdSets(v.decision.Targets) {
		for i := range set.holds {
			key := heldKey{version: set.holds[i].Version, reason: set.holds[i].Reason}
			if groups[key] == nil {
				keys = append(keys, key)
			}
			groups[key] = append(groups[key], share{hold: &set.holds[i], members: set.members})
		}
	}
	return groups, keys
}

// holdSet is one slice of holds and the targets that share it.
type holdSet struct {
	holds   []rollout.Hold
	members []int
}

// holdSets finds targets that share one slice, as those of a wave mostly do, so that it is looked at once.
func holdSets(targets []rollout.TargetDecision) []holdSet {
	type identity struct {
		first *rollout.Hold
		count int
	}
	index := map[identity]int{}
	var sets []holdSet
	for i, target := range targets {
		if len(target.Holds) == 0 {
			continue
		}
		id := identity{first: &target.Holds[0], count: len(target.Holds)}
		at, found := index[id]
		if !found {
			at = len(sets)
			index[id] = at
			sets = append(sets, holdSet{holds: target.Holds})
		}
		sets[at].members = append(sets[at].members, i)
	}
	return sets
}

func earliest(group []share) time.Time {
	var first time.Time
	for _, share := range group {
		at := share.hold.Earliest
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// sharesMessage says each different message of a group once, with whom it is about unless that is the whole policy. Of many
// messages only the first are put into words.
func (v view) sharesMessage(group []share) string {
	var messages []string
	var members [maxNamed][]int
	index := map[string]int{}
	for _, share := range group {
		i, said := index[share.hold.Message]
		if !said {
			i = len(messages)
			index[share.hold.Message] = i
			messages = append(messages, share.hold.Message)
		}
		if i < maxNamed {
			members[i] = append(members[i], share.members...)
		}
	}
	return bounded(enumerateOf(len(messages), "; ", func(i int) string {
		who := v.crew.who(members[i])
		if who == "" || strings.HasPrefix(strings.ToLower(messages[i]), who+" ") { // a wave's message names the wave
			return messages[i]
		}
		return who + ": " + messages[i]
	}))
}
