package policy

import (
	"context"
	"slices"
	"strings"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
)

// mapper says which policies an object is about. It reads from the cache, of the kinds of targets only those that are watched.
type mapper struct {
	reader  client.Reader
	watched func() []kinds.Kind
}

// list reads a list. A failure, which the cache has only while it stops, is logged: nobody could be told.
func (m mapper) list(ctx context.Context, list client.ObjectList, options ...client.ListOption) {
	if err := m.reader.List(ctx, list, options...); err != nil {
		log.FromContext(ctx).Error(err, "Failed to find out which policies to look at")
	}
}

func (m mapper) ofTarget(ctx context.Context, kind kinds.Kind, object client.Object) []reconcile.Request {
	policies, err := resolve.PoliciesOf(ctx, m.reader, kinds.Name(kind), object)
	if err != nil {
		log.FromContext(ctx).Error(err, "Failed to find out which policies to look at")
	}
	return requests(policies)
}

func (m mapper) ofTargetObject(kind kinds.Kind) func(context.Context, client.Object) []reconcile.Request {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		return m.ofTarget(ctx, kind, object)
	}
}

func (m mapper) ofTargets(ctx context.Context, kind kinds.Kind, options ...client.ListOption) []reconcile.Request {
	objects, err := resolve.List(ctx, m.reader, kind, options...)
	if err != nil {
		log.FromContext(ctx).Error(err, "Failed to find out which policies to look at")
	}
	var all []reconcile.Request
	for _, object := range objects {
		all = append(all, m.ofTarget(ctx, kind, object)...)
	}
	return all
}

// ofRelated are the policies of those targets that an object of another kind tells something about.
func (m mapper) ofRelated(kind kinds.Kind, related kinds.Watch) func(context.Context, client.Object) []reconcile.Request {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		var all []reconcile.Request
		for _, key := range related.KeysOf(object) {
			all = append(all, m.ofTargets(ctx, kind, client.MatchingFields{related.Field: key})...)
		}
		return all
	}
}

// rivals are the policies that select a target of this one, too.
func (m mapper) rivals(ctx context.Context, object client.Object) []reconcile.Request {
	policy, ok := object.(*v1alpha1.AppUpgradePolicy)
	if !ok {
		return nil
	}
	var all []reconcile.Request
	for _, target := range policy.Spec.Targets {
		all = append(all, m.ofReference(ctx, policy.Namespace, target)...)
	}
	return without(all, client.ObjectKeyFromObject(policy))
}

func (m mapper) ofReference(ctx context.Context, namespace string, target v1alpha1.TargetReference) []reconcile.Request {
	kind := kinds.Of(target.Kind)
	if !slices.Contains(m.watched(), kind) {
		return nil // nobody has looked at such targets yet
	}
	if target.Selector == nil {
		object := kind.New()
		if err := m.reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: target.Name}, object); err != nil {
			return nil
		}
		return m.ofTarget(ctx, kind, object)
	}
	selector, err := metav1.LabelSelectorAsSelector(target.Selector)
	if err != nil {
		return nil
	}
	return m.ofTargets(ctx, kind, client.InNamespace(namespace), client.MatchingLabelsSelector{Selector: selector})
}

// ofKustomization are the policies of what it applies: targets, and what else their versions may be written in.
func (m mapper) ofKustomization(ctx context.Context, object client.Object) []reconcile.Request {
	applied := client.MatchingFields{kustomizationIndex: nameOf(object)}
	var all []reconcile.Request
	for _, kind := range m.watched() {
		all = append(all, m.ofTargets(ctx, kind, applied)...)
		for _, related := range kind.Watches() {
			if related.Writes {
				all = append(all, m.ofWriting(ctx, kind, related, applied)...)
			}
		}
	}
	return all
}

// ofWriting are the policies of the targets whose versions may be written in certain objects.
func (m mapper) ofWriting(ctx context.Context, kind kinds.Kind, related kinds.Watch, options ...client.ListOption) []reconcile.Request {
	objects, err := resolve.ListAs(ctx, m.reader, related.NewList(), options...)
	if err != nil {
		log.FromContext(ctx).Error(err, "Failed to find out which policies to look at")
	}
	var all []reconcile.Request
	for _, object := range objects {
		all = append(all, m.ofRelated(kind, related)(ctx, object)...)
	}
	return all
}

// ofGitRepository are the policies that name it, and those of what is applied from it.
func (m mapper) ofGitRepository(ctx context.Context, object client.Object) []reconcile.Request {
	var policies v1alpha1.AppUpgradePolicyList
	m.list(ctx, &policies, client.MatchingFields{sourceIndex: nameOf(object)})
	all := requests(policies.Items)
	var kustomizations kustomizev1.KustomizationList
	m.list(ctx, &kustomizations, client.MatchingFields{sourceIndex: nameOf(object)})
	for i := range kustomizations.Items {
		all = append(all, m.ofKustomization(ctx, &kustomizations.Items[i])...)
	}
	return all
}

// unsettledOf are the policies of those pins that wait for something new in Git. The others take no notice of commits.
func (m mapper) unsettledOf(kind string) func(context.Context, client.Object) []reconcile.Request {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		var pins imagev1.ImagePolicyList
		m.list(ctx, &pins, client.MatchingFields{unsettledIndex: unsettledKey(kind, nameOf(object))})
		var all []reconcile.Request
		for _, object := range pins.Items {
			all = append(all, request(object.Namespace, object.Labels[pin.PolicyLabel]))
		}
		return all
	}
}

// all are the policies of all namespaces: a MaintenanceSchedule that changes may have selected any of them.
func (m mapper) all(ctx context.Context, _ client.Object) []reconcile.Request {
	return m.policies(ctx)
}

// ofNamespace are the policies of a Namespace.
func (m mapper) ofNamespace(ctx context.Context, object client.Object) []reconcile.Request {
	return m.policies(ctx, client.InNamespace(object.GetName()))
}

// dependents are the policies that name a policy in their dependsOn.
func (m mapper) dependents(ctx context.Context, object client.Object) []reconcile.Request {
	return m.policies(ctx, client.InNamespace(object.GetNamespace()), client.MatchingFields{resolve.DependencyIndex: object.GetName()})
}

func (m mapper) policies(ctx context.Context, options ...client.ListOption) []reconcile.Request {
	var policies v1alpha1.AppUpgradePolicyList
	m.list(ctx, &policies, append(options, client.UnsafeDisableDeepCopy)...)
	return requests(policies.Items)
}

// ofScan are the policies that need an ImageRepository.
func (m mapper) ofScan(ctx context.Context, object client.Object) []reconcile.Request {
	users, err := usersOf(ctx, m.reader, object.GetNamespace(), object.GetName())
	if err != nil {
		log.FromContext(ctx).Error(err, "Failed to find out which policies to look at")
	}
	return requests(users)
}

// ofImagePolicy is the policy that the label names. An object under one of our names is of interest to those that need
// the name, whoever made it: a pin that is gone makes room for the one of the next policy.
func (m mapper) ofImagePolicy(ctx context.Context, object client.Object) []reconcile.Request {
	var all []reconcile.Request
	if policy := object.GetLabels()[pin.PolicyLabel]; policy != "" {
		all = append(all, request(object.GetNamespace(), policy))
	}
	if policy, ok := strings.CutSuffix(object.GetName(), pin.CandidateName("")); ok {
		all = append(all, request(object.GetNamespace(), policy))
	}
	for _, kind := range m.watched() {
		if target, ok := strings.CutPrefix(object.GetName(), pin.Name(kinds.Name(kind), "")); ok {
			reference := v1alpha1.TargetReference{Kind: kinds.Name(kind), Name: target}
			all = append(all, m.ofReference(ctx, object.GetNamespace(), reference)...)
		}
	}
	return all
}

func requests(policies []v1alpha1.AppUpgradePolicy) []reconcile.Request {
	all := make([]reconcile.Request, 0, len(policies))
	for i := range policies {
		all = append(all, request(policies[i].Namespace, policies[i].Name))
	}
	return all
}

func request(namespace, name string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}

func without(all []reconcile.Request, self types.NamespacedName) []reconcile.Request {
	var others []reconcile.Request
	for _, request := range all {
		if request.NamespacedName != self {
			others = append(others, request)
		}
	}
	return others
}

func nameOf(object client.Object) string { return client.ObjectKeyFromObject(object).String() }
