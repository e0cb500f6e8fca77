package repository

import (
	"context"
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/placement"
)

// depth is how many commits back those of a batch are looked for, at most to the one at which it was checked.
const depth = 200

// conclude reads what became of a batch that is at rest again, remembers it, and releases the pins.
func (r *Reconciler) conclude(ctx context.Context, s *scope, a batch.Conclude) error {
	pins := s.placementPins(func(p batch.Pin) bool { return p.Batch == a.ID })
	if len(pins) == 0 {
		return errStale
	}
	repository := pins[0].Intent.Source.Repository
	memory := observeAutomation(s.automations[a.Automation]).Memory
	reading, commit, err := r.outcome(ctx, s, pins, memory)
	if unread(err) {
		return r.leaveUnread(ctx, s, batchPins(pins), err)
	}
	if err != nil {
		if gitFinding(err) == nil || isStopped(ctx, err) {
			return fmt.Errorf("read what batch %s wrote: %w", a.ID, err)
		}
		r.retries.failed(s.key, repository, r.retries.next(s.key, repository, r.Now()))
		log.FromContext(ctx).Info("Cannot read what a batch wrote, and will try again", "batch", a.ID, "error", err.Error())
		return errStale
	}
	r.retries.forget(s.key, repository)
	r.unread.forget(s.key, pushBranchOf(pins[0].Pin))
	settled := batch.Settle(r.Now(), batchPins(pins), memory, reading, commit)
	if err := r.remember(ctx, s, followers(s, a.ID, settled), keep); err != nil {
		return err
	}
	return r.remember(ctx, s, settled, release)
}

// outcome is what the branch shows after a batch, and what Flux's commits of it say.
func (r *Reconciler) outcome(ctx context.Context, s *scope, pins []placement.Pin, memory batch.AutomationMemory) (batch.Reading, *batch.Trailer, error) {
	found, err := r.look(ctx, s, pins)
	if err != nil {
		return batch.Reading{}, nil, err
	}
	defer found.close()
	reading, head := found.reading, found.head
	if head.Hash == memory.Base {
		return reading, nil, nil
	}
	if trailer, ok := batch.ParseTrailer(head.Hash, head.Message); ok && trailer.Batch == memory.Batch && slices.Equal(head.Parents, []string{memory.Base}) {
		return reading, &trailer, nil
	}
	trailer, err := r.history(ctx, found.remote, memory)
	if found.pushed != nil && gitops.ReasonOf(err) == gitops.ReasonTooLarge {
		return reading, nil, nil // what the lines have must do
	}
	return reading, trailer, err
}

// history combines what all commits of a batch say: others committed too, and if it was to one of the lines, Flux may have
// committed more than once.
func (r *Reconciler) history(ctx context.Context, remote gitops.Remote, memory batch.AutomationMemory) (*batch.Trailer, error) {
	var trailers []batch.Trailer
	_, _, err := r.Git.FindCommit(ctx, remote, depth, func(c gitops.Commit) bool {
		if trailer, ok := batch.ParseTrailer(c.Hash, c.Message); ok && trailer.Batch == memory.Batch {
			trailers = append(trailers, trailer)
		}
		return c.Hash == memory.Base
	})
	return batch.Combine(trailers), err
}

func batchPins(pins []placement.Pin) []batch.Pin {
	out := make([]batch.Pin, 0, len(pins))
	for _, p := range pins {
		out = append(out, p.Pin)
	}
	return out
}

// followers of settled pins read the same line.
func followers(s *scope, id string, settled map[batch.Key]pin.Memory) map[batch.Key]pin.Memory {
	memories := map[batch.Key]pin.Memory{}
	for _, p := range s.Pins {
		leader, ok := settled[batch.Key{Namespace: p.Key.Namespace, Name: p.Memory.Leader}]
		if p.Memory.Leader == "" || p.Batch == id || !ok {
			continue
		}
		memory := p.Memory
		memory.File, memory.Line, memory.Git, memory.Revision = leader.File, leader.Line, leader.Git, leader.Revision
		memory.From, memory.Wanted, memory.Batch, memory.Commit = leader.From, leader.Wanted, leader.Batch, leader.Commit
		memory.Proposal = leader.Proposal
		memory.Hold, memory.Finding = leader.Hold, leader.Finding
		memories[p.Key] = memory
	}
	return memories
}
