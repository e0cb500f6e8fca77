package batch

import (
	"strconv"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// State of a repository branch.
type State string

// The states of a repository branch, see the package doc.
const (
	Rest      State = "Rest"
	Preparing State = "Preparing"
	Armed     State = "Armed"
	Disarming State = "Disarming"
	Settling  State = "Settling"
)

// Position is the state and what it is about.
type Position struct {
	State State
	// ID of the batch; empty at rest.
	ID string
	// Automation that the state is about; zero while Preparing if none exists yet.
	Automation *Automation
	// Pins of the batch.
	Pins []Pin
}

// StateOf derives the state. What can write comes first: an armed automation, then one that may still run as it was armed,
// then batches that ended, then batches that did not begin.
func StateOf(o Observation) Position {
	for i := range o.Automations {
		if a := &o.Automations[i]; a.armed() {
			return position(o, Armed, batchOf(*a), a)
		}
	}
	for i := range o.Automations {
		if a := &o.Automations[i]; a.inFlight() {
			return position(o, Disarming, a.Memory.Batch, a)
		}
	}
	for _, p := range o.Pins {
		if ended := o.endedBatch(p.Batch); ended != nil {
			return position(o, Settling, p.Batch, ended)
		}
	}
	for _, p := range o.Pins {
		if p.Batch != "" {
			return position(o, Preparing, p.Batch, o.automation(p.Automation))
		}
	}
	return Position{State: Rest}
}

// armed: Flux may write, or could until somebody else than the protocol set the selector back, which proves nothing of
// the run that was in flight.
func (a Automation) armed() bool {
	return a.Exists && (a.Selects != pin.AtRest || a.Memory.Batch != "" && a.Memory.Outcome == "")
}

// inFlight: a run that began while the automation was armed may not have ended. Any token that was asked for since says
// when it has, whoever asked.
func (a Automation) inFlight() bool {
	return a.Exists && a.Memory.Batch != "" && a.Handled != a.Requested
}

// batchOf is the batch that an armed automation is about. One whose selector is not ours is about none.
func batchOf(a Automation) string {
	if a.Selects != "" && a.Selects != pin.AtRest {
		return a.Selects
	}
	return a.Memory.Batch
}

func position(o Observation, state State, id string, a *Automation) Position {
	p := Position{State: state, ID: id, Automation: a}
	for _, member := range o.Pins {
		if id != "" && member.Batch == id {
			p.Pins = append(p.Pins, member)
		}
	}
	return p
}

// endedBatch is the automation whose last batch was id, and which was set back to rest.
func (o Observation) endedBatch(id string) *Automation {
	for i := range o.Automations {
		if a := &o.Automations[i]; a.Exists && id != "" && a.Memory.Batch == id && a.Memory.Outcome != "" {
			return a
		}
	}
	return nil
}

func (o Observation) automation(key Key) *Automation {
	for i := range o.Automations {
		if o.Automations[i].Key == key {
			return &o.Automations[i]
		}
	}
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }
