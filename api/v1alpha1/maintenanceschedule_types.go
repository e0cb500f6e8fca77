package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MaintenanceScheduleKind is the kind of a MaintenanceSchedule.
const MaintenanceScheduleKind = "MaintenanceSchedule"

// MaintenanceSchedule says for many policies of a cluster when upgrades may start. Every one that selects a policy must
// allow a start, beside the policy's own schedule. A freeze is one with an exclusion; deleting it lifts the freeze.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=msched,categories={giantswarm,flux}
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`,description="Open or Closed"
// +kubebuilder:printcolumn:name="Blocks",type=string,JSONPath=`.spec.blocks`
// +kubebuilder:printcolumn:name="Next change",type=string,JSONPath=`.status.nextChange`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.spec.reason`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type MaintenanceSchedule struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the user wants.
	// +required
	Spec MaintenanceScheduleSpec `json:"spec"`

	// status says whether it is open.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status MaintenanceScheduleStatus `json:"status,omitempty"`
}

// MaintenanceScheduleList is a list of MaintenanceSchedules.
//
// +kubebuilder:object:root=true
type MaintenanceScheduleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []MaintenanceSchedule `json:"items"`
}

// MaintenanceBlocks says what a closed MaintenanceSchedule stops.
type MaintenanceBlocks string

const (
	// BlocksUpgrades stops upgrades and lets rollbacks pass.
	BlocksUpgrades MaintenanceBlocks = "Upgrades"
	// BlocksAll stops rollbacks, too.
	BlocksAll MaintenanceBlocks = "All"
)

// MaintenanceScheduleSpec is what the user wants.
type MaintenanceScheduleSpec struct {
	// policySelector selects AppUpgradePolicies by their labels. Default: all.
	// +optional
	PolicySelector *metav1.LabelSelector `json:"policySelector,omitempty"`

	// namespaceSelector selects the namespaces of AppUpgradePolicies by their labels. Default: all.
	// +optional
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`

	// schedule says when an upgrade may start.
	// +required
	Schedule Schedule `json:"schedule"`

	// blocks says what is stopped while it is closed: `Upgrades`, or `All`, which stops rollbacks, too. Default Upgrades.
	// +optional
	// +kubebuilder:validation:Enum=Upgrades;All
	// +kubebuilder:default=Upgrades
	Blocks MaintenanceBlocks `json:"blocks,omitempty"`

	// reason is shown to those who wait.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Reason string `json:"reason,omitempty"`
}

// ScheduleState says whether a schedule lets upgrades start.
//
// +kubebuilder:validation:Enum=Open;Closed
type ScheduleState string

const (
	// ScheduleOpen lets upgrades start.
	ScheduleOpen ScheduleState = "Open"
	// ScheduleClosed lets none start.
	ScheduleClosed ScheduleState = "Closed"
)

// MaintenanceScheduleStatus says whether a MaintenanceSchedule is open.
type MaintenanceScheduleStatus struct {
	// conditions: Ready, and Stalled while the schedule is not one that can be read: then nothing starts under it.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// state is Open or Closed.
	// +optional
	State ScheduleState `json:"state,omitempty"`

	// nextChange is when the state changes next, if it does.
	// +optional
	NextChange *metav1.Time `json:"nextChange,omitempty"`
}
