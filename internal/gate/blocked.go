package gate

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// Blocked holds a version that failed, in all waves, until a human unblocks it.
func Blocked(in WaveInput) *Hold {
	if in.Blocked == nil {
		return nil
	}
	where := ""
	if in.Blocked.Wave != "" {
		where = " in wave " + in.Blocked.Wave
	}
	return &Hold{
		Version: in.Tag,
		Reason:  v1alpha1.BlockedReason,
		Message: fmt.Sprintf("%s failed%s: %s; it is not taken again until you set a new token in the annotation %s, "+
			"and newer versions are not affected", in.Tag, where, in.Blocked.Message, v1alpha1.ResumeAnnotation),
	}
}
