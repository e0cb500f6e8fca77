package batch

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// AwaitMerge is the memory of a pin that leaves when a human has to merge the removal of its marker, as the finding says. Nothing
// tells when that happens, so Git is read again, less and less often.
func AwaitMerge(now time.Time, m pin.Memory, f *pin.Finding) pin.Memory {
	if !removalProposed(m) {
		m.Failures = 0
	}
	m.Finding = f
	m.Marked = true // it stands in Git, although the process that placed it may not have lived to remember it
	return later(now, m)
}

// awaitsMerge: it is not yet time to see whether the removal of a pin's marker was merged.
func awaitsMerge(o Observation, p Pin) bool {
	return removalProposed(p.Memory) && !due(o, p)
}

// removalProposed: a marker that is only proposed has no time of the next look.
func removalProposed(m pin.Memory) bool {
	return m.Finding != nil && m.Finding.Reason == v1alpha1.AwaitingMergeReason && m.RetryAt != ""
}
