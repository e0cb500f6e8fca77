package repository

import (
	"context"
	"sort"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// writers is how many pins are written at once.
const writers = 8

// edit changes a pin.
type edit func(*imagev1.ImagePolicy, pin.Memory)

// keep changes nothing but the memory.
func keep(*imagev1.ImagePolicy, pin.Memory) {}

// release takes a pin out of its batch and lets it select what Git has.
func release(object *imagev1.ImagePolicy, memory pin.Memory) {
	delete(object.Labels, pin.BatchLabel)
	atRest(object, memory)
}

// atRest lets a pin select the value that the checkout branch has.
func atRest(object *imagev1.ImagePolicy, memory pin.Memory) {
	if text := memory.AtRest(); text != "" {
		object.Spec.FilterTags = &imagev1.TagFilter{Pattern: pin.Filter(text)}
	}
}

// remember writes memories, and what else the edit changes, guarded by the versions that were read. A pin whose policy or
// human changed it in the meantime fails the whole, which is then looked at again; nothing of it is done twice.
func (r *Reconciler) remember(ctx context.Context, s *scope, memories map[batch.Key]pin.Memory, with edit) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for _, key := range sorted(memories) {
		memory := memories[key]
		memory.Repository = s.key
		group.Go(func() error { return r.writePin(ctx, s.pins[key], memory, with) })
	}
	return group.Wait()
}

func (r *Reconciler) writePin(ctx context.Context, object *imagev1.ImagePolicy, memory pin.Memory, with edit) error {
	if object == nil {
		return nil
	}
	base := object.DeepCopy()
	changed := object.DeepCopy()
	with(changed, memory)
	metav1.SetMetaDataAnnotation(&changed.ObjectMeta, pin.MemoryAnnotation, memory.Encode())
	patch := guarded(base)
	if data, err := client.MergeFrom(base).Data(changed); err != nil || string(data) == "{}" {
		return err
	}
	return client.IgnoreNotFound(r.Patch(ctx, changed, patch, fieldOwner))
}

// relax lets pins select what Git has.
func (r *Reconciler) relax(ctx context.Context, s *scope, keys []batch.Key) error {
	memories := make(map[batch.Key]pin.Memory, len(keys))
	for _, p := range s.members(keys) {
		memories[p.Key] = p.Memory
	}
	return r.remember(ctx, s, memories, atRest)
}

// prepare gives pins their wanted tag and the label of their batch. Nothing can be written yet.
func (r *Reconciler) prepare(ctx context.Context, s *scope, a batch.Prepare) error {
	memories := map[batch.Key]pin.Memory{}
	for _, p := range s.Pins {
		if wanted, ok := a.Wanted[p.Key]; ok {
			memories[p.Key] = batch.Begin(p.Memory, a.ID, wanted)
		}
	}
	return r.remember(ctx, s, memories, func(object *imagev1.ImagePolicy, memory pin.Memory) {
		metav1.SetMetaDataLabel(&object.ObjectMeta, pin.BatchLabel, a.ID)
		object.Spec.FilterTags = &imagev1.TagFilter{Pattern: pin.Filter(memory.Wanted)}
	})
}

// nudge asks Flux to look at pins again.
func (r *Reconciler) nudge(ctx context.Context, s *scope, a batch.Nudge) error {
	memories := make(map[batch.Key]pin.Memory, len(a.Pins))
	for _, p := range s.members(a.Pins) {
		memories[p.Key] = p.Memory
	}
	return r.remember(ctx, s, memories, func(object *imagev1.ImagePolicy, _ pin.Memory) {
		metav1.SetMetaDataAnnotation(&object.ObjectMeta, v1alpha1.ReconcileRequestAnnotation, a.Token)
	})
}

// forget deletes pins of which nothing is in Git. Those that could not have their line because of others look at it again.
func (r *Reconciler) forget(ctx context.Context, s *scope, keys []batch.Key) error {
	if err := r.deletePins(ctx, s, keys); err != nil {
		return err
	}
	again := map[batch.Key]pin.Memory{}
	for _, p := range s.Pins {
		if f := p.Memory.Finding; f != nil && (f.Reason == v1alpha1.LineSharedReason || f.Reason == v1alpha1.SeveralWavesReason) {
			memory := p.Memory
			memory.Prompt = ""
			again[p.Key] = memory
		}
	}
	for _, key := range keys {
		delete(again, key)
	}
	return r.remember(ctx, s, again, keep)
}

func (r *Reconciler) deletePins(ctx context.Context, s *scope, keys []batch.Key) error {
	for _, p := range s.members(keys) {
		object := s.pins[p.Key]
		r.tellLeft(object, p)
		err := r.Delete(ctx, object, client.Preconditions{UID: &object.UID, ResourceVersion: &object.ResourceVersion})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// tellLeft says what is still proposed for a pin that goes.
func (r *Reconciler) tellLeft(object *imagev1.ImagePolicy, p batch.Pin) {
	if left := p.Memory.Proposal; left.Tag != "" && p.Memory.Leader == "" {
		r.Events.Eventf(object, nil, corev1.EventTypeWarning, v1alpha1.ProposalLeftReason, "RemoveMarker",
			"%s of %s %s stays on branch %s, where it conflicts with the removal of the marker: "+
				"close its pull request and delete the branch, or take the change out of it",
			left.Tag, p.Intent.Target.Kind, p.Intent.Target.Name, left.Branch)
	}
}

// members are the pins with these keys.
func (s *scope) members(keys []batch.Key) []batch.Pin {
	wanted := make(map[batch.Key]bool, len(keys))
	for _, key := range keys {
		wanted[key] = true
	}
	var pins []batch.Pin
	for _, p := range s.Pins {
		if wanted[p.Key] {
			pins = append(pins, p)
		}
	}
	return pins
}

func sorted[V any](of map[batch.Key]V) []batch.Key {
	keys := make([]batch.Key, 0, len(of))
	for key := range of {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
	return keys
}
