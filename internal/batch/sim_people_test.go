package batch

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// candidates are the tags that get published, oldest first.
var candidates = []string{
	"1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0", "1.7.0", "1.8.0", "2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.6.0",
}

var policyNames = []string{"one", "two"}

// publish pushes the next tag; every policy offers it.
func (w *world) publish() {
	for _, tag := range candidates {
		if _, known := w.tags[tag]; known {
			continue
		}
		w.note("registry: %s is published", tag)
		w.tags[tag] = true
		for name := range w.api.policies {
			w.updatePolicy(name, func(p *policyObject) { p.candidate = tag })
		}
		return
	}
}

// decide is the policy controller: it says what each pin should want, one write at a time, and then that all is said.
func (w *world) decide(name string) {
	if todo := w.deciding[name]; len(todo) > 0 {
		todo[0]()
		w.deciding[name] = todo[1:]
		return
	}
	policy := w.api.policies[name]
	if policy.deleted {
		return
	}
	round, changed := policy.round+1, false
	for _, key := range w.pinKeys() {
		object := w.api.pins[key]
		if object.policy != name {
			continue
		}
		closed := !w.heedless && policy.schedule.covers(w.now)
		next, prompt := wanted(policy, object, closed, closed && policy.schedule.freeze), w.prompt(key, object)
		changed = changed || next != meantOf(object) || prompt != object.intent.Prompt || object.intent.Round == 0
		w.deciding[name] = append(w.deciding[name], func() {
			if w.api.pins[key].push != next.push {
				delete(w.ghost.bound, key) // what was refused on another branch may be proposed again
			}
			w.updatePin(key, -1, func(p *pinObject) { p.mean(next, prompt, round) })
		})
	}
	if !changed {
		w.deciding[name] = nil
		return
	}
	w.deciding[name] = append(w.deciding[name], func() {
		w.updatePolicy(name, func(p *policyObject) { p.round = round })
	})
}

// prompt asks for Git to be read when the cluster, which follows Git, has another value than the pin remembers.
func (w *world) prompt(key Key, p pinObject) string {
	l := w.head().lines[key]
	if p.memory.Marked && p.memory.Finding == nil && l.value == p.memory.Git && p.memory.Proposal.Tag == "" {
		return p.intent.Prompt
	}
	return revision(w.git.branches[checkout])
}

// events are what people, registries and clocks do.
var events = map[string]func(w *world, t *rapid.T){
	"publish":   func(w *world, _ *rapid.T) { w.publish() },
	"commit":    commitValue,
	"commit2":   commitValue,
	"marker":    commitMarker,
	"policy":    changePolicy,
	"delete":    deletePolicy,
	"schedule":  changeSchedule,
	"tag":       changeTag,
	"race":      commitRace,
	"flux down": func(w *world, t *rapid.T) { w.fluxGitDown = chance(t, "down", 3) == 0 },
	"git down":  func(w *world, t *rapid.T) { w.gitDown = chance(t, "down", 3) == 0 },
	"touch":     touchAutomation,
	"fail":      failVersion,
	"go on":     goOnWith,
	"merge":     mergeBranch,
	"markers":   decideMarkers,
	"close":     closeBranch,
	"edit":      editBranch,
	"rebase":    rebaseBranch,
	"elsewhere": proposeElsewhere,
	"push":      changePush,
	"server":    changeServer,
	"settings":  changeSettings,
	"forget":    func(w *world, _ *rapid.T) { w.forgetful = true },
	"clock": func(w *world, t *rapid.T) {
		w.now = w.now.Add(pick(t, "pause", pauses))
	},
}

// proposals are the events of walks that begin with a push branch.
var proposals = map[string]bool{"merge": true, "markers": true, "close": true, "edit": true, "rebase": true, "elsewhere": true, "push": true, "server": true}

func drawPin(w *world, t *rapid.T) (Key, bool) {
	keys := w.pinKeys()
	if len(keys) == 0 {
		return Key{}, false
	}
	return pick(t, "pin", keys), true
}

// values are what humans write: versions, published or not, and nonsense.
var values = []string{"1.0.0", "1.1.0", "1.2.0", "v1.1.0", "1.3.0", "0.9.0", "1.5.0", "2.1.0", "latest"}

func commitValue(w *world, t *rapid.T) {
	if key, ok := drawPin(w, t); ok {
		commitTo(w, key, pick(t, "value", values))
	}
}

func commitTo(w *world, key Key, value string) {
	if w.head().lines[key].value == value {
		return
	}
	w.ghost.human(w, key, value)
	w.note("human: %s = %s", key.Name, value)
	w.commitLine(key, func(l *line) { l.value, l.human = value, true })
}

// commitRace commits while Flux is about to write, or has just written.
func commitRace(w *world, t *rapid.T) {
	for _, key := range sortedKeys(w.runs) {
		if r := w.runs[key]; len(r.tags) > 0 {
			key := pick(t, "pin", sortedKeys(r.tags))
			commitTo(w, key, pick(t, "value", append([]string{w.api.pins[key].memory.From}, values...)[:1+chance(t, "revert", 2)*len(values)]))
		}
	}
}

func commitMarker(w *world, t *rapid.T) {
	key, ok := drawPin(w, t)
	if !ok {
		return
	}
	what := pick(t, "marker", []string{"delete", "restore", "copy", "uncopy", "restore", "uncopy"})
	was := w.head().lines[key]
	if !w.api.pins[key].memory.Marked {
		return // a human who writes our marker before we do adopts it: that is placement's matter
	}
	now := was
	switch what {
	case "delete":
		now.marker = false
	case "restore":
		now.marker = true
	case "copy":
		now.copied, now.near, now.copy = true, chance(t, "near", 2) == 0, pick(t, "value", append(values, was.value))
	default:
		now.copied = false
	}
	if now == was {
		return
	}
	w.note("human: %s the marker of %s", what, key.Name)
	w.commitLine(key, func(l *line) { *l = now })
	w.ghost.remarked(w, key, now)
	w.ghost.moved[key] = w.git.last()
}

func changePolicy(w *world, t *rapid.T) {
	name := pick(t, "policy", policyNames)
	what := pick(t, "change", []string{"suspend", "resume", "suspend", "resume", "foreign", "exclude"})
	w.note("human: %s policy %s", what, name)
	w.updatePolicy(name, func(p *policyObject) {
		switch what {
		case "suspend":
			p.suspended = true
		case "resume":
			p.suspended = false
		case "foreign":
			p.foreign = !p.foreign
		default:
			p.candidate = "1.1.0"
		}
	})
	delete(w.ghost.quiet, name)
}

func deletePolicy(w *world, t *rapid.T) {
	if chance(t, "really", 3) > 0 {
		return
	}
	w.deletePolicy(pick(t, "policy", policyNames))
}

func changeTag(w *world, t *rapid.T) {
	tag := pick(t, "tag", candidates)
	if there, known := w.tags[tag]; known {
		w.note("registry: tag %s: %v", tag, !there)
		w.tags[tag] = !there
	}
}

// touchAutomation is a human who suspends, asks for a run, or sets the selector to rest by hand.
func touchAutomation(w *world, t *rapid.T) {
	keys := sortedKeys(w.api.automations)
	if len(keys) == 0 {
		return
	}
	key := pick(t, "automation", keys)
	what := pick(t, "touch", []string{"suspend", "resume", "resume", "ask", "rest"})
	w.note("human: %s %s", what, key.Name)
	w.updateAutomation(key, -1, func(a *automationObject) {
		switch what {
		case "suspend":
			a.suspended = true
		case "resume":
			a.suspended = false
		case "ask":
			a.requested = fmt.Sprintf("human-%d", w.versions)
		default:
			a.selects = "at-rest"
		}
	})
}

// changeSettings gives the pins of a policy other commit settings, and so another automation.
func changeSettings(w *world, t *rapid.T) {
	name := pick(t, "policy", policyNames)
	to := pick(t, "to", []string{"a", "b"})
	w.note("human: policy %s commits with settings %s", name, to)
	for _, key := range w.pinKeys() {
		if w.api.pins[key].policy == name {
			w.updatePin(key, -1, func(p *pinObject) { p.settings = to })
		}
	}
}

// drawEvents chooses which events a walk has: one with few gets further than one with all.
func drawEvents(t *rapid.T, pushes bool) []string {
	chosen := []string{"publish", "publish", "publish", "clock"}
	if chance(t, "races", 2) == 0 {
		chosen = append(chosen, "race", "race", "race")
	}
	if chance(t, "failures", 2) == 0 {
		chosen = append(chosen, "fail", "fail", "fail", "go on")
	}
	if chance(t, "schedules", 2) == 0 {
		chosen = append(chosen, "schedule", "schedule", "schedule", "clock")
	}
	if pushes {
		chosen = append(chosen, pick(t, "often", []string{"merge", "close", "schedule", "fail", "edit"}), "merge", "markers")
	}
	for _, name := range slices.Sorted(maps.Keys(events)) {
		if !pushes && proposals[name] {
			continue
		}
		if chance(t, name, 4) == 0 {
			chosen = append(chosen, name)
		}
	}
	return chosen
}
