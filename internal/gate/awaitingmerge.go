package gate

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// AwaitingMerge holds a version that is proposed on a branch. It is asked about what was chosen, and withdraws nothing.
func AwaitingMerge(tag, branch string) *Hold {
	return &Hold{Version: tag, Reason: v1alpha1.AwaitingMergeReason, Message: fmt.Sprintf(
		"it is proposed on branch %s: merge that, or delete the branch to refuse what it proposes", branch)}
}
