// Package v1alpha1 is the API of app-upgrade-operator.
//
// It imports apimachinery only, so that other programs can use the types without the operator's dependencies.
//
// +kubebuilder:object:generate=true
// +groupName=upgrades.giantswarm.io
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of every type in this package.
var GroupVersion = schema.GroupVersion{Group: "upgrades.giantswarm.io", Version: "v1alpha1"}

// SchemeBuilder collects the functions that add this package's types to a scheme.
var SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

// AddToScheme adds this package's types to a scheme.
var AddToScheme = SchemeBuilder.AddToScheme

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &AppUpgradePolicy{}, &AppUpgradePolicyList{}, &MaintenanceSchedule{}, &MaintenanceScheduleList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
