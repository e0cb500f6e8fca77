package batch

import (
	"strings"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Next is the one thing to do now.
func Next(o Observation) Action {
	position := StateOf(o)
	switch position.State {
	case Armed:
		return nextArmed(o, position)
	case Disarming:
		return nextDisarming(o, position)
	case Settling:
		if position.Automation.Memory.Outcome == Abandoned {
			return Release{ID: position.ID, Pins: memories(position.Pins)}
		}
		if at := o.gitRetryAt(position); at.After(o.Now) {
			return Wait{For: "the repository to be readable, to see what batch " + position.ID + " wrote", Until: at}
		}
		return Conclude{ID: position.ID, Automation: position.Automation.Key}
	case Preparing:
		return nextPreparing(o, position)
	default:
		return nextRest(o)
	}
}

// nextDisarming waits: until the rest token is handled a run may be in flight. A suspended automation starts none, but
// does not say whether one is still running either.
func nextDisarming(o Observation, position Position) Action {
	a := position.Automation
	patience := a.Memory.ArmedAt.Add(2 * o.Limits.Arm)
	if a.Suspended || !a.Memory.ArmedAt.IsZero() && !o.Now.Before(patience) {
		if noted := unanswered(o, position); len(noted) > 0 {
			return Note{Pins: noted}
		}
	}
	if !patience.After(o.Now) {
		patience = time.Time{}
	}
	return Wait{For: "image-automation-controller to handle token " + a.Requested + " of ImageUpdateAutomation " + a.Key.String(), Until: patience}
}

// unanswered tells the pins of a batch why nothing goes on.
func unanswered(o Observation, position Position) map[Key]pin.Memory {
	finding := noAnswer(position.Automation.Key)
	if position.Automation.Suspended {
		finding = suspendedAutomation(position.Automation.Key)
	}
	noted := map[Key]pin.Memory{}
	for _, p := range position.Pins {
		memory := p.Memory
		if memory.Finding != nil && *memory.Finding == *finding {
			continue
		}
		memory.Finding, memory.RetryAt = finding, o.Now.UTC().Format(time.RFC3339)
		noted[p.Key] = memory
	}
	return noted
}

// maxAsks bounds how often a run is asked for that succeeded and did not observe every pin.
const maxAsks = 5

// nextArmed ends arming at the first of: every pin observed, a reason to withdraw, a failure that more time cannot
// mend, the deadline.
func nextArmed(o Observation, position Position) Action {
	a := position.Automation
	if why := withdraws(o, position); why != "" {
		return disarm(o, *a, Withdrawn, why)
	}
	deadline := a.Memory.ArmedAt.Add(o.Limits.Arm)
	succeeded, failed := a.Handled == a.Requested && a.Ready.True, a.Handled == a.Requested && a.Ready.False
	switch {
	case succeeded && observed(*a, position.Pins):
		return disarm(o, *a, Observed, "")
	case failed && hopeless[a.Ready.Reason]:
		return disarm(o, *a, Failed, a.Ready.Message)
	case !o.Now.Before(deadline):
		return disarm(o, *a, failure(*a), a.Ready.Message)
	case succeeded && asks(a.Requested) < maxAsks:
		return Ask{Automation: a.Key, Token: armToken(position.ID, asks(a.Requested)+1)}
	}
	return Wait{For: "image-automation-controller to write batch " + position.ID, Until: deadline}
}

// hopeless are the reasons of image-automation-controller for failures that a retry does not mend (its
// api/v1/condition_types.go). A failed Git operation is not among them: it retries with a fresh clone.
var hopeless = map[string]bool{
	"UpdateFailed":               true,
	"InvalidUpdateStrategy":      true,
	"InvalidSourceConfiguration": true,
	"InvalidPolicySelector":      true,
	"RemovedTemplateField":       true,
	"AccessDenied":               true,
}

func failure(a Automation) Outcome {
	if a.Handled != a.Requested {
		return Unanswered
	}
	if a.Ready.False && (a.Ready.Reason == "GitOperationFailed" || a.Ready.Reason == "SourceManagerFailed") {
		return GitFailed
	}
	return Failed
}

// withdraws says why an armed batch must not go on; empty if it may.
func withdraws(o Observation, position Position) string {
	a := position.Automation
	switch {
	case !o.MayArm:
		return "the operator stops"
	case a.Selects == "" || a.Selects != a.Memory.Batch || a.Memory.Outcome != "":
		return "somebody changed the policySelector"
	case a.Memory.ArmedBy != o.Leader:
		return "it was armed by another leader"
	case a.Suspended:
		return "the automation was suspended"
	case len(position.Pins) == 0:
		return "its pins are gone"
	}
	for _, p := range position.Pins {
		if why := unwanted(p, a.Key); why != "" {
			return p.Key.String() + ": " + why
		}
	}
	return ""
}

func observed(a Automation, pins []Pin) bool {
	for _, p := range pins {
		if a.Observed[p.Key.Name] != p.Memory.Wanted {
			return false
		}
	}
	return true
}

// Withdraw disarms an automation for a reason outside the protocol.
func Withdraw(o Observation, a Automation, why string) Disarm { return disarm(o, a, Withdrawn, why) }

func disarm(o Observation, a Automation, outcome Outcome, message string) Disarm {
	memory := a.Memory
	memory.Outcome, memory.Message = outcome, bounded(message)
	id := batchOf(a)
	if id == "" { // nobody's batch: still the token must be a fresh one
		id = o.NewID
	}
	memory.Batch, memory.Size = id, len(position(o, Armed, id, nil).Pins)
	token := RestToken(id)
	if token == a.Requested || token == a.Handled { // it was handled before, so it would prove nothing
		token = RestToken(o.NewID)
	}
	return Disarm{Automation: a.Key, Token: token, Memory: backOff(o, memory)}
}

// bounded keeps a memory small, whatever Flux says.
func bounded(message string) string {
	const most = 500
	if len(message) <= most {
		return message
	}
	return strings.ToValidUTF8(message[:most], "") + "…"
}

// abandon ends a batch that another process prepared. That process can arm it no more, since its patch is guarded by the
// version that this one replaces. Flux was never let in, so there is no run to wait for: the token stays.
func abandon(a Automation, id string) Action {
	memory := a.Memory
	memory.Batch, memory.Outcome, memory.Message = id, Abandoned, "the process that prepared it does not lead any more"
	return Disarm{Automation: a.Key, Token: a.Requested, Memory: memory}
}

// backOff remembers what a failure means for the next batch: Git's failures, and silence, concern every pin, so the next one waits;
// any other may be one pin's, so the next batch is half as large and comes at once until it is a single pin.
func backOff(o Observation, m AutomationMemory) AutomationMemory {
	switch m.Outcome {
	case Observed:
		m.Limit, m.Failures, m.RetryAt = 0, 0, time.Time{}
	case GitFailed, Unanswered:
		m.Failures++
		m.RetryAt = o.Now.Add(Backoff(m.Failures))
	case Failed:
		m.Limit = max(1, m.Size/2)
	case Withdrawn, Abandoned:
	}
	return m
}

// Backoff is the wait after n failures in a row: from 15 s, doubling, at most 15 min.
func Backoff(n int) time.Duration {
	const first, most = 15 * time.Second, 15 * time.Minute
	if n > 6 {
		return most
	}
	return min(first<<max(0, n-1), most)
}

// nextPreparing lets late pins of the same moment join, waits until every pin selects its tag, and leaves behind what
// cannot go.
func nextPreparing(o Observation, position Position) Action {
	a := position.Automation
	switch {
	case !o.MayArm:
		return Wait{For: "the next leader"}
	case a == nil: // no automation may write these pins any more
		return Release{ID: position.ID, Pins: memories(position.Pins)}
	case !a.Exists || a.Drifted:
		return Ensure{Automation: a.Key}
	case !owns(o, position.ID):
		return abandon(*a, position.ID)
	}
	deadline := startedAt(position.ID).Add(o.Limits.Prepare)
	late := !o.Now.Before(deadline)
	if released := leftBehind(o, position, late); len(released) > 0 {
		return Release{ID: position.ID, Pins: released}
	}
	if joining := joiners(o, *a, position); len(joining) > 0 && !late {
		return Prepare{ID: position.ID, Wanted: joining}
	}
	if nudged := outdated(position); len(nudged) > 0 {
		return Nudge{Token: position.ID, Pins: nudged}
	}
	return nextPrepared(o, position, deadline)
}

// nextPrepared arms a batch whose pins all select their tags.
func nextPrepared(o Observation, position Position, deadline time.Time) Action {
	for _, p := range position.Pins {
		if !selects(p) {
			return Wait{For: "image-reflector-controller to select the tag of " + p.Key.String(), Until: deadline}
		}
	}
	if at := o.gitRetryAt(position); at.After(o.Now) {
		return Wait{For: "the repository to be readable, to check batch " + position.ID, Until: at}
	}
	keys := make([]Key, 0, len(position.Pins))
	for _, p := range position.Pins {
		keys = append(keys, p.Key)
	}
	return Arm{ID: position.ID, Automation: position.Automation.Key, Pins: keys}
}

// outdated are the pins that need a nudge and did not get one for this batch.
func outdated(position Position) []Key {
	var keys []Key
	for _, p := range position.Pins {
		if p.Outdated && p.Nudged != position.ID {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// gitRetryAt is when the repository of a batch's pins, which share one automation and so one GitRepository, may be asked.
func (o Observation) gitRetryAt(position Position) time.Time {
	return o.GitRetryAt[position.Pins[0].Intent.Source.Repository]
}

// selects: the pin's spec and Flux's answer to it are the wanted tag.
func selects(p Pin) bool {
	return p.Filter == pin.Filter(p.Memory.Wanted) && p.Selected == p.Memory.Wanted
}

func joiners(o Observation, a Automation, position Position) map[Key]string {
	return first(movers(o, a), limit(o, a)-len(position.Pins))
}

// memories are those that the pins have.
func memories(pins []Pin) map[Key]pin.Memory {
	have := make(map[Key]pin.Memory, len(pins))
	for _, p := range pins {
		have[p.Key] = p.Memory
	}
	return have
}

// leftBehind are the pins of a batch that cannot go, with what they remember of it.
func leftBehind(o Observation, position Position, late bool) map[Key]pin.Memory {
	released := map[Key]pin.Memory{}
	for _, p := range position.Pins {
		memory := p.Memory
		switch {
		case unwanted(p, position.Automation.Key) != "" || position.Automation.Suspended:
		case p.BadReference != "":
			memory.Finding = &pin.Finding{Reason: reasonTagMissing, Message: p.BadReference}
			memory = later(o.Now, memory)
		case p.NoTag && p.Filter == pin.Filter(memory.Wanted):
			memory.Finding = tagMissing(p)
			memory = later(o.Now, memory)
		case late && !selects(p):
			memory.Finding = notSelected(p)
			memory = later(o.Now, memory)
		default:
			continue
		}
		released[p.Key] = memory
	}
	return released
}

// later counts a failure of the pin and sets the time of the next try.
func later(now time.Time, m pin.Memory) pin.Memory {
	m.Failures++
	m.RetryAt = now.Add(Backoff(m.Failures)).UTC().Format(time.RFC3339)
	return m
}
