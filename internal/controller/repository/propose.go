package repository

import (
	"context"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/placement"
)

// markersBranch is where markers are proposed that the server does not let the operator push to a branch.
func markersBranch(branch string) string { return branch + "-markers" }

// markersTrailer tells a commit that proposes markers, so that it may be replaced by a newer one.
const markersTrailer = "Upgrade-Markers: "

// ownMarkers: a commit proposes markers, and nobody has changed it.
func ownMarkers(c gitops.Commit) bool {
	return !c.Redone && strings.Contains(c.Message, "\n"+markersTrailer)
}

// refused goes on after the server has refused a push of markers to a branch as it was read: where versions are proposed, so are
// markers and their removal.
func (r *Reconciler) refused(ctx context.Context, s *scope, a batch.Visit, remote gitops.Remote, pins []placement.Pin, read placement.Plan, err error) error {
	proposing, failing := visitors(s.Observation, pins)
	if len(proposing) > 0 {
		markersOf := pushBranch{a.Repository, markersBranch(remote.Branch)}
		proposed := r.proposeMarkers(ctx, s, a, remote, pins)
		switch {
		case unread(proposed) && allWait(proposing, read, gitFinding(proposed)):
			retryAt, count := r.unread.backOff(s.key, markersOf, r.Now())
			proposed = r.tellFailed(ctx, s, proposing, read, proposed, retryAt, count) // the others go on without that branch
		case gitFinding(proposed) != nil:
			return r.visitFailed(ctx, s, a, pins, read, proposed)
		case proposed == nil:
			r.unread.forget(s.key, markersOf)
			proposed = r.rememberProposed(ctx, s, remote.Branch, pins, read)
		}
		if proposed != nil {
			return proposed
		}
	}
	if len(failing) == 0 {
		r.retries.forget(s.key, a.Repository)
		return nil
	}
	return r.visitFailed(ctx, s, a, failing, read, err)
}

// visitors are the pins that need a visit: those that propose to a branch, and those that write it.
func visitors(o batch.Observation, pins []placement.Pin) (proposing, writing []placement.Pin) {
	needing := batch.Visitors(o)
	for _, p := range pins {
		switch {
		case p.Later || !needing[p.Key]:
		case p.Push == "":
			writing = append(writing, p)
		default:
			proposing = append(proposing, p)
		}
	}
	return proposing, writing
}

// allWait: none of the pins is looked at again before its time. Others would be, without end, and keep all from moving.
func allWait(pins []placement.Pin, read placement.Plan, finding *pin.Finding) bool {
	return !slices.ContainsFunc(pins, func(p placement.Pin) bool {
		_, waits := failed(p, read, finding, time.Time{})
		return batch.Leaves(p.Pin) || !waits
	})
}

// proposeMarkers puts what a visit does about the markers of pins whose versions are proposed, too, on a branch that a human
// merges. The other pins are seen, so that no line is marked that they have.
func (r *Reconciler) proposeMarkers(ctx context.Context, s *scope, a batch.Visit, remote gitops.Remote, pins []placement.Pin) error {
	pins = slices.Clone(pins)
	for i := range pins {
		pins[i].Later = pins[i].Later || pins[i].Push == ""
	}
	var plan placement.Plan
	branch := markersBranch(remote.Branch)
	change := r.placing(ctx, s, a, pins, "\n"+markersTrailer+remote.Branch+"\n", &plan)
	pushed, err := r.Git.Propose(ctx, remote, branch, ownMarkers, author(pins), change)
	if pushed {
		log.FromContext(ctx).Info("Proposed markers", "branch", branch, "placed", len(plan.Placed), "removed", len(plan.Removed))
	}
	return err
}

// withdrawMarkers takes markers back that were only proposed, of pins that go. One that stays there does no harm: it names a pin
// that is not there.
func (r *Reconciler) withdrawMarkers(ctx context.Context, s *scope, a batch.Visit, remote gitops.Remote, pins []placement.Pin, gone []batch.Key) {
	proposed := slices.ContainsFunc(pins, func(p placement.Pin) bool {
		f := p.Memory.Finding
		return p.Push != "" && f != nil && f.Reason == v1alpha1.AwaitingMergeReason && slices.Contains(gone, p.Key)
	})
	if !proposed {
		return
	}
	if err := r.proposeMarkers(ctx, s, a, remote, pins); err != nil {
		log.FromContext(ctx).Info("Cannot take back proposed markers", "branch", markersBranch(remote.Branch), "error", err.Error())
	}
}

// rememberProposed remembers what was read of the branch itself, and that what its pins lack there waits to be merged.
func (r *Reconciler) rememberProposed(ctx context.Context, s *scope, into string, pins []placement.Pin, read placement.Plan) error {
	branch := markersBranch(into)
	memories := map[batch.Key]pin.Memory{}
	var gone []batch.Key
	for _, p := range pins {
		looked, stays := read.Memories[p.Key]
		at, marked := read.Unmarked[p.Key]
		switch {
		case p.Later || p.Push == "":
		case stays:
			memories[p.Key] = placement.Unplaced(p, looked, branch, into)
		case marked:
			finding := placement.Unremoved(at, branch, into)
			memories[p.Key] = batch.AwaitMerge(r.Now(), p.Memory, finding)
			r.Events.Eventf(s.pins[p.Key], nil, corev1.EventTypeWarning, finding.Reason, "RemoveMarker", "%s", finding.Message)
		case slices.Contains(read.Gone, p.Key):
			gone = append(gone, p.Key)
		}
	}
	if err := r.remember(ctx, s, memories, atRest); err != nil {
		return err
	}
	return r.deletePins(ctx, s, gone)
}
