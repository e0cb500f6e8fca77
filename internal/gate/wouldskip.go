package gate

import (
	"fmt"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// WouldSkip holds a version that is beyond the next step after the one in Git, unless a human approved it. Versions that
// cannot be compared are VersionUnsupported and NotNewer, and so is one that is not newer.
func WouldSkip(in TargetInput) *Hold {
	if in.NeverSkip == "" || in.Approved {
		return nil
	}
	if versions.SameStep(in.Version, in.GitVersion, in.NeverSkip) || versions.SameStep(in.Version, in.Next, in.NeverSkip) || !versions.Newer(in.Version, in.GitVersion) {
		return nil
	}
	first := fmt.Sprintf("the next %s after %s is looked for, and goes first", strings.ToLower(string(in.NeverSkip)), in.Git)
	if in.Next != "" {
		first = in.Next + " goes first"
	}
	return &Hold{
		Version: in.Tag,
		Reason:  v1alpha1.WouldSkipReason,
		Message: fmt.Sprintf("versions.neverSkip is %s: %s; to skip it, %s", in.NeverSkip, first, in.approval()),
	}
}
