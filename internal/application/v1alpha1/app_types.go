package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AppKind is the kind of an App.
const AppKind = "App"

// App is a Helm release that the App Platform installs into a cluster.
//
// +kubebuilder:object:root=true
type App struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              AppSpec `json:"spec"`
	// Status is nil until app-operator looked at the App.
	Status *AppStatus `json:"status,omitempty"`
}

// AppList is a list of Apps.
//
// +kubebuilder:object:root=true
type AppList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []App `json:"items"`
}

// AppSpec is what the App's owner wants.
type AppSpec struct {
	// Catalog names the Catalog that offers the chart.
	Catalog string `json:"catalog"`
	// CatalogNamespace is the Catalog's namespace; nil or empty: it is looked for in `default` and `giantswarm`.
	CatalogNamespace *string       `json:"catalogNamespace,omitempty"`
	Config           *Config       `json:"config,omitempty"`
	ExtraConfigs     []ExtraConfig `json:"extraConfigs,omitzero"`
	Install          *Install      `json:"install,omitempty"`
	KubeConfig       KubeConfig    `json:"kubeConfig"`
	// Name of the chart in the Catalog.
	Name string `json:"name"`
	// Namespace into which the chart is installed.
	Namespace       string           `json:"namespace"`
	NamespaceConfig *NamespaceConfig `json:"namespaceConfig,omitempty"`
	Rollback        *Timeout         `json:"rollback,omitempty"`
	Uninstall       *Timeout         `json:"uninstall,omitempty"`
	Upgrade         *Timeout         `json:"upgrade,omitempty"`
	UserConfig      *Config          `json:"userConfig,omitempty"`
	// Version of the chart. A leading `v` is taken off before the chart is pulled from an OCI repository.
	Version string `json:"version"`
}

// Config names the objects whose values are given to a chart.
type Config struct {
	ConfigMap *ObjectReference `json:"configMap,omitempty"`
	Secret    *ObjectReference `json:"secret,omitempty"`
}

// ObjectReference names an object.
type ObjectReference struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// ExtraConfig names one more object with values, and when they are merged.
type ExtraConfig struct {
	// Kind is configMap (the default) or secret.
	Kind      string `json:"kind,omitempty"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	// Priority from 1 to 150, 25 by default.
	Priority int `json:"priority,omitempty"`
}

// Install says how the chart is installed.
type Install struct {
	SkipCRDs *bool `json:"skipCRDs,omitempty"`
	// Timeout is a Go duration without hours.
	Timeout string `json:"timeout,omitempty"`
}

// Timeout bounds an action of Helm.
type Timeout struct {
	// Timeout is a Go duration without hours.
	Timeout string `json:"timeout,omitempty"`
}

// KubeConfig says which cluster the chart is installed into.
type KubeConfig struct {
	// InCluster means the cluster that the App is in.
	InCluster bool               `json:"inCluster"`
	Context   *KubeConfigContext `json:"context,omitempty"`
	Secret    *ObjectReference   `json:"secret,omitempty"`
}

// KubeConfigContext names a context. The platform does not use it any more.
type KubeConfigContext struct {
	Name string `json:"name"`
}

// NamespaceConfig is put on the namespace that the chart is installed into.
type NamespaceConfig struct {
	Annotations map[string]string `json:"annotations,omitzero"`
	Labels      map[string]string `json:"labels,omitzero"`
}

// AppStatus is what app-operator saw. It has no observed generation: after a change of the spec it is about the old
// version until Helm is through with the new one.
type AppStatus struct {
	// AppVersion is the version of the software in the chart.
	AppVersion string  `json:"appVersion"`
	Release    Release `json:"release"`
	// Version of the chart that is installed, without `v`. Blank while the chart cannot be found or is cordoned.
	Version string `json:"version"`
}

// Release is the state of the Helm release.
type Release struct {
	// LastDeployed is a time in RFC 3339.
	LastDeployed *string `json:"lastDeployed,omitempty"`
	// Reason explains the status.
	Reason *string `json:"reason,omitempty"`
	// Status is one of Helm's, such as `deployed`, or one of the App Platform's own, such as `app-version-not-found`.
	Status string `json:"status"`
}

// InstalledVersion is the version in the status; empty if there is none.
func (a *App) InstalledVersion() string {
	if a.Status == nil {
		return ""
	}
	return a.Status.Version
}

// ReleaseStatus is the status of the Helm release and its explanation; empty if there is none.
func (a *App) ReleaseStatus() (status, reason string) {
	if a.Status == nil {
		return "", ""
	}
	if a.Status.Release.Reason != nil {
		reason = *a.Status.Release.Reason
	}
	return a.Status.Release.Status, reason
}
