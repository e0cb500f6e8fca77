package policy

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/apply"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// applyObjects writes what the decision means for the Flux objects, in the order in which Flux can use them: the scan,
// once it has a result the pins, when all of these are written the candidate with the round that sets them free and with
// what the policy remembers, and the searches for next steps. What is there already is kept up while there is no scan: markers
// must go even if nothing can be upgraded. A version that failed is remembered before all that.
func (r *Reconciler) applyObjects(ctx context.Context, s scope) error {
	if s.chart.URL != "" {
		if err := r.applyObject(ctx, s.scan, fluxobjects.Scan(s.policy.Namespace, s.chart, s.interval)); err != nil {
			return err
		}
	}
	if s.blocksMore() {
		return r.rememberBlocked(ctx, s)
	}
	intents, err := r.applyPins(ctx, s)
	if err != nil {
		return err
	}
	scan := s.candidateScan()
	if scan == "" {
		return nil
	}
	candidate, err := s.wantedCandidate(scan, completedRound(s.candidate, intents), s.decision.Ledger)
	if err != nil {
		return err
	}
	if err := r.applyObject(ctx, s.candidate, candidate); err != nil {
		return err
	}
	return r.applySteps(ctx, s, scan)
}

// blocksMore says whether the decision blocks a version that the candidate does not remember.
func (s scope) blocksMore() bool {
	return slices.ContainsFunc(s.decision.Ledger.Blocked, func(b pin.Blocked) bool {
		return !slices.ContainsFunc(s.ledger.Blocked, func(known pin.Blocked) bool { return known.Tag == b.Tag })
	})
}

// rememberBlocked writes down what failed, and nothing else: a pin that is taken back forgets it, so an operator that dies, or
// meets a conflict, after the first of them would take the same version again. The candidate's change asks for another look.
func (r *Reconciler) rememberBlocked(ctx context.Context, s scope) error {
	scan := s.candidateScan()
	if scan == "" {
		return nil
	}
	ledger := s.ledger
	ledger.Blocked = s.decision.Ledger.Blocked
	candidate, err := s.wantedCandidate(scan, roundOf(s.candidate), ledger)
	if err != nil {
		return err
	}
	return r.applyObject(ctx, s.candidate, candidate)
}

// writers is how many pins are written at once.
const writers = 8

// applyPins writes every pin and returns their intents. A pin that fails does not stop the others, but the error keeps
// all of them from moving.
func (r *Reconciler) applyPins(ctx context.Context, s scope) ([]pin.Intent, error) {
	plans, err := r.plans(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := r.unseen(ctx, s, plans); err != nil {
		return nil, err
	}
	failed := make([]error, len(plans))
	var group errgroup.Group
	group.SetLimit(writers)
	intents := make([]pin.Intent, 0, len(plans))
	for i, plan := range plans {
		intents = append(intents, plan.intent)
		group.Go(func() error {
			failed[i] = r.applyPin(ctx, s, plan)
			return nil
		})
	}
	_ = group.Wait() // the errors are in failed
	return intents, errors.Join(failed...)
}

// applyPin writes one pin, or deletes it if it is to go and nobody has to remove a marker. What is not known at the
// moment stays as it is.
func (r *Reconciler) applyPin(ctx context.Context, s scope, p plan) error {
	if p.intent.Remove {
		gone, err := r.letGo(ctx, s, p.live)
		if gone || err != nil {
			return err
		}
	}
	scan, repository := "", ""
	if p.live.object != nil {
		scan, repository = p.live.object.Spec.ImageRepositoryRef.Name, p.live.object.Labels[pin.RepositoryLabel]
	}
	if scanned(s.scan) {
		scan = s.scanName()
	}
	if p.location != nil {
		repository = p.location.RepositoryKey
	}
	return r.applyObject(ctx, p.live.object, fluxobjects.Pin(s.policy, p.intent, p.upgrade, scan, repository))
}

func (r *Reconciler) applyObject(ctx context.Context, live, desired client.Object) error {
	_, err := apply.Apply(ctx, r.client, live, desired)
	return err
}

func foreignFinding(kind string, object client.Object) *pin.Finding {
	problem := &apply.ForeignError{Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName()}
	return &pin.Finding{Reason: v1alpha1.ForeignObjectReason, Message: problem.Error()}
}
