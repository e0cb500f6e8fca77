package rollout

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Input is everything that a decision depends on, as plain values. Now is the only clock.
type Input struct {
	Now       time.Time
	Policy    Policy
	Candidate Candidate
	// Ledger is what the policy remembers.
	Ledger pin.Ledger
	// Maintenance are the MaintenanceSchedules that select the policy, in the order of their names.
	Maintenance []Schedule
	// Dependencies are the policies of dependsOn, in that order.
	Dependencies []gate.Dependency
	// Checks are the objects of health.checks, in that order.
	Checks []Check
	// Steps are the answers of the ImagePolicies that look for the next steps, by step.
	Steps []StepAnswer
	// Targets in the order of kind and name.
	Targets []Target
}

// Policy is the part of an AppUpgradePolicy that decisions depend on.
type Policy struct {
	Namespace, Name string
	Suspended       bool
	// Deleting: markers and pins are on their way out.
	Deleting bool
	// Range and Exclude as the user wrote them.
	Range   string
	Exclude []string
	// FilterPattern and FilterExtract are versions.filterTags; empty: every tag is its own version.
	FilterPattern, FilterExtract string
	// NeverSkip is empty if the newest version is taken at once.
	NeverSkip v1alpha1.Step
	MinAge    time.Duration
	// Waves in their order; a policy without waves has one with an empty name.
	Waves  []Wave
	Health Health
	// Approve and Resume are the annotations; empty: none.
	Approve, Resume string
}

// Wave is a group of targets that take a version together, with the defaults of the policy filled in.
type Wave struct {
	Name        string
	Soak        time.Duration
	AutoApprove v1alpha1.AutoApprove
	// Schedules all must allow a start.
	Schedules []Schedule
}

// Schedule is a schedule and where it comes from.
type Schedule = gate.Schedule

// Health says when a version has failed, and what happens then.
type Health struct {
	Timeout   time.Duration
	MaxFailed int
	Rollback  bool
}

// Check is an object that must be Current for a version to be healthy.
type Check struct {
	// Name for humans, such as `Deployment hello`.
	Name    string
	Current bool
	// Message says why it is not.
	Message string
	// Unreadable: it cannot be read at all, and Message says why. Absent: there is no such object.
	Unreadable, Absent bool
}

// Candidate is the newest version that Flux finds in the policy's range.
type Candidate struct {
	// Tag as it is in the registry; empty when there is none at the present range (Flux keeps showing an old one).
	Tag string
	// Reason and Message say why there is none.
	Reason, Message string
}

// StepAnswer is what Flux found in the span of a search for the next step.
type StepAnswer struct {
	// Of is the step that the search starts from, such as `1.4`.
	Of     string
	Search versions.Search
	// Tag is the newest one in the span; empty: there is none.
	Tag string
	// Answered: Flux has looked at the present span.
	Answered bool
}

// Target is one target as it is.
type Target struct {
	Kind, Name string
	// Finding says why the target cannot be managed; nothing else but Kind and Name need be set then.
	Finding *pin.Finding
	// Waves are the indexes of the waves that select the target.
	Waves []int
	// Spec is the version in the target's spec in the cluster, Installed the one that runs (without `v`).
	Spec, Installed string
	// Verbatim: the target pulls the tag that is written. Others pull it without a leading `v`, and can have no `+`.
	Verbatim bool
	// ReleaseStatus is the Helm release's status and ReleaseReason its explanation. Of the words, `deployed` and `failed` say
	// what became of the version that Installed names; others are for humans.
	ReleaseStatus, ReleaseReason string
	// Trouble says whether the version of the spec cannot be installed, whatever Installed names; empty: nothing is known of it.
	Trouble Trouble
	// Excused says why the target is not judged now, `paused` for example; empty: it is.
	Excused string
	// ApplyMessage is what the Flux Kustomization that applies the target says if it is not ready.
	ApplyMessage string
	// Chart is the OCI reference of the target's chart.
	Chart string
	// Pin is nil until it was made.
	Pin *Pin
}

// Trouble is how badly the installation of a version fails.
type Trouble string

// Values of Trouble.
const (
	// TroublePassing: it fails, and something else may mend that before the time is over.
	TroublePassing Trouble = "Passing"
	// TroubleLasting: no time mends it.
	TroubleLasting Trouble = "Lasting"
)

// Pin is a target's pin as it is.
type Pin struct {
	Name    string
	Intent  pin.Intent
	Memory  pin.Memory
	Upgrade pin.Upgrade
	// Batch is the batch that it moves in now; empty at rest.
	Batch string
}

// Decision is what the policy wants now.
type Decision struct {
	// Available is the newest version that may ever be taken as things are: the candidate, if its version is in the range and
	// not excluded.
	Available string
	// Targets in the order of the input's.
	Targets []TargetDecision
	// Ledger is what the policy remembers from now on.
	Ledger pin.Ledger
	// Waves in their order; one with an empty name for a policy without waves.
	Waves []WaveState
	// Steps are the searches that should go on, by step.
	Steps []StepQuery
	// Problems are what can never work as it is, and hold no more than they must.
	Problems []Problem
	// WakeUp is the next time at which the decision may change by itself; zero: never.
	WakeUp time.Time
}

// TargetDecision is what is wanted of one target.
type TargetDecision struct {
	Kind, Name string
	// Wave of the target; -1: none.
	Wave int
	// Want is the tag that the location should have; empty: keep what Git has. Back is the version that a rollback leaves.
	Want, Back string
	// Healthy: the target runs what its spec and Git have, and every health check is Current.
	Healthy bool
	// Upgrade is what the pin remembers from now on.
	Upgrade pin.Upgrade
	// Finding is what a human should look at, beside the target's own and the pin's.
	Finding *pin.Finding
	// Holds are the reasons why newer versions are not wanted; empty if they are, or if there is none.
	Holds []Hold
	// Awaits: Want is proposed on the push branch, and a human must merge it. Then Holds say so, too.
	Awaits bool
}

// WaveState is how far a wave is.
type WaveState struct {
	Name  string
	State v1alpha1.WaveState
	// Version that the wave is at, or on its way to: the newest one.
	Version string
	// Targets of the wave, and how many of them are healthy at Version.
	Targets, Healthy int
	// Soaked is when the version has soaked, if it goes on like this; zero: not known, or it has.
	Soaked time.Time
	// Scheduled is whether any schedule applies; Open whether an upgrade may start, Because of which; Opens and Closes are when
	// that changes next, one way and the other; zero: never.
	Scheduled, Open bool
	Because         string
	Opens, Closes   time.Time
}

// StepQuery is a search for the next step after Of.
type StepQuery struct {
	Of     string
	Search versions.Search
}

// Problem is something that can never work as it is.
type Problem struct {
	// Reason is one of the API's; Message says what and where, and what to do.
	Reason, Message string
}

// Hold is one reason that keeps a version from a target.
type Hold = gate.Hold
