package batch

import (
	"maps"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// reflectPin is image-reflector-controller's answer for one pin. A tag that is not there leaves the old latestRef.
func (w *world) reflectPin(key Key) {
	object, ok := w.api.pins[key]
	if !ok || object.filter == "" {
		return
	}
	found := ""
	for tag, there := range w.tags {
		if there && pin.Filter(tag) == object.filter {
			found = tag
		}
	}
	latest := object.latest
	forgets := w.forgetful && latest != "" && object.nudged == object.answered && w.random.IntN(3) == 0
	if found != "" && !forgets {
		latest = found
	}
	if !unreflected(w, object) {
		return
	}
	w.note("reflector: %s selects %q, shows %q", key.Name, found, latest)
	w.updatePin(key, -1, func(p *pinObject) {
		p.latest, p.ready, p.readyFor, p.answered = latest, found != "", p.generation, p.nudged
	})
	if latest != object.latest {
		w.allDue()
	}
}

// unreflected are the pins whose answer is missing.
func (w *world) unreflected() []Key {
	var keys []Key
	for _, key := range w.pinKeys() {
		if unreflected(w, w.api.pins[key]) {
			keys = append(keys, key)
		}
	}
	return keys
}

func unreflected(w *world, p pinObject) bool {
	there := false
	for tag, is := range w.tags {
		there = there || is && pin.Filter(tag) == p.filter
	}
	return p.filter != "" && (p.readyFor != p.generation || p.ready != there || p.answered != p.nudged)
}

// dueAutomations have a run, or one to start.
func (w *world) dueAutomations() []Key {
	var keys []Key
	for _, key := range sortedKeys(w.api.automations) {
		if w.runs[key] != nil || w.due[key] || w.api.automations[key].deleting {
			keys = append(keys, key)
		}
	}
	return keys
}

// run is one run of image-automation-controller for one automation.
type run struct {
	stage      stage
	generation int
	// selects is the selector, token the request, and tags the policies that the run has read at its start.
	selects, token string
	tags           map[Key]string
	// base is the commit that it cloned.
	base   int
	failed bool
}

type stage int

const (
	cloning stage = iota
	pushing
	reporting
	concluding
)

// runFlux does the next stage of an automation's run, or starts one that is due. One object has one run at a time.
func (w *world) runFlux(key Key) {
	object, ok := w.api.automations[key]
	r := w.runs[key]
	switch {
	case !ok:
		delete(w.runs, key)
		delete(w.due, key)
	case r == nil && object.deleting:
		w.write(func(c *cluster) { delete(c.automations, key) })
	case r == nil && w.due[key]:
		delete(w.due, key)
		if !object.suspended {
			w.startRun(key, object)
		}
	case r == nil:
	case r.stage == cloning:
		r.failed, r.stage = w.fluxGitDown, pushing
		var there bool
		if r.base, there = w.git.at(branchOf(key)); !there {
			r.base = w.git.branches[checkout]
		}
	case r.stage == pushing:
		w.push(key, r)
		r.stage = reporting
	case r.stage == reporting:
		w.updateAutomation(key, -1, func(a *automationObject) {
			a.handled = r.token
			if !r.failed {
				a.observed = namesOf(r.tags)
			}
		})
		r.stage = concluding
	default:
		w.updateAutomation(key, -1, func(a *automationObject) {
			a.readyFor, a.ready = r.generation, Ready{True: true, Reason: "Succeeded"}
			if r.failed {
				a.ready = Ready{False: true, Reason: "GitOperationFailed", Message: "failed"}
			}
		})
		w.due[key] = w.due[key] || r.failed
		delete(w.runs, key)
	}
}

func namesOf(tags map[Key]string) map[string]string {
	names := map[string]string{}
	for key, tag := range tags {
		names[key.Name] = tag
	}
	return names
}

// startRun reads the automation and lists its policies, once for the run.
func (w *world) startRun(key Key, object automationObject) {
	tags := map[Key]string{}
	for pinKey, p := range w.api.pins {
		if p.batch == object.selects && p.latest != "" {
			tags[pinKey] = p.latest
		}
	}
	w.note("flux: %s runs for %s with %d policies", key.Name, object.selects, len(tags))
	w.runs[key] = &run{generation: object.generation, selects: object.selects, token: object.requested, tags: tags}
	w.ghost.started(w, tags)
}

// push commits and pushes what the clone and the policies say: to the checkout branch without force, to another one with it.
func (w *world) push(key Key, r *run) {
	if r.failed {
		return
	}
	next := commit{
		lines:   maps.Clone(w.git.commits[r.base].lines),
		trailer: &Trailer{Batch: r.selects}, parents: []int{r.base},
	}
	for _, pinKey := range sortedKeys(r.tags) {
		l, tag := next.lines[pinKey], r.tags[pinKey]
		c := Change{Pin: pinKey, File: "f" + pinKey.Name, New: tag, Commit: revision(w.git.last() + 1)}
		if l.copied && l.copy != tag {
			c.Old, c.Object, l.copy = l.copy, "App copy", tag
			if !l.near {
				c.File = "copies/" + c.File
			}
			next.trailer.Changes = append(next.trailer.Changes, c)
		}
		if l.marker && l.value != tag {
			c.Old, c.Object, c.File, l.value, l.human = l.value, "App "+pinKey.Name, "f"+pinKey.Name, tag, w.ghost.gives(r.selects, pinKey)
			next.trailer.Changes = append(next.trailer.Changes, c)
		}
		next.lines[pinKey] = l
	}
	if len(next.trailer.Changes) == 0 {
		return
	}
	branch := branchOf(key)
	refused := branch == checkout && r.base != w.git.branches[checkout] || branch != checkout && w.refusesPush
	if refused || w.fluxGitDown {
		r.failed = true
		return
	}
	w.note("flux: %s pushes batch %s to %s: %v", key.Name, r.selects, branch, next.trailer.Changes)
	w.ghost.pushed(w, branch, next)
	w.git.push(branch, next)
}

// killFlux ends every run where it is. A process that starts looks at everything.
func (w *world) killFlux() {
	w.note("flux: killed")
	w.runs = map[Key]*run{}
	w.allDue()
}
