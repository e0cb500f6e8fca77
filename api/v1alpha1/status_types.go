package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MaxStatusTargets bounds status.targets. Targets that deviate come first.
const MaxStatusTargets = 200

// AppUpgradePolicyStatus is what the operator saw and decided last.
type AppUpgradePolicyStatus struct {
	// conditions: Ready, Reconciling, Stalled (as kstatus reads them), ObjectsApplied, MarkersPlaced, UpToDate and
	// RolloutValid.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// lastHandledReconcileAt is the value of the annotation `reconcile.fluxcd.io/requestedAt` that was handled last.
	// +optional
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`

	// chart is the OCI repository of the targets' chart.
	// +optional
	Chart string `json:"chart,omitempty"`

	// available is the newest version in the range.
	// +optional
	Available string `json:"available,omitempty"`

	// current is the oldest version that a target runs.
	// +optional
	Current string `json:"current,omitempty"`

	// target is the version that the targets go to.
	// +optional
	Target string `json:"target,omitempty"`

	// state is the state of the target that is furthest behind.
	// +optional
	State TargetState `json:"state,omitempty"`

	// counts of the targets.
	// +optional
	Counts *TargetCounts `json:"counts,omitempty"`

	// held says why newer versions are not taken, one entry for a version and a reason.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Held []Held `json:"held,omitempty"`

	// schedule says whether the policy's schedules let an upgrade start now. It is absent if there are none, and if each
	// wave has its own.
	// +optional
	Schedule *ScheduleStatus `json:"schedule,omitempty"`

	// waves say how far each wave is.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Waves []WaveStatus `json:"waves,omitempty"`

	// blocked are versions that failed and are not taken again until a new token of the annotation
	// `upgrades.giantswarm.io/resume`.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Blocked []BlockedVersion `json:"blocked,omitempty"`

	// approvals that were handled, the newest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Approvals []Approval `json:"approvals,omitempty"`

	// lastHandledResume is the token of the annotation `upgrades.giantswarm.io/resume` that was handled last.
	// +optional
	LastHandledResume string `json:"lastHandledResume,omitempty"`

	// seen are the versions that may be taken and when the operator saw each first, the newest version first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Seen []SeenVersion `json:"seen,omitempty"`

	// history of upgrades and rollbacks, the newest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	History []HistoryEntry `json:"history,omitempty"`

	// targets are at most 200 of the targets, deviating first, each with where its version is written and how far it is.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	Targets []TargetStatus `json:"targets,omitempty"`
}

// TargetCounts counts a policy's targets.
type TargetCounts struct {
	// total is the number of targets.
	Total int32 `json:"total"`
	// marked have a marker on the line of their version.
	Marked int32 `json:"marked"`
	// upToDate run the available version.
	UpToDate int32 `json:"upToDate"`
	// upgrading are on their way to another version.
	Upgrading int32 `json:"upgrading"`
	// healthy run what their spec and Git have, with every health check Current.
	Healthy int32 `json:"healthy"`
	// findings have something that a human should look at.
	Findings int32 `json:"findings"`
}

// Held is a version that is not taken, and why.
type Held struct {
	// version that is not taken.
	Version string `json:"version"`
	// reason, stable and in CamelCase.
	Reason string `json:"reason"`
	// message for a human.
	Message string `json:"message"`
	// earliest time at which it may be taken, if that is known.
	// +optional
	Earliest *metav1.Time `json:"earliest,omitempty"`
}

// TargetState says how far a target is. The states from Current to Deployed are the way of one version.
//
// +kubebuilder:validation:Enum=Pending;Current;Pinned;Committed;Applied;Deployed;Held;Failed
type TargetState string

const (
	// TargetPending has no marker yet.
	TargetPending TargetState = "Pending"
	// TargetCurrent has the version that it should have, and the operator did not move it yet.
	TargetCurrent TargetState = "Current"
	// TargetPinned has a pin that wants a version which Git does not have yet.
	TargetPinned TargetState = "Pinned"
	// TargetCommitted has the wanted version in Git, and not yet in the cluster.
	TargetCommitted TargetState = "Committed"
	// TargetApplied has the wanted version in its spec, and is not deployed yet.
	TargetApplied TargetState = "Applied"
	// TargetDeployed runs the wanted version.
	TargetDeployed TargetState = "Deployed"
	// TargetHeld is kept at its version.
	TargetHeld TargetState = "Held"
	// TargetFailed cannot be managed, or its upgrade failed: see its finding.
	TargetFailed TargetState = "Failed"
)

// TargetStatus is one target.
type TargetStatus struct {
	// kind of the target.
	Kind string `json:"kind"`
	// name of the target.
	Name string `json:"name"`
	// state of the target.
	State TargetState `json:"state"`
	// location of its version in Git.
	// +optional
	Location *Location `json:"location,omitempty"`
	// wave of the target; empty if the policy has none.
	// +optional
	Wave string `json:"wave,omitempty"`
	// desired is the version that it should have.
	// +optional
	Desired string `json:"desired,omitempty"`
	// git is the version that Git had when it was read last.
	// +optional
	Git string `json:"git,omitempty"`
	// installed is the version that runs.
	// +optional
	Installed string `json:"installed,omitempty"`
	// note is what a human should know although nothing is wrong: how Flux will change the layout of the file. It holds
	// nothing.
	// +optional
	Note string `json:"note,omitempty"`
	// finding is what a human should look at.
	// +optional
	Finding *Finding `json:"finding,omitempty"`
}

// Location is where a version is written.
type Location struct {
	// repository is the namespace and name of the Flux GitRepository.
	Repository string `json:"repository"`
	// file from the repository's root.
	File string `json:"file"`
	// line, counted from 1.
	Line int32 `json:"line"`
}

// Finding is what a human should look at.
type Finding struct {
	// reason, stable and in CamelCase.
	Reason string `json:"reason"`
	// message says what is wrong, where, and what to do next.
	Message string `json:"message"`
}
