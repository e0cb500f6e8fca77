package policy

import (
	"context"
	"strings"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
)

// mapper says which policies an object is about. It reads from the cache.
type mapper struct{ reader client.Reader }

// list reads a list. A failure, which the cache has only while it stops, is logged: nobody could be told.
func (m mapper) list(ctx context.Context, list client.ObjectList, options ...client.ListOption) {
	if err := m.reader.List(ctx, list, options...); err != nil {
		log.FromContext(ctx).Error(err, "Failed to find out which policies to look at")
	}
}

func (m mapper) ofApp(ctx context.Context, object client.Object) []reconcile.Request {
	policies, err := resolve.PoliciesOf(ctx, m.reader, object.GetNamespace(), object.GetName(), object.GetLabels())
	if err != nil {
		log.FromContext(ctx).Error(err, "Failed to find out which policies to look at")
	}
	return requests(policies)
}

func (m mapper) ofApps(ctx context.Context, options ...client.ListOption) []reconcile.Request {
	var apps appv1alpha1.AppList
	m.list(ctx, &apps, options...)
	var all []reconcile.Request
	for i := range apps.Items {
		all = append(all, m.ofApp(ctx, &apps.Items[i])...)
	}
	return all
}

// rivals are the policies that select a target of this one, too.
func (m mapper) rivals(ctx context.Context, object client.Object) []reconcile.Request {
	policy, ok := object.(*v1alpha1.AppUpgradePolicy)
	if !ok {
		return nil
	}
	var all []reconcile.Request
	for _, target := range policy.Spec.Targets {
		all = append(all, m.ofTarget(ctx, policy.Namespace, target)...)
	}
	return without(all, client.ObjectKeyFromObject(policy))
}

func (m mapper) ofTarget(ctx context.Context, namespace string, target v1alpha1.TargetReference) []reconcile.Request {
	if target.Selector == nil {
		app := &appv1alpha1.App{}
		if err := m.reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: target.Name}, app); err != nil {
			return nil
		}
		return m.ofApp(ctx, app)
	}
	selector, err := metav1.LabelSelectorAsSelector(target.Selector)
	if err != nil {
		return nil
	}
	return m.ofApps(ctx, client.InNamespace(namespace), client.MatchingLabelsSelector{Selector: selector})
}

func (m mapper) ofCatalog(ctx context.Context, object client.Object) []reconcile.Request {
	return m.ofApps(ctx, client.MatchingFields{catalogIndex: object.GetName()})
}

func (m mapper) ofKustomization(ctx context.Context, object client.Object) []reconcile.Request {
	return m.ofApps(ctx, client.MatchingFields{kustomizationIndex: nameOf(object)})
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
	if app, ok := strings.CutPrefix(object.GetName(), pin.Name(appv1alpha1.AppKind, "")); ok {
		all = append(all, m.ofTarget(ctx, object.GetNamespace(), v1alpha1.TargetReference{Name: app})...)
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
