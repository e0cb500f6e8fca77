package batch

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// process is one operator that believes to lead. What it does is a list of writes, with anything in between.
type process struct {
	w        *world
	leader   string
	stopping bool
	gone     bool
	todo     []func() bool
	retryAt  map[pin.NamespacedName]time.Time
	failures int
}

func (w *world) start() *process {
	w.ids++
	p := &process{w: w, leader: fmt.Sprintf("leader-%d", w.ids), retryAt: map[pin.NamespacedName]time.Time{}}
	w.processes = append(w.processes, p)
	return p
}

// stop is SIGTERM: whatever is armed is disarmed, whoever armed it, and the process ends.
func (p *process) stop() {
	p.w.note("%s stops", p.leader)
	p.stopping, p.todo = true, nil
	for _, key := range sortedKeys(p.w.api.automations) {
		p.todo = append(p.todo, func() bool {
			a, ok := p.w.api.automations[key]
			if ok && a.selects != pin.AtRest {
				memory := a.memory
				memory.Outcome, memory.Message = Withdrawn, "the operator stops"
				p.disarm(a.version, Disarm{Automation: key, Token: RestToken(memory.Batch), Memory: memory})
			}
			return true
		})
	}
	p.todo = append(p.todo, func() bool {
		p.gone = true
		return false
	})
}

// step does the next write, or decides by what a cache shows.
func (p *process) step(view cluster) {
	if len(p.todo) > 0 {
		next := p.todo[0]
		p.todo = p.todo[1:]
		if !next() {
			p.todo = nil
		}
		return
	}
	action := Next(p.observe(view))
	if MustBeFresh(action) {
		view = p.w.api
		action = Next(p.observe(view))
	}
	if _, waits := action.(Wait); !waits {
		p.w.note("%s: %T%+v", p.leader, action, action)
	}
	p.perform(view, action)
}

func (p *process) observe(c cluster) Observation {
	p.w.ids++
	o := Observation{
		Now: p.w.now, NewID: NewID(p.w.now, p.w.ids), Leader: p.leader, MayArm: !p.stopping,
		GitRetryAt: p.retryAt, Limits: Limits{Arm: 2 * time.Minute, Prepare: time.Minute, Pins: 3},
	}
	wanted := map[Key]bool{}
	for _, key := range sortedKeys(c.pins) {
		policy := c.policies[c.pins[key].policy]
		seen := observePin(key, c.pins[key], policy)
		if Scheduled(seen) {
			seen.Closed = policy.schedule.closed(p.w.now, c.pins[key])
			o.Turns = sooner(o.Now, o.Turns, policy.schedule.turns(p.w.now))
		}
		o.Pins = append(o.Pins, seen)
		wanted[seen.Automation] = true
	}
	for key, a := range c.automations {
		wanted[key] = wanted[key] || !a.deleting
	}
	for _, key := range sortedKeys(wanted) {
		if !wanted[key] {
			continue
		}
		o.Automations = append(o.Automations, observeAutomation(key, c.automations))
	}
	return o
}

func observePin(key Key, object pinObject, policy policyObject) Pin {
	p := Pin{
		Key: key, Automation: object.automation(), Intent: object.intent, Memory: object.memory, Batch: object.batch,
		Filter: object.filter, Suspended: policy.suspended, Orphaned: policy.deleted,
		Decided: object.intent.Round > 0 && object.intent.Round <= policy.round,
	}
	p.Push, p.Leaving = PushNow(object.push, object.batch, object.memory)
	if policy.foreign {
		p.Foreign = "another automation"
	}
	p.Nudged = object.nudged
	if object.readyFor == object.generation {
		p.Selected = object.latest
		p.Outdated = object.ready && object.latest != "" && object.filter != pin.Filter(object.latest)
		p.NoTag = !object.ready && object.batch != ""
	}
	return p
}

func observeAutomation(key Key, all map[Key]automationObject) Automation {
	object, ok := all[key]
	if !ok || object.deleting {
		return Automation{Key: key}
	}
	a := Automation{
		Key: key, Exists: true, Suspended: object.suspended, Selects: object.selects,
		Requested: object.requested, Handled: object.handled, Observed: object.observed, Memory: object.memory,
	}
	if object.readyFor == object.generation {
		a.Ready = object.ready
	}
	return a
}

// perform queues the writes of an action.
func (p *process) perform(view cluster, action Action) {
	switch a := action.(type) {
	case Ensure:
		if _, exists := p.w.api.automations[a.Automation]; !exists {
			p.w.write(func(c *cluster) { c.automations[a.Automation] = automationObject{selects: pin.AtRest} })
			p.w.due[a.Automation] = true
		}
	case Drop:
		p.w.updateAutomation(a.Automation, view.automations[a.Automation].version, func(x *automationObject) { x.deleting = true })
	case Forget:
		p.forget(view, a.Pins)
	case Note:
		p.remember(view, a.Pins, nil)
	case Relax:
		p.remember(view, memoriesOf(view, a.Pins), relaxed)
	case Visit:
		p.todo = []func() bool{func() bool { return p.visit(view, 0) }}
	case Prepare:
		begun := map[Key]pin.Memory{}
		for key, wanted := range a.Wanted {
			begun[key] = Begin(view.pins[key].memory, a.ID, wanted)
		}
		p.remember(view, begun, func(x *pinObject) { x.batch, x.filter = a.ID, pin.Filter(x.memory.Wanted) })
	case Release:
		p.remember(view, a.Pins, released)
	case Nudge:
		for _, key := range a.Pins {
			p.todo = append(p.todo, func() bool {
				return p.w.updatePin(key, view.pins[key].version, func(x *pinObject) { x.nudged = a.Token })
			})
		}
	case Arm:
		p.todo = []func() bool{func() bool { return p.check(view, a) }}
	case Ask:
		p.w.updateAutomation(a.Automation, view.automations[a.Automation].version, func(x *automationObject) { x.requested = a.Token })
	case Disarm:
		p.disarm(view.automations[a.Automation].version, a)
	case Conclude:
		p.todo = []func() bool{func() bool { return p.conclude(view, a) }}
	}
}

func memoriesOf(view cluster, keys []Key) map[Key]pin.Memory {
	memories := map[Key]pin.Memory{}
	for _, key := range keys {
		memories[key] = view.pins[key].memory
	}
	return memories
}

func relaxed(x *pinObject) {
	if text := x.memory.AtRest(); text != "" {
		x.filter = pin.Filter(text)
	}
}

func released(x *pinObject) {
	x.batch = ""
	relaxed(x)
}

// remember queues guarded writes of memories, in any order; the first conflict ends them.
func (p *process) remember(view cluster, memories map[Key]pin.Memory, with func(*pinObject)) {
	keys := sortedKeys(memories)
	p.w.random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	for _, key := range keys {
		memory := memories[key]
		p.todo = append(p.todo, func() bool {
			changed := view.pins[key]
			changed.memory = memory
			if with != nil {
				with(&changed)
			}
			if reflect.DeepEqual(changed, view.pins[key]) {
				return true
			}
			if _, exists := p.w.api.pins[key]; !exists {
				return true
			}
			return p.w.updatePin(key, view.pins[key].version, func(x *pinObject) { x.memory, x.batch, x.filter = memory, changed.batch, changed.filter })
		})
	}
}

func (p *process) forget(view cluster, keys []Key) {
	for _, key := range keys {
		p.todo = append(p.todo, func() bool {
			if live, ok := p.w.api.pins[key]; ok && live.version != view.pins[key].version {
				return false
			}
			p.w.write(func(c *cluster) { delete(c.pins, key) })
			return true
		})
	}
}

func (p *process) disarm(version int, a Disarm) {
	if strings.HasSuffix(a.Memory.Message, scheduleClosed) {
		p.w.ghost.counts.closed++
	}
	p.w.updateAutomation(a.Automation, version, func(x *automationObject) {
		x.selects, x.requested, x.memory = pin.AtRest, a.Token, a.Memory
	})
}

// failed sets when Git is asked again.
func (p *process) failed() time.Time {
	p.failures++
	p.retryAt[simRepository] = p.w.now.Add(Backoff(p.failures))
	return p.retryAt[simRepository]
}

func (p *process) answered() {
	p.failures = 0
	delete(p.retryAt, simRepository)
}

func (w *world) running() []*process {
	w.processes = slices.DeleteFunc(w.processes, func(p *process) bool { return p.gone })
	return w.processes
}
