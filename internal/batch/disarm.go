package batch

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/message"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

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

// Withdraw disarms an automation for a reason outside the protocol.
func Withdraw(o Observation, a Automation, why string) Disarm { return disarm(o, a, Withdrawn, why) }

// mostSaid bounds what an automation remembers of Flux's words, in bytes.
const mostSaid = 500

func disarm(o Observation, a Automation, outcome Outcome, why string) Disarm {
	memory := a.Memory
	memory.Outcome, memory.Message = outcome, message.Bounded(why, mostSaid)
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
