package batch

import (
	"cmp"
	"sort"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// nextBatch prepares the movers of the first automation that may write.
func nextBatch(o Observation) Action {
	if !o.MayArm {
		return nil
	}
	for _, a := range o.Automations {
		if !a.Exists || a.Suspended || a.Memory.RetryAt.After(o.Now) {
			continue
		}
		wanted := movers(o, a)
		if len(wanted) == 0 {
			continue
		}
		return Prepare{ID: ownID(o), Wanted: first(wanted, limit(o, a))}
	}
	return nil
}

func limit(o Observation, a Automation) int {
	if a.Memory.Limit > 0 {
		return min(a.Memory.Limit, o.Limits.Pins)
	}
	return o.Limits.Pins
}

// first keeps the n first keys.
func first(wanted map[Key]string, n int) map[Key]string {
	n = max(0, n)
	if len(wanted) <= n {
		return wanted
	}
	keys := make([]Key, 0, len(wanted))
	for key := range wanted {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
	for _, key := range keys[n:] {
		delete(wanted, key)
	}
	return wanted
}

// movers are the pins of an automation that want to move and may, with the wanted tags.
func movers(o Observation, a Automation) map[Key]string {
	wanted := map[Key]string{}
	for _, p := range o.Pins {
		if p.Batch == "" && p.Automation == a.Key && moves(o, p) {
			wanted[p.Key] = wants(p)
		}
	}
	return wanted
}

// wants is the tag that a pin goes to: a human's value that Flux overwrote comes first, then what takes a proposal back.
func wants(p Pin) string {
	if p.Memory.Restore != "" {
		return p.Memory.Restore
	}
	return cmp.Or(withdrawal(p), p.Intent.Want)
}

// Scheduled says whether it matters to a pin when schedules open and close: it is in a batch, or its policy wants it to move. Of
// a pin at rest nobody needs to know.
func Scheduled(p Pin) bool { return p.Batch != "" || leads(p.Intent, p.Memory.Git) }

// moves: the pin stands on a marked line of its own and wants another value than the line has. The policy decides what
// is wanted; that it may go there and start now, and that no human chose otherwise, is made sure of once more, since an intent
// may be older than the memory, and than the time at which a schedule closed.
func moves(o Observation, p Pin) bool {
	if Recalls(o, p) {
		return p.Memory.RetryAt == "" || due(o, p)
	}
	return stands(p) && !blocked(o, p) && goes(p)
}

// goes: a pin that stands has somewhere to go.
func goes(p Pin) bool {
	m := p.Memory
	switch {
	case m.Restore != "":
		return m.Restore != m.Git
	case withdrawal(p) != "":
		return true
	case p.Leaving, onCheckout(p):
		return false
	case !p.Decided || p.Closed != "" || !leads(p.Intent, m.Git):
		return false
	case p.Intent.Back != "":
		return !rolledBack(p)
	}
	return m.Hold == nil || versions.Newer(p.Intent.Want, m.Hold.UpTo)
}

// leads: an intent leads from a text in Git to its wanted tag: upward, or downward from the very version that a rollback leaves.
func leads(intent pin.Intent, from string) bool {
	if intent.Back != "" {
		return versions.Same(from, intent.Back) && versions.Newer(from, intent.Want)
	}
	return versions.Newer(intent.Want, from)
}

// rolledBack: Flux has written the version that a rollback goes to. If Git has another one again, then a human chose it.
func rolledBack(p Pin) bool {
	return p.Memory.Wanted == p.Intent.Want && p.Memory.Commit != ""
}

// stands: the pin's marker is on a line of its own, and nobody has asked to leave it alone.
func stands(p Pin) bool {
	m := p.Memory
	return m.Marked && m.Leader == "" && m.Git != "" && m.Proposal.Branch == p.Push && !Leaves(p) && stopped(p) == ""
}

// blocked: what went wrong is still so. What is wrong in a file stays so until Git is read again; what failed for one
// version is tried again later, and says nothing of another version.
func blocked(o Observation, p Pin) bool {
	m := p.Memory
	if m.RetryAt == "" {
		return m.Finding != nil
	}
	return m.Wanted == wants(p) && !due(o, p)
}
