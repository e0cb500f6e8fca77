package gate

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// RollbackFailed holds everything from a target that could not be taken back: nobody knows what state it is in.
func RollbackFailed(in TargetInput) *Hold {
	if in.RollbackFailed == "" {
		return nil
	}
	return &Hold{
		Version: in.Tag,
		Reason:  v1alpha1.BlockedReason,
		Message: fmt.Sprintf("The rollback to %s failed: look at the target, then set a new token in the annotation %s",
			in.RollbackFailed, v1alpha1.ResumeAnnotation),
	}
}
