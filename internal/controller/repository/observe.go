package repository

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"strconv"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/google/go-containerregistry/pkg/name"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
)

// scope is one repository branch as it is read for one reconcile.
type scope struct {
	batch.Observation
	key         string
	pins        map[batch.Key]*imagev1.ImagePolicy
	policies    map[batch.Key]string
	sources     map[sourceKey]source
	automations map[batch.Key]*automationv1.ImageUpdateAutomation
	wanted      map[batch.Key]fluxobjects.AutomationSettings
	lives       map[client.ObjectKey]policyState
	// roundsRead: the pins are read after the rounds. What a policy says later may be about pins that were not read.
	roundsRead bool
	scans      map[client.ObjectKey]*imagev1.ImageRepository
}

// policyState is what a pin must know of its policy.
type policyState struct {
	orphaned, suspended, deleting bool
	// round is the newest that the policy has decided.
	round int64
	// object is nil if there is none.
	object *v1alpha1.AppUpgradePolicy
}

// observe reads a repository branch, from the cache or around it.
func (r *Reconciler) observe(ctx context.Context, reader client.Reader, key string) (*scope, error) {
	s := &scope{
		key:         key,
		pins:        map[batch.Key]*imagev1.ImagePolicy{},
		policies:    map[batch.Key]string{},
		sources:     map[sourceKey]source{},
		automations: map[batch.Key]*automationv1.ImageUpdateAutomation{},
		wanted:      map[batch.Key]fluxobjects.AutomationSettings{},
		lives:       map[client.ObjectKey]policyState{},
		scans:       map[client.ObjectKey]*imagev1.ImageRepository{},
	}
	now := r.Now()
	s.Observation = batch.Observation{
		Now: now, NewID: batch.NewID(now, rand.Uint32()), //nolint:gosec // tells two leaders apart, is no secret
		Leader: r.Leader, MayArm: r.mayArm(), GitRetryAt: r.retries.times(key), SignRetryAt: r.unsigned.times(key), Limits: r.Limits,
	}
	pins, err := r.listPins(ctx, reader, s)
	if err != nil {
		return nil, err
	}
	for i := range pins {
		if err := r.observePin(ctx, reader, s, &pins[i]); err != nil {
			return nil, err
		}
	}
	s.decideDeleted()
	if err := observeSchedules(ctx, reader, s); err != nil {
		return nil, err
	}
	sort.Slice(s.Pins, func(i, j int) bool { return s.Pins[i].Key.String() < s.Pins[j].Key.String() })
	if err := r.observeAutomations(ctx, reader, s); err != nil {
		return nil, err
	}
	return s, r.observeForeign(ctx, reader, s)
}

// listPins lists the pins of the branch. A round says that every pin of it is written, so it holds for pins that are read after
// it: around the cache, where the two are not read at once, the policies come first and the pins again after them.
func (r *Reconciler) listPins(ctx context.Context, reader client.Reader, s *scope) ([]imagev1.ImagePolicy, error) {
	labels := client.MatchingLabels{pin.RepositoryLabel: s.key, pin.RoleLabel: pin.RolePin, pin.ManagedByLabel: pin.ManagedBy}
	var list imagev1.ImagePolicyList
	if err := reader.List(ctx, &list, labels); err != nil {
		return nil, fmt.Errorf("list pins of repository %s: %w", s.key, err)
	}
	if reader != r.Live {
		return list.Items, nil
	}
	for _, object := range list.Items {
		key := client.ObjectKey{Namespace: object.Namespace, Name: object.Labels[pin.PolicyLabel]}
		if _, err := r.policy(ctx, reader, s, key); err != nil {
			return nil, err
		}
	}
	s.roundsRead = true
	var again imagev1.ImagePolicyList
	if err := reader.List(ctx, &again, labels); err != nil {
		return nil, fmt.Errorf("list pins of repository %s: %w", s.key, err)
	}
	return again.Items, nil
}

// observePin adds one pin.
func (r *Reconciler) observePin(ctx context.Context, reader client.Reader, s *scope, object *imagev1.ImagePolicy) error {
	intent, memory, ok := annotations(ctx, object, s.key)
	if !ok {
		return nil
	}
	key := batch.Key{Namespace: object.Namespace, Name: object.Name}
	p := batch.Pin{Key: key, Intent: intent, Memory: memory, Batch: object.Labels[pin.BatchLabel]}
	if filter := object.Spec.FilterTags; filter != nil {
		p.Filter = filter.Pattern
	}
	policy, err := r.policy(ctx, reader, s, client.ObjectKey{Namespace: key.Namespace, Name: object.Labels[pin.PolicyLabel]})
	if err != nil {
		return err
	}
	p.Orphaned, p.Suspended = policy.orphaned, policy.suspended
	p.Decided = intent.Round > 0 && intent.Round <= policy.round
	if err := r.observeForeignPolicy(ctx, reader, s, &p); err != nil {
		return err
	}
	if err := r.observeSelection(ctx, reader, s, &p, object); err != nil {
		return err
	}
	found, err := r.source(ctx, reader, s, key.Namespace, intent.Source)
	if err != nil {
		return err
	}
	observePush(s.key, &p, found)
	s.pins[key] = object
	s.policies[key] = object.Namespace + "/" + object.Labels[pin.PolicyLabel]
	s.Pins = append(s.Pins, p)
	return nil
}

// observePush tells to which branch Flux pushes for a pin, which automation does it, and whether it may.
func observePush(key string, p *batch.Pin, found source) {
	push := &p.Intent.Commit.Push
	forbidden := func(push pin.Push) *pin.Finding {
		if found.repository == nil {
			return nil
		}
		return resolve.Pushable(found.repository, found.branch, p.Key.Namespace, push)
	}
	before := *push
	if before.Branch, p.Leaving = batch.PushNow(push.Branch, p.Batch, p.Memory); p.Leaving && forbidden(before) != nil {
		p.Leaving = false
	}
	if p.Leaving {
		*push = before
	}
	p.Refused = found.repository == nil
	if p.Forbidden = forbidden(*push); p.Forbidden != nil {
		*push = pin.Push{}
	}
	p.Push = push.Branch
	p.Automation = batch.Key{Namespace: p.Key.Namespace, Name: fluxobjects.AutomationName(p.Key.Namespace, key, p.Intent.Source.Repository, p.Intent.Commit)}
}

// policy tells whether a policy lives, is suspended, and has decided.
func (r *Reconciler) policy(ctx context.Context, reader client.Reader, s *scope, key client.ObjectKey) (policyState, error) {
	if state, ok := s.lives[key]; ok {
		return state, nil
	}
	var state policyState
	var policy v1alpha1.AppUpgradePolicy
	err := reader.Get(ctx, key, &policy)
	if apierrors.IsNotFound(err) {
		err = r.Live.Get(ctx, key, &policy) // an orphan loses its marker: make sure
		state.orphaned = apierrors.IsNotFound(err)
	}
	if client.IgnoreNotFound(err) != nil {
		return policyState{}, fmt.Errorf("read AppUpgradePolicy %s: %w", key, err)
	}
	if !state.orphaned {
		state.object = &policy
	}
	state.suspended, state.deleting = policy.Spec.Suspend, !policy.DeletionTimestamp.IsZero()
	var candidate imagev1.ImagePolicy
	err = reader.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: pin.CandidateName(key.Name)}, &candidate)
	if client.IgnoreNotFound(err) != nil {
		return policyState{}, fmt.Errorf("read the candidate of AppUpgradePolicy %s: %w", key, err)
	}
	if round, err := strconv.ParseInt(candidate.Annotations[pin.RoundAnnotation], 10, 64); err == nil && !s.roundsRead {
		state.round = round
	}
	s.lives[key] = state
	return state, nil
}

func (s *scope) policyKey(p batch.Pin) client.ObjectKey {
	return client.ObjectKey{Namespace: p.Key.Namespace, Name: s.pins[p.Key].Labels[pin.PolicyLabel]}
}

// decideDeleted: the pins of a deleted policy are removed together, once all are to be.
func (s *scope) decideDeleted() {
	undecided := map[string]bool{}
	deleting := func(p batch.Pin) bool { return s.lives[s.policyKey(p)].deleting }
	for _, p := range s.Pins {
		if deleting(p) && !p.Intent.Remove {
			undecided[s.policies[p.Key]] = true
		}
	}
	for i := range s.Pins {
		if p := &s.Pins[i]; deleting(*p) {
			p.Decided = !undecided[s.policies[p.Key]]
		}
	}
}

// annotations are what our two loops wrote on a pin; not ok if they did not write it. One that cannot be read is left alone: a
// newer operator may have written it.
func annotations(ctx context.Context, object *imagev1.ImagePolicy, key string) (intent pin.Intent, memory pin.Memory, ok bool) {
	intent, err := pin.IntentOf(object)
	if err == nil {
		memory, err = pin.MemoryOf(object)
	}
	if err != nil {
		log.FromContext(ctx).Error(err, "Cannot read a pin", "pin", client.ObjectKeyFromObject(object))
		return intent, memory, false
	}
	source := intent.Source.Repository
	ok = object.DeletionTimestamp.IsZero() && object.Labels[pin.PolicyLabel] != "" && source.Namespace != "" && source.Name != "" &&
		intent.Target.Name != "" && intent.Target.Namespace == object.Namespace && writable(intent.Place(), object.Namespace)
	if memory.Repository != "" && memory.Repository != key {
		memory = pin.Memory{}
	}
	return intent, memory, ok
}

// writable says whether a field of an object of the namespace is named.
func writable(at pin.Target, namespace string) bool {
	return at.Namespace == namespace && len(at.Field) > 0
}

// scan is the ImageRepository of a pin; an empty one if there is none.
func (s *scope) scan(ctx context.Context, reader client.Reader, key client.ObjectKey) (*imagev1.ImageRepository, error) {
	if known, ok := s.scans[key]; ok {
		return known, nil
	}
	scan := &imagev1.ImageRepository{}
	if err := client.IgnoreNotFound(reader.Get(ctx, key, scan)); err != nil {
		return nil, fmt.Errorf("read ImageRepository %s: %w", key, err)
	}
	s.scans[key] = scan
	return scan, nil
}

// noTagReason is image-reflector-controller's reason when it looked and found nothing (its imagepolicy_controller.go).
const noTagReason = metav1.StatusFailure

// observeSelection tells which tag Flux selected for the pin's present spec. The generation of the status counts, not that of
// the Ready condition: Flux writes conditions before the rest, and leaves one alone whose text stays the same
// (fluxcd/pkg/runtime, conditions.Set).
func (r *Reconciler) observeSelection(ctx context.Context, reader client.Reader, s *scope, p *batch.Pin, object *imagev1.ImagePolicy) error {
	status := object.Status
	if status.ObservedGeneration == object.Generation && status.LatestRef != nil && !object.Spec.Suspend {
		p.Selected = status.LatestRef.Tag
		p.Outdated = p.Filter != pin.Filter(status.LatestRef.Tag) && meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ReadyCondition)
		p.Nudged = object.Annotations[v1alpha1.ReconcileRequestAnnotation]
	}
	if p.Batch == "" {
		return nil
	}
	scan, err := s.scan(ctx, reader, client.ObjectKey{Namespace: object.Namespace, Name: object.Spec.ImageRepositoryRef.Name})
	if err != nil {
		return err
	}
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ReadyCondition)
	p.NoTag = ready != nil && ready.ObservedGeneration == object.Generation &&
		ready.Status == metav1.ConditionFalse && ready.Reason == noTagReason &&
		meta.IsStatusConditionTrue(scan.Status.Conditions, v1alpha1.ReadyCondition)
	p.BadReference = badReference(scan.Spec.Image, p.Memory.Wanted)
	return nil
}

// badReference says why Flux could not parse an image with a tag: one such reference fails a whole run of an automation
// (image-automation-controller, internal/update/setters.go).
func badReference(image, tag string) string {
	if image == "" {
		return ""
	}
	if _, err := name.ParseReference(image+":"+tag, name.WeakValidation); err != nil {
		return fmt.Sprintf("tag %q cannot be written by Flux: %v; exclude the version with spec.versions.exclude", tag, err)
	}
	return ""
}
