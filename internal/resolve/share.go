package resolve

import (
	"slices"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// Ungranted is what the owner of a GitRepository must do before git.allowShared of policies of a namespace counts for what is
// of other namespaces or clusters; empty: nothing. Who has a GitRepository of its own has credentials of its own, and could
// change the line by them.
func Ungranted(repository *sourcev1.GitRepository, namespace string) string {
	allowed := listed(repository.Annotations[v1alpha1.AllowSharedAnnotation])
	if repository.Namespace == namespace || slices.Contains(allowed, namespace) {
		return ""
	}
	return annotate(repository, listing(v1alpha1.AllowSharedAnnotation, allowed, namespace))
}

// ungranted is Ungranted for a policy that has git.allowShared.
func ungranted(repository *sourcev1.GitRepository, policy *v1alpha1.AppUpgradePolicy) string {
	if policy.Spec.Git == nil || !policy.Spec.Git.AllowShared {
		return ""
	}
	return Ungranted(repository, policy.Namespace)
}
