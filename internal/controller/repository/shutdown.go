package repository

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// stopTimeout bounds the writes of a stop; Kubernetes gives a process 30 s.
const stopTimeout = 20 * time.Second

// disarmRetry is the wait between two tries.
const disarmRetry = 200 * time.Millisecond

func (r *Reconciler) mayArm() bool {
	r.arming.Lock()
	defer r.arming.Unlock()
	return !r.stopped
}

// disarmAtStop waits until the operator stops or loses its lead, and disarms then: a stopped operator leaves nothing that
// Flux may write. (A killed one does; the next leader's first act is to disarm.)
func (r *Reconciler) disarmAtStop(ctx context.Context) error {
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	r.arming.Lock()
	r.stopped = true
	r.arming.Unlock()
	return r.disarmAll(ctx)
}

// disarmAll disarms whatever is armed, until nothing is: Flux's own writes get in between.
func (r *Reconciler) disarmAll(ctx context.Context) error {
	return wait.PollUntilContextCancel(ctx, disarmRetry, true, func(ctx context.Context) (bool, error) {
		var list automationv1.ImageUpdateAutomationList
		err := r.Live.List(ctx, &list, client.MatchingLabels{pin.ManagedByLabel: pin.ManagedBy, pin.RoleLabel: pin.RoleAutomation})
		for i := range list.Items {
			err = errors.Join(err, r.disarmOne(ctx, &list.Items[i]))
		}
		if err != nil && !apierrors.IsConflict(err) {
			log.FromContext(ctx).Error(err, "Cannot disarm yet; if the operator is killed, the next leader will")
		}
		return err == nil, nil
	})
}

func (r *Reconciler) disarmOne(ctx context.Context, object *automationv1.ImageUpdateAutomation) error {
	observed := observeAutomation(object)
	if observed.Selects == pin.AtRest || !object.DeletionTimestamp.IsZero() {
		return nil
	}
	now := r.Now()
	o := batch.Observation{Now: now, NewID: batch.NewID(now, rand.Uint32())} //nolint:gosec // tells two leaders apart, is no secret
	return r.disarm(ctx, object, batch.Withdraw(o, observed, "the operator stops"))
}
