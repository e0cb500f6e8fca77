package checks

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// Reader reads the objects of health checks.
type Reader struct {
	live    client.Reader
	mapper  meta.RESTMapper
	index   client.FieldIndexer
	waker   *waker
	watcher *watcher
	trouble *trouble
}

// The kinds that most checks name. Others need rbac.extraRules of the chart.
//
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets;daemonsets,verbs=get;list;watch
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch
// +kubebuilder:rbac:groups=helm.toolkit.fluxcd.io,resources=helmreleases,verbs=get;list;watch
// +kubebuilder:rbac:groups=kustomize.toolkit.fluxcd.io,resources=kustomizations,verbs=get;list;watch
// +kubebuilder:rbac:groups=application.giantswarm.io,resources=apps,verbs=get;list;watch

// New makes a Reader for a manager that has AppUpgradePolicies in its scheme. It wakes nobody before Watch.
func New(mgr ctrl.Manager) (*Reader, error) {
	objects, err := metadata.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("client for the metadata of health checks: %w", err)
	}
	waker := &waker{policies: mgr.GetClient()}
	return &Reader{
		live:    mgr.GetAPIReader(),
		mapper:  mgr.GetRESTMapper(),
		index:   mgr.GetFieldIndexer(),
		waker:   waker,
		watcher: newWatcher(objects, waker, clock.RealClock{}),
		trouble: newTrouble(clock.RealClock{}),
	}, nil
}

// Watch wakes the policies of a controller when an object changes that their checks name. The watches end with the
// controller. It is called once, before or after the controller started.
func (r *Reader) Watch(ctx context.Context, policies controller.Controller) error {
	if err := r.index.IndexField(ctx, &v1alpha1.AppUpgradePolicy{}, indexField, indexKeys); err != nil {
		return fmt.Errorf("index AppUpgradePolicies by their health checks: %w", err)
	}
	return policies.Watch(source.Func(func(ctx context.Context, queue queue) error {
		r.waker.begin(queue)
		r.watcher.begin(ctx)
		return nil
	}))
}

// Read reads the objects in the order of the checks. What only a human can change is said in the answer; an error is
// about trouble that may pass. If that lasts, it is said in the answer too, or a policy could not even be suspended for one object.
func (r *Reader) Read(ctx context.Context, namespace string, checks []v1alpha1.HealthCheck) ([]rollout.Check, error) {
	answers := make([]rollout.Check, 0, len(checks))
	for _, check := range checks {
		answer, err := r.read(ctx, namespace, check)
		if answer, err = r.bear(ctx, namespace, check, answer, err); err != nil {
			return nil, fmt.Errorf("read %s in namespace %s for rollout.health.checks: %w", nameOf(check), namespace, err)
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// bear makes an answer of an error that lasts.
func (r *Reader) bear(ctx context.Context, namespace string, check v1alpha1.HealthCheck, answer rollout.Check, err error) (rollout.Check, error) {
	key := strings.Join([]string{namespace, check.APIVersion, check.Kind, check.Name}, "/")
	switch {
	case err == nil:
		r.trouble.ended(key)
		return answer, nil
	case ctx.Err() != nil || !r.trouble.failed(key):
		return rollout.Check{}, err
	}
	r.waker.later(ctx, namespace, check)
	return unreadable(check, bounded(fmt.Sprintf("the API server fails to show it, and is asked every %s: %v", pollIntervalText, err))), nil
}

func (r *Reader) read(ctx context.Context, namespace string, check v1alpha1.HealthCheck) (rollout.Check, error) {
	if why := refuse(check); why != "" {
		return unreadable(check, why), nil
	}
	kind := kindOf(check)
	mapping, err := r.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		r.waker.later(ctx, namespace, check)
		return unreadable(check, r.unknown(kind)), nil
	}
	if err != nil {
		return rollout.Check{}, err
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return unreadable(check, "is not of this namespace, as its kind is cluster-scoped: name an object of the policy's namespace"), nil
	}
	unwatched := r.watcher.ensure(ctx, mapping) // before the object is read: no change in between is lost
	answer, err := r.get(ctx, namespace, check, mapping.Resource.GroupResource())
	if err != nil {
		return rollout.Check{}, err
	}
	if unwatched != nil || answer.Unreadable {
		r.waker.later(ctx, namespace, check)
	}
	return polled(answer, unwatched), nil
}

// polled says in an answer why its object is only looked at from time to time, unless that passes by itself.
func polled(answer rollout.Check, unwatched error) rollout.Check {
	if unwatched != nil && !errors.Is(unwatched, errNotStarted) && !answer.Current && !answer.Unreadable {
		answer.Message += fmt.Sprintf(" (looked at every %s, as %s)", pollIntervalText, unwatched)
	}
	return answer
}

func (r *Reader) get(ctx context.Context, namespace string, check v1alpha1.HealthCheck, resource schema.GroupResource) (rollout.Check, error) {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kindOf(check))
	err := r.live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: check.Name}, object)
	switch {
	case err == nil:
		current, message := judge(object)
		return rollout.Check{Name: nameOf(check), Current: current, Message: message}, nil
	case apierrors.IsNotFound(err):
		return rollout.Check{Name: nameOf(check), Absent: true, Message: "does not exist"}, nil
	case apierrors.IsForbidden(err):
		return unreadable(check, forbidden(resource)), nil
	case apierrors.IsMethodNotSupported(err):
		return unreadable(check, bounded("the API server refuses to show it: "+err.Error())), nil
	default:
		return rollout.Check{}, err
	}
}

// refuse says why a check is not even looked at; empty: it is.
func refuse(check v1alpha1.HealthCheck) string {
	version, err := schema.ParseGroupVersion(check.APIVersion)
	if err != nil || version.Version == "" || check.Kind == "" {
		return fmt.Sprintf("apiVersion %q and kind %q name no kind: correct them", check.APIVersion, check.Kind)
	}
	if problems := content.IsPathSegmentName(check.Name); check.Name == "" || len(problems) > 0 {
		return fmt.Sprintf("%q can be no object's name: correct it", check.Name)
	}
	// Who may write a policy need not be allowed to find out which of these there are.
	if version.Group == corev1.GroupName && (check.Kind == "Secret" || check.Kind == "ConfigMap") {
		return check.Kind + "s are not looked at: name the workload that uses it"
	}
	return ""
}

// unknown says what to do about a kind that the cluster does not have.
func (r *Reader) unknown(kind schema.GroupVersionKind) string {
	if known, err := r.mapper.RESTMapping(kind.GroupKind()); err == nil {
		return fmt.Sprintf("the cluster has %s in %s and not in %s: correct apiVersion", kind.Kind, known.GroupVersionKind.GroupVersion(), kind.GroupVersion())
	}
	return fmt.Sprintf("the cluster has no kind %s in %s: correct apiVersion and kind, or install its custom resource definition",
		kind.Kind, kind.GroupVersion())
}

func forbidden(resource schema.GroupResource) string {
	return fmt.Sprintf(`the operator may not get %s: add {apiGroups: [%q], resources: [%q], verbs: ["get", "list", "watch"]} to rbac.extraRules of its chart`,
		resource, resource.Group, resource.Resource)
}

func unreadable(check v1alpha1.HealthCheck, why string) rollout.Check {
	return rollout.Check{Name: nameOf(check), Message: why, Unreadable: true}
}

// kindOf expects a check that is not refused.
func kindOf(check v1alpha1.HealthCheck) schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(check.APIVersion, check.Kind)
}

func nameOf(check v1alpha1.HealthCheck) string {
	return strings.TrimSpace(check.Kind + " " + check.Name)
}
