package kinds

import (
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// checkVersion is a finding unless a text can be compared with the versions of a registry.
func checkVersion(written Written, text string, filter versions.Filter) *pin.Finding {
	who := written.Kind.Kind + " " + written.Object.GetNamespace() + "/" + written.Object.GetName()
	field := strings.Join(written.Field, ".")
	if text == "" {
		return finding(v1alpha1.VersionUnsupportedReason, "%s has an empty %s: set the version that it starts from", who, field)
	}
	if versions.HasBuildMetadata(text) {
		return finding(v1alpha1.VersionUnsupportedReason,
			"%s has %s %q with build metadata, which no OCI registry has: set a version without +", who, field, text)
	}
	if _, err := versions.Parse(filter.VersionOf(text)); err != nil {
		return finding(v1alpha1.VersionUnsupportedReason,
			"%s has %s %q, which is no semantic version: set one with three parts, such as 1.2.3", who, field, text)
	}
	return nil
}
