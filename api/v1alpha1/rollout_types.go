package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Step is a part of a version that upgrades go through one by one.
type Step string

const (
	// StepMinor takes the minors one by one.
	StepMinor Step = "Minor"
	// StepMajor takes the majors one by one.
	StepMajor Step = "Major"
)

// AutoApprove is the largest change of a version that needs no human.
//
// +kubebuilder:validation:Enum=All;Minor;Patch;None
type AutoApprove string

const (
	// ApproveAll needs no human at all.
	ApproveAll AutoApprove = "All"
	// ApproveMinor needs a human for a new major.
	ApproveMinor AutoApprove = "Minor"
	// ApprovePatch needs a human for a new minor or major.
	ApprovePatch AutoApprove = "Patch"
	// ApproveNone needs a human for every version.
	ApproveNone AutoApprove = "None"
)

// OnFailure says what becomes of targets that have a version which failed.
type OnFailure string

const (
	// FailureHold leaves them at the version, for a human or a newer version.
	FailureHold OnFailure = "Hold"
	// FailureRollback takes each back to the version that it had before.
	FailureRollback OnFailure = "Rollback"
)

// Rollout says how carefully versions spread.
//
// +kubebuilder:validation:XValidation:rule="!has(self.waves) || self.waves.filter(w, !has(w.selector)).size() <= 1",message="rollout.waves: only one wave may have no selector, it takes the targets of no other wave: give the others one"
// +kubebuilder:validation:XValidation:rule="!has(self.waves) || self.waves.size() <= 1 || !self.waves.exists(w, has(w.selector) && (!has(w.selector.matchLabels) || w.selector.matchLabels.size() == 0) && (!has(w.selector.matchExpressions) || w.selector.matchExpressions.size() == 0))",message="rollout.waves: an empty selector selects the targets of every other wave, too: leave it out for the targets of no other wave"
// +kubebuilder:validation:XValidation:rule="!has(self.waves) || self.waves.size() == 0 || !has(self.waves[self.waves.size() - 1].soak)",message="rollout.waves: the last wave must have no soak, no later wave waits for it: remove soak"
type Rollout struct {
	// minAge is how long ago the operator must have seen a version first, such as `48h`, at most `2160h`. Default:
	// no time at all.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(s|m|h))+$') && duration(self) <= duration('2160h')",message="rollout.minAge must be a duration such as 48h or 1h30m, at most 2160h: days are written in hours"
	MinAge *metav1.Duration `json:"minAge,omitempty"`

	// autoApprove is the largest change of a version that needs no human. Larger ones wait for the annotation
	// `upgrades.giantswarm.io/approve: "[<wave>=]<version>"`. Default All.
	// +optional
	AutoApprove AutoApprove `json:"autoApprove,omitempty"`

	// dependsOn names other policies of this namespace that must be healthy, at rest and in a range.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	DependsOn []Dependency `json:"dependsOn,omitempty"`

	// waves are groups of targets that take a version one after the other. Default: all targets are one wave.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Waves []Wave `json:"waves,omitempty"`

	// health says when a version has failed, and what happens then.
	// +optional
	Health *Health `json:"health,omitempty"`
}

// Dependency is another policy that must be well before this one starts an upgrade.
type Dependency struct {
	// name of the AppUpgradePolicy.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// range of versions in which all its targets must be. Default: any.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Range string `json:"range,omitempty"`
}

// Wave is a group of targets that take a version together.
type Wave struct {
	// name of the wave.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern="^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
	Name string `json:"name"`

	// selector selects the wave's targets by their labels. Default: those that no other wave selects.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`

	// soak is how long a version must be healthy in this wave before the next wave may take it, such as `24h`, at most
	// `2160h`. Default: no time at all.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(s|m|h))+$') && duration(self) <= duration('2160h')",message="soak must be a duration such as 24h or 1h30m, at most 2160h: days are written in hours"
	Soak *metav1.Duration `json:"soak,omitempty"`

	// autoApprove is the largest change that needs no human in this wave. Default: the policy's.
	// +optional
	AutoApprove AutoApprove `json:"autoApprove,omitempty"`

	// schedule of this wave: its windows, if it has any, replace the policy's, its exclusions add to them.
	// +optional
	Schedule *Schedule `json:"schedule,omitempty"`
}

// Health says when a version has failed, and what happens then.
type Health struct {
	// timeout is how long a target may take to be healthy from the moment its own spec has the version, and how long it
	// may be unhealthy while a version soaks, at most `168h`. Default 30m.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('168h')",message="rollout.health.timeout must be a duration such as 30m or 1h30m, at least 1s and at most 168h"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// maxFailed is how many targets of a wave may fail before the version is blocked. Default 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	MaxFailed int32 `json:"maxFailed,omitempty"`

	// onFailure says what becomes of the targets that have a version which failed. Default Hold.
	// +optional
	// +kubebuilder:validation:Enum=Hold;Rollback
	OnFailure OnFailure `json:"onFailure,omitempty"`

	// checks are objects of the policy's namespace that must be Current, as kstatus says, for a version to be healthy.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Checks []HealthCheck `json:"checks,omitempty"`
}

// HealthCheck names an object of the policy's namespace.
type HealthCheck struct {
	// apiVersion of the object, such as `apps/v1`.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern="^([a-z0-9.-]+/)?[a-z0-9-]+$"
	APIVersion string `json:"apiVersion"`

	// kind of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`

	// name of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}
