package gate

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// UpgradeRunning holds a version while the wave is on its way to another one: the targets of a wave move together, one
// version after the other.
func UpgradeRunning(in WaveInput) *Hold {
	if len(in.Running) == 0 || among(in.Running, in.Tag) {
		return nil
	}
	return &Hold{
		Version: in.Tag,
		Reason:  v1alpha1.UpgradeRunningReason,
		Message: fmt.Sprintf("%s is on the way to %s: wait until that has ended", mover(in.Wave), list(in.Running, ", ")),
	}
}
