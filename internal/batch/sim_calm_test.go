package batch

import (
	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// What must be true of push branches once all is calm, and a human who merges what is proposed.

// assertWithdrawn: what is on a push branch is what its policy proposes now.
func (w *world) assertWithdrawn() {
	for key, p := range w.api.pins {
		policy := w.api.policies[p.policy]
		if _, there := w.git.at(p.push); p.push == "" || !there || policy.suspended || policy.deleted || policy.foreign || p.memory.Finding != nil {
			continue
		}
		main, l := w.head().lines[key], w.git.merged(p.push, false).lines[key]
		later := w.api.automations[p.automation()].memory.RetryAt.After(w.now)
		if versions.Same(l.value, main.value) || l.human || !main.marker || later {
			continue
		}
		replaced := versions.Newer(p.intent.Want, l.value) && policy.schedule.closed(w.now, p) != ""
		if !versions.Same(p.intent.Want, l.value) && !replaced {
			w.ghost.fail("branch %s has %s for %s, and its policy wants %q", p.push, l.value, key.Name, p.intent.Want)
		}
		if !w.heedless && policy.schedule.covers(w.now) && policy.schedule.freeze && (p.intent.Back == "" || policy.schedule.all) {
			w.ghost.fail("branch %s has %s for %s, and its policy is frozen", p.push, l.value, key.Name)
		}
	}
}

// mergeAll is a human who merges what is proposed, and at last deletes what findings tell to delete, while nothing else happens.
func (w *world) mergeAll(t *rapid.T, deletes bool) bool {
	if w.mergeMarkers(t) {
		return true
	}
	if _, there := w.git.at(markersBranch); there && w.protected { // what a human put there may have been squashed
		delete(w.git.branches, markersBranch)
		return true
	}
	for _, branch := range w.pushed() {
		proposes, stale := false, false
		for _, p := range w.api.pins {
			proposes = proposes || p.push == branch && p.memory.Proposal.Tag != "" && p.intent.Want == p.memory.Proposal.Tag
			stale = stale || p.push == branch && p.memory.Finding != nil && p.memory.Finding.Reason == reasonStaleBranch
		}
		switch {
		case proposes && len(w.git.own(branch)) > 0:
			w.merge(branch, pick(t, "way", []string{"merge", "squash", "rebase"}), chance(t, "delete", 2) == 0)
			return true
		case stale && deletes:
			w.note("human: deletes branch %s, as a finding says", branch)
			w.ghost.act(w, branch, func() { delete(w.git.branches, branch) })
			return true
		}
	}
	return false
}

// refusedUnseen: a human took a proposal away, or merged it and went back at once, which is noticed when the checkout branch has a
// new commit.
func (w *world) refusedUnseen(key Key, p pinObject) bool {
	tag := p.memory.Proposal.Tag
	return p.push != "" && tag != "" && (!versions.Same(w.git.head(p.push).lines[key].value, tag) || len(w.git.own(p.push)) == 0)
}
