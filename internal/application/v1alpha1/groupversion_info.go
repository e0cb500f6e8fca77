// Package v1alpha1 has the App and Catalog types of Giant Swarm's App Platform.
//
// The types follow the platform's custom resource definitions: whatever those accept stays as it was when it is decoded
// and encoded again, except that an explicit null becomes an absent field. Hence optional objects and scalars whose
// zero value is legal are pointers, and durations and times are text. Write Apps and Catalogs with patches only, never
// with an update of the whole object: their owner may know fields that these types do not.
//
// +kubebuilder:object:generate=true
// +groupName=application.giantswarm.io
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of every type in this package.
var GroupVersion = schema.GroupVersion{Group: "application.giantswarm.io", Version: "v1alpha1"}

// SchemeBuilder collects the functions that add this package's types to a scheme.
var SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

// AddToScheme adds this package's types to a scheme.
var AddToScheme = SchemeBuilder.AddToScheme

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &App{}, &AppList{}, &Catalog{}, &CatalogList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
