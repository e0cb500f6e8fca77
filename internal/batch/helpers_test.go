package batch

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// noon is the time of every observation here; batchID is a batch that leader "me" has prepared ten seconds before.
var (
	noon    = time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	batchID = ownID(Observation{NewID: NewID(noon.Add(-10*time.Second), 1), Leader: "me"})
	newID   = NewID(noon, 2)
	other   = ownID(Observation{NewID: NewID(noon.Add(-10*time.Second), 3), Leader: "other"})
	source  = pin.NamespacedName{Namespace: "flux", Name: "gitops"}
	main    = Key{"org", "gitops-1"}
	second  = Key{"org", "gitops-2"}
)

func key(name string) Key { return Key{"org", "pin.app." + name} }

// observation is one of leader "me" at noon.
func observation(pins []Pin, automations ...Automation) Observation {
	return Observation{
		Now: noon, NewID: newID, Leader: "me", MayArm: true, Limits: DefaultLimits,
		GitRetryAt: map[pin.NamespacedName]time.Time{}, SignRetryAt: map[Signer]time.Time{}, Pins: pins, Automations: automations,
	}
}

// placed is a pin at rest at 1.0.0 that wants nothing else, changed by with.
func placed(name string, with ...func(*Pin)) Pin {
	p := Pin{
		Key: key(name), Automation: main, Filter: pin.Filter("1.0.0"), Selected: "1.0.0", Decided: true,
		Intent: pin.Intent{Mark: true, Round: 1, Source: pin.Source{Repository: source}, Target: pin.Target{Kind: "App", Name: name}},
		Memory: pin.Memory{File: name + ".yaml", Line: 8, Git: "1.0.0", Revision: "r0", Marked: true},
	}
	for _, change := range with {
		change(&p)
	}
	return p
}

func wants120(p *Pin) { p.Intent.Want = "1.2.0" }

// in puts a pin that wants 1.2.0 into a batch, before Flux has answered.
func in(id string) func(*Pin) {
	return func(p *Pin) {
		wants120(p)
		p.Batch, p.Filter, p.Selected = id, pin.Filter("1.2.0"), ""
		p.Memory = Begin(p.Memory, id, "1.2.0")
	}
}

// wantsBack is a pin whose 1.0.0 failed and that is to have 0.9.0 again.
func wantsBack(p *Pin) { p.Intent.Want, p.Intent.Back = "0.9.0", "1.0.0" }

// backIn puts a pin that goes back to 0.9.0 into a batch, before Flux has answered.
func backIn(id string) func(*Pin) {
	return func(p *Pin) {
		wantsBack(p)
		p.Batch, p.Filter, p.Selected = id, pin.Filter("0.9.0"), ""
		p.Memory = Begin(p.Memory, id, "0.9.0")
	}
}

func selected(p *Pin) { p.Selected = p.Memory.Wanted }

func suspended(p *Pin) { p.Suspended = true }

func closed(p *Pin) { p.Closed = "its schedule is closed" }

func marked(is bool) func(*Pin) { return func(p *Pin) { p.Memory.Marked = is } }

// has is the version that the target has in the cluster.
func has(version string) func(*Pin) { return func(p *Pin) { p.Intent.Has = version } }

func finding(reason string, retryAt time.Time) func(*Pin) {
	return func(p *Pin) {
		p.Memory.Finding = &pin.Finding{Reason: reason, Message: "message"}
		if !retryAt.IsZero() {
			p.Memory.RetryAt = retryAt.Format(time.RFC3339)
		}
	}
}

// resting is an automation at rest that was never armed, changed by with.
func resting(with ...func(*Automation)) Automation {
	a := Automation{Key: main, Exists: true, Selects: pin.AtRest}
	for _, change := range with {
		change(&a)
	}
	return a
}

// armedWith is an automation that "me" has armed ten seconds ago and that Flux has not answered.
func armedWith(id string, with ...func(*Automation)) Automation {
	return resting(append([]func(*Automation){func(a *Automation) {
		a.Selects, a.Requested = id, id
		a.Memory = AutomationMemory{Batch: id, ArmedBy: "me", ArmedAt: noon.Add(-10 * time.Second)}
	}}, with...)...)
}

// ended is an automation that was disarmed, its rest token handled.
func ended(id string, outcome Outcome, with ...func(*Automation)) Automation {
	return resting(append([]func(*Automation){func(a *Automation) {
		a.Requested, a.Handled = RestToken(id), RestToken(id)
		a.Memory = AutomationMemory{Batch: id, ArmedBy: "me", Outcome: outcome, Size: 1}
	}}, with...)...)
}

// handled: Flux has answered the last token, with these tags.
func handled(ready Ready, observed map[string]string) func(*Automation) {
	return func(a *Automation) { a.Handled, a.Ready, a.Observed = a.Requested, ready, observed }
}
