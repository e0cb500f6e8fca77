package gate

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// TooYoung holds a version until it was seen long enough ago. It goes by the time at which the operator saw the version
// first, because no publisher's clock is trusted. A version that was never seen has no age.
func TooYoung(in WaveInput) *Hold {
	if in.MinAge <= 0 {
		return nil
	}
	if in.Seen.IsZero() {
		return &Hold{
			Version: in.Tag,
			Reason:  v1alpha1.TooYoungReason,
			Message: fmt.Sprintf("rollout.minAge is %s, and %s was never seen as the newest version in the range", span(in.MinAge), in.Tag),
		}
	}
	old := in.Seen.Add(in.MinAge)
	if !in.Now.Before(old) {
		return nil
	}
	return &Hold{
		Version:  in.Tag,
		Reason:   v1alpha1.TooYoungReason,
		Message:  fmt.Sprintf("rollout.minAge is %s, and %s is that old at %s", span(in.MinAge), in.Tag, written(old)),
		Earliest: old,
	}
}
