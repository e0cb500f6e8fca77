package repository

import (
	"context"
	"errors"
	"time"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// stopTimeout bounds the writes of a stop; Kubernetes gives a process 30 s.
const stopTimeout = 10 * time.Second

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

func (r *Reconciler) disarmAll(ctx context.Context) error {
	var list automationv1.ImageUpdateAutomationList
	err := r.Live.List(ctx, &list, client.MatchingLabels{pin.ManagedByLabel: pin.ManagedBy, pin.RoleLabel: pin.RoleAutomation})
	if err != nil {
		return err
	}
	var failed []error
	for i := range list.Items {
		object := &list.Items[i]
		observed := observeAutomation(object)
		if observed.Selects == pin.AtRest || !object.DeletionTimestamp.IsZero() {
			continue
		}
		memory := observed.Memory
		memory.Outcome, memory.Message = batch.Withdrawn, "the operator stops"
		if err := r.disarm(ctx, object, batch.Disarm{Automation: observed.Key, Token: batch.RestToken(memory.Batch), Memory: memory}); err != nil {
			log.FromContext(ctx).Error(err, "Cannot disarm; the next leader will", "automation", observed.Key.String())
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}
