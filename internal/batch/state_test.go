package batch

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func TestStateOf(t *testing.T) {
	type want struct {
		State      State
		ID         string
		Automation string
		Pins       int
	}
	elsewhere := func(a *Automation) { a.Key = second }
	for name, tc := range map[string]struct {
		pins        []Pin
		automations []Automation
		want        want
	}{
		"nothing":            {want: want{State: Rest}},
		"at rest":            {pins: []Pin{placed("a")}, automations: []Automation{resting()}, want: want{State: Rest}},
		"automation missing": {pins: []Pin{placed("a")}, automations: []Automation{{Key: main}}, want: want{State: Rest}},
		"a human asks at rest": {
			automations: []Automation{resting(func(a *Automation) { a.Requested = "2025" })},
			want:        want{State: Rest},
		},
		"labelled pins": {
			pins: []Pin{placed("a", in(batchID)), placed("b")}, automations: []Automation{resting()},
			want: want{Preparing, batchID, main.Name, 1},
		},
		"labelled, no automation": {pins: []Pin{placed("a", in(batchID))}, want: want{State: Preparing, ID: batchID, Pins: 1}},
		"armed": {
			pins: []Pin{placed("a", in(batchID)), placed("b", in(batchID))}, automations: []Automation{armedWith(batchID)},
			want: want{Armed, batchID, main.Name, 2},
		},
		"selector is none of ours": {
			pins:        []Pin{placed("a", in(batchID))},
			automations: []Automation{armedWith(batchID, func(a *Automation) { a.Selects = "" })},
			want:        want{Armed, batchID, main.Name, 1},
		},
		"selector set to rest by hand while armed": {
			pins:        []Pin{placed("a", in(batchID))},
			automations: []Automation{armedWith(batchID, func(a *Automation) { a.Selects = pin.AtRest })},
			want:        want{Armed, batchID, main.Name, 1},
		},
		"armed comes before disarming": {
			pins:        []Pin{placed("a", in(batchID))},
			automations: []Automation{ended("b0", Observed, elsewhere, func(a *Automation) { a.Handled = "" }), armedWith(batchID)},
			want:        want{Armed, batchID, main.Name, 1},
		},
		"rest token not handled": {
			pins:        []Pin{placed("a", in(batchID))},
			automations: []Automation{ended(batchID, Observed, func(a *Automation) { a.Handled = batchID })},
			want:        want{Disarming, batchID, main.Name, 1},
		},
		"a human's token replaced the rest token": {
			pins:        []Pin{placed("a", in(batchID))},
			automations: []Automation{ended(batchID, Observed, func(a *Automation) { a.Requested, a.Handled = "2025", batchID })},
			want:        want{Disarming, batchID, main.Name, 1},
		},
		"a human's token was handled": {
			pins:        []Pin{placed("a", in(batchID))},
			automations: []Automation{ended(batchID, Observed, func(a *Automation) { a.Requested, a.Handled = "2025", "2025" })},
			want:        want{Settling, batchID, main.Name, 1},
		},
		"disarmed": {
			pins: []Pin{placed("a", in(batchID))}, automations: []Automation{ended(batchID, Failed)},
			want: want{Settling, batchID, main.Name, 1},
		},
		"an ended batch comes before one that did not begin": {
			pins: []Pin{placed("a", in("b9")), placed("b", in(batchID))}, automations: []Automation{ended(batchID, Failed)},
			want: want{Settling, batchID, main.Name, 1},
		},
		"another batch has ended": {
			pins: []Pin{placed("a", in(batchID))}, automations: []Automation{ended("b0", Observed)},
			want: want{Preparing, batchID, main.Name, 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := StateOf(observation(tc.pins, tc.automations...))
			got := want{State: p.State, ID: p.ID, Pins: len(p.Pins)}
			if p.Automation != nil {
				got.Automation = p.Automation.Key.Name
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("StateOf (-want +got):\n%s", diff)
			}
		})
	}
}
