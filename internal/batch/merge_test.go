package batch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// A marker whose removal waits to be merged is looked at less and less often.
func TestAwaitMerge(t *testing.T) {
	proposed := &pin.Finding{Reason: v1alpha1.AwaitingMergeReason, Message: "merge it"}
	leaving := func(with ...func(*pin.Memory)) Pin {
		return placed("a", func(p *Pin) {
			p.Intent.Remove = true
			for _, change := range with {
				change(&p.Memory)
			}
		})
	}
	once := func(m *pin.Memory) { *m = AwaitMerge(noon, *m, proposed) }
	ago := func(d time.Duration) func(*pin.Memory) {
		return func(m *pin.Memory) { *m = AwaitMerge(noon.Add(-d), *m, proposed) }
	}
	unmerged := func(m *pin.Memory) { m.Finding, m.Failures = proposed, 5 } // the marker itself was only proposed
	if unseen := AwaitMerge(noon, pin.Memory{}, proposed); !unseen.Marked {
		t.Error("a marker that is seen is not remembered")
	}
	visit := Visit{Repository: source}
	for name, tc := range map[string]nextCase{
		"not yet":                    {pins: []Pin{leaving(once)}, want: Wait{Until: noon.Add(15 * time.Second)}},
		"time has passed":            {pins: []Pin{leaving(ago(15 * time.Second))}, want: visit},
		"again":                      {pins: []Pin{leaving(ago(15*time.Second), once)}, want: Wait{Until: noon.Add(30 * time.Second)}},
		"its marker was not merged":  {pins: []Pin{leaving(unmerged)}, want: visit},
		"nor is its removal":         {pins: []Pin{leaving(unmerged, once)}, want: Wait{Until: noon.Add(15 * time.Second)}},
		"others do not wait for it":  {pins: []Pin{leaving(once), placed("b", func(p *Pin) { p.Memory.Marked = false })}, want: visit},
		"its policy wants it again":  {pins: []Pin{placed("a", func(p *Pin) { once(&p.Memory); p.Intent.Prompt = "new" })}, automations: []Automation{resting()}, want: visit},
		"nobody asks for it by then": {pins: []Pin{leaving(once, func(m *pin.Memory) { m.RetryAt = "" })}, want: visit},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Next(observation(tc.pins, tc.automations...))); diff != "" {
				t.Errorf("Next (-want +got):\n%s", diff)
			}
		})
	}
}
