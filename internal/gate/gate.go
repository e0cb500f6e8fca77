// Package gate has the reasons that can keep a version from a target: one file and one function for each.
// A gate is a pure function from an input to a Hold, or nil when it is open. All gates of a chain are asked, so that a
// user sees every reason at once.
//
// There are two chains: the gates of a wave say whether any of its targets may start to take a version now; those of a
// target say whether this one may. A version goes to a target when all of both are open.
package gate

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/schedule"
)

// WaveInput is one version on its way to one wave. Versions are what filterTags make of a tag, see versions.Filter.
type WaveInput struct {
	Now time.Time
	// Tag that the targets would get.
	Tag string
	// Wave is its name; empty if the policy has none.
	Wave string
	// Suspended is the policy's switch.
	Suspended bool
	// Blocked is the version's entry in the blocklist; nil: it is not there.
	Blocked *pin.Blocked
	// Seen is when the version was seen first, MinAge how long ago that must be.
	Seen   time.Time
	MinAge time.Duration
	// Schedules all must allow a start.
	Schedules []Schedule
	// Opens is when all schedules allow a start together, at or after Now; zero: never.
	Opens time.Time
	// Dependencies all must be ready.
	Dependencies []Dependency
	// Running are the tags that the wave is on its way to, and those that soak in it for a later wave.
	Running, Soaking []string
	// Soaked is when those of Soaking have soaked, if it goes on like this; zero: not known.
	Soaked time.Time
	// Before is the wave before this one; nil: this is the first.
	Before *Before
}

// Schedule is a schedule and where it comes from.
type Schedule struct {
	// Of says whose it is, `spec.schedule` or `MaintenanceSchedule xmas` for example.
	Of string
	// Reason is what its author says about it.
	Reason string
	// Broken says why it cannot be read; then it allows nothing.
	Broken string
	// BlocksAll: it stops rollbacks, too.
	BlocksAll bool
	Schedule  schedule.Schedule
}

// Dependency is a policy that must be well.
type Dependency struct {
	Name, Range string
	// Ready: it is healthy, at rest and in the range. Message says why it is not.
	Ready   bool
	Message string
}

// Before is the state of the wave before, with respect to a version.
type Before struct {
	Wave string
	// Empty: it has no targets.
	Empty bool
	// Proven: the version was healthy there for its soak.
	Proven bool
	// Unwell says what is wrong with those targets that have the version if none of them can prove it; empty: nothing.
	Unwell string
	// Has: targets there have the version. Soaked is when it has soaked there, if it goes on like this; zero: not known.
	Has    bool
	Soak   time.Duration
	Soaked time.Time
}

// TargetInput is one version on its way to one target. Versions are what filterTags make of a tag or a text, see
// versions.Filter.
type TargetInput struct {
	// Verbatim: the target pulls the tag that is written. Others pull it without a leading `v`, and can have no `+`.
	Verbatim bool
	// Wave is its name; empty if the policy has none.
	Wave string
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
	// NeverSkip is empty if steps may be skipped. Next is the newest version of the next step; empty: not known yet.
	NeverSkip v1alpha1.Step
	Next      string
	// AutoApprove is the largest change that needs no human; Approved: a human approved the version for the wave.
	AutoApprove v1alpha1.AutoApprove
	Approved    bool
	// RollbackFailed is the version that the target could not be taken back to; empty: none.
	RollbackFailed string
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

// ForWave are the gates of a wave in the order in which their holds are shown.
func ForWave() []func(WaveInput) *Hold {
	return []func(WaveInput) *Hold{Suspended, Blocked, Frozen, OutsideWindow, TooYoung, Soaking, UpgradeRunning, DependencyNotReady}
}

// ForTarget are the gates of a target in the order in which their holds are shown.
func ForTarget() []func(TargetInput) *Hold {
	return []func(TargetInput) *Hold{VersionUnsupported, NotNewer, RollbackFailed, ManualHold, WouldSkip, AwaitingApproval}
}

// Evaluate asks every gate. No holds: the version may pass.
func Evaluate[Input any](gates []func(Input) *Hold, in Input) []Hold {
	var holds []Hold
	for _, gate := range gates {
		if hold := gate(in); hold != nil {
			holds = append(holds, *hold)
		}
	}
	return holds
}
