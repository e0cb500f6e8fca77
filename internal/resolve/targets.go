package resolve

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// targets are the objects that a policy, whose kinds exist, selects, each once. One that is named and not there has a finding.
func (r *Resolver) targets(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) ([]Target, error) {
	found := map[string]Target{}
	for _, reference := range policy.Spec.Targets {
		kind := kinds.Of(reference.Kind)
		if reference.Selector == nil {
			target, err := r.named(ctx, kind, policy.Namespace, reference.Name)
			if err != nil {
				return nil, err
			}
			found[pin.Name(target.Kind, target.Name)] = target
			continue
		}
		objects, err := r.selected(ctx, kind, policy.Namespace, reference.Selector)
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			if object.GetDeletionTimestamp().IsZero() {
				found[pin.Name(kinds.Name(kind), object.GetName())] = Target{Kind: kinds.Name(kind), Name: object.GetName(), Object: object}
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b Target) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	}), nil
}

func (r *Resolver) named(ctx context.Context, kind kinds.Kind, namespace, name string) (Target, error) {
	target := Target{Kind: kinds.Name(kind), Name: name}
	object := kind.New()
	err := r.Cached.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
	switch {
	case apierrors.IsNotFound(err):
		target.Finding = finding(v1alpha1.TargetMissingReason, "There is no %s %s/%s: create it, or take it out of the policy's targets",
			target.Kind, namespace, name)
	case err != nil:
		return Target{}, fmt.Errorf("read %s %s/%s: %w", target.Kind, namespace, name, err)
	case !object.GetDeletionTimestamp().IsZero():
		target.Finding = finding(v1alpha1.TargetMissingReason, "%s %s/%s is being deleted: take it out of the policy's targets if it does not come back",
			target.Kind, namespace, name)
	default:
		target.Object = object
	}
	return target, nil
}

func (r *Resolver) selected(ctx context.Context, kind kinds.Kind, namespace string, by *metav1.LabelSelector) ([]client.Object, error) {
	selector, err := metav1.LabelSelectorAsSelector(by)
	if err != nil {
		return nil, fmt.Errorf("selector of a target: %w", err)
	}
	return List(ctx, r.Cached, kind, client.InNamespace(namespace), client.MatchingLabelsSelector{Selector: selector})
}

// List reads objects of a kind.
func List(ctx context.Context, reader client.Reader, kind kinds.Kind, options ...client.ListOption) ([]client.Object, error) {
	return ListAs(ctx, reader, kind.NewList(), options...)
}

// ListAs reads objects into an empty list.
func ListAs(ctx context.Context, reader client.Reader, list client.ObjectList, options ...client.ListOption) ([]client.Object, error) {
	if err := reader.List(ctx, list, options...); err != nil {
		return nil, fmt.Errorf("read %T: %w", list, err)
	}
	objects := make([]client.Object, 0, meta.LenList(list))
	err := meta.EachListItem(list, func(item runtime.Object) error {
		object, ok := item.(client.Object)
		if !ok {
			return fmt.Errorf("%T is no object", item)
		}
		objects = append(objects, object)
		return nil
	})
	return objects, err
}

// Selects says whether a policy has a target of this kind and name, and these labels. A selector that is invalid selects
// nothing.
func Selects(policy *v1alpha1.AppUpgradePolicy, kind, name string, set labels.Set) bool {
	return slices.ContainsFunc(policy.Spec.Targets, func(reference v1alpha1.TargetReference) bool {
		if kindOf(reference) != kind {
			return false
		}
		if reference.Selector == nil {
			return reference.Name == name
		}
		selector, err := metav1.LabelSelectorAsSelector(reference.Selector)
		return err == nil && selector.Matches(set)
	})
}

// kindOf is the name of a reference's kind.
func kindOf(reference v1alpha1.TargetReference) string {
	return cmp.Or(reference.Kind, kinds.Name(kinds.Of("")))
}

// KindsOf are the kinds of a policy's targets, each once. Unknown ones are left out.
func KindsOf(policy *v1alpha1.AppUpgradePolicy) []kinds.Kind {
	var found []kinds.Kind
	for _, reference := range policy.Spec.Targets {
		if kind := kinds.Of(reference.Kind); kind != nil && !slices.Contains(found, kind) {
			found = append(found, kind)
		}
	}
	return found
}
