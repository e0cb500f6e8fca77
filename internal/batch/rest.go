package batch

import (
	"sort"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// nextRest does, while nothing can be written, what is due: objects first, then memories, then Git, then a new batch.
func nextRest(o Observation) Action {
	if action := tend(o); action != nil {
		return action
	}
	if gone := forgotten(o); len(gone) > 0 {
		return Forget{Pins: gone}
	}
	if noted := notes(o); len(noted) > 0 {
		return Note{Pins: noted}
	}
	if relaxed := unrelaxed(o); len(relaxed) > 0 {
		return Relax{Pins: relaxed}
	}
	visit, retry := nextVisit(o)
	if visit != nil {
		return *visit
	}
	if prepare := nextBatch(o); prepare != nil {
		return prepare
	}
	return Wait{Until: sooner(o.Now, nextRetry(o), retry)}
}

// tend keeps the automations: there is one for every pin that may move, and none else.
func tend(o Observation) Action {
	needed := map[Key]bool{}
	for _, p := range o.Pins {
		if p.Memory.Marked && !leaves(p) {
			needed[p.Automation] = true
		}
	}
	for _, a := range o.Automations {
		if needed[a.Key] && (!a.Exists || a.Drifted) {
			return Ensure{Automation: a.Key}
		}
		if !needed[a.Key] && a.Exists {
			return Drop{Automation: a.Key}
		}
	}
	return nil
}

// leaves: the pin's marker is to be removed.
func leaves(p Pin) bool { return p.Intent.Remove || p.Orphaned }

// forgotten are pins to delete without a look at Git: nothing of ours is there.
func forgotten(o Observation) []Key {
	var keys []Key
	for _, p := range o.Pins {
		if leaves(p) && (!p.Memory.Marked || p.Intent.Unmanaged) {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// notes are findings that come and go without a look at Git.
func notes(o Observation) map[Key]pin.Memory {
	noted := map[Key]pin.Memory{}
	for _, p := range o.Pins {
		has := p.Memory.Finding != nil && p.Memory.Finding.Reason == reasonForeignAutomation
		want := p.Foreign != "" && !leaves(p)
		if has == want && (!want || p.Memory.Finding.Message == p.Foreign) {
			continue
		}
		memory := p.Memory
		memory.Finding = nil
		if want {
			memory.Finding = &pin.Finding{Reason: reasonForeignAutomation, Message: p.Foreign}
		}
		noted[p.Key] = memory
	}
	return noted
}

// unrelaxed are pins at rest that do not select the value that Git has.
func unrelaxed(o Observation) []Key {
	var keys []Key
	for _, p := range o.Pins {
		if p.Batch == "" && p.Memory.Git != "" && p.Filter != pin.Filter(p.Memory.Git) {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// nextVisit is the visit of the first GitRepository that has a pin which needs one. Those that could not be read come
// again later: the earliest time is the second result.
func nextVisit(o Observation) (next *Visit, retry time.Time) {
	needing := Visitors(o)
	for _, p := range o.Pins {
		if !needing[p.Key] {
			continue
		}
		source := p.Intent.Source.Repository
		if at := o.GitRetryAt[source]; at.After(o.Now) {
			retry = sooner(o.Now, retry, at)
			continue
		}
		return &Visit{Repository: source}, retry
	}
	return nil, retry
}

// Visitors are the pins that need Git to be read, or their marker placed or removed.
func Visitors(o Observation) map[Key]bool {
	names := map[Key]bool{}
	for _, p := range o.Pins {
		names[p.Key] = true
	}
	needing := map[Key]bool{}
	for _, p := range o.Pins {
		if visits(o, p, names) {
			needing[p.Key] = true
		}
	}
	return needing
}

func visits(o Observation, p Pin, names map[Key]bool) bool {
	m := p.Memory
	switch {
	case leaves(p):
		return true
	case p.Intent.Prompt != "" && p.Intent.Prompt != m.Prompt:
		return true
	case m.Finding != nil:
		return m.RetryAt != "" && due(o, p) && !moves(o, p)
	case m.Git == "":
		return true
	case m.Leader != "":
		return !names[Key{p.Key.Namespace, m.Leader}]
	}
	return MayMark(p) && !m.Marked
}

// MayMark: the operator may place this pin's marker.
func MayMark(p Pin) bool {
	return p.Intent.Mark && !leaves(p) && !p.Suspended && p.Foreign == ""
}

func due(o Observation, p Pin) bool {
	at, err := time.Parse(time.RFC3339, p.Memory.RetryAt)
	return err != nil || !o.Now.Before(at)
}

// unwanted says why a pin must not move, whatever Git and the registry say; empty if it may.
func unwanted(p Pin) string {
	switch {
	case leaves(p):
		return "its policy does not want it any more"
	case p.Suspended:
		return "its policy is suspended"
	case p.Foreign != "":
		return "another automation would write it too"
	case p.Memory.Restore != "" && p.Memory.Wanted == p.Memory.Restore:
		return ""
	case p.Memory.Wanted != p.Intent.Want:
		return "its policy wants another version now"
	}
	return ""
}

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
		return Prepare{ID: o.NewID, Wanted: first(wanted, limit(o, a))}
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

// wants is the tag that a pin goes to: a human's value that Flux overwrote comes first.
func wants(p Pin) string {
	if p.Memory.Restore != "" {
		return p.Memory.Restore
	}
	return p.Intent.Want
}

// moves: the pin stands on a marked line of its own and wants another value than the line has. The policy decides what
// is wanted; that it is newer, and no human's choice, is made sure of once more, since an intent may be older than the memory.
func moves(o Observation, p Pin) bool {
	m := p.Memory
	switch {
	case !m.Marked || m.Leader != "" || m.Git == "":
		return false
	case leaves(p) || p.Suspended || p.Foreign != "":
		return false
	case blocked(o, p):
		return false
	case m.Restore != "":
		return m.Restore != m.Git
	case p.Intent.Want == "" || !p.Decided || !newer(p.Intent.Want, m.Git):
		return false
	}
	return m.Hold == nil || newer(p.Intent.Want, m.Hold.UpTo)
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

// newer compares as Flux does: a leading v does not count. What cannot be compared is not newer.
func newer(a, b string) bool {
	va, errA := semver.NewVersion(a)
	vb, errB := semver.NewVersion(b)
	return errA == nil && errB == nil && va.GreaterThan(vb)
}

// nextRetry is the earliest time at which something is due again; zero: never.
func nextRetry(o Observation) time.Time {
	var next time.Time
	for _, p := range o.Pins {
		if at, err := time.Parse(time.RFC3339, p.Memory.RetryAt); err == nil {
			next = sooner(o.Now, next, at)
		}
	}
	for _, a := range o.Automations {
		next = sooner(o.Now, next, a.Memory.RetryAt)
	}
	return next
}

// sooner is the earlier of two times after now; zero if there is none.
func sooner(now, a, b time.Time) time.Time {
	switch {
	case !a.After(now) && !b.After(now):
		return time.Time{}
	case !a.After(now):
		return b
	case !b.After(now) || a.Before(b):
		return a
	}
	return b
}
