package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AppUpgradePolicyKind is the kind of an AppUpgradePolicy.
const AppUpgradePolicyKind = "AppUpgradePolicy"

// AppUpgradePolicy says which targets are upgraded, to which versions of their chart, and in which Git repository.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=aup,categories={giantswarm,flux}
// +kubebuilder:printcolumn:name="Current",type=string,JSONPath=`.status.current`,description="The oldest version that a target runs"
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.status.target`,description="The version that the targets go to"
// +kubebuilder:printcolumn:name="Available",type=string,JSONPath=`.status.available`,description="The newest version in the range"
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`,description="The state of the target that is furthest behind"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name must have at most 63 characters: it is used as a label"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.rollout) || !has(self.spec.rollout.dependsOn) || !self.spec.rollout.dependsOn.exists(d, d.name == self.metadata.name)",message="rollout.dependsOn must not name the policy itself: it would wait for ever"
type AppUpgradePolicy struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the user wants.
	// +required
	Spec AppUpgradePolicySpec `json:"spec"`

	// status is what the operator saw and decided last. It is a view: losing it changes nothing.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status AppUpgradePolicyStatus `json:"status,omitempty"`
}

// AppUpgradePolicyList is a list of AppUpgradePolicies.
//
// +kubebuilder:object:root=true
type AppUpgradePolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []AppUpgradePolicy `json:"items"`
}

// AppUpgradePolicySpec is what the user wants.
type AppUpgradePolicySpec struct {
	// suspend stops every change by this policy: what may be written at the moment is withdrawn, nothing is marked and
	// nothing moves until it is false again, and timers pause. Versions that are already in Git stay there.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// targets are the objects whose version is managed, all in the policy's namespace and all of one chart.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Targets []TargetReference `json:"targets"`

	// chart overrides what is found through the targets' catalog, HelmRepository or OCIRepository, and says how to reach it:
	// credentials are not taken from there.
	// +optional
	Chart *Chart `json:"chart,omitempty"`

	// versions are the versions that the targets may have.
	// +required
	Versions Versions `json:"versions"`

	// git overrides what is found through the targets' Flux Kustomization.
	// +optional
	Git *Git `json:"git,omitempty"`

	// schedule says when an upgrade may start. One that runs is finished. Default: at any time.
	// +optional
	Schedule *Schedule `json:"schedule,omitempty"`

	// rollout says how carefully versions spread.
	// +optional
	Rollout *Rollout `json:"rollout,omitempty"`
}

// TargetReference selects targets by kind and either name or labels.
//
// +kubebuilder:validation:XValidation:rule="has(self.name) != has(self.selector)",message="targets[]: set exactly one of name and selector"
type TargetReference struct {
	// kind of the target: an App of Giant Swarm's App Platform, or one of Flux's kinds. A HelmRelease has its version in
	// `spec.chart.spec.version` (with a HelmRepository of type `oci`), or, if its `spec.chartRef` names an OCIRepository of its
	// namespace, in that one's `spec.ref.tag`. An OCIRepository has it in `spec.ref.tag` and is judged by the HelmReleases of
	// its namespace that name it.
	// +optional
	// +kubebuilder:validation:Enum=App;HelmRelease;OCIRepository
	// +kubebuilder:default=App
	Kind string `json:"kind,omitempty"`

	// name of one target.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// selector takes every object of the kind in the policy's namespace whose labels match. An empty selector takes all.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
}

// Chart is the OCI repository of the targets' chart and the means to scan it. The fields beside url and interval mean
// what they mean in a Flux ImageRepository.
//
// +kubebuilder:validation:XValidation:rule="!has(self.secretRef) || !has(self.provider) || self.provider == 'generic'",message="chart.secretRef cannot be used with chart.provider aws, azure or gcp"
type Chart struct {
	// url of the chart's OCI repository, `oci://` + registry + path, without a tag. Default: what the targets' catalog,
	// HelmRepository or OCIRepository says.
	// +optional
	// +kubebuilder:validation:Pattern="^oci://[^/@\\s]+(/[^:@\\s]+)+$"
	// +kubebuilder:validation:MaxLength=512
	URL string `json:"url,omitempty"`

	// interval at which Flux scans the registry for new versions, at most `24h`. Default 10m. Policies that share a
	// chart share one scan, at the shortest interval that one of them asks for.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(s|m|h))+$') && duration(self) <= duration('24h')",message="chart.interval must be a duration such as 10m or 1h30m, at most 24h"
	Interval *metav1.Duration `json:"interval,omitempty"`

	// provider of the registry's credentials.
	// +optional
	// +kubebuilder:validation:Enum=generic;aws;azure;gcp
	Provider string `json:"provider,omitempty"`

	// secretRef names a `kubernetes.io/dockerconfigjson` Secret of the policy's namespace.
	// +optional
	SecretRef *LocalObjectReference `json:"secretRef,omitempty"`

	// certSecretRef names a Secret with `ca.crt`, or `tls.crt` and `tls.key`, for the registry.
	// +optional
	CertSecretRef *LocalObjectReference `json:"certSecretRef,omitempty"`

	// proxySecretRef names a Secret with the `address`, and maybe `username` and `password`, of a proxy.
	// +optional
	ProxySecretRef *LocalObjectReference `json:"proxySecretRef,omitempty"`

	// serviceAccountName is the service account whose image pull secrets, or whose cloud identity, are used.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ServiceAccountName string `json:"serviceAccountName,omitempty"`

	// insecure allows a registry without TLS.
	// +optional
	Insecure bool `json:"insecure,omitempty"`
}

// LocalObjectReference names an object of the policy's namespace.
type LocalObjectReference struct {
	// name of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// Versions are the versions that the targets may have.
type Versions struct {
	// range of semantic versions, in the syntax that Flux uses: `>=1.0.0 <2.0.0`, `~1.4`, `1.x || 2.x`. Pre-releases are
	// out unless a bound has one: `>=1.0.0-0` admits them.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Range string `json:"range"`

	// exclude names versions that are never taken.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern="^v?[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?$"
	Exclude []string `json:"exclude,omitempty"`

	// filterTags considers only some tags of the chart's repository, and may take the version out of a longer tag.
	// +optional
	FilterTags *FilterTags `json:"filterTags,omitempty"`

	// neverSkip goes one minor or one major at a time, and takes the newest version of each that was released. Default: the
	// newest version is taken at once.
	// +optional
	// +kubebuilder:validation:Enum=Minor;Major
	NeverSkip Step `json:"neverSkip,omitempty"`
}

// FilterTags considers only the tags that match a pattern.
type FilterTags struct {
	// pattern is a regular expression (RE2) that a tag must match.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Pattern string `json:"pattern"`

	// extract is a replacement such as `$version` that takes the version out of a matching tag.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Extract string `json:"extract,omitempty"`
}
