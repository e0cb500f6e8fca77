package gate

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/message"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// ManualHold holds every version up to the one that a human left, because a human's commit wins. A newer version ends
// it, and so does a human who commits another one or resumes.
func ManualHold(in TargetInput) *Hold {
	if in.Hold == nil || versions.Newer(in.Version, in.HoldVersion) {
		return nil
	}
	return &Hold{
		Version: in.Tag,
		Reason:  in.Hold.Reason,
		Message: fmt.Sprintf("A human committed %s to %s and left %s: it stays until there is a version newer than %s, "+
			"until you commit %s yourself, or until you set a new token in the annotation %s",
			in.Git, message.Place(in.File, in.Line), in.Hold.UpTo, in.Hold.UpTo, in.Tag, v1alpha1.ResumeAnnotation),
	}
}
