package batch

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// meant is what the policy controller wants of a pin, and the upgrade that it remembers.
type meant struct{ want, back, from, to, token, push string }

func meantOf(p pinObject) meant {
	return meant{want: p.intent.Want, back: p.intent.Back, from: p.from, to: p.to, token: p.intent.Resume, push: p.push}
}

// mean writes an intent.
func (p *pinObject) mean(next meant, prompt string, round int64) {
	if next.back != "" && next.back != p.intent.Back {
		p.decision++
	}
	p.intent.Want, p.intent.Back, p.intent.Resume = next.want, next.back, next.token
	p.intent.Prompt, p.intent.Round = prompt, round
	p.from, p.to, p.push = next.from, next.to, next.push
}

// wanted is what a policy gives a pin: the candidate, or what the pin had before a version that failed. What is proposed is kept
// if there is nothing newer and nothing but a window is against it.
func wanted(policy policyObject, p pinObject, closed, frozen bool) meant {
	next, tag, git := chosenFor(policy, p, closed), p.memory.Proposal.Tag, p.memory.OnCheckout().Git
	goesBack := versions.Newer(git, tag) // it is a rollback that is proposed
	welcome := !frozen && tag != policy.bad && (goesBack || !versions.Newer(tag, policy.candidate)) && (!goesBack || p.intent.Back == policy.bad)
	switch {
	case tag == "" || next.back != "":
	case !welcome && next.want != git: // it is taken back first
		next.want, next.from, next.to = "", p.from, p.to
	case welcome && p.intent.Want == tag && !versions.Newer(next.want, tag):
		next.want, next.back, next.from, next.to = tag, p.intent.Back, p.from, p.to
	}
	return next
}

func chosenFor(policy policyObject, p pinObject, closed bool) meant {
	m := p.memory.OnCheckout()
	git := m.Git
	next := meant{from: p.from, to: p.to, token: policy.token, push: policy.push}
	if p.intent.Want == git {
		next.want = p.intent.Want
	}
	back := p.intent.Back
	if back != "" && !versions.Same(git, back) { // done, or a human's matter
		next.from, next.to = "", ""
	}
	switch {
	case !m.Marked || closed || policy.suspended || policy.candidate == "":
	case policy.bad != "" && next.to == policy.bad && versions.Same(git, policy.bad):
		next.want, next.back = versions.Tag(next.from), policy.bad
	case policy.candidate == policy.bad || !versions.Newer(policy.candidate, git):
	case m.Hold != nil && !versions.Newer(policy.candidate, m.Hold.UpTo):
	case policy.candidate != next.to:
		next.want, next.from, next.to = policy.candidate, git, policy.candidate
	default:
		next.want = policy.candidate
	}
	return next
}

// failVersion: a version that was written fails, or it turns out that none did.
func failVersion(w *world, t *rapid.T) {
	key, ok := drawPin(w, t)
	if !ok {
		return
	}
	object := w.api.pins[key]
	w.note("policy %s: %s fails", object.policy, object.to)
	w.updatePolicy(object.policy, func(p *policyObject) { p.bad = object.to })
}

// goOnWith is a human who asks a policy to go on.
func goOnWith(w *world, t *rapid.T) {
	name := pick(t, "policy", policyNames)
	token := fmt.Sprintf("token-%d", w.versions)
	w.note("human: go on with policy %s: %s", name, token)
	w.updatePolicy(name, func(p *policyObject) { p.bad, p.token = "", token })
}

func (w *world) deletePolicy(name string) {
	w.note("human: delete policy %s", name)
	w.updatePolicy(name, func(p *policyObject) { p.deleted = true })
	delete(w.ghost.quiet, name)
}
