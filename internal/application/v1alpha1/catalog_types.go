package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CatalogKind is the kind of a Catalog.
const CatalogKind = "Catalog"

// Catalog offers charts to Apps.
//
// +kubebuilder:object:root=true
type Catalog struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              CatalogSpec    `json:"spec"`
	Status            *CatalogStatus `json:"status,omitempty"`
}

// CatalogList is a list of Catalogs.
//
// +kubebuilder:object:root=true
type CatalogList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Catalog `json:"items"`
}

// CatalogSpec says where the charts are.
type CatalogSpec struct {
	// Config has values for every App of the Catalog.
	Config      *Config `json:"config,omitempty"`
	Description string  `json:"description"`
	LogoURL     string  `json:"logoURL"`
	// Repositories have the charts; the first is the default.
	Repositories []Repository `json:"repositories"`
	// Storage is what Repositories replaced. It is still required.
	Storage Repository `json:"storage"`
	Title   string     `json:"title"`
}

// Repository has charts.
type Repository struct {
	// URL of the repository. Its scheme alone decides whether it is an OCI registry.
	URL string `json:"URL"`
	// Type is what the author calls it, and no proof of anything.
	Type string `json:"type"`
}

// CatalogStatus is what app-operator saw.
type CatalogStatus struct {
	HelmRepositoryList *HelmRepositoryList `json:"helmRepositoryList,omitempty"`
}

// HelmRepositoryList names the Flux HelmRepositories that were made for the Catalog.
type HelmRepositoryList struct {
	Entries []ObjectReference `json:"entries"`
}
