package batch

import (
	"time"

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
	if resumed := resumed(o); len(resumed) > 0 {
		return Note{Pins: resumed}
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
		if p.Memory.Marked && (!Leaves(p) || Recalls(o, p)) {
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

// Leaves: the pin's marker is to be removed.
func Leaves(p Pin) bool { return p.Intent.Remove || p.Orphaned }

// forgotten are pins to delete without a look at Git: their markers are a human's, or out of reach. Any other may have a
// marker, even if none is remembered: the process may have died right after it pushed.
func forgotten(o Observation) []Key {
	var keys []Key
	for _, p := range o.Pins {
		if Leaves(p) && (p.Intent.Unmanaged || p.Refused) {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// notes are findings that come and go without a look at Git.
func notes(o Observation) map[Key]pin.Memory {
	noted := map[Key]pin.Memory{}
	for _, p := range o.Pins {
		memory := p.Memory
		has, want := memory.Finding, barred(o, p)
		switch {
		case want != nil && has != nil && *has == *want:
			continue
		case want == nil && (has == nil || !aboutBars(has) && !pastMoving(p)):
			continue
		}
		memory.Finding, memory.Failures, memory.RetryAt = want, 0, ""
		noted[p.Key] = memory
	}
	return noted
}

// barred says what keeps a pin from moving: how its policy pushes, or an automation that is not ours, or ours that somebody
// suspended.
func barred(o Observation, p Pin) *pin.Finding {
	a := o.automation(p.Automation)
	switch {
	case Leaves(p):
		return nil
	case p.Forbidden != nil:
		return frozen(p)
	case p.Foreign != "":
		return &pin.Finding{Reason: reasonForeignAutomation, Message: p.Foreign}
	case a != nil && a.Suspended && p.Memory.Marked && p.Decided && wants(p) != "" && wants(p) != p.Memory.Git:
		return suspendedAutomation(a.Key)
	}
	return nil
}

func aboutBars(f *pin.Finding) bool {
	return f.Reason == reasonPushForbidden || f.Reason == reasonForeignAutomation || f.Reason == reasonAutomationSuspended
}

// pastMoving: the finding is about a version that the pin does not want any more.
func pastMoving(p Pin) bool {
	m := p.Memory
	return m.Marked && aboutMoving(m.Finding) && !Leaves(p) && (wants(p) != m.Wanted || wants(p) == m.Git || wants(p) == "")
}

// unrelaxed are pins at rest that do not select the value that the checkout branch has.
func unrelaxed(o Observation) []Key {
	var keys []Key
	for _, p := range o.Pins {
		if text := p.Memory.AtRest(); p.Batch == "" && text != "" && p.Filter != pin.Filter(text) {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// unwanted says why a pin must not move with an automation, whatever Git and the registry say; empty if it may.
func unwanted(p Pin, with Key) string {
	switch {
	case p.Automation != with:
		return "its policy wants other commits now"
	case Leaves(p) && !goesBack(p):
		return "its policy does not want it any more"
	case stopped(p) != "":
		return stopped(p)
	case goesBack(p):
		return ""
	case p.Leaving:
		return "its policy pushes to another branch now"
	case p.Closed != "":
		return p.Closed
	case p.Memory.Wanted != p.Intent.Want || !leads(p.Intent, p.Memory.From):
		return "its policy wants another version now"
	}
	return ""
}

// stopped says why nothing at all may be written for a pin; empty if something may. A policy that goes is not suspended any more.
func stopped(p Pin) string {
	switch {
	case p.Suspended && !Leaves(p):
		return "its policy is suspended"
	case p.Forbidden != nil:
		return "its policy may not push so"
	case p.Foreign != "":
		return "another automation would write it too"
	}
	return ""
}

// goesBack: the batch gives a human's value back, or takes a proposal back. No version starts by that, so no schedule is asked.
func goesBack(p Pin) bool {
	wanted := p.Memory.Wanted
	return wanted != "" && (wanted == p.Memory.Restore || wanted == withdrawal(p))
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
