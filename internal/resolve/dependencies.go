package resolve

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// DependencyIndex is the field index of policies by the names in their dependsOn.
const DependencyIndex = "spec.rollout.dependsOn"

// DependencyKeys are the keys of an AppUpgradePolicy in DependencyIndex.
func DependencyKeys(object client.Object) []string {
	policy, ok := object.(*v1alpha1.AppUpgradePolicy)
	if !ok {
		return nil
	}
	var names []string
	for _, dependency := range dependenciesOf(policy) {
		names = append(names, dependency.Name)
	}
	return names
}

func dependenciesOf(policy *v1alpha1.AppUpgradePolicy) []v1alpha1.Dependency {
	if policy.Spec.Rollout == nil {
		return nil
	}
	return policy.Spec.Rollout.DependsOn
}

// Dependencies are the policies of dependsOn, in that order. The finding is set if they lead back to the policy: then none
// of them could ever start.
func (r *Resolver) Dependencies(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) ([]gate.Dependency, *pin.Finding, error) {
	wanted := dependenciesOf(policy)
	if len(wanted) == 0 {
		return nil, nil, nil
	}
	walk := walk{reader: r.Cached, namespace: policy.Namespace, known: map[string]*v1alpha1.AppUpgradePolicy{}}
	circle, err := walk.back(ctx, policy)
	if err != nil {
		return nil, nil, err
	}
	if circle != nil {
		return nil, finding(v1alpha1.DependencyCycleReason, "rollout.dependsOn leads in a circle, so no policy of it can start: %s. Take one of them out of another's dependsOn",
			strings.Join(circle, " → ")), nil
	}
	all := make([]gate.Dependency, 0, len(wanted))
	for _, dependency := range wanted {
		message := unready(walk.known[dependency.Name], dependency.Range)
		all = append(all, gate.Dependency{Name: dependency.Name, Range: dependency.Range, Ready: message == "", Message: message})
	}
	return all, nil, nil
}

// walk follows dependsOn, and reads each policy once.
type walk struct {
	reader    client.Reader
	namespace string
	// known policies by name; nil: there is none.
	known map[string]*v1alpha1.AppUpgradePolicy
}

// back is a shortest way from a policy through dependsOn back to it, both ends included; nil if there is none.
func (w walk) back(ctx context.Context, start *v1alpha1.AppUpgradePolicy) ([]string, error) {
	type step struct {
		policy *v1alpha1.AppUpgradePolicy
		way    []string
	}
	queue := []step{{start, []string{start.Name}}}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, dependency := range dependenciesOf(at.policy) {
			way := append(slices.Clip(at.way), dependency.Name)
			if dependency.Name == start.Name {
				return way, nil
			}
			if _, known := w.known[dependency.Name]; known {
				continue
			}
			next, err := w.read(ctx, dependency.Name)
			if err != nil {
				return nil, err
			}
			if next != nil {
				queue = append(queue, step{next, way})
			}
		}
	}
	return nil, nil
}

func (w walk) read(ctx context.Context, name string) (*v1alpha1.AppUpgradePolicy, error) {
	policy := &v1alpha1.AppUpgradePolicy{}
	err := w.reader.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, policy, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		w.known[name] = nil
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read AppUpgradePolicy %s/%s of rollout.dependsOn: %w", w.namespace, name, err)
	}
	w.known[name] = policy
	return policy, nil
}

// unready says why a policy is not healthy, at rest and in a range; empty: it is.
func unready(policy *v1alpha1.AppUpgradePolicy, allowed string) string {
	switch {
	case policy == nil:
		return "there is no such AppUpgradePolicy"
	case !policy.DeletionTimestamp.IsZero():
		return "it is being deleted"
	case policy.Status.ObservedGeneration != policy.Generation || policy.Status.Counts == nil:
		return "the operator has not looked at its present spec yet"
	}
	ready := meta.FindStatusCondition(policy.Status.Conditions, v1alpha1.ReadyCondition)
	counts := *policy.Status.Counts
	switch {
	case ready == nil:
		return "it has no condition Ready"
	case ready.Status != metav1.ConditionTrue:
		return fmt.Sprintf("its condition Ready is %s (%s)", ready.Status, ready.Reason)
	case counts.Total == 0:
		return "it has no targets"
	case counts.Upgrading > 0:
		return fmt.Sprintf("%d of its %d targets are on their way to another version", counts.Upgrading, counts.Total)
	case counts.Healthy != counts.Total:
		return fmt.Sprintf("%d of its %d targets are healthy", counts.Healthy, counts.Total)
	}
	return outside(policy, allowed)
}

// Readiness is all that those who depend on a policy see of it beside its generation, as text to compare.
func Readiness(policy *v1alpha1.AppUpgradePolicy) string {
	var running []string
	for _, target := range policy.Status.Targets {
		running = append(running, target.Installed)
	}
	return unready(policy, "") + "|" + policy.Status.Current + "|" + strings.Join(running, "|")
}

// outside names a version that a target of the policy runs outside of a range; empty: there is none. The targets that the
// status has no room for do not deviate from the others.
func outside(policy *v1alpha1.AppUpgradePolicy, allowed string) string {
	if allowed == "" {
		return ""
	}
	inside, err := versions.ParseRange(allowed)
	if err != nil {
		return err.Error()
	}
	filter := FilterOf(policy)
	running := []string{policy.Status.Current}
	for _, target := range policy.Status.Targets {
		running = append(running, target.Installed)
	}
	for _, version := range running {
		if !inside.Contains(filter.VersionOf(version)) {
			return fmt.Sprintf("it runs version %q, which is not in %s", version, allowed)
		}
	}
	return ""
}
