package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ScheduleStatus says whether upgrades may start now.
type ScheduleStatus struct {
	// state is Open or Closed.
	State ScheduleState `json:"state"`
	// reason names the schedule and the window or exclusion that decides.
	// +optional
	Reason string `json:"reason,omitempty"`
	// nextOpen is when upgrades may start again next, if that time comes.
	// +optional
	NextOpen *metav1.Time `json:"nextOpen,omitempty"`
	// nextClose is when they may not start any more next, if that time comes.
	// +optional
	NextClose *metav1.Time `json:"nextClose,omitempty"`
}

// WaveState says how far a wave is.
//
// +kubebuilder:validation:Enum=Empty;UpToDate;Waiting;Upgrading;Soaking;Failed
type WaveState string

const (
	// WaveIsEmpty has no targets.
	WaveIsEmpty WaveState = "Empty"
	// WaveUpToDate has the newest version that may be taken, and no later wave waits for it.
	WaveUpToDate WaveState = "UpToDate"
	// WaveWaiting is held at a gate.
	WaveWaiting WaveState = "Waiting"
	// WaveUpgrading is on its way to a version.
	WaveUpgrading WaveState = "Upgrading"
	// WaveSoaking has a version that soaks for the next wave.
	WaveSoaking WaveState = "Soaking"
	// WaveFailed has targets at a version that failed.
	WaveFailed WaveState = "Failed"
)

// WaveStatus is one wave.
type WaveStatus struct {
	// name of the wave.
	Name string `json:"name"`
	// state of the wave.
	State WaveState `json:"state"`
	// version that the wave is at, or on its way to: the newest one.
	// +optional
	Version string `json:"version,omitempty"`
	// targets of the wave.
	Targets int32 `json:"targets"`
	// healthy targets at that version.
	Healthy int32 `json:"healthy"`
	// soaked is when the version has soaked, if it goes on like this.
	// +optional
	Soaked *metav1.Time `json:"soaked,omitempty"`
	// schedule says whether an upgrade of this wave may start now; absent if there is no schedule.
	// +optional
	Schedule *ScheduleStatus `json:"schedule,omitempty"`
}

// BlockedVersion is a version that failed.
type BlockedVersion struct {
	// version that failed.
	Version string `json:"version"`
	// wave in which it failed; empty if the policy has none.
	// +optional
	Wave string `json:"wave,omitempty"`
	// message says what failed.
	Message string `json:"message"`
	// time at which it was blocked.
	Time metav1.Time `json:"time"`
}

// Approval of one version for one wave.
type Approval struct {
	// version that was approved.
	Version string `json:"version"`
	// wave for which it was approved; empty if the policy has none.
	// +optional
	Wave string `json:"wave,omitempty"`
	// time at which the approval was handled.
	Time metav1.Time `json:"time"`
}

// SeenVersion is a version that was once the newest in the range.
type SeenVersion struct {
	// version that was seen.
	Version string `json:"version"`
	// time at which it was seen first.
	Time metav1.Time `json:"time"`
}

// HistoryEntry is one upgrade of one wave.
type HistoryEntry struct {
	// from is the oldest version that a target had before.
	From string `json:"from"`
	// to is the version that was taken.
	To string `json:"to"`
	// wave that took it; empty if the policy has none.
	// +optional
	Wave string `json:"wave,omitempty"`
	// rollback: the targets were taken back.
	// +optional
	Rollback bool `json:"rollback,omitempty"`
	// approved: a human approved it.
	// +optional
	Approved bool `json:"approved,omitempty"`
	// targets that took it.
	Targets int32 `json:"targets"`
	// start is when it was decided.
	Start metav1.Time `json:"start"`
	// end is when its result was known.
	// +optional
	End *metav1.Time `json:"end,omitempty"`
	// result, once known: Succeeded, Failed, Overridden, Unjudged or Withdrawn.
	// +optional
	Result string `json:"result,omitempty"`
	// commit that wrote it, the last one if there were several.
	// +optional
	Commit string `json:"commit,omitempty"`
}
