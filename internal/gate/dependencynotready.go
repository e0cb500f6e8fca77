package gate

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// DependencyNotReady holds everything until each policy of dependsOn is healthy, at rest and in its range.
func DependencyNotReady(in WaveInput) *Hold {
	var waitFor []string
	for _, dependency := range in.Dependencies {
		if !dependency.Ready {
			waitFor = append(waitFor, fmt.Sprintf("rollout.dependsOn: %s is not ready: %s", dependency.Name, dependency.Message))
		}
	}
	if len(waitFor) == 0 {
		return nil
	}
	return &Hold{Version: in.Tag, Reason: v1alpha1.DependencyNotReadyReason, Message: list(waitFor, "; ")}
}
