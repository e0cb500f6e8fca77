package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/git"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/apply"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// automationMemory is the annotation with an automation's memory.
const automationMemory = pin.MemoryAnnotation

// observeAutomations adds the automations that exist and those that pins need.
func (r *Reconciler) observeAutomations(ctx context.Context, reader client.Reader, s *scope) error {
	for _, p := range s.Pins {
		found := s.sources[sourceKey{p.Key.Namespace, p.Intent.Source}]
		if found.repository == nil {
			continue
		}
		s.wanted[p.Automation] = fluxobjects.AutomationSettings{
			Namespace: p.Key.Namespace, Repository: p.Intent.Source.Repository, RepositoryKey: s.key, Branch: found.branch,
			Commit: p.Intent.Commit, MessageTemplate: batch.MessageTemplate(p.Intent.Commit.MessageTemplate),
		}
	}
	var list automationv1.ImageUpdateAutomationList
	if err := reader.List(ctx, &list, client.MatchingLabels{pin.RepositoryLabel: s.key, pin.RoleLabel: pin.RoleAutomation}); err != nil {
		return fmt.Errorf("list automations of repository %s: %w", s.key, err)
	}
	for i := range list.Items {
		s.addAutomation(&list.Items[i])
	}
	for key := range s.wanted {
		if s.automations[key] != nil {
			continue
		}
		if err := r.findAutomation(ctx, reader, s, key); err != nil {
			return err
		}
	}
	sort.Slice(s.Automations, func(i, j int) bool { return s.Automations[i].Key.String() < s.Automations[j].Key.String() })
	return nil
}

// addAutomation adds one of ours. One that no pin needs and that is suspended is left out: nobody would ever answer for it.
func (s *scope) addAutomation(object *automationv1.ImageUpdateAutomation) {
	key := batch.Key{Namespace: object.Namespace, Name: object.Name}
	settings, wanted := s.wanted[key]
	if !object.DeletionTimestamp.IsZero() || !wanted && object.Spec.Suspend {
		return
	}
	s.automations[key] = object
	observed := observeAutomation(object)
	observed.Drifted = wanted && fluxobjects.Drifted(object, fluxobjects.Automation(settings))
	s.Automations = append(s.Automations, observed)
}

// findAutomation looks for an automation by its name: it may have lost its labels, or be somebody else's.
func (r *Reconciler) findAutomation(ctx context.Context, reader client.Reader, s *scope, key batch.Key) error {
	object := &automationv1.ImageUpdateAutomation{}
	err := reader.Get(ctx, client.ObjectKey(key), object)
	switch {
	case apierrors.IsNotFound(err):
		s.Automations = append(s.Automations, batch.Automation{Key: key})
		return nil
	case err != nil:
		return fmt.Errorf("read ImageUpdateAutomation %s: %w", key, err)
	case object.Labels[pin.ManagedByLabel] == pin.ManagedBy || object.Annotations[automationMemory] != "":
		s.addAutomation(object)
		return nil
	}
	foreign := &apply.ForeignError{Kind: automationv1.ImageUpdateAutomationKind, Namespace: key.Namespace, Name: key.Name}
	for i := range s.Pins {
		if s.Pins[i].Automation == key {
			s.Pins[i].Foreign = foreign.Error()
		}
	}
	return nil
}

func observeAutomation(object *automationv1.ImageUpdateAutomation) batch.Automation {
	a := batch.Automation{
		Key: batch.Key{Namespace: object.Namespace, Name: object.Name}, Exists: true, Suspended: object.Spec.Suspend,
		Selects:   fluxobjects.SelectedBatch(object.Spec.PolicySelector),
		Requested: object.Annotations[fluxmeta.ReconcileRequestAnnotation],
		Handled:   object.Status.LastHandledReconcileAt,
		Observed:  map[string]string{},
	}
	for name, reference := range object.Status.ObservedPolicies {
		a.Observed[name] = reference.Tag
	}
	if ready := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.ReadyCondition); ready != nil {
		a.Ready = batch.Ready{
			True:   ready.Status == metav1.ConditionTrue && object.Status.ObservedGeneration == object.Generation,
			False:  ready.Status == metav1.ConditionFalse, // a failure leaves the generation as it is
			Reason: ready.Reason, Message: ready.Message,
		}
	}
	// A memory that is no JSON is no memory: the batch counts as armed by another leader and is disarmed.
	_ = json.Unmarshal([]byte(object.Annotations[automationMemory]), &a.Memory)
	return a
}

// observeForeign tells which pins an automation that is not ours would write.
func (r *Reconciler) observeForeign(ctx context.Context, reader client.Reader, s *scope) error {
	foreign := map[string][]foreignAutomation{}
	for i := range s.Pins {
		p := &s.Pins[i]
		others, ok := foreign[p.Key.Namespace]
		if !ok {
			var err error
			if others, err = r.foreignAutomations(ctx, reader, p.Key.Namespace); err != nil {
				return err
			}
			foreign[p.Key.Namespace] = others
		}
		for _, other := range others {
			if p.Foreign != "" {
				break
			}
			if other.pushes == s.key || other.pushes == s.pushKey(*p) {
				p.Foreign = other.Conflict(p.Memory.File, s.pins[p.Key].Labels, notManaged)
			}
		}
	}
	return nil
}

// notManaged is the selector that keeps an automation away from what the operator makes.
const notManaged = `{"matchExpressions":[{"key":"` + pin.ManagedByLabel + `","operator":"NotIn","values":["` + pin.ManagedBy + `"]}]}`

// pushKey is the key of a pin's push branch; empty: it has none.
func (s *scope) pushKey(p batch.Pin) string {
	found := s.sources[sourceKey{p.Key.Namespace, p.Intent.Source}]
	if p.Push == "" || found.repository == nil {
		return ""
	}
	return gitops.Key(found.repository.Spec.URL, p.Push)
}

// foreignAutomation is one that the operator did not make, and the key of the branch to which it pushes.
type foreignAutomation struct {
	batch.ForeignAutomation
	pushes string
}

// foreignIn are those of a namespace that push to a repository branch.
func (r *Reconciler) foreignIn(ctx context.Context, reader client.Reader, key, namespace string) ([]batch.ForeignAutomation, error) {
	all, err := r.foreignAutomations(ctx, reader, namespace)
	var foreign []batch.ForeignAutomation
	for _, other := range all {
		if other.pushes == key {
			foreign = append(foreign, other.ForeignAutomation)
		}
	}
	return foreign, err
}

// foreignAutomations are the automations of a namespace that the operator did not make.
func (r *Reconciler) foreignAutomations(ctx context.Context, reader client.Reader, namespace string) ([]foreignAutomation, error) {
	var list automationv1.ImageUpdateAutomationList
	if err := reader.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("list automations of namespace %s: %w", namespace, err)
	}
	var foreign []foreignAutomation
	for i := range list.Items {
		object := &list.Items[i]
		if object.Labels[pin.ManagedByLabel] == pin.ManagedBy || object.Spec.Suspend {
			continue
		}
		pushes, err := writes(ctx, reader, object)
		if err != nil {
			return nil, err
		}
		if pushes != "" {
			foreign = append(foreign, foreignAutomation{foreignOf(object), pushes})
		}
	}
	return foreign, nil
}

// writes is the key of the branch to which an automation pushes; empty if there is no such repository.
func writes(ctx context.Context, reader client.Reader, object *automationv1.ImageUpdateAutomation) (string, error) {
	ref := object.Spec.SourceRef
	if ref.Namespace == "" {
		ref.Namespace = object.Namespace
	}
	var repository sourcev1.GitRepository
	err := reader.Get(ctx, client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}, &repository)
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read GitRepository %s/%s: %w", ref.Namespace, ref.Name, err)
	}
	branch := git.DefaultBranch
	if ref := repository.Spec.Reference; ref != nil && ref.Branch != "" {
		branch = ref.Branch
	}
	if spec := object.Spec.GitSpec; spec != nil {
		if spec.Checkout != nil && spec.Checkout.Reference.Branch != "" {
			branch = spec.Checkout.Reference.Branch
		}
		if spec.Push != nil && spec.Push.Branch != "" {
			branch = spec.Push.Branch
		}
	}
	return gitops.Key(repository.Spec.URL, branch), nil
}

func foreignOf(object *automationv1.ImageUpdateAutomation) batch.ForeignAutomation {
	foreign := batch.ForeignAutomation{
		Key:     batch.Key{Namespace: object.Namespace, Name: object.Name},
		Selects: func(map[string]string) bool { return true },
	}
	if object.Spec.Update != nil {
		foreign.Path = object.Spec.Update.Path
	}
	if object.Spec.PolicySelector == nil {
		return foreign
	}
	selector, err := metav1.LabelSelectorAsSelector(object.Spec.PolicySelector)
	if err != nil { // Flux stalls on it: it selects nothing
		selector = labels.Nothing()
	}
	foreign.Selects = func(set map[string]string) bool { return selector.Matches(labels.Set(set)) }
	return foreign
}

// ensure creates an automation, or repairs one, at rest.
func (r *Reconciler) ensure(ctx context.Context, s *scope, key batch.Key) error {
	settings, ok := s.wanted[key]
	if !ok {
		return fmt.Errorf("no pin of ImageUpdateAutomation %s may use its repository", key)
	}
	want := fluxobjects.Automation(settings)
	live := s.automations[key]
	if live == nil {
		err := r.Create(ctx, want, fieldOwner)
		if apierrors.IsAlreadyExists(err) { // the cache does not show it yet, or it is being deleted
			return errStale
		}
		return err
	}
	base := live.DeepCopy()
	suspend := live.Spec.Suspend
	want.Spec.DeepCopyInto(&live.Spec)
	live.Spec.Suspend = suspend
	for label, value := range want.Labels {
		metav1.SetMetaDataLabel(&live.ObjectMeta, label, value)
	}
	if err := r.Patch(ctx, live, guarded(base), fieldOwner); err != nil {
		return err
	}
	if fluxobjects.Drifted(live, want) {
		return fmt.Errorf("the API server did not keep the spec of ImageUpdateAutomation %s as it was written: "+
			"bring Flux's custom resource definitions to the version that the operator needs", key)
	}
	return nil
}

// drop deletes an automation that no pin needs any more.
func (r *Reconciler) drop(ctx context.Context, s *scope, key batch.Key) error {
	object := s.automations[key]
	return client.IgnoreNotFound(r.Delete(ctx, object, client.Preconditions{ResourceVersion: &object.ResourceVersion}))
}

// guarded patches only the object that was read: somebody else's write in between makes it fail, and all is looked at again.
func guarded(base client.Object) client.Patch {
	return client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})
}
