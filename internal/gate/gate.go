// Package gate has the reasons that can keep a version from a target: one file and one function for each.
//
// A gate is a pure function from an Input to a Hold, or nil when it is open. All gates of a Chain are asked, so that a
// user sees every reason at once.
package gate

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Input is one version on its way to one target. Versions are what filterTags make of a tag or a text, see
// versions.Filter.
type Input struct {
	// Kind of the target.
	Kind string
	// Suspended is the policy's switch.
	Suspended bool
	// Tag that the target would get, and its Version.
	Tag, Version string
	// Git is the text that Git has, at File and Line, and GitVersion its version.
	Git, GitVersion string
	File            string
	Line            int
	// Hold is what the repository's loop remembers about a human's choice; nil: nothing. HoldVersion is the version of
	// its UpTo.
	Hold        *pin.Hold
	HoldVersion string
}

// Hold is one reason that keeps a version from a target.
type Hold struct {
	// Version that is kept away.
	Version string
	// Reason is one of the API's reasons.
	Reason string
	// Message for a human, stable text without relative times.
	Message string
	// Earliest time at which it may be taken; zero: unknown.
	Earliest time.Time
}

// Gate is one reason that can keep a version from a target. It returns nil when the version may pass.
type Gate func(Input) *Hold

// Chain is gates in the order in which their holds are shown.
type Chain []Gate

// All is every gate.
func All() Chain {
	return Chain{Suspended, VersionUnsupported, NotNewer, ManualHold}
}

// Evaluate asks every gate. No holds: the version may pass.
func (c Chain) Evaluate(in Input) []Hold {
	var holds []Hold
	for _, gate := range c {
		if hold := gate(in); hold != nil {
			holds = append(holds, *hold)
		}
	}
	return holds
}
