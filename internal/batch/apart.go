package batch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/message"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Apart is what a push branch has that the checkout branch lacks.
type Apart struct {
	// Branch is its name, Head its newest commit.
	Branch string
	Head   Commit
	// Commits are those that the checkout branch cannot reach. Known: they are all; else others may be among them.
	Commits []Commit
	Known   bool
	// Behind: the branch lacks the newest commit of the checkout branch.
	Behind bool
	// Others are files that the commits change otherwise than by values that are Ours. They are asked for only if a branch is Behind.
	Others []string
}

// Commit is one commit of a branch.
type Commit struct {
	Hash, Message string
	Parents       []string
}

// Standing is what may be done with a push branch.
type Standing struct {
	// Barred is why nothing more may be proposed there, and what to do; empty: it may be.
	Barred string
	// Superfluous: it may be deleted, so that Flux makes it anew.
	Superfluous bool
}

// Judge says what may be done with a push branch, of which the lines of pins are known. Who made its commits is told by what they are,
// not by who signed them: a human may have rebased ours. A branch of somebody else is not written. One that has only what was
// proposed, of which nothing stands any more, may be deleted when it is behind; if others have changed it, they must see to it.
func Judge(pins []Pin, lines map[Key]Line, a Apart) Standing {
	switch {
	case !ours(pins, lines, a):
		return Standing{Barred: fmt.Sprintf("branch %s is there and has nothing that was proposed for this policy, so nothing is pushed there; "+
			"delete it, or choose another git.push.branch", a.Branch)}
	case !a.Behind || Proposes(pins, a.Branch):
		return Standing{}
	case !a.Known:
		return Standing{Barred: fmt.Sprintf("branch %s began so long ago that it is not known what it changes, so nothing more is proposed there; "+
			"merge it, or close its pull request, and delete it", a.Branch)}
	case len(a.Others) > 0:
		return Standing{Barred: fmt.Sprintf("branch %s lacks the newest commit of the checkout branch and has changes that were not proposed (%s), "+
			"so nothing more is proposed there, and it is not deleted; merge it, or close its pull request, and delete it",
			a.Branch, strings.Join(a.Others, ", "))}
	}
	return Standing{Superfluous: true}
}

// ours says whether Flux wrote the branch for the operator: one of its own commits says so, or a line still has what was proposed. Of a
// branch that is merged wholly only the newest commit can tell, or the one that a human merged the checkout branch into.
func ours(pins []Pin, lines map[Key]Line, a Apart) bool {
	made := Made(pins, a.Branch)
	if made[a.Head.Hash] || len(a.Head.Parents) > 1 && made[a.Head.Parents[0]] {
		return true
	}
	for _, c := range a.Commits {
		if made[c.Hash] || slices.ContainsFunc(changesIn(c), func(c Change) bool { return wroteFor(pins, a.Branch, c) }) {
			return true
		}
	}
	for _, p := range pins {
		line, proposal := lines[p.Key], p.Memory.Proposal
		if proposal.Branch == a.Branch && proposal.Tag != "" && versions.Same(line.Value, proposal.Tag) {
			return true
		}
	}
	return false
}

func changesIn(c Commit) []Change {
	trailer, _ := ParseTrailer(c.Hash, c.Message)
	return trailer.Changes
}

// wroteFor says whether a change is one of a pin's line. Another cluster may have a pin of the same name.
func wroteFor(pins []Pin, branch string, c Change) bool {
	return slices.ContainsFunc(pins, func(p Pin) bool {
		return p.Key == c.Pin && p.Memory.Proposal.Branch == branch && p.Memory.File != "" && names(p.Memory.File, c.File)
	})
}

// Ours says which values at markers in a file of a push branch are the operator's: those that commits tell of, or that pins remember.
func Ours(pins []Pin, a Apart) func(file string, key Key, value string) bool {
	byKey := map[Key]Pin{}
	values := map[Key][]string{}
	for _, p := range pins {
		if p.Memory.Proposal.Branch == a.Branch {
			byKey[p.Key] = p
			values[p.Key] = []string{p.Memory.Wanted, p.Memory.Proposal.Tag, p.Memory.Proposal.Checkout}
		}
	}
	for _, commit := range a.Commits {
		for _, c := range changesIn(commit) {
			if p, known := byKey[c.Pin]; known && names(p.Memory.File, c.File) {
				values[c.Pin] = append(values[c.Pin], c.New)
			}
		}
	}
	return func(file string, key Key, value string) bool {
		p, known := byKey[key]
		return known && value != "" && file == p.Memory.File && slices.Contains(values[key], value)
	}
}

// Made are the commits that pins remember of a push branch.
func Made(pins []Pin, branch string) map[string]bool {
	made := map[string]bool{}
	for _, p := range pins {
		if commit := p.Memory.Proposal.Commit; commit != "" && p.Memory.Proposal.Branch == branch {
			made[commit] = true
		}
	}
	return made
}

// Proposes says whether a proposal of any pin stands on a push branch, as far as is known.
func Proposes(pins []Pin, branch string) bool {
	for _, p := range pins {
		if p.Memory.Proposal.Branch == branch && p.Memory.Proposal.Tag != "" {
			return true
		}
	}
	return false
}

// Stale are the memories of prepared pins whose line on the push branch has neither what the checkout branch has nor what is
// proposed, or lacks the marker: others wrote it, or the branch is older; or whose push branch may not be written at all. Flux would
// write it all the same.
func Stale(now time.Time, pins []Pin, r Reading) map[Key]pin.Memory {
	stale := map[Key]pin.Memory{}
	for _, p := range pins {
		if line := r.Lines[p.Key]; line.Stale || line.Barred != "" {
			m := p.Memory
			m.Finding = staleBranch(line)
			stale[p.Key] = later(now, m)
		}
	}
	return stale
}

func staleBranch(l Line) *pin.Finding {
	if l.Barred != "" {
		return &pin.Finding{Reason: reasonStaleBranch, Message: l.Barred}
	}
	return &pin.Finding{Reason: reasonStaleBranch, Message: fmt.Sprintf(
		"branch %s has not what the checkout branch has at %s, so nothing more is proposed there for this target; merge it, or close its pull request, and delete it",
		l.Push, message.Place(l.File, l.Line))}
}
