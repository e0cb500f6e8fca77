package rollout

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Input is everything that a decision depends on, as plain values. Now is the only clock.
type Input struct {
	Now       time.Time
	Policy    Policy
	Candidate Candidate
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
}

// Candidate is the newest version that Flux finds in the policy's range.
type Candidate struct {
	// Tag as it is in the registry; empty when there is none at the present range (Flux keeps showing an old one).
	Tag string
	// Reason and Message say why there is none.
	Reason, Message string
}

// Target is one target as it is.
type Target struct {
	Kind, Name string
	// Finding says why the target cannot be managed; nothing else but Kind and Name need be set then.
	Finding *pin.Finding
	// Spec is the version in the target's spec in the cluster, Installed the one that runs (without `v`).
	Spec, Installed string
	// ReleaseStatus is the Helm release's status and ReleaseReason its explanation.
	ReleaseStatus, ReleaseReason string
	// Chart is the OCI reference of the target's chart.
	Chart string
	// Pin is nil until it was made.
	Pin *Pin
}

// Pin is a target's pin as it is.
type Pin struct {
	Name   string
	Intent pin.Intent
	Memory pin.Memory
	// Batch is the batch that it moves in now; empty at rest.
	Batch string
}

// Decision is what the policy wants now.
type Decision struct {
	// Available is the candidate's tag, if its version is in the range and not excluded.
	Available string
	// Targets in the order of the input's.
	Targets []TargetDecision
}

// TargetDecision is what is wanted of one target.
type TargetDecision struct {
	Kind, Name string
	// Want is the tag that the location should have; empty: keep what Git has.
	Want string
	// Holds are the reasons why the candidate is not wanted; empty if it is, or if there is no newer one.
	Holds []Hold
}

// Hold is one reason that keeps a version from a target.
type Hold = gate.Hold
