package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/placement"
)

// arm reads Git, looks once more at everything around the cache, and lets Flux write what passes.
func (r *Reconciler) arm(ctx context.Context, before *scope, a batch.Arm) error {
	prepared := before.prepared(a.Pins)
	found, err := r.look(ctx, before, prepared)
	if err != nil {
		return r.checkFailed(ctx, before, a, err)
	}
	defer found.close()
	ready, err := r.ready(ctx, before, prepared, found)
	if err != nil {
		return r.checkFailed(ctx, before, a, err)
	}
	if !ready {
		return errStale
	}
	r.retries.forget(before.key, prepared[0].Intent.Source.Repository)
	r.unread.forget(before.key, pushBranchOf(prepared[0].Pin))
	reading := found.reading
	s, err := r.observe(ctx, r.Live, before.key)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(batch.Next(s.Observation), a) {
		return errStale
	}
	armed, left := check(r.Now(), s.members(a.Pins), reading)
	if err := r.remember(ctx, s, left, release); err != nil {
		return err
	}
	if len(armed) == 0 {
		return nil
	}
	var files []string
	for _, key := range armed {
		files = append(files, reading.Lines[key].File)
	}
	path := batch.UpdatePath(files)
	if s.Turned(r.Now()) {
		return errStale
	}
	err = r.set(ctx, s.automations[a.Automation], order{id: a.ID, base: reading.Revision, path: path, verb: batch.Verb(s.members(armed))})
	if err != nil {
		return err
	}
	log.FromContext(ctx).Info("Armed", "batch", a.ID, "automation", a.Automation.String(), "pins", len(armed), "path", path)
	return nil
}

// check gives the pins that may be armed, and the memories of those that are left out.
func check(now time.Time, pins []batch.Pin, reading batch.Reading) (armed []batch.Key, left map[batch.Key]pin.Memory) {
	stale := batch.Stale(now, pins, reading)
	pins = slices.DeleteFunc(pins, func(p batch.Pin) bool { _, is := stale[p.Key]; return is })
	armed, left = batch.Check(pins, reading)
	maps.Copy(left, stale)
	return armed, left
}

// prepared are the pins with these keys.
func (s *scope) prepared(keys []batch.Key) []placement.Pin {
	return s.placementPins(func(p batch.Pin) bool { return slices.Contains(keys, p.Key) })
}

// armPatchTimeout bounds the patch that arms, which a stop waits for.
const armPatchTimeout = 5 * time.Second

// order is what an automation is told when it is armed: the batch, the commit at which it was checked, the folder of its files,
// and what it does.
type order struct{ id, base, path, verb string }

// set is the one patch that lets Flux write a batch. A stop waits for its answer, so that it can disarm what was armed.
func (r *Reconciler) set(ctx context.Context, object *automationv1.ImageUpdateAutomation, to order) error {
	r.arming.Lock()
	defer r.arming.Unlock()
	if r.stopped {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), armPatchTimeout)
	defer cancel()
	memory := observeAutomation(object).Memory
	memory.Batch, memory.Base, memory.ArmedBy, memory.ArmedAt = to.id, to.base, r.Leader, r.Now().UTC().Truncate(time.Second)
	memory.Outcome, memory.Message = "", ""
	before := object.DeepCopy()
	object.Spec.PolicySelector = fluxobjects.Selector(to.id)
	object.Spec.Update.Path = to.path
	object.Spec.GitSpec.Commit.MessageTemplateValues = map[string]string{fluxobjects.BatchValue: to.id, fluxobjects.VerbValue: to.verb}
	if err := annotate(object, to.id, memory); err != nil {
		return err
	}
	return r.Patch(ctx, object, guarded(before), fieldOwner)
}

// ask requests another run.
func (r *Reconciler) ask(ctx context.Context, s *scope, a batch.Ask) error {
	object := s.automations[a.Automation]
	base := object.DeepCopy()
	metav1.SetMetaDataAnnotation(&object.ObjectMeta, fluxmeta.ReconcileRequestAnnotation, a.Token)
	return r.Patch(ctx, object, guarded(base), fieldOwner)
}

// disarm is the one patch after which no new run can write.
func (r *Reconciler) disarm(ctx context.Context, object *automationv1.ImageUpdateAutomation, a batch.Disarm) error {
	base := object.DeepCopy()
	object.Spec.PolicySelector = fluxobjects.Selector(pin.AtRest)
	object.Spec.Update.Path = "./"
	object.Spec.GitSpec.Commit.MessageTemplateValues = map[string]string{fluxobjects.BatchValue: pin.AtRest}
	if err := annotate(object, a.Token, a.Memory); err != nil {
		return err
	}
	if err := r.Patch(ctx, object, guarded(base), fieldOwner); err != nil {
		return err
	}
	log.FromContext(ctx).Info("Disarmed", "batch", a.Memory.Batch, "automation", a.Automation.String(), "outcome", a.Memory.Outcome, "message", a.Memory.Message)
	return nil
}

func annotate(object *automationv1.ImageUpdateAutomation, token string, memory batch.AutomationMemory) error {
	memory.Version = 1
	text, err := json.Marshal(memory)
	if err != nil {
		return fmt.Errorf("encode the memory of ImageUpdateAutomation %s/%s: %w", object.Namespace, object.Name, err)
	}
	annotations := maps.Clone(object.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[fluxmeta.ReconcileRequestAnnotation] = token
	annotations[automationMemory] = string(text)
	object.Annotations = annotations
	return nil
}

// checkFailed gives a batch up whose repository cannot be read: others may use theirs.
func (r *Reconciler) checkFailed(ctx context.Context, s *scope, a batch.Arm, err error) error {
	finding := gitFinding(err)
	if finding == nil || isStopped(ctx, err) {
		return fmt.Errorf("check batch %s: %w", a.ID, err)
	}
	members := s.members(a.Pins)
	if len(members) == 0 {
		return errStale
	}
	if unread(err) {
		return r.leaveUnread(ctx, s, members, err)
	}
	// The pins of a batch share both.
	asked := batch.Visit{Repository: members[0].Intent.Source.Repository, Signer: batch.SignerOf(members[0])}
	retryAt, count := r.backOff(s.key, asked, err)
	return r.giveUp(ctx, s, members, finding, retryAt, count)
}

// giveUp releases the pins of a batch, which say why and when it is tried again. Then the failure counts.
func (r *Reconciler) giveUp(ctx context.Context, s *scope, pins []batch.Pin, finding *pin.Finding, retryAt time.Time, count func()) error {
	memories := map[batch.Key]pin.Memory{}
	for _, p := range pins {
		memories[p.Key] = failing(p.Memory, finding, retryAt)
	}
	if err := r.remember(ctx, s, memories, release); err != nil {
		return err
	}
	count()
	return nil
}
