package batch

import (
	"fmt"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Settle judges a batch that is at rest again: the memories of its pins. commit is what Flux committed for the batch, nil if
// it did not; see Combine if it committed more than once.
func Settle(now time.Time, pins []Pin, a AutomationMemory, r Reading, commit *Trailer) map[Key]pin.Memory {
	alone := max(a.Size, len(pins)) == 1
	settled := map[Key]pin.Memory{}
	for _, p := range pins {
		line := r.Lines[p.Key]
		m := p.Memory
		changes := commit.changesOf(p, line)
		if len(changes) > 0 {
			m = overwritten(p, changes)
		}
		switch {
		case len(changes) > 0 || line.File == "":
			m = Recall(m, line, r.Revision)
		case line.Value == m.From:
			m = unchanged(now, p, Recall(m, line, r.Revision), a, alone)
		case downward(m): // a human was faster, and left what the batch was to leave
			m = Recall(m, line, r.Revision)
		case line.Value == m.Wanted:
			m.Git = line.Value // as wanted, whoever wrote it
			m = Recall(written(adopted(p, m)), line, r.Revision)
		default:
			m.Git = m.Wanted // what the human kept away
			m = Recall(m, line, r.Revision)
		}
		settled[p.Key] = m
	}
	return settled
}

// overwritten is the memory of a pin whose line Flux wrote. If that took a human's value away, one that was committed
// between the check and Flux's run, or between two runs, the value is to be given back. (A human who then turns the line
// elsewhere and back to the very value that Flux wrote, before the batch is settled, looks the same and gets it back too.)
func overwritten(p Pin, newestFirst []Change) pin.Memory {
	m, old := noted(p, p.Memory), newestFirst[0].Old
	m.Git, m.Commit = m.Wanted, newestFirst[0].Commit
	if p.Push != "" {
		m.Proposal.Commit = m.Commit
	}
	tag := tagOf(p.Intent.Target, old)
	if tag == m.Wanted || old == m.From && len(newestFirst) == 1 {
		return written(m)
	}
	if p.Push != "" {
		return proposedOver(m, old)
	}
	m.Restore = tag
	m.Finding, m.Failures, m.RetryAt = nil, 0, ""
	left := m.Wanted
	if downward(m) {
		left = m.From
	}
	if !versions.Newer(old, left) && !versions.Same(old, left) {
		m = held(m, left)
	}
	return m
}

// proposedOver is the memory of a pin whose version was proposed over another text than the one that was checked. Nothing is to be
// given back: a human decides about the branch as it is. One who took an earlier proposal away meanwhile has refused that.
func proposedOver(m pin.Memory, old string) pin.Memory {
	m = written(m)
	if versions.Newer(m.From, old) {
		m = held(m, m.From)
	}
	return m
}

// unchanged: the line reads what it read before, and Flux did not write it.
func unchanged(now time.Time, p Pin, m pin.Memory, a AutomationMemory, alone bool) pin.Memory {
	if m.Finding != nil && !aboutMoving(m.Finding) {
		return m // what is wrong in the file says why
	}
	switch a.Outcome {
	case Observed:
		m.Finding = ineffective(p)
		m.RetryAt = ""
	case GitFailed:
		m.Finding = &pin.Finding{Reason: reasonGitUnwritable, Message: fmt.Sprintf(
			"Flux cannot write the repository: %s; see that the GitRepository's secret may push to the branch", a.Message)}
		m.RetryAt = a.RetryAt.UTC().Format(time.RFC3339)
	case Unanswered:
		m.Finding = noAnswer(p.Automation)
		m.RetryAt = a.RetryAt.UTC().Format(time.RFC3339)
	case Failed:
		if !alone { // the next, smaller batches find the pin that it is
			return m
		}
		message := a.Message
		if message == "" {
			message = "its runs succeed and do not find the marker"
		}
		m.Finding = &pin.Finding{Reason: reasonUpdateFailed, Message: "Flux did not write the version: " + message}
		m = later(now, m)
	case Withdrawn, Abandoned:
	}
	return m
}
