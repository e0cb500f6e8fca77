package batch

import (
	"strconv"
	"strings"

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

// StateOf derives the state. What can write comes first: an armed automation, then one whose disarming is not handled,
// then batches that ended, then batches that did not begin.
func StateOf(o Observation) Position {
	for i := range o.Automations {
		a := &o.Automations[i]
		if a.Exists && a.Selects != pin.AtRest {
			return position(o, Armed, batchOf(*a), a)
		}
	}
	for i := range o.Automations {
		a := &o.Automations[i]
		if a.Exists && isRest(a.Requested) && a.Handled != a.Requested {
			return position(o, Disarming, strings.TrimSuffix(a.Requested, restSuffix), a)
		}
	}
	for _, p := range o.Pins {
		if p.Batch == "" {
			continue
		}
		a := o.automation(p.Automation)
		if ended := o.endedBatch(p.Batch); ended != nil {
			return position(o, Settling, p.Batch, ended)
		}
		return position(o, Preparing, p.Batch, a)
	}
	return Position{State: Rest}
}

// batchOf is the batch that an armed automation is about. One whose selector is not ours is about none.
func batchOf(a Automation) string {
	if a.Selects != "" {
		return a.Selects
	}
	return a.Memory.Batch
}

func isRest(token string) bool { return strings.HasSuffix(token, restSuffix) }

func position(o Observation, state State, id string, a *Automation) Position {
	p := Position{State: state, ID: id, Automation: a}
	for _, member := range o.Pins {
		if id != "" && member.Batch == id {
			p.Pins = append(p.Pins, member)
		}
	}
	return p
}

// endedBatch is the automation whose last batch was id and that is at rest again.
func (o Observation) endedBatch(id string) *Automation {
	for i := range o.Automations {
		a := &o.Automations[i]
		if a.Exists && a.Memory.Batch == id && a.Requested == RestToken(id) {
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
