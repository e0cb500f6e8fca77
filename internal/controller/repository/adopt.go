package repository

import (
	"context"
	"fmt"
	"strings"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/placement"
)

// markerAdoptedReason is that of the event about a marker that took the place of somebody else's.
const markerAdoptedReason = "MarkerAdopted"

// foreignPolicies are the ImagePolicies that markers may name, with what it takes to compare those that are not ours with pins.
func (r *Reconciler) foreignPolicies(ctx context.Context, s *scope, pins []placement.Pin) (map[batch.Key]placement.ForeignPolicy, error) {
	for i := range pins {
		key := pins[i].Key
		scan, err := s.scan(ctx, r.Client, client.ObjectKey{Namespace: key.Namespace, Name: s.pins[key].Spec.ImageRepositoryRef.Name})
		if err != nil {
			return nil, err
		}
		pins[i].Image = scan.Spec.Image
	}
	var list imagev1.ImagePolicyList
	if err := r.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil { // only read
		return nil, fmt.Errorf("list ImagePolicies: %w", err)
	}
	automations := map[string][]batch.ForeignAutomation{}
	policies := map[batch.Key]placement.ForeignPolicy{}
	for i := range list.Items {
		object := &list.Items[i]
		policy, err := r.foreignPolicy(ctx, r.Client, s, object)
		if err != nil {
			return nil, err
		}
		if _, listed := automations[object.Namespace]; !listed && !policy.Managed {
			if automations[object.Namespace], err = r.foreignIn(ctx, r.Client, s.key, object.Namespace); err != nil {
				return nil, err
			}
		}
		policy.Automations = automations[object.Namespace]
		policies[batch.Key{Namespace: object.Namespace, Name: object.Name}] = policy
	}
	return policies, nil
}

// foreignPolicy is an ImagePolicy as placement sees it, but for the automations.
func (r *Reconciler) foreignPolicy(ctx context.Context, reader client.Reader, s *scope, object *imagev1.ImagePolicy) (placement.ForeignPolicy, error) {
	if object.Labels[pin.ManagedByLabel] == pin.ManagedBy {
		return placement.ForeignPolicy{Managed: true}, nil
	}
	policy := placement.ForeignPolicy{
		Selects: selects(object.Spec),
		Adopt:   object.Annotations[v1alpha1.AdoptAnnotation] == "true",
		Labels:  object.Labels,
	}
	if latest := object.Status.LatestRef; latest != nil {
		policy.Latest = latest.Tag
		policy.Image = latest.Name
	}
	// An ImageRepository of another namespace is for Flux to read, which asks whether this one may: see its status.
	if ref := object.Spec.ImageRepositoryRef; ref.Namespace == "" || ref.Namespace == object.Namespace {
		scan, err := s.scan(ctx, reader, client.ObjectKey{Namespace: object.Namespace, Name: ref.Name})
		if err != nil {
			return placement.ForeignPolicy{}, err
		}
		policy.Image = scan.Spec.Image
	}
	return policy, nil
}

// selects says in words which tags an ImagePolicy selects.
func selects(spec imagev1.ImagePolicySpec) string {
	text := "the newest tag"
	switch policy := spec.Policy; {
	case policy.SemVer != nil:
		text = fmt.Sprintf("versions in the range %q", policy.SemVer.Range)
	case policy.Alphabetical != nil:
		text = "tags in alphabetical order " + policy.Alphabetical.Order
	case policy.Numerical != nil:
		text = "tags in numerical order " + policy.Numerical.Order
	}
	if filter := spec.FilterTags; filter != nil && filter.Pattern != "" {
		text += fmt.Sprintf(" among the tags that match %q", filter.Pattern)
	}
	return text
}

// observeForeignPolicy tells whether anything has changed about the ImagePolicy that somebody else's marker on a pin's line names.
func (r *Reconciler) observeForeignPolicy(ctx context.Context, reader client.Reader, s *scope, p *batch.Pin) error {
	namespace, name, ok := strings.Cut(p.Memory.Foreign, "/")
	if !ok {
		return nil
	}
	var object imagev1.ImagePolicy
	err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &object)
	if apierrors.IsNotFound(err) {
		p.ForeignPolicy = placement.ForeignPolicy{}.Fingerprint()
		return nil
	}
	if err != nil {
		return fmt.Errorf("read ImagePolicy %s: %w", p.Memory.Foreign, err)
	}
	policy, err := r.foreignPolicy(ctx, reader, s, &object)
	p.ForeignPolicy = policy.SeenFrom(p.Key.Namespace, batch.Key{Namespace: namespace, Name: name}).Fingerprint()
	return err
}

// tellAdopted says of each marker that took the place of somebody else's that it did.
func (r *Reconciler) tellAdopted(s *scope, adopted []placement.Adoption) {
	for _, a := range adopted {
		text := fmt.Sprintf("%s has the marker of %s now, in the place of that of ImagePolicy %s, which can be deleted unless other lines name it; "+
			"no version changed", a.At, a.Pin.Name, a.From)
		object := s.pins[a.Pin]
		if policy := s.lives[client.ObjectKey{Namespace: a.Pin.Namespace, Name: object.Labels[pin.PolicyLabel]}].object; policy != nil {
			r.Events.Eventf(policy, object, corev1.EventTypeNormal, markerAdoptedReason, "Adopt", "%s", text)
		}
		r.Events.Eventf(object, nil, corev1.EventTypeNormal, markerAdoptedReason, "Adopt", "%s", text)
	}
}

// naming are the repository branches of the pins on whose line a marker of somebody else names an ImagePolicy.
func (r *Reconciler) naming(ctx context.Context, key client.ObjectKey) (branches []string, err error) {
	var list imagev1.ImagePolicyList
	labels := client.MatchingLabels{pin.RoleLabel: pin.RolePin, pin.ManagedByLabel: pin.ManagedBy}
	if err := r.List(ctx, &list, labels, client.UnsafeDisableDeepCopy); err != nil { // only read
		return nil, fmt.Errorf("list pins: %w", err)
	}
	for i := range list.Items {
		object := &list.Items[i]
		if !strings.Contains(object.Annotations[pin.MemoryAnnotation], key.String()) {
			continue // most of them
		}
		if memory, err := pin.MemoryOf(object); err == nil && memory.Foreign == key.String() {
			branches = append(branches, object.Labels[pin.RepositoryLabel])
		}
	}
	return branches, nil
}
