package batch

import (
	"fmt"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Settle judges a batch that is at rest again: the memories of its pins. trailer is that of the batch's commit, nil if
// Flux made none.
func Settle(now time.Time, pins []Pin, a AutomationMemory, r Reading, commit *Trailer) map[Key]pin.Memory {
	settled := map[Key]pin.Memory{}
	for _, p := range pins {
		line := r.Lines[p.Key]
		m := p.Memory
		old, wrote := "", false
		if commit != nil {
			old, wrote = commit.Old[p.Key]
		}
		if wrote {
			m.Commit = commit.Hash
		}
		settled[p.Key] = settle(now, p, m, a, line, r.Revision, outcome{wrote: wrote, old: old, alone: len(pins) == 1})
	}
	return settled
}

// outcome is what the batch's commit says of one pin.
type outcome struct {
	// wrote: the commit changed the line, from old.
	wrote bool
	old   string
	// alone: the batch had no other pin.
	alone bool
}

func settle(now time.Time, p Pin, m pin.Memory, a AutomationMemory, line Line, revision string, o outcome) pin.Memory {
	switch {
	case line.Problem != nil:
		return Recall(m, line, revision)
	case line.Value == m.Wanted:
		m.Git = line.Value // ours, not a human's
		m = written(Recall(m, line, revision))
		if o.wrote && o.old != m.From && o.old != m.Wanted {
			// A human committed between the check and Flux's run: give the value back.
			m = held(m, m.Wanted)
			m.Restore = o.old
		}
		return m
	case line.Value != m.From || o.wrote:
		m.Git = m.Wanted // what the human left
		return Recall(m, line, revision)
	default:
		return unchanged(now, p, Recall(m, line, revision), a, o)
	}
}

// unchanged: the line reads what it read before.
func unchanged(now time.Time, p Pin, m pin.Memory, a AutomationMemory, o outcome) pin.Memory {
	switch a.Outcome {
	case Observed:
		m.Finding = ineffective(p)
		m.RetryAt = ""
	case GitFailed:
		m.Finding = &pin.Finding{Reason: reasonGitUnwritable, Message: fmt.Sprintf(
			"Flux cannot write the repository: %s; see that the GitRepository's secret may push to the branch", a.Message)}
		m.RetryAt = a.RetryAt.UTC().Format(time.RFC3339)
	case Failed:
		if !o.alone { // the next, smaller batches find the pin that it is
			return m
		}
		message := a.Message
		if message == "" {
			message = "no answer in time; see whether image-automation-controller runs"
		}
		m.Finding = &pin.Finding{Reason: reasonUpdateFailed, Message: "Flux did not write the version: " + message}
		m = later(Observation{Now: now}, m)
	case Withdrawn:
	}
	return m
}
