package resolve

import (
	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// FilterOf takes the version out of a longer tag, if the policy, whose pattern is valid, says how.
func FilterOf(policy *v1alpha1.AppUpgradePolicy) versions.Filter {
	tags := policy.Spec.Versions.FilterTags
	if tags == nil {
		return versions.Filter{}
	}
	filter, err := versions.NewFilter(tags.Pattern, tags.Extract)
	if err != nil {
		return versions.Filter{}
	}
	return filter
}
