package gate

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// NotNewer holds a version that is not newer than the one in Git: a target never goes downward by itself. A version in
// Git that cannot be compared is VersionUnsupported.
func NotNewer(in TargetInput) *Hold {
	if versions.Newer(in.Version, in.GitVersion) || !versions.Valid(in.GitVersion) {
		return nil
	}
	return &Hold{
		Version: in.Tag,
		Reason:  v1alpha1.NotNewerReason,
		Message: fmt.Sprintf("Git has %s, and upgrades never go downward: commit %s yourself if you want it", in.Git, in.Tag),
	}
}
