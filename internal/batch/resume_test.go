package batch

import (
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func TestNextResumes(t *testing.T) {
	future := noon.Add(time.Minute)
	resume := func(p *Pin) { p.Intent.Resume = "x" }
	held := func(p *Pin) { p.Memory.Hold = holdUpTo("1.2.0") }
	notes := func(with func(*pin.Memory), p Pin) Action {
		return Note{Pins: remembers(func(m *pin.Memory) {
			m.Resume = "x"
			if with != nil {
				with(m)
			}
		}, p)}
	}
	goesOn := func(m *pin.Memory) { m.Hold, m.Finding, m.Failures, m.RetryAt = nil, nil, 0, "" }
	unmarked := func(m *pin.Memory) { goesOn(m); m.Marked = false }
	byHand := func(p *Pin) { p.Intent.Unmanaged, p.Intent.Mark = true, false }
	for name, tc := range map[string]struct {
		pin  Pin
		want Action
	}{
		"forgets a hold":           {placed("a", resume, held), notes(goesOn, placed("a"))},
		"although suspended":       {placed("a", resume, held, suspended), notes(goesOn, placed("a"))},
		"records the token":        {placed("a", resume), notes(nil, placed("a"))},
		"of a new pin too":         {placed("a", resume, func(p *Pin) { p.Memory = pin.Memory{} }), notes(nil, Pin{Key: key("a")})},
		"records the next one":     {placed("a", resume, held, func(p *Pin) { p.Memory.Resume = "w" }), notes(goesOn, placed("a"))},
		"once":                     {placed("a", resume, held, func(p *Pin) { p.Memory.Resume = "x" }), Wait{}},
		"never unasked":            {placed("a", held, func(p *Pin) { p.Memory.Resume = "x" }), Wait{}},
		"not undecided":            {placed("a", resume, held, func(p *Pin) { p.Decided = false }), Wait{}},
		"tries a tag again":        {placed("a", resume, finding(reasonTagMissing, future)), notes(goesOn, placed("a"))},
		"tries to write again":     {placed("a", resume, finding(reasonUpdateFailed, future)), notes(goesOn, placed("a"))},
		"tries to push again":      {placed("a", resume, finding(reasonGitUnwritable, future)), notes(goesOn, placed("a"))},
		"tries the marker again":   {placed("a", resume, finding(reasonMarkerIneffective, time.Time{})), notes(goesOn, placed("a"))},
		"forgets a deleted marker": {placed("a", resume, finding(reasonMarkerMissing, time.Time{})), notes(unmarked, placed("a"))},
		"which a human puts back": {
			placed("a", resume, byHand, finding(reasonMarkerMissing, time.Time{})), notes(nil, placed("a", finding(reasonMarkerMissing, time.Time{}))),
		},
		"keeps what is wrong in the file": {
			placed("a", resume, finding(reasonMarkerCopied, time.Time{})), notes(nil, placed("a", finding(reasonMarkerCopied, time.Time{}))),
		},
		"keeps the time to read Git again": {
			placed("a", resume, finding("GitUnreadable", future)), notes(nil, placed("a", finding("GitUnreadable", future))),
		},
		"keeps what a human is owed": {
			placed("a", resume, func(p *Pin) { p.Memory.Restore = "0.9.0" }), notes(nil, placed("a", func(p *Pin) { p.Memory.Restore = "0.9.0" })),
		},
		"the deleted marker comes again": {placed("a", marked(false), func(p *Pin) { p.Intent.Resume, p.Memory.Resume = "x", "x" }), Visit{Repository: source}},
		"a deleted marker does not":      {placed("a", finding(reasonMarkerMissing, time.Time{})), Wait{}},
	} {
		c := nextCase{pins: []Pin{tc.pin, placed("z")}, automations: []Automation{resting()}, want: tc.want}
		t.Run(name, c.run)
	}
}
