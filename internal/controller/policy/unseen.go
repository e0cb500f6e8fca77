package policy

import (
	"context"
	"errors"
	"fmt"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// unseen is a conflict if the policy has pins or a candidate that the cache does not know yet. One that is written as if it were
// new loses its round: some targets of a decision could move before the others. Only what is to be created is asked for.
func (r *Reconciler) unseen(ctx context.Context, s scope, plans []plan) error {
	if s.candidate == nil && s.candidateScan() != "" {
		candidate := &imagev1.ImagePolicy{}
		key := client.ObjectKey{Namespace: s.policy.Namespace, Name: pin.CandidateName(s.policy.Name)}
		err := r.live.Get(ctx, key, candidate)
		if err == nil {
			return notCached(candidate.Name)
		}
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("read ImagePolicy %s: %w", key, err)
		}
	}
	created := map[string]bool{}
	for _, p := range plans {
		if p.live.object == nil {
			created[pin.Name(p.intent.Target.Kind, p.intent.Target.Name)] = true
		}
	}
	if len(created) == 0 {
		return nil
	}
	return r.uncached(ctx, s.policy, func(name string) bool { return created[name] })
}

// uncached is a conflict if the policy has a pin which the cache should have known.
func (r *Reconciler) uncached(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, unknown func(name string) bool) error {
	var list imagev1.ImagePolicyList
	err := r.live.List(ctx, &list, client.InNamespace(policy.Namespace), client.MatchingLabels{
		pin.ManagedByLabel: pin.ManagedBy, pin.RoleLabel: pin.RolePin, pin.PolicyLabel: policy.Name,
	})
	if err != nil {
		return fmt.Errorf("list pins of AppUpgradePolicy %s/%s: %w", policy.Namespace, policy.Name, err)
	}
	for _, object := range list.Items {
		if unknown(object.Name) {
			return notCached(object.Name)
		}
	}
	return nil
}

func notCached(name string) error {
	resource := schema.GroupResource{Group: imagev1.GroupVersion.Group, Resource: "imagepolicies"}
	return apierrors.NewConflict(resource, name, errors.New("it is there, and was not seen yet"))
}
