package resolve

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// TargetIndex is the field index of policies by target: NamedKey of each name, and SelectorKey if one has a selector.
const TargetIndex = "spec.targets"

// SelectorKey is the key in TargetIndex of every policy that selects targets of a kind by their labels.
func SelectorKey(kind string) string { return kind + "/*" }

// NamedKey is the key in TargetIndex of every policy that names a target.
func NamedKey(kind, name string) string { return kind + "/" + name }

// TargetKeys are the keys of an AppUpgradePolicy in TargetIndex.
func TargetKeys(object client.Object) []string {
	policy, ok := object.(*v1alpha1.AppUpgradePolicy)
	if !ok {
		return nil
	}
	var keys []string
	for _, reference := range policy.Spec.Targets {
		key := SelectorKey(kindOf(reference))
		if reference.Selector == nil {
			key = NamedKey(kindOf(reference), reference.Name)
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// PoliciesOf are the policies that select an object of a kind, those that are being deleted included.
func PoliciesOf(ctx context.Context, reader client.Reader, kind string, object client.Object) ([]v1alpha1.AppUpgradePolicy, error) {
	var found []v1alpha1.AppUpgradePolicy
	for _, key := range []string{NamedKey(kind, object.GetName()), SelectorKey(kind)} {
		listed, err := policiesByKey(ctx, reader, object.GetNamespace(), key)
		if err != nil {
			return nil, err
		}
		for _, policy := range listed {
			known := slices.ContainsFunc(found, func(other v1alpha1.AppUpgradePolicy) bool { return other.Name == policy.Name })
			if !known && Selects(&policy, kind, object.GetName(), object.GetLabels()) {
				found = append(found, policy)
			}
		}
	}
	return found, nil
}

// HeirsOf are the other policies, not being deleted, that select a target which this one gives up. A target that is gone, or
// whose kind is, has none.
func HeirsOf(ctx context.Context, reader client.Reader, policy *v1alpha1.AppUpgradePolicy, kind, name string) ([]v1alpha1.AppUpgradePolicy, error) {
	known := kinds.Of(kind)
	if known == nil {
		return nil, nil
	}
	object := known.New()
	err := reader.Get(ctx, client.ObjectKey{Namespace: policy.Namespace, Name: name}, object)
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	selecting, err := PoliciesOf(ctx, reader, kinds.Name(known), object)
	return slices.DeleteFunc(selecting, func(other v1alpha1.AppUpgradePolicy) bool {
		return other.Name == policy.Name || !other.DeletionTimestamp.IsZero()
	}), err
}

func policiesByKey(ctx context.Context, reader client.Reader, namespace, key string) ([]v1alpha1.AppUpgradePolicy, error) {
	var list v1alpha1.AppUpgradePolicyList
	// Without copies: there may be a thousand policies with a selector, and nothing here changes them.
	options := []client.ListOption{client.InNamespace(namespace), client.MatchingFields{TargetIndex: key}, client.UnsafeDisableDeepCopy}
	if err := reader.List(ctx, &list, options...); err != nil {
		return nil, fmt.Errorf("list policies of namespace %s with target %s: %w", namespace, key, err)
	}
	return list.Items, nil
}

// rivals are the other policies of a namespace, which may select the same targets. Those being deleted do not count.
type rivals struct {
	reader client.Reader
	self   string
	// bySelector have a selector, which any target of the kind may match.
	bySelector map[string][]v1alpha1.AppUpgradePolicy
}

func (r *Resolver) rivalsOf(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) (rivals, error) {
	found := rivals{reader: r.Cached, self: policy.Name, bySelector: map[string][]v1alpha1.AppUpgradePolicy{}}
	for _, kind := range KindsOf(policy) {
		bySelector, err := policiesByKey(ctx, r.Cached, policy.Namespace, SelectorKey(kinds.Name(kind)))
		if err != nil {
			return found, err
		}
		found.bySelector[kinds.Name(kind)] = bySelector
	}
	return found, nil
}

// conflict is the finding of a target that another policy selects, too. Both policies get it, so that neither wins by
// chance. It names the first of the others.
func (r rivals) conflict(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, target *Target) (*pin.Finding, error) {
	byName, err := policiesByKey(ctx, r.reader, policy.Namespace, NamedKey(target.Kind, target.Name))
	if err != nil {
		return nil, err
	}
	var others []string
	for _, other := range slices.Concat(byName, r.bySelector[target.Kind]) {
		if other.Name != r.self && other.DeletionTimestamp.IsZero() && Selects(&other, target.Kind, target.Name, target.Object.GetLabels()) {
			others = append(others, other.Name)
		}
	}
	if len(others) == 0 {
		return nil, nil
	}
	return finding(v1alpha1.PolicyConflictReason, "AppUpgradePolicy %s selects %s %s, too: let only one policy select it",
		slices.Min(others), target.Kind, target.Name), nil
}
