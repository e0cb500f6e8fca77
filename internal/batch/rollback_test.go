package batch

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// A rollback from 1.0.0 to 0.9.0 is at rest again.
func TestSettleRollback(t *testing.T) {
	wrote := func(commit, old string) Change {
		return Change{Pin: key("a"), File: "a.yaml", Object: "App a", Old: old, New: "0.9.0", Commit: commit}
	}
	goesBack := func(p *Pin) {
		p.Memory.Git, p.Memory.From, p.Memory.Wanted, p.Memory.Restore, p.Memory.Commit = "0.9.0", "0.9.0", "1.0.0", "1.0.0", "c1"
	}
	for name, tc := range map[string]struct {
		pin     func(*Pin)
		line    string
		changes []Change
		want    func(*pin.Memory)
	}{
		"written": {
			line: "0.9.0", changes: []Change{wrote("c1", "1.0.0")},
			want: func(m *pin.Memory) { m.Git, m.Commit = "0.9.0", "c1" },
		},
		"written ends a hold": {
			pin:  func(p *Pin) { p.Memory.Hold = holdUpTo("1.0.0") },
			line: "0.9.0", changes: []Change{wrote("c1", "1.0.0")},
			want: func(m *pin.Memory) { m.Git, m.Commit, m.Hold = "0.9.0", "c1", nil },
		},
		"written, and a human went back to what failed": {
			line: "1.0.0", changes: []Change{wrote("c1", "1.0.0")}, want: func(m *pin.Memory) { m.Commit = "c1" },
		},
		"written, and a human went further": {
			line: "0.8.0", changes: []Change{wrote("c1", "1.0.0")},
			want: func(m *pin.Memory) { m.Git, m.Commit, m.Hold = "0.8.0", "c1", holdUpTo("0.9.0") },
		},
		"written over a human's newer value": {
			line: "0.9.0", changes: []Change{wrote("c1", "1.0.1")},
			want: func(m *pin.Memory) { m.Git, m.Commit, m.Restore = "0.9.0", "c1", "1.0.1" },
		},
		"written over a human's older value": {
			line: "0.9.0", changes: []Change{wrote("c1", "0.9.5")},
			want: func(m *pin.Memory) { m.Git, m.Commit, m.Restore, m.Hold = "0.9.0", "c1", "0.9.5", holdUpTo("1.0.0") },
		},
		"written, a human went back to what failed, and written again": {
			line: "0.9.0", changes: []Change{wrote("c2", "1.0.0"), wrote("c1", "1.0.0")},
			want: func(m *pin.Memory) { m.Git, m.Commit, m.Restore = "0.9.0", "c2", "1.0.0" },
		},
		"a human was faster":                 {line: "0.9.0", want: func(m *pin.Memory) { m.Git, m.Hold = "0.9.0", holdUpTo("1.0.0") }},
		"a human was faster, with another":   {line: "0.9.5", want: func(m *pin.Memory) { m.Git, m.Hold = "0.9.5", holdUpTo("1.0.0") }},
		"a human was faster, with newer one": {line: "1.0.1", want: func(m *pin.Memory) { m.Git = "1.0.1" }},
		"what failed is given back": {
			pin: goesBack, line: "1.0.0", changes: []Change{{Pin: key("a"), File: "a.yaml", Object: "App a", Old: "0.9.0", New: "1.0.0", Commit: "c2"}},
			want: func(m *pin.Memory) {
				m.Git, m.From, m.Wanted, m.Restore, m.Commit = "1.0.0", "1.0.0", "0.9.0", "", "c2"
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := placed("a", backIn(batchID), selected)
			if tc.pin != nil {
				tc.pin(&p)
			}
			want := p.Memory
			want.Revision = "r1"
			tc.want(&want)
			reading := Reading{Revision: "r1", Lines: map[Key]Line{p.Key: {File: "a.yaml", Line: 8, Value: tc.line}}}
			var commit *Trailer
			if len(tc.changes) > 0 {
				commit = &Trailer{Changes: tc.changes}
			}
			got := Settle(noon, []Pin{p}, AutomationMemory{Outcome: Withdrawn}, reading, commit)
			if diff := cmp.Diff(map[Key]pin.Memory{p.Key: want}, got); diff != "" {
				t.Errorf("Settle (-want +got):\n%s", diff)
			}
			p.Memory, p.Batch, p.Filter = want, "", pin.Filter(want.Git)
			if moves(observation([]Pin{p}, resting()), p) && want.Restore == "" {
				t.Errorf("the pin goes back once more: %+v", p.Memory)
			}
		})
	}
}
