package gate

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/message"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// VersionUnsupported holds a version when the target cannot have it, or when Git has something that it cannot be
// compared with: then nobody knows whether it would be a downgrade.
func VersionUnsupported(in TargetInput) *Hold {
	if !versions.Valid(in.GitVersion) {
		return &Hold{
			Version: in.Tag,
			Reason:  v1alpha1.VersionUnsupportedReason,
			Message: fmt.Sprintf("Git has %q at %s, which is no version such as 1.2.3 and cannot be compared: "+
				"write the present version there", in.Git, message.Place(in.File, in.Line)),
		}
	}
	if !in.Verbatim && !fitsApp(in.Tag) {
		return &Hold{
			Version: in.Tag,
			Reason:  v1alpha1.VersionUnsupportedReason,
			Message: fmt.Sprintf("An App cannot pull the tag %q: it must be a version such as 1.2.3 without build metadata; "+
				"leave such tags out by versions.filterTags.pattern", in.Tag),
		}
	}
	return nil
}

func fitsApp(tag string) bool {
	return versions.Valid(tag) && !versions.HasBuildMetadata(tag)
}
