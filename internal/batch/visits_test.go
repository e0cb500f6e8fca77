package batch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// A marker that stands astray is moved as soon as it may be, and not looked at again and again until then.
func TestVisitorsAstray(t *testing.T) {
	because := func(reason string) func(*Pin) {
		return func(p *Pin) { p.Memory.Finding = &pin.Finding{Reason: reason} }
	}
	retryAt := func(at time.Time) func(*Pin) {
		return func(p *Pin) { p.Memory.RetryAt = at.Format(time.RFC3339) }
	}
	astray := func(p *Pin) { p.Memory.Astray = "base.yaml" }
	for name, tc := range map[string]struct {
		with []func(*Pin)
		want bool
	}{
		"a human removed it":          {with: []func(*Pin){because(reasonMarkerMissing)}},
		"astray":                      {[]func(*Pin){astray, because(reasonMarkerMissing)}, true},
		"astray, on another's line":   {[]func(*Pin){astray, func(p *Pin) { p.Memory.Marked, p.Memory.Leader = false, "pin.app.a" }}, true},
		"astray, suspended":           {with: []func(*Pin){astray, because(reasonMarkerMissing), func(p *Pin) { p.Suspended = true }}},
		"astray, of a human":          {with: []func(*Pin){astray, because(reasonMarkerMissing), func(p *Pin) { p.Intent.Mark, p.Intent.Unmanaged = false, true }}},
		"astray, awaiting a merge":    {with: []func(*Pin){astray, because("AwaitingMerge")}},
		"astray, not pushed":          {with: []func(*Pin){astray, because(reasonGitUnwritable), retryAt(noon.Add(time.Minute))}},
		"astray, not pushed long ago": {[]func(*Pin){astray, because(reasonGitUnwritable), retryAt(noon.Add(-time.Minute))}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := placed("a", tc.with...)
			if diff := cmp.Diff(tc.want, Visitors(observation([]Pin{p}))[p.Key]); diff != "" {
				t.Errorf("Visitors (-want +got):\n%s", diff)
			}
		})
	}
}
