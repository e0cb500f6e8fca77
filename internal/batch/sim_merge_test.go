package batch

import (
	"maps"

	"pgregory.net/rapid"
)

// What people and other clusters do with push branches.

var pushBranches = []string{"upgrades", "next"}

// pushed are the push branches that are there.
func (w *world) pushed() []string {
	var there []string
	for _, branch := range pushBranches {
		if _, ok := w.git.at(branch); ok {
			there = append(there, branch)
		}
	}
	return there
}

func drawBranch(w *world, t *rapid.T) (string, bool) {
	there := w.pushed()
	if len(there) == 0 {
		return "", false
	}
	return pick(t, "branch", there), true
}

// mergeBranch is a human who merges what is proposed, in one of the three ways.
func mergeBranch(w *world, t *rapid.T) {
	branch, ok := drawBranch(w, t)
	if !ok || len(w.git.own(branch)) == 0 {
		return
	}
	w.merge(branch, pick(t, "way", []string{"merge", "squash", "squash and tell", "rebase"}), chance(t, "delete", 2) == 0)
}

func (w *world) merge(branch, way string, deletes bool) {
	w.note("human: %s branch %s, and deletes it: %t", way, branch, deletes)
	before, own := w.head().lines, w.git.own(branch)
	next := w.git.merged(branch, true)
	next.parents = []int{w.git.branches[checkout]}
	switch way {
	case "rebase":
		w.git.rebased(branch, checkout)
		w.git.land(own)
	case "merge":
		next.parents = append(next.parents, w.git.branches[branch])
		w.git.push(checkout, next)
	case "squash and tell":
		next.trailer = w.git.commits[own[len(own)-1]].trailer
		fallthrough
	default:
		w.git.push(checkout, next)
		w.git.land(own)
	}
	w.ghost.mergedBy(w, before)
	if deletes {
		delete(w.git.branches, branch)
	}
	w.ghost.branched[branch] = w.git.last() + 1
}

// closeBranch is a human who does not want what is proposed.
func closeBranch(w *world, t *rapid.T) {
	if branch, ok := drawBranch(w, t); ok {
		w.note("human: deletes branch %s", branch)
		w.ghost.act(w, branch, func() { delete(w.git.branches, branch) })
	}
}

// editBranch is a human who commits to a push branch, or makes it.
func editBranch(w *world, t *rapid.T) {
	branch := pick(t, "branch", pushBranches)
	_, there := w.git.at(branch)
	if !there && chance(t, "make", 4) > 0 {
		return
	}
	key, ok := drawPin(w, t)
	if !ok {
		return
	}
	what := pick(t, "edit", []string{"value", "restore", "file", "amend", "marker", "update"})
	value := pick(t, "value", values)
	w.note("human: %s on branch %s (%s %s)", what, branch, key.Name, value)
	w.ghost.act(w, branch, func() { w.edit(branch, key, what, value) })
}

func (w *world) edit(branch string, key Key, what, value string) {
	change := func(c *commit, change func(l *line)) {
		l := c.lines[key]
		change(&l)
		c.lines[key] = l
	}
	switch what {
	case "value":
		w.git.add(branch, func(c *commit) { change(c, func(l *line) { l.value, l.human = value, true }) })
	case "restore":
		w.git.add(branch, func(c *commit) { c.lines[key] = w.head().lines[key] })
	case "marker":
		w.git.add(branch, func(c *commit) { change(c, func(l *line) { l.marker = false }) })
	case "file":
		w.git.add(branch, func(c *commit) { c.files = with(c.files, revision(w.git.last())) })
	case "update": // the button that merges the checkout branch into it
		w.update(branch)
	default: // the last commit gets another content, and keeps its message
		own := w.git.own(branch)
		if len(own) == 0 {
			return
		}
		c := w.git.commits[own[len(own)-1]]
		c.lines, c.files = maps.Clone(c.lines), with(c.files, revision(w.git.last()))
		change(&c, func(l *line) { l.value, l.human = value, true })
		w.git.push(branch, c)
	}
}

func with(files map[string]bool, file string) map[string]bool {
	more := map[string]bool{file: true}
	maps.Copy(more, files)
	return more
}

// update merges the checkout branch into another one.
func (w *world) update(branch string) {
	n, ok := w.git.at(branch)
	if !ok || len(w.git.own(branch)) == 0 {
		return
	}
	c := w.git.merged(branch, true)
	c.parents = []int{n, w.git.branches[checkout]}
	w.git.push(branch, c)
}

// rebaseBranch is a human who puts a push branch upon the newest commit of the checkout branch.
func rebaseBranch(w *world, t *rapid.T) {
	branch, ok := drawBranch(w, t)
	if !ok {
		return
	}
	w.note("human: rebases branch %s", branch)
	w.ghost.act(w, branch, func() { w.git.rebased(branch, branch) })
}

// proposeElsewhere is the operator of another cluster, and its Flux, with the same push branch.
func proposeElsewhere(w *world, t *rapid.T) {
	branch := pick(t, "branch", pushBranches)
	version := pick(t, "version", candidates)
	w.note("another cluster: proposes %s on branch %s", version, branch)
	w.ghost.act(w, branch, func() {
		w.git.add(branch, func(c *commit) {
			c.trailer = &Trailer{Batch: "belsewhere-" + version, Changes: []Change{{Pin: theirs, File: "elsewhere", Old: c.lines[theirs].value, New: version}}}
			c.lines[theirs] = line{value: version, marker: true, human: true}
		})
	})
}

// changePush is a human who proposes versions from now on, or does not any more, or does so elsewhere.
func changePush(w *world, t *rapid.T) {
	name := pick(t, "policy", policyNames)
	to := pick(t, "push", []string{"", "upgrades", "upgrades", "next"})
	w.note("human: policy %s pushes to %q", name, to)
	w.updatePolicy(name, func(p *policyObject) { p.push = to })
}

// changeServer is a server that refuses pushes to other branches, or to delete them, or pushes of markers to the checkout branch.
func changeServer(w *world, t *rapid.T) {
	w.refusesPush, w.refusesDelete = chance(t, "push", 3) == 0, chance(t, "delete", 3) == 0
	w.protected = chance(t, "protect", 2) == 0
	w.note("server: refuses to push %t, to delete %t, is protected %t", w.refusesPush, w.refusesDelete, w.protected)
}
