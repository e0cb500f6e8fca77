package resolve

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/schedule"
)

// Schedules are those of a policy that all must allow a start in one of its waves; nil: the policy has no waves. The wave's
// windows, if it has any, replace the policy's, and the exclusions of both stay.
func Schedules(policy *v1alpha1.AppUpgradePolicy, wave *v1alpha1.Wave) []rollout.Schedule {
	var all []rollout.Schedule
	if spec := policy.Spec.Schedule; spec != nil {
		kept := *spec
		if wave != nil && wave.Schedule != nil && len(wave.Schedule.Windows) > 0 {
			kept.Windows = nil
		}
		all = append(all, parseSchedule("spec.schedule", kept))
	}
	if wave != nil && wave.Schedule != nil {
		all = append(all, parseSchedule(fmt.Sprintf("rollout.waves[%s].schedule", wave.Name), *wave.Schedule))
	}
	return all
}

func parseSchedule(of string, spec v1alpha1.Schedule) rollout.Schedule {
	parsed, err := schedule.Parse(spec)
	if err != nil {
		return rollout.Schedule{Of: of, Broken: err.Error()}
	}
	return rollout.Schedule{Of: of, Schedule: parsed}
}

// Maintenance are the MaintenanceSchedules that select a policy, in the order of their names. One that cannot be read
// selects every policy and is broken: it may be a freeze.
func (r *Resolver) Maintenance(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) ([]rollout.Schedule, error) {
	var list v1alpha1.MaintenanceScheduleList
	if err := r.Cached.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil { // nothing here changes them
		return nil, fmt.Errorf("list MaintenanceSchedules: %w", err)
	}
	of := selected{reader: r.Cached, policy: policy}
	var all []rollout.Schedule
	for i := range list.Items {
		found, err := of.by(ctx, &list.Items[i])
		if err != nil {
			return nil, err
		}
		if found != nil {
			all = append(all, *found)
		}
	}
	slices.SortFunc(all, func(a, b rollout.Schedule) int { return cmp.Compare(a.Of, b.Of) })
	return all, nil
}

// selected is a policy that MaintenanceSchedules may select. Its namespace is read when the first of them asks for it.
type selected struct {
	reader    client.Reader
	policy    *v1alpha1.AppUpgradePolicy
	namespace *metav1.PartialObjectMetadata
}

// by is the schedule of a MaintenanceSchedule; nil if it does not select the policy.
func (s *selected) by(ctx context.Context, maintenance *v1alpha1.MaintenanceSchedule) (*rollout.Schedule, error) {
	spec := maintenance.Spec
	found := parseSchedule(v1alpha1.MaintenanceScheduleKind+" "+maintenance.Name, spec.Schedule)
	found.Reason, found.BlocksAll = spec.Reason, spec.Blocks == v1alpha1.BlocksAll
	policies, wrongPolicies := selectorOf("policySelector", spec.PolicySelector)
	namespaces, wrongNamespaces := selectorOf("namespaceSelector", spec.NamespaceSelector)
	found.Broken = cmp.Or(wrongPolicies, wrongNamespaces, found.Broken)
	if found.Broken != "" {
		return &found, nil
	}
	if !policies.Matches(labels.Set(s.policy.Labels)) {
		return nil, nil
	}
	inside, err := s.inside(ctx, namespaces)
	if !inside || err != nil {
		return nil, err
	}
	return &found, nil
}

// inside says whether the policy's namespace is selected. One that the cache does not have yet is: it may be one under
// a freeze, and when it comes the policy is looked at again.
func (s *selected) inside(ctx context.Context, selector labels.Selector) (bool, error) {
	if selector.Empty() {
		return true, nil
	}
	if s.namespace == nil {
		namespace := &metav1.PartialObjectMetadata{}
		namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
		err := s.reader.Get(ctx, client.ObjectKey{Name: s.policy.Namespace}, namespace)
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("read the labels of namespace %s: %w", s.policy.Namespace, err)
		}
		s.namespace = namespace
	}
	return selector.Matches(labels.Set(s.namespace.Labels)), nil
}

// selectorOf reads a selector of which none at all, as an empty one, selects everything, and says what is wrong with it.
func selectorOf(field string, selector *metav1.LabelSelector) (parsed labels.Selector, wrong string) {
	if selector == nil {
		return labels.Everything(), ""
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, fmt.Sprintf("%s: %s", field, err)
	}
	return parsed, ""
}
