package batch

import (
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func TestNextPreparing(t *testing.T) {
	waiting, ready, next := placed("a", in(batchID)), placed("a", in(batchID), selected), placed("b", wants120)
	deadline := noon.Add(50 * time.Second)
	waits := Wait{For: "image-reflector-controller to select the tag of org/pin.app.a", Until: deadline}
	late := func(o *Observation) { o.Now = deadline }
	missing := func(message string, at time.Time) func(*pin.Memory) {
		return func(m *pin.Memory) {
			m.Finding = &pin.Finding{Reason: reasonTagMissing, Message: message}
			m.Failures, m.RetryAt = 1, at.Add(15*time.Second).Format(time.RFC3339)
		}
	}
	arms := Arm{ID: batchID, Automation: main, Pins: []Key{key("a")}}
	for name, tc := range map[string]nextCase{
		"waits for the tag":                   {pins: []Pin{waiting}, want: waits},
		"the old filter's answer does not do": {pins: []Pin{placed("a", in(batchID), selected, func(p *Pin) { p.Filter = pin.Filter("1.0.0") })}, want: waits},
		"arms":                                {pins: []Pin{ready, placed("c")}, want: arms},
		"the operator stops":                  {pins: []Pin{ready}, change: func(o *Observation) { o.MayArm = false }, want: Wait{For: "the next leader"}},
		"others join":                         {pins: []Pin{ready, next}, want: Prepare{ID: batchID, Wanted: map[Key]string{key("b"): "1.2.0"}}},
		"nobody joins late":                   {pins: []Pin{ready, next}, change: late, want: arms},
		"nobody joins who has other settings": {pins: []Pin{ready, placed("b", wants120, func(p *Pin) { p.Automation = second })}, want: arms},
		"nobody joins a full batch":           {pins: []Pin{ready, next}, change: func(o *Observation) { o.Limits.Pins = 1 }, want: arms},
		"as many join as the batch has room":  {pins: []Pin{ready, next, placed("c", wants120)}, change: func(o *Observation) { o.Limits.Pins = 2 }, want: Prepare{ID: batchID, Wanted: map[Key]string{key("b"): "1.2.0"}}},
		"waits for Git":                       {pins: []Pin{ready}, change: func(o *Observation) { o.GitRetryAt[source] = noon.Add(time.Minute) }, want: Wait{For: "the repository to be readable, to check batch " + batchID, Until: noon.Add(time.Minute)}},
		"waits for the key": {
			pins: []Pin{placed("a", in(batchID), selected, signed)}, change: func(o *Observation) { o.SignRetryAt[signer] = noon.Add(time.Minute) },
			want: Wait{For: "the repository to be readable, to check batch " + batchID, Until: noon.Add(time.Minute)},
		},
		"makes the automation":                  {pins: []Pin{ready}, automations: []Automation{{Key: main}}, want: Ensure{Automation: main}},
		"repairs the automation":                {pins: []Pin{ready}, automations: []Automation{resting(func(a *Automation) { a.Drifted = true })}, want: Ensure{Automation: main}},
		"no automation may be there":            {pins: []Pin{ready}, automations: []Automation{}, want: Release{ID: batchID, Pins: remembers(nil, ready)}},
		"a suspended automation releases":       {pins: []Pin{ready}, automations: []Automation{resting(func(a *Automation) { a.Suspended = true })}, want: Release{ID: batchID, Pins: remembers(nil, ready)}},
		"a suspended policy's pins leave":       {pins: []Pin{ready, placed("b", in(batchID), suspended)}, want: Release{ID: batchID, Pins: remembers(nil, placed("b", in(batchID)))}},
		"a pin whose schedule closed leaves":    {pins: []Pin{ready, placed("b", in(batchID), closed)}, want: Release{ID: batchID, Pins: remembers(nil, placed("b", in(batchID)))}},
		"nobody joins whose schedule is closed": {pins: []Pin{ready, placed("b", wants120, closed)}, want: arms},
		"looks again when a schedule closes":    {pins: []Pin{waiting}, change: func(o *Observation) { o.Turns = noon.Add(time.Second) }, want: Wait{For: waits.For, Until: noon.Add(time.Second)}},
		"a pin that wants another tag leaves":   {pins: []Pin{ready, placed("b", in(batchID), func(p *Pin) { p.Intent.Want = "1.3.0" })}, want: Release{ID: batchID, Pins: remembers(nil, placed("b", in(batchID)))}},
		"a pin that gives a value back stays":   {pins: []Pin{placed("a", in(batchID), selected, func(p *Pin) { p.Memory.Restore, p.Intent.Want = "1.2.0", "" })}, want: arms},
		"a pin without a tag leaves":            {pins: []Pin{placed("a", in(batchID), func(p *Pin) { p.NoTag = true })}, want: Release{ID: batchID, Pins: remembers(missing("tag 1.2.0 is not in the registry; push it again, or exclude the version with spec.versions.exclude", noon), waiting)}},
		"no tag for the old filter says naught": {pins: []Pin{placed("a", in(batchID), func(p *Pin) { p.NoTag, p.Filter = true, pin.Filter("1.0.0") })}, want: waits},
		"a bad reference leaves":                {pins: []Pin{placed("a", in(batchID), selected, func(p *Pin) { p.BadReference = "bad" })}, want: Release{ID: batchID, Pins: remembers(missing("bad", noon), ready)}},
		"Flux shows an old tag and is asked again": {
			pins: []Pin{placed("a", in(batchID), func(p *Pin) { p.Outdated, p.Nudged = true, "b0" })}, want: Nudge{Token: batchID, Pins: []Key{key("a")}},
		},
		"Flux was asked again": {pins: []Pin{placed("a", in(batchID), func(p *Pin) { p.Outdated, p.Nudged = true, batchID })}, want: waits},
		"a late pin leaves":    {pins: []Pin{waiting, placed("b", in(batchID), selected)}, change: late, want: Release{ID: batchID, Pins: remembers(missing("Flux did not select tag 1.2.0 for ImagePolicy org/pin.app.a in time; see its conditions, and whether image-reflector-controller runs", deadline), waiting)}},
		"another leader's batch is abandoned": {
			pins:        []Pin{placed("a", in(other), selected)},
			automations: []Automation{ended("b0", Observed)},
			want: Disarm{Automation: main, Token: RestToken("b0"), Memory: AutomationMemory{
				Batch: other, ArmedBy: "me", Size: 1, Outcome: Abandoned, Message: "the process that prepared it does not lead any more",
			}},
		},
	} {
		if tc.automations == nil {
			tc.automations = []Automation{resting()}
		}
		t.Run(name, tc.run)
	}
}
