package repository

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/placement"
)

// history is how many commits back the commit of a batch is looked for: it is at the branch's head unless others committed
// in the seconds between.
const history = 200

// conclude reads what became of a batch that is at rest again, remembers it, and releases the pins.
func (r *Reconciler) conclude(ctx context.Context, s *scope, a batch.Conclude) error {
	pins := s.placementPins(func(p batch.Pin) bool { return p.Batch == a.ID })
	if len(pins) == 0 {
		return errStale
	}
	repository := pins[0].Intent.Source.Repository
	reading, commit, err := r.outcome(ctx, s, repository, pins, a.ID)
	if err != nil {
		if gitFinding(err) == nil || isStopped(ctx, err) {
			return fmt.Errorf("read what batch %s wrote: %w", a.ID, err)
		}
		r.retries.failed(s.key, repository, r.Now())
		log.FromContext(ctx).Info("Cannot read what a batch wrote, and will try again", "batch", a.ID, "error", err.Error())
		return errStale
	}
	r.retries.forget(s.key, repository)
	memory := observeAutomation(s.automations[a.Automation]).Memory
	settled := batch.Settle(r.Now(), batchPins(pins), memory, reading, commit)
	if err := r.remember(ctx, s, followers(s, a.ID, settled), keep); err != nil {
		return err
	}
	return r.remember(ctx, s, settled, release)
}

// outcome is what the branch shows after a batch, and Flux's commit of it if there is one.
func (r *Reconciler) outcome(ctx context.Context, s *scope, repository pin.NamespacedName, pins []placement.Pin, id string) (batch.Reading, *batch.Trailer, error) {
	remote, err := r.remote(ctx, s, repository)
	if err != nil {
		return batch.Reading{}, nil, err
	}
	checkout, err := r.Git.Clone(ctx, remote)
	if err != nil {
		return batch.Reading{}, nil, err
	}
	defer func() { _ = checkout.Close() }()
	reading, err := readLines(checkout, pins)
	if err != nil {
		return batch.Reading{}, nil, err
	}
	head := checkout.Head()
	if trailer, ok := batch.ParseTrailer(head.Hash, head.Message); ok && trailer.Batch == id {
		return reading, &trailer, nil
	}
	commit, found, err := r.Git.FindCommit(ctx, remote, history, func(c gitops.Commit) bool {
		trailer, ok := batch.ParseTrailer(c.Hash, c.Message)
		return ok && trailer.Batch == id
	})
	if err != nil || !found {
		return reading, nil, err
	}
	trailer, _ := batch.ParseTrailer(commit.Hash, commit.Message)
	return reading, &trailer, nil
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
		memory.Hold, memory.Finding = leader.Hold, leader.Finding
		memories[p.Key] = memory
	}
	return memories
}
