package batch

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// The simulated world is plain values: what the API server has, what Git has, and what is in flight.

// policyObject is an AppUpgradePolicy with its candidate.
type policyObject struct {
	suspended, deleted, foreign bool
	// push is the branch that Flux pushes to; empty: the checkout branch.
	push string
	// candidate is the tag that the policy offers; round the newest whose intents are written.
	candidate string
	round     int64
	// bad is a version that failed: what it was written over comes back. token is a human's to go on.
	bad, token string
	// schedule of the policy.
	schedule calendar
}

// pinObject is the ImagePolicy of one line.
type pinObject struct {
	version, generation int
	policy              string
	// settings of its commits, and the branch that Flux pushes them to.
	settings, push string
	batch, filter  string
	intent         pin.Intent
	memory         pin.Memory
	// from and to are the last upgrade that the policy decided. decision counts its rollbacks.
	from, to string
	decision int
	// latest is status.latestRef; ready the Ready condition for generation readyFor.
	latest   string
	ready    bool
	readyFor int
	// nudged is the token by which Flux was asked to look again, answered the last one that it has seen.
	nudged, answered string
}

// automationObject is an ImageUpdateAutomation.
type automationObject struct {
	version, generation         int
	selects, requested, handled string
	suspended, deleting         bool
	ready                       Ready
	readyFor                    int
	observed                    map[string]string
	memory                      AutomationMemory
}

// cluster is what the API server has at one moment. Its values are never changed in place.
type cluster struct {
	pins        map[Key]pinObject
	automations map[Key]automationObject
	policies    map[string]policyObject
}

func (c cluster) clone() cluster {
	return cluster{pins: maps.Clone(c.pins), automations: maps.Clone(c.automations), policies: maps.Clone(c.policies)}
}

// remembered is how many old states of the API server a cache may still show.
const remembered = 12

type world struct {
	now      time.Time
	api      cluster
	past     []cluster
	versions int
	ids      uint32
	git      repo
	tags     map[string]bool
	// runs are Flux's runs in flight, due those that were asked for.
	runs map[Key]*run
	due  map[Key]bool
	// pushes and clones fail while set.
	fluxGitDown, gitDown bool
	// the server refuses to let Flux push to other branches than the checkout branch, and the operator delete them, while set.
	refusesPush, refusesDelete bool
	// protected: the server does not let the operator push markers to the checkout branch.
	protected bool
	// visits counts clones of the operator that worked.
	visits int
	// forgetful: the reflector's answers may leave out a latestRef that its cache has already.
	forgetful bool
	processes []*process
	deciding  map[string][]func()
	ghost     *ghost
	// events are those that this walk has.
	events []string
	// heedless: the policy controller never takes back what it wanted when a schedule closes.
	heedless bool
	// haste is how many of a hundred steps are such events.
	haste int
	// leaders is how many processes believe to lead.
	leaders int
	// lag is how many writes caches are behind at most, less one.
	lag int
	log []string
	// random is the order of writes that are made at once.
	random *rand.Rand
}

// where the simulation's pins are.
const simNamespace = "org"

var (
	simRepository = pin.NamespacedName{Namespace: "flux", Name: "gitops"}
	// theirs is the line of another cluster, whose operator uses the same repository.
	theirs = Key{"elsewhere", "p0"}
)

// automationOf is the automation for commit settings and a push branch.
func automationOf(settings, push string) Key {
	if push != "" {
		settings += "." + push
	}
	return Key{simNamespace, "automation-" + settings}
}

// branchOf is the branch to which an automation pushes.
func branchOf(automation Key) string {
	if _, push, ok := strings.Cut(automation.Name, "."); ok {
		return push
	}
	return checkout
}

// pushes is the branch that Flux pushes to for a pin as things are.
func (p pinObject) pushes() string {
	push, _ := PushNow(p.push, p.batch, p.memory)
	return push
}

func (p pinObject) automation() Key { return automationOf(p.settings, p.pushes()) }

// newWorld has pins of two policies, placed and at rest at 1.0.0, or all new. Policies that agree about commits share one
// automation, and so their batches. With a push branch both propose versions there.
func newWorld(pins int, placed, agree bool, push string, seed uint64) *world {
	w := &world{
		now:      time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC),
		api:      cluster{pins: map[Key]pinObject{}, automations: map[Key]automationObject{}, policies: map[string]policyObject{}},
		tags:     map[string]bool{"1.0.0": true},
		runs:     map[Key]*run{},
		due:      map[Key]bool{},
		deciding: map[string][]func(){},
		ghost:    newGhost(),
		random:   rand.New(rand.NewPCG(seed, 0)),
	}
	for _, name := range policyNames {
		w.api.policies[name] = policyObject{candidate: "1.0.0", push: push}
	}
	first := commit{lines: map[Key]line{theirs: {value: "1.0.0", marker: true, human: true}}}
	for i := range pins {
		key := Key{simNamespace, fmt.Sprintf("pin.app.p%d", i)}
		object := pinObject{policy: "one", settings: "a", push: push, intent: pin.Intent{Mark: true, Source: pin.Source{Repository: simRepository}}}
		object.intent.Target = pin.Target{Kind: "App", Name: fmt.Sprintf("p%d", i)}
		if i == pins-1 {
			object.policy = "two"
			if !agree {
				object.settings = "b"
			}
		}
		if placed {
			object.memory = pin.Memory{File: "f" + key.Name, Line: 1, Git: "1.0.0", Revision: revision(0), Marked: true}
			object.filter, object.latest, object.ready = pin.Filter("1.0.0"), "1.0.0", true
			w.api.automations[object.automation()] = automationObject{selects: pin.AtRest}
		}
		w.api.pins[key] = object
		first.lines[key] = line{value: "1.0.0", marker: placed}
	}
	w.git = repo{commits: []commit{first}, branches: map[string]int{checkout: 0}, landed: map[int]bool{}}
	w.start()
	return w
}

func revision(n int) string { return fmt.Sprintf("commit-%04d", n) }

// head is the newest commit of the checkout branch.
func (w *world) head() commit { return w.git.head(checkout) }

// note keeps what happened, to be shown if the walk fails.
func (w *world) note(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }

// write changes the cluster; caches may show the old one.
func (w *world) write(change func(c *cluster)) {
	w.past = append(w.past, w.api)
	if len(w.past) > remembered {
		w.past = w.past[1:]
	}
	w.api = w.api.clone()
	change(&w.api)
}

// updatePin writes a pin if it exists and is still at version; -1 is any.
func (w *world) updatePin(key Key, version int, change func(p *pinObject)) bool {
	object, ok := w.api.pins[key]
	if !ok || version >= 0 && object.version != version {
		return false
	}
	filter, memory := object.filter, object.memory
	change(&object)
	if object.memory.Resume != memory.Resume {
		w.ghost.resumed(key, memory, object.memory)
	}
	if object.filter != filter {
		object.generation++
	}
	w.versions++
	object.version = w.versions
	w.write(func(c *cluster) { c.pins[key] = object })
	return true
}

// updateAutomation writes an automation, like updatePin. A new selector or token wakes Flux.
func (w *world) updateAutomation(key Key, version int, change func(a *automationObject)) bool {
	object, ok := w.api.automations[key]
	if !ok || version >= 0 && object.version != version {
		return false
	}
	before := object
	change(&object)
	if object.selects != before.selects || object.suspended != before.suspended {
		object.generation++
		w.due[key] = true
	}
	if object.requested != before.requested {
		w.due[key] = true
	}
	w.versions++
	object.version = w.versions
	w.write(func(c *cluster) { c.automations[key] = object })
	return true
}

func (w *world) updatePolicy(name string, change func(p *policyObject)) {
	w.write(func(c *cluster) {
		object := c.policies[name]
		change(&object)
		c.policies[name] = object
	})
}

// commitLine adds a commit that changes one line.
func (w *world) commitLine(key Key, change func(l *line)) {
	w.git.add(checkout, func(c *commit) {
		l := c.lines[key]
		change(&l)
		c.lines[key] = l
	})
}

// allDue is what any change of a latestRef does.
func (w *world) allDue() {
	for key := range w.api.automations {
		w.due[key] = true
	}
}

func (w *world) pinKeys() []Key { return sortedKeys(w.api.pins) }

func sortedKeys[V any](of map[Key]V) []Key {
	return slices.SortedFunc(maps.Keys(of), func(a, b Key) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
}
