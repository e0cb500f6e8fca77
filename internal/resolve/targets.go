package resolve

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
)

// targets are the objects that a policy selects, each once. One that is named and not there has a finding.
func (r *Resolver) targets(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) ([]Target, error) {
	found := map[string]Target{}
	for _, reference := range policy.Spec.Targets {
		if reference.Selector == nil {
			target, err := r.named(ctx, policy.Namespace, reference.Name)
			if err != nil {
				return nil, err
			}
			found[target.Name] = target
			continue
		}
		apps, err := r.selected(ctx, policy.Namespace, reference.Selector)
		if err != nil {
			return nil, err
		}
		for i := range apps {
			if apps[i].DeletionTimestamp.IsZero() {
				found[apps[i].Name] = Target{Kind: appv1alpha1.AppKind, Name: apps[i].Name, App: &apps[i]}
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b Target) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	}), nil
}

func (r *Resolver) named(ctx context.Context, namespace, name string) (Target, error) {
	target := Target{Kind: appv1alpha1.AppKind, Name: name}
	app := &appv1alpha1.App{}
	err := r.Cached.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, app)
	switch {
	case apierrors.IsNotFound(err):
		target.Finding = finding(v1alpha1.AppMissingReason, "There is no App %s/%s: create it, or take it out of the policy's targets", namespace, name)
	case err != nil:
		return Target{}, fmt.Errorf("read App %s/%s: %w", namespace, name, err)
	case !app.DeletionTimestamp.IsZero():
		target.Finding = finding(v1alpha1.AppMissingReason, "App %s/%s is being deleted: take it out of the policy's targets if it does not come back", namespace, name)
	default:
		target.App = app
	}
	return target, nil
}

func (r *Resolver) selected(ctx context.Context, namespace string, by *metav1.LabelSelector) ([]appv1alpha1.App, error) {
	selector, err := metav1.LabelSelectorAsSelector(by)
	if err != nil {
		return nil, fmt.Errorf("selector of a target: %w", err)
	}
	var apps appv1alpha1.AppList
	if err := r.Cached.List(ctx, &apps, client.InNamespace(namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return nil, fmt.Errorf("list Apps of namespace %s: %w", namespace, err)
	}
	return apps.Items, nil
}

// Selects says whether a policy has a target of this name and these labels. A selector that is invalid selects nothing.
func Selects(policy *v1alpha1.AppUpgradePolicy, name string, set labels.Set) bool {
	return slices.ContainsFunc(policy.Spec.Targets, func(reference v1alpha1.TargetReference) bool {
		if reference.Selector == nil {
			return reference.Name == name
		}
		selector, err := metav1.LabelSelectorAsSelector(reference.Selector)
		return err == nil && selector.Matches(set)
	})
}
