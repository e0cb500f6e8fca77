package gate

import (
	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// Suspended holds everything while the policy is suspended.
func Suspended(in WaveInput) *Hold {
	if !in.Suspended {
		return nil
	}
	return &Hold{
		Version: in.Tag,
		Reason:  v1alpha1.SuspendedReason,
		Message: "The policy is suspended: set spec.suspend to false to go on",
	}
}
