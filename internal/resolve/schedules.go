package resolve

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
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

// Maintenance are the MaintenanceSchedules that select a policy, in the order of their names.
func (r *Resolver) Maintenance(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) ([]rollout.Schedule, error) {
	all, err := ReadMaintenance(ctx, r.Cached)
	if err != nil {
		return nil, err
	}
	return all.Of(ctx, policy)
}

// Maintenance are the MaintenanceSchedules of a cluster, read once for any number of policies.
type Maintenance struct {
	reader client.Reader
	all    []selecting
	// namespaces are those whose labels were asked for; nil: the reader does not have it.
	namespaces map[string]*metav1.PartialObjectMetadata
}

// selecting is a MaintenanceSchedule and what it selects. Selectors are nil if it is broken.
type selecting struct {
	rollout.Schedule
	policies, namespaces labels.Selector
}

// ReadMaintenance reads all MaintenanceSchedules. Namespaces are read by the same reader when the first schedule asks for them.
func ReadMaintenance(ctx context.Context, reader client.Reader) (*Maintenance, error) {
	var list v1alpha1.MaintenanceScheduleList
	if err := reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil { // nothing here changes them
		return nil, fmt.Errorf("list MaintenanceSchedules: %w", err)
	}
	m := &Maintenance{reader: reader, namespaces: map[string]*metav1.PartialObjectMetadata{}}
	for i := range list.Items {
		m.all = append(m.all, parseMaintenance(&list.Items[i]))
	}
	slices.SortFunc(m.all, func(a, b selecting) int { return cmp.Compare(a.Of, b.Of) })
	return m, nil
}

func parseMaintenance(object *v1alpha1.MaintenanceSchedule) selecting {
	spec := object.Spec
	parsed := selecting{Schedule: parseSchedule(v1alpha1.MaintenanceScheduleKind+" "+object.Name, spec.Schedule)}
	parsed.Reason, parsed.BlocksAll = spec.Reason, spec.Blocks == v1alpha1.BlocksAll
	var wrongPolicies, wrongNamespaces string
	parsed.policies, wrongPolicies = selectorOf("policySelector", spec.PolicySelector)
	parsed.namespaces, wrongNamespaces = selectorOf("namespaceSelector", spec.NamespaceSelector)
	parsed.Broken = cmp.Or(wrongPolicies, wrongNamespaces, parsed.Broken)
	return parsed
}

// Of are the schedules that select a policy, in the order of their names. One that cannot be read selects every policy and is
// broken: it may be a freeze.
func (m *Maintenance) Of(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) ([]rollout.Schedule, error) {
	var found []rollout.Schedule
	for _, one := range m.all {
		selects := one.Broken != ""
		if !selects && one.policies.Matches(labels.Set(policy.Labels)) {
			var err error
			if selects, err = m.inside(ctx, policy.Namespace, one.namespaces); err != nil {
				return nil, err
			}
		}
		if selects {
			found = append(found, one.Schedule)
		}
	}
	return found, nil
}

// inside says whether a namespace is selected. One that the cache does not have yet is: it may be one under a freeze, and
// when it comes the policy is looked at again.
func (m *Maintenance) inside(ctx context.Context, name string, selector labels.Selector) (bool, error) {
	if selector.Empty() {
		return true, nil
	}
	namespace, known := m.namespaces[name]
	if !known {
		namespace = &metav1.PartialObjectMetadata{}
		namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
		err := m.reader.Get(ctx, client.ObjectKey{Name: name}, namespace)
		if client.IgnoreNotFound(err) != nil {
			return false, fmt.Errorf("read the labels of namespace %s: %w", name, err)
		}
		if err != nil {
			namespace = nil
		}
		m.namespaces[name] = namespace
	}
	return namespace == nil || selector.Matches(labels.Set(namespace.Labels)), nil
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
