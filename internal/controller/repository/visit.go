package repository

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/placement"
)

// visit reads the repository through one GitRepository and places and removes the markers that it serves by one commit. The
// plan is made anew if the branch moves meanwhile; what is remembered is what was read at the commit that stands.
func (r *Reconciler) visit(ctx context.Context, s *scope, a batch.Visit) error {
	repository := a.Repository
	pins := s.placementPins(func(p batch.Pin) bool { return p.Intent.Source.Repository == repository })
	for i := range pins {
		pins[i].Later = !a.Serves(pins[i].Pin) || batch.Recalls(s.Observation, pins[i].Pin)
	}
	r.spare(s.key, pins)
	remote, err := r.remote(ctx, s, repository, pins)
	remote.PushOptions = a.Options.Map()
	if err != nil {
		return r.visitFailed(ctx, s, a, pins, placement.Plan{}, err)
	}
	var plan placement.Plan
	head, err := r.Git.Update(ctx, remote, author(pins), r.placing(ctx, s, a, pins, "", &plan))
	if gitops.ReasonOf(err) == gitops.ReasonPushRejected {
		return r.refused(ctx, s, a, remote, pins, plan, err)
	}
	if err != nil {
		return r.visitFailed(ctx, s, a, pins, plan, err)
	}
	r.retries.forget(s.key, repository)
	if len(plan.Files) > 0 {
		log.FromContext(ctx).Info("Pushed markers", "repository", repository.String(), "commit", head.Hash, "placed", len(plan.Placed), "adopted", len(plan.Adopted), "removed", len(plan.Removed))
		for _, p := range pins {
			if memory, read := plan.Memories[p.Key]; read && p.Unread == nil {
				memory.Revision = head.Hash
				plan.Memories[p.Key] = memory
			}
		}
	}
	r.tellAdopted(s, plan.Adopted)
	r.withdrawMarkers(ctx, s, a, remote, pins, plan.Gone)
	if err := r.remember(ctx, s, plan.Memories, atRest); err != nil {
		return err
	}
	return r.deletePins(ctx, s, plan.Gone)
}

// placing plans what a visit changes in a checkout, with a trailer for its commit.
func (r *Reconciler) placing(ctx context.Context, s *scope, a batch.Visit, pins []placement.Pin, trailer string, plan *placement.Plan) func(*gitops.Checkout) (gitops.Change, error) {
	return func(checkout *gitops.Checkout) (gitops.Change, error) {
		applied, err := r.applied(ctx, s)
		if err != nil {
			return gitops.Change{}, err
		}
		foreign, err := r.foreignPolicies(ctx, s, pins)
		if err != nil {
			return gitops.Change{}, err
		}
		r.noteUnread(s.key, checkout, pins)
		if err := readPushed(checkout, pins, applied); err != nil {
			return gitops.Change{}, err
		}
		*plan, err = placement.Make(checkout.FS(), checkout.Head().Hash, pins, s.policies, applied, foreign)
		if err != nil || len(plan.Files) == 0 {
			return gitops.Change{}, err
		}
		signer, err := r.signer(ctx, s.key, a.Signer)
		return gitops.Change{Message: message(*plan) + trailer, Files: plan.Files, Signer: signer}, err
	}
}

// visitFailed tells the pins that need the repository, and tries again later. What was read before a push was refused is
// remembered too: it holds, but for the markers.
func (r *Reconciler) visitFailed(ctx context.Context, s *scope, a batch.Visit, pins []placement.Pin, read placement.Plan, err error) error {
	if gitFinding(err) == nil {
		return fmt.Errorf("visit repository of GitRepository %s: %w", a.Repository, err)
	}
	retryAt, count := r.backOff(s.key, a, err)
	return r.tellFailed(ctx, s, pins, read, err, retryAt, count)
}

// tellFailed tells pins what failed, and when it is tried again. Then the failure counts.
func (r *Reconciler) tellFailed(ctx context.Context, s *scope, pins []placement.Pin, read placement.Plan, err error, retryAt time.Time, count func()) error {
	finding := gitFinding(err)
	memories := map[batch.Key]pin.Memory{}
	needing := batch.Visitors(s.Observation)
	for _, p := range pins {
		if !needing[p.Key] || p.Later && unsignable(err) {
			continue
		}
		memory, _ := failed(p, read, finding, retryAt)
		memories[p.Key] = memory
		if p.Intent.Remove {
			r.Events.Eventf(s.pins[p.Key], nil, corev1.EventTypeWarning, finding.Reason, "RemoveMarker", "%s", finding.Message)
		}
	}
	if err := r.remember(ctx, s, memories, keep); err != nil {
		return err // counted only once it is said
	}
	count()
	return nil
}

// failed is what a pin remembers of a visit that failed, and whether it waits then: what it was found to lack counts more, and is not
// tried again at that time.
func failed(p placement.Pin, read placement.Plan, finding *pin.Finding, retryAt time.Time) (memory pin.Memory, waits bool) {
	memory = p.Memory
	if known, ok := read.Memories[p.Key]; ok {
		memory = placement.Unpushed(p, known)
	}
	if memory.Finding != nil && memory.Finding.Reason != finding.Reason {
		return memory, false
	}
	return failing(memory, finding, retryAt), true
}

// author of the commit that places markers: that of the policies if they agree.
func author(pins []placement.Pin) gitops.Author {
	common, first := fluxobjects.Author(pin.Commit{}), true
	for _, p := range pins {
		if p.Later {
			continue
		}
		own := fluxobjects.Author(p.Intent.Commit)
		if first {
			common, first = own, false
		}
		if own != common {
			common = fluxobjects.Author(pin.Commit{})
			break
		}
	}
	return gitops.Author{Name: common.Name, Email: common.Email}
}

// listed bounds the lines that a commit message names.
const listed = 50

func message(plan placement.Plan) string {
	var b strings.Builder
	adopted := make([]string, 0, len(plan.Adopted))
	for _, a := range plan.Adopted {
		adopted = append(adopted, fmt.Sprintf("%s, which was that of ImagePolicy %s", a.At, a.From))
	}
	switch marked := len(plan.Placed) + len(adopted); {
	case len(plan.Removed) == 0:
		fmt.Fprintf(&b, "Mark %s for automatic upgrades\n", count(marked))
	case marked == 0:
		fmt.Fprintf(&b, "Remove the upgrade %s\n", strings.Replace(count(len(plan.Removed)), "version", "marker", 1))
	default:
		fmt.Fprintf(&b, "Mark %s and unmark %d\n", count(marked), len(plan.Removed))
	}
	list(&b, "Markers placed", plan.Placed)
	list(&b, "Markers adopted", adopted)
	list(&b, "Markers removed", plan.Removed)
	return b.String()
}

func list(b *strings.Builder, title string, places []string) {
	if len(places) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s, no version changed:\n", title)
	for _, at := range places[:min(len(places), listed)] {
		fmt.Fprintf(b, "- %s\n", at)
	}
	if more := len(places) - listed; more > 0 {
		fmt.Fprintf(b, "- and %d more\n", more)
	}
}

func count(n int) string {
	if n == 1 {
		return "1 version"
	}
	return fmt.Sprintf("%d versions", n)
}
