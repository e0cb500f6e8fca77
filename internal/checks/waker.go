package checks

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

const (
	// indexField is of policies, by the kinds and the objects that their checks name.
	indexField = "policy.check"
	// pollInterval is how often an object is looked at that no watch tells of.
	pollInterval     = time.Minute
	pollIntervalText = "minute"
	// settleTime gathers the changes of an object that is in motion: its policies are woken once.
	settleTime = time.Second
)

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// waker puts policies into their controller's queue.
type waker struct {
	policies client.Reader

	mu sync.Mutex
	// queue is nil until the controller has started.
	queue queue
}

func (w *waker) begin(queue queue) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = queue
}

// changed wakes the policies that name an object.
func (w *waker) changed(ctx context.Context, kind schema.GroupKind, namespace, name string) {
	w.wake(ctx, settleTime, client.InNamespace(namespace), client.MatchingFields{indexField: objectKey(kind, name)})
}

// lost wakes the policies that name an object of a kind which is not watched any more.
func (w *waker) lost(ctx context.Context, kind schema.GroupKind) {
	w.wake(ctx, settleTime, client.MatchingFields{indexField: kind.String()})
}

// later wakes the policies that name an object which no watch tells of.
func (w *waker) later(ctx context.Context, namespace string, check v1alpha1.HealthCheck) {
	key := objectKey(kindOf(check).GroupKind(), check.Name)
	w.wake(ctx, pollInterval, client.InNamespace(namespace), client.MatchingFields{indexField: key})
}

// named says whether any policy names an object of a kind. In doubt it does.
func (w *waker) named(ctx context.Context, kind schema.GroupKind) bool {
	var policies v1alpha1.AppUpgradePolicyList
	err := w.policies.List(ctx, &policies, client.MatchingFields{indexField: kind.String()}, client.Limit(1), client.UnsafeDisableDeepCopy)
	return err != nil || len(policies.Items) > 0
}

func (w *waker) wake(ctx context.Context, after time.Duration, options ...client.ListOption) {
	w.mu.Lock()
	queue := w.queue
	w.mu.Unlock()
	if queue == nil {
		return
	}
	var policies v1alpha1.AppUpgradePolicyList
	options = append(options, client.UnsafeDisableDeepCopy) // nothing here changes them
	if err := w.policies.List(ctx, &policies, options...); err != nil {
		log.FromContext(ctx).Error(err, "Failed to find out which policies have a health check")
		return
	}
	for i := range policies.Items {
		queue.AddAfter(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&policies.Items[i])}, after)
	}
}

func indexKeys(object client.Object) []string {
	policy, ok := object.(*v1alpha1.AppUpgradePolicy)
	if !ok || policy.Spec.Rollout == nil || policy.Spec.Rollout.Health == nil {
		return nil
	}
	var keys []string
	for _, check := range policy.Spec.Rollout.Health.Checks {
		kind := kindOf(check).GroupKind()
		keys = append(keys, kind.String(), objectKey(kind, check.Name))
	}
	return keys
}

// objectKey is of an object in its namespace. The version does not matter: an object is the same in all.
func objectKey(kind schema.GroupKind, name string) string { return kind.String() + "/" + name }
