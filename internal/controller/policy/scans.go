package policy

import (
	"context"
	"fmt"
	"slices"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/apply"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// unusedSinceAnnotation on an ImageRepository is the time, RFC 3339, since which no policy needs it.
const unusedSinceAnnotation = "upgrades.giantswarm.io/unused-since"

// scanReconciler keeps what policies share: one key per ImageRepository. Policies make them; this one scans as often as
// the most eager of the remaining policies wants, and removes them a little after the last one.
type scanReconciler struct {
	client  client.Client
	flux    *flux
	options Options
}

func setUpScans(mgr ctrl.Manager, flux *flux, settings controller.Options, options Options) (controller.Controller, error) {
	r := &scanReconciler{client: mgr.GetClient(), flux: flux, options: options}
	return ctrl.NewControllerManagedBy(mgr).
		Named("scan").
		Watches(&v1alpha1.AppUpgradePolicy{}, handler.EnqueueRequestsFromMapFunc(scanOf), builder.WithPredicates(scanNeedChanged())).
		WithOptions(settings).
		Build(r)
}

// scanOf is the ImageRepository that a policy needs, or needed until it was deleted.
func scanOf(_ context.Context, object client.Object) []ctrl.Request {
	policy, ok := object.(*v1alpha1.AppUpgradePolicy)
	if !ok || policy.Status.Chart == "" {
		return nil
	}
	return []ctrl.Request{request(policy.Namespace, fluxobjects.ScanName(policy.Namespace, fluxobjects.ChartOf(policy.Status.Chart, policy.Spec.Chart)))}
}

// Reconcile looks at one ImageRepository. Those of others are left alone.
func (r *scanReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	if !r.flux.isReady() {
		return ctrl.Result{}, nil // its watch will bring the object
	}
	live := &imagev1.ImageRepository{}
	if err := r.client.Get(ctx, request.NamespacedName, live); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if live.Labels[pin.ManagedByLabel] != pin.ManagedBy || live.Labels[pin.RoleLabel] != pin.RoleScan || !live.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	users, err := usersOf(ctx, r.client, live.Namespace, live.Name)
	if err != nil {
		return ctrl.Result{}, err
	}
	if len(users) > 0 {
		chart := fluxobjects.ChartOf(users[0].Status.Chart, users[0].Spec.Chart)
		_, err := apply.Apply(ctx, r.client, live, fluxobjects.Scan(live.Namespace, chart, shortestInterval(users)))
		return ctrl.Result{}, err
	}
	return r.prune(ctx, live)
}

// prune deletes an ImageRepository that no policy has needed for a while.
func (r *scanReconciler) prune(ctx context.Context, live *imagev1.ImageRepository) (ctrl.Result, error) {
	now := r.options.Clock.Now()
	if young := live.CreationTimestamp.Add(r.options.PruneDelay).Sub(now); young > 0 {
		return ctrl.Result{RequeueAfter: young}, nil // the policy that made it may not have said so yet
	}
	since, err := time.Parse(time.RFC3339, live.Annotations[unusedSinceAnnotation])
	if err != nil {
		_, err := apply.Apply(ctx, r.client, live, unused(live, now))
		return ctrl.Result{RequeueAfter: r.options.PruneDelay}, err
	}
	if left := since.Add(r.options.PruneDelay).Sub(now); left > 0 {
		return ctrl.Result{RequeueAfter: left}, nil
	}
	return ctrl.Result{}, apply.Delete(ctx, r.client, live)
}

// unused is the object as it is, with the time since which it is not needed. Applying it for a policy again, without
// the annotation, removes that.
func unused(live *imagev1.ImageRepository, since time.Time) *imagev1.ImageRepository {
	return &imagev1.ImageRepository{
		TypeMeta: metav1.TypeMeta{APIVersion: imagev1.GroupVersion.String(), Kind: imagev1.ImageRepositoryKind},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   live.Namespace,
			Name:        live.Name,
			Labels:      live.Labels,
			Annotations: map[string]string{unusedSinceAnnotation: since.UTC().Format(time.RFC3339)},
		},
		Spec: *live.Spec.DeepCopy(),
	}
}

// usersOf are the live policies that need an ImageRepository.
func usersOf(ctx context.Context, reader client.Reader, namespace, name string) ([]v1alpha1.AppUpgradePolicy, error) {
	var list v1alpha1.AppUpgradePolicyList
	// Without copies: a thousand policies may share a scan, and nothing here changes them.
	options := []client.ListOption{client.InNamespace(namespace), client.MatchingFields{scanIndex: name}, client.UnsafeDisableDeepCopy}
	if err := reader.List(ctx, &list, options...); err != nil {
		return nil, fmt.Errorf("list policies that need ImageRepository %s/%s: %w", namespace, name, err)
	}
	return list.Items, nil
}

// shortestInterval is how often the most eager of at least one policy wants a scan.
func shortestInterval(policies []v1alpha1.AppUpgradePolicy) time.Duration {
	intervals := make([]time.Duration, 0, len(policies))
	for i := range policies {
		intervals = append(intervals, fluxobjects.IntervalOf(policies[i].Spec.Chart))
	}
	return slices.Min(intervals)
}
