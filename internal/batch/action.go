package batch

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Action is the one thing to do next.
type Action interface{ action() }

// Wait for a watch, and look again at Until if that is set.
type Wait struct {
	// For says what is waited for; empty at rest.
	For   string
	Until time.Time
}

// Ensure creates or repairs an automation, at rest.
type Ensure struct{ Automation Key }

// Drop deletes an automation that no pin needs.
type Drop struct{ Automation Key }

// Forget deletes pins of which nothing is in Git.
type Forget struct{ Pins []Key }

// Note writes memories that need no look at Git.
type Note struct{ Pins map[Key]pin.Memory }

// Relax lets pins at rest select the value that the checkout branch has.
type Relax struct{ Pins []Key }

// Visit reads Git through one GitRepository, places and removes the markers of its pins with one commit, and records what
// was read. Signer signs the commit, and it is pushed with the options: markers of pins with others wait for a visit, and so a
// commit, of their own.
type Visit struct {
	Repository pin.NamespacedName
	Signer     Signer
	Options    pin.PushOptions
}

// Serves says whether the marker of a pin is placed or removed by this visit.
func (a Visit) Serves(p Pin) bool {
	return SignerOf(p) == a.Signer && p.Intent.Commit.Push.Options == a.Options
}

// Prepare starts a batch: every pin selects its wanted tag and carries the batch's label.
type Prepare struct {
	ID     string
	Wanted map[Key]string
}

// Release takes pins out of a batch that was not armed.
type Release struct {
	ID string
	// Pins and their memories after it.
	Pins map[Key]pin.Memory
}

// Nudge asks Flux to look again at pins for which it keeps showing an old tag.
type Nudge struct {
	// Token by which it is asked.
	Token string
	Pins  []Key
}

// Arm checks a prepared batch against one fresh clone and arms its automation for what passes.
type Arm struct {
	ID         string
	Automation Key
	Pins       []Key
}

// Ask requests another run of an armed automation.
type Ask struct {
	Automation Key
	Token      string
}

// Disarm sets the automation's selector to rest, with a new token.
type Disarm struct {
	Automation Key
	Token      string
	// Memory of the automation after it.
	Memory AutomationMemory
}

// Conclude reads Git after a batch that is at rest again, records what happened, and releases its pins.
type Conclude struct {
	ID         string
	Automation Key
}

func (Wait) action()     {}
func (Ensure) action()   {}
func (Drop) action()     {}
func (Forget) action()   {}
func (Note) action()     {}
func (Relax) action()    {}
func (Visit) action()    {}
func (Prepare) action()  {}
func (Release) action()  {}
func (Nudge) action()    {}
func (Arm) action()      {}
func (Ask) action()      {}
func (Disarm) action()   {}
func (Conclude) action() {}

// MustBeFresh: the action is right only if it is decided by what the API server has now. A cache may not show yet that this
// process has armed the batch: a pin that joins it then would be written unchecked, one that leaves it would not be settled. Nor
// that it has placed a marker: one that a human has deleted since would be put back.
// (Arm is decided once more after Git was read; any other write is guarded by the version of the object that it is about.)
func MustBeFresh(a Action) bool {
	switch a.(type) {
	case Visit, Prepare, Release, Arm:
		return true
	}
	return false
}
