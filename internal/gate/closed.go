package gate

import (
	"fmt"
	"slices"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// closed is the hold of schedules that are closed, one text for each; nil if there are none.
func (in WaveInput) closed(reason string, texts []string) *Hold {
	if len(texts) == 0 {
		return nil
	}
	hold := &Hold{Version: in.Tag, Reason: reason, Message: list(texts, "; ")}
	if slices.ContainsFunc(in.Schedules, func(s Schedule) bool { return s.Broken != "" }) {
		return hold // what comes after the correction is not known
	}
	if in.Opens.IsZero() && reason == v1alpha1.OutsideWindowReason {
		hold.Message += ". No time will come at which all schedules allow a start: change one of them"
	}
	hold.Earliest = in.upcoming(in.Opens)
	return hold
}

// because is what the author says about the schedule, for a message.
func (s Schedule) because() string {
	if s.Reason == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", s.Reason)
}
