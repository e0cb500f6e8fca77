package batch

import (
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Proposed is a pin's line as its two branches show it: the checkout branch, and the push branch if there is one. Flux writes the
// push branch, which it makes from the checkout branch if it is not there.
func Proposed(p Pin, checkout Line, pushed *Line) Line {
	line := checkout
	line.Push, line.Checkout = p.Push, checkout.Value
	if pushed == nil || checkout.File == "" {
		return line
	}
	if pushed.File != "" {
		line.File, line.Line, line.Value = pushed.File, pushed.Line, pushed.Value
	}
	if checkout.Problem == nil {
		line.Problem = pushed.Problem
		line.Stale = p.Memory.Proposal.Tag == "" && line.Value != p.Memory.Wanted && (pushed.Problem != nil || line.Value != checkout.Value)
	}
	return line
}

// PushNow is the push branch of a pin as things are, if its policy wants one; empty: none. A pin in a batch leaves the branch of that
// when the batch ends, and one of which a proposal stands when it is withdrawn there.
func PushNow(wanted, inBatch string, m pin.Memory) (push string, leaving bool) {
	if m.Proposal.Branch == wanted || inBatch == "" && m.Proposal.Tag == "" {
		return wanted, false
	}
	return m.Proposal.Branch, true
}

// recallProposal updates a memory by what its two branches show. On the checkout branch a human chooses a version as without a
// push branch, but for one that merges what was proposed. On the push branch only a proposal counts: a human who takes it away
// refuses that version.
func recallProposal(m pin.Memory, l Line) pin.Memory {
	was := m.Proposal
	if was.Branch == "" {
		was.Checkout = m.Git
	}
	if was.Branch != l.Push { // what stands on another branch is a human's to close
		was.Branch, was.Tag, was.Commit = l.Push, "", ""
	}
	merged := was.Tag != "" && versions.Same(was.Tag, l.Checkout)
	if !merged || leftNewer(m, was.Checkout, l.Checkout) {
		m = chosen(m, was.Checkout, l.Checkout)
	}
	m.File, m.Line = l.File, l.Line
	m.Git, m.Proposal = l.Checkout, pin.Proposal{Branch: l.Push, Checkout: l.Checkout, Commit: was.Commit}
	switch {
	case merged || was.Tag == "":
	case versions.Same(was.Tag, l.Value):
		m.Git, m.Proposal.Tag = l.Value, was.Tag
	case !versions.Newer(l.Value, was.Tag) && versions.Newer(was.Tag, l.Checkout):
		m = held(m, was.Tag)
	}
	return m
}

// leftNewer: a human left what was newer than an upgrade that was proposed before. Only the merge of a rollback leads down.
func leftNewer(m pin.Memory, before, now string) bool {
	return !downward(m) && versions.Newer(before, now)
}

// noted is the memory of a pin whose wanted version stands on the push branch. It is a proposal even if it was to take one back: that
// may have been merged meanwhile. If the checkout branch has it, it ends as one that is merged, see recallProposal.
func noted(p Pin, m pin.Memory) pin.Memory {
	if p.Push == "" {
		return m
	}
	m.Proposal.Tag = m.Wanted
	if p.Memory.Restore == m.Wanted {
		m.Proposal.Tag = ""
	}
	return m
}

// adopted is the memory of a pin whose wanted version stands on the push branch although Flux did not write it for this batch. One
// that was to be withdrawn and is gone was taken away by a human.
func adopted(p Pin, m pin.Memory) pin.Memory {
	if versions.Same(m.Wanted, m.Proposal.Checkout) {
		return m
	}
	return noted(p, m)
}

// withdrawal is the tag by which a proposal is taken back that the policy does not want any more: that of the checkout branch.
// Empty: there is none, or it is wanted, or a newer one replaces it that the checkout branch does not have.
func withdrawal(p Pin) string {
	proposal := p.Memory.Proposal
	switch {
	case proposal.Tag == "" || proposal.Branch != p.Push || !p.Decided && !p.Orphaned:
		return ""
	case !p.Leaving && !Leaves(p) && (p.Intent.Want == proposal.Tag || leads(p.Intent, p.Memory.Git) && !onCheckout(p)):
		return ""
	}
	return tagOf(p.Intent.Target, proposal.Checkout)
}

// Recalls: a pin that leaves takes its proposal back before its marker is removed. Both change one line, so a proposal that stays could
// not be merged any more, and no other one of its branch. What keeps Flux from it is not waited for: the marker goes then, and the
// proposal is a human's to close. Only while Git cannot be read there is nothing else to do.
func Recalls(o Observation, p Pin) bool {
	m := p.Memory
	leads := m.Marked && m.Leader == "" && m.Restore == ""
	return Leaves(p) && leads && withdrawal(p) != "" && stopped(p) == "" && !hindered(o, p)
}

// hindered: Flux does not answer for a pin, or cannot write it, as far as is known.
func hindered(o Observation, p Pin) bool {
	if a := o.automation(p.Automation); a == nil || a.Suspended || a.Memory.RetryAt.After(o.Now) { // nil: it is being deleted
		return true
	}
	f := p.Memory.Finding
	if p.Batch != "" || f == nil {
		return false
	}
	_, failing := o.GitRetryAt[p.Intent.Source.Repository] // else it is only the push branch that cannot be read
	return f.Reason != reasonGitUnreadable || !failing
}

// tagOf is the tag for a text in Git: the one that exists, if the target takes it with and without a v.
func tagOf(target pin.Target, text string) string {
	if target.Verbatim {
		return text
	}
	return versions.Tag(text)
}

// onCheckout: the checkout branch has the version that a pin wants, whatever an old push branch has.
func onCheckout(p Pin) bool {
	return p.Push != "" && versions.Same(p.Intent.Want, p.Memory.Proposal.Checkout)
}
