package batch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// nextCase is an observation and the one action that follows.
type nextCase struct {
	pins        []Pin
	automations []Automation
	change      func(*Observation)
	want        Action
}

func (tc nextCase) run(t *testing.T) {
	t.Helper()
	o := observation(tc.pins, tc.automations...)
	if tc.change != nil {
		tc.change(&o)
	}
	if diff := cmp.Diff(tc.want, Next(o)); diff != "" {
		t.Errorf("Next (-want +got):\n%s", diff)
	}
}

// remembers are the memories of pins, changed by with.
func remembers(with func(*pin.Memory), pins ...Pin) map[Key]pin.Memory {
	memories := map[Key]pin.Memory{}
	for _, p := range pins {
		if with != nil {
			with(&p.Memory)
		}
		memories[p.Key] = p.Memory
	}
	return memories
}

func TestNextArmed(t *testing.T) {
	all := map[string]string{"pin.app.a": "1.2.0"}
	yes, no := Ready{True: true}, func(reason string) Ready { return Ready{False: true, Reason: reason, Message: "sorry"} }
	ready := placed("a", in(batchID), selected)
	waits := Wait{For: "image-automation-controller to write batch " + batchID, Until: noon.Add(110 * time.Second)}
	late := func(o *Observation) { o.Now = noon.Add(110 * time.Second) }
	disarmed := func(id string, with func(*AutomationMemory)) Action {
		m := AutomationMemory{Batch: id, ArmedBy: "me", ArmedAt: noon.Add(-10 * time.Second), Size: 1}
		with(&m)
		return Disarm{Automation: main, Token: RestToken(id), Memory: m}
	}
	withdrawn := func(why string) Action {
		return disarmed(batchID, func(m *AutomationMemory) { m.Outcome, m.Message = Withdrawn, why })
	}
	failed := func(outcome Outcome, message string, limit, failures int, retryAt time.Time) Action {
		return disarmed(batchID, func(m *AutomationMemory) {
			m.Outcome, m.Message, m.Limit, m.Failures, m.RetryAt = outcome, message, limit, failures, retryAt
		})
	}
	for name, tc := range map[string]nextCase{
		"Flux has not answered": {automations: []Automation{armedWith(batchID)}, want: waits},
		"Flux says Ready of an older token": {
			automations: []Automation{armedWith(batchID, func(a *Automation) { a.Ready, a.Observed = yes, all })}, want: waits,
		},
		"observed": {
			automations: []Automation{armedWith(batchID, handled(yes, all))},
			want:        disarmed(batchID, func(m *AutomationMemory) { m.Outcome = Observed }),
		},
		"observed ends what failed before": {
			automations: []Automation{armedWith(batchID, handled(yes, all), func(a *Automation) {
				a.Memory.Limit, a.Memory.Failures, a.Memory.RetryAt = 1, 3, noon
			})},
			want: disarmed(batchID, func(m *AutomationMemory) { m.Outcome = Observed }),
		},
		"handled and not observed is asked again": {
			automations: []Automation{armedWith(batchID, handled(yes, nil))},
			want:        Ask{Automation: main, Token: batchID + ".ask1"},
		},
		"observed another tag": {
			automations: []Automation{armedWith(batchID, func(a *Automation) { a.Requested = batchID + ".ask1" },
				handled(yes, map[string]string{"pin.app.a": "1.0.0"}))},
			want: Ask{Automation: main, Token: batchID + ".ask2"},
		},
		"asked often enough": {
			automations: []Automation{armedWith(batchID, func(a *Automation) { a.Requested = batchID + ".ask5" }, handled(yes, nil))},
			want:        waits,
		},
		"a failed Git operation is Flux's to retry": {
			automations: []Automation{armedWith(batchID, handled(no("GitOperationFailed"), nil))}, want: waits,
		},
		"and has failed at the deadline": {
			automations: []Automation{armedWith(batchID, handled(no("GitOperationFailed"), nil))}, change: late,
			want: failed(GitFailed, "sorry", 0, 1, noon.Add(125*time.Second)),
		},
		"a failed update is hopeless": {
			automations: []Automation{armedWith(batchID, handled(no("UpdateFailed"), nil))},
			want:        failed(Failed, "sorry", 1, 0, time.Time{}),
		},
		"no answer at the deadline": {
			automations: []Automation{armedWith(batchID)}, change: late, want: failed(Unanswered, "", 0, 1, noon.Add(DefaultLimits.Arm-10*time.Second+15*time.Second)),
		},
		"the operator stops": {
			automations: []Automation{armedWith(batchID)}, change: func(o *Observation) { o.MayArm = false },
			want: withdrawn("the operator stops"),
		},
		"armed by another": {
			automations: []Automation{armedWith(batchID)}, change: func(o *Observation) { o.Leader = "new" },
			want: withdrawn("it was armed by another leader"),
		},
		"suspended automation": {
			automations: []Automation{armedWith(batchID, func(a *Automation) { a.Suspended = true })},
			want:        withdrawn("the automation was suspended"),
		},
		"selector of all": {
			automations: []Automation{armedWith(batchID, func(a *Automation) { a.Selects = "" })},
			want:        withdrawn("somebody changed the policySelector"),
		},
		"selector of an ended batch, put back by hand": {
			automations: []Automation{ended(batchID, Observed, func(a *Automation) {
				a.Selects, a.Memory.ArmedAt = batchID, noon.Add(-10*time.Second)
			})},
			want: Disarm{Automation: main, Token: RestToken(newID), Memory: AutomationMemory{
				Batch: batchID, ArmedBy: "me", ArmedAt: noon.Add(-10 * time.Second), Size: 1,
				Outcome: Withdrawn, Message: "somebody changed the policySelector",
			}},
		},
		"selector of all, of an automation that was never armed": {
			automations: []Automation{resting(func(a *Automation) { a.Selects = "" })},
			want: Disarm{Automation: main, Token: RestToken(newID), Memory: AutomationMemory{
				Batch: newID, Outcome: Withdrawn, Message: "somebody changed the policySelector",
			}},
		},
		"pins are gone": {
			pins: []Pin{placed("a")}, automations: []Automation{armedWith(batchID)},
			want: disarmed(batchID, func(m *AutomationMemory) { m.Outcome, m.Message, m.Size = Withdrawn, "its pins are gone", 0 }),
		},
		"suspended policy": {
			pins: []Pin{placed("a", in(batchID), selected, suspended)}, automations: []Automation{armedWith(batchID)},
			want: withdrawn("org/pin.app.a: its policy is suspended"),
		},
		"a schedule closed": {
			pins: []Pin{placed("a", in(batchID), selected, closed)}, automations: []Automation{armedWith(batchID)},
			want: withdrawn("org/pin.app.a: its schedule is closed"),
		},
		"a schedule is no matter of a value that is given back": {
			pins:        []Pin{placed("a", in(batchID), selected, closed, func(p *Pin) { p.Memory.Restore, p.Intent.Want = "1.2.0", "" })},
			automations: []Automation{armedWith(batchID)}, want: waits,
		},
		"looks again when a schedule closes": {
			automations: []Automation{armedWith(batchID)}, change: func(o *Observation) { o.Turns = noon.Add(time.Second) },
			want: Wait{For: waits.For, Until: noon.Add(time.Second)},
		},
		"looks again at the deadline before a schedule closes": {
			automations: []Automation{armedWith(batchID)}, change: func(o *Observation) { o.Turns = noon.Add(time.Hour) }, want: waits,
		},
		"want changed": {
			pins:        []Pin{placed("a", in(batchID), selected, func(p *Pin) { p.Intent.Want = "" })},
			automations: []Automation{armedWith(batchID)},
			want:        withdrawn("org/pin.app.a: its policy wants another version now"),
		},
		"another version is to be left": {
			pins:        []Pin{placed("a", backIn(batchID), selected, func(p *Pin) { p.Intent.Back = "1.0.1" })},
			automations: []Automation{armedWith(batchID)},
			want:        withdrawn("org/pin.app.a: its policy wants another version now"),
		},
		"a rollback is taken back": {
			pins:        []Pin{placed("a", backIn(batchID), selected, func(p *Pin) { p.Intent.Back = "" })},
			automations: []Automation{armedWith(batchID)},
			want:        withdrawn("org/pin.app.a: its policy wants another version now"),
		},
		"a rollback": {
			pins:        []Pin{placed("a", backIn(batchID), selected)},
			automations: []Automation{armedWith(batchID, handled(yes, map[string]string{"pin.app.a": "0.9.0"}))},
			want:        disarmed(batchID, func(m *AutomationMemory) { m.Outcome = Observed }),
		},
		"orphan": {
			pins:        []Pin{placed("a", in(batchID), selected, func(p *Pin) { p.Orphaned = true })},
			automations: []Automation{armedWith(batchID)},
			want:        withdrawn("org/pin.app.a: its policy does not want it any more"),
		},
		"push that is forbidden": {
			pins:        []Pin{placed("a", in(batchID), selected, func(p *Pin) { p.Forbidden = &pin.Finding{} })},
			automations: []Automation{armedWith(batchID)},
			want:        withdrawn("org/pin.app.a: its policy may not push so"),
		},
		"foreign automation": {
			pins:        []Pin{placed("a", in(batchID), selected, func(p *Pin) { p.Foreign = "x" })},
			automations: []Automation{armedWith(batchID)},
			want:        withdrawn("org/pin.app.a: another automation would write it too"),
		},
		"other settings": {
			pins:        []Pin{placed("a", in(batchID), selected, func(p *Pin) { p.Automation = second })},
			automations: []Automation{armedWith(batchID)},
			want:        withdrawn("org/pin.app.a: its policy wants other commits now"),
		},
	} {
		if tc.pins == nil {
			tc.pins = []Pin{ready}
		}
		t.Run(name, tc.run)
	}
}

func TestNextDisarmingAndSettling(t *testing.T) {
	member := placed("a", in(batchID), selected)
	unhandled := func(a *Automation) { a.Handled = batchID }
	for name, tc := range map[string]nextCase{
		"waits for the rest token": {
			automations: []Automation{ended(batchID, Observed, unhandled)},
			want:        Wait{For: "image-automation-controller to handle token " + RestToken(batchID) + " of ImageUpdateAutomation org/gitops-1"},
		},
		"a suspended automation does not answer": {
			automations: []Automation{ended(batchID, Withdrawn, unhandled, func(a *Automation) { a.Suspended = true })},
			want: Note{Pins: remembers(func(m *pin.Memory) {
				m.Finding, m.RetryAt = suspendedAutomation(main), noon.Format(time.RFC3339)
			}, placed("a", in(batchID), selected))},
		},
		"says so when nobody answers": {
			automations: []Automation{ended(batchID, Observed, unhandled, func(a *Automation) { a.Memory.ArmedAt = noon.Add(-2 * DefaultLimits.Arm) })},
			want: Note{Pins: remembers(func(m *pin.Memory) {
				m.Finding, m.RetryAt = noAnswer(main), noon.Format(time.RFC3339)
			}, placed("a", in(batchID), selected))},
		},
		"is patient until then": {
			automations: []Automation{ended(batchID, Observed, unhandled, func(a *Automation) { a.Memory.ArmedAt = noon.Add(-DefaultLimits.Arm) })},
			want: Wait{
				For:   "image-automation-controller to handle token " + RestToken(batchID) + " of ImageUpdateAutomation org/gitops-1",
				Until: noon.Add(DefaultLimits.Arm),
			},
		},
		"concludes": {
			automations: []Automation{ended(batchID, Observed)}, want: Conclude{ID: batchID, Automation: main},
		},
		"concludes when Git answers": {
			automations: []Automation{ended(batchID, Observed)},
			change:      func(o *Observation) { o.GitRetryAt[source] = noon.Add(time.Minute) },
			want:        Wait{For: "the repository to be readable, to see what batch " + batchID + " wrote", Until: noon.Add(time.Minute)},
		},
		"an abandoned batch needs no look": {
			automations: []Automation{ended(batchID, Abandoned)},
			change:      func(o *Observation) { o.GitRetryAt[source] = noon.Add(time.Minute) },
			want:        Release{ID: batchID, Pins: remembers(nil, member)},
		},
	} {
		tc.pins = []Pin{member}
		t.Run(name, tc.run)
	}
}
