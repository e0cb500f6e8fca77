package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	"github.com/fluxcd/pkg/runtime/object"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// patience is how long a condition may take on a busy machine.
	patience     = 90 * time.Second
	pollInterval = 25 * time.Millisecond
)

// change patches the named object.
func change[T client.Object](t *testing.T, w *world, name string, obj T, mutate func(T)) {
	t.Helper()
	if err := w.client.Get(t.Context(), client.ObjectKey{Namespace: w.namespace, Name: name}, obj); err != nil {
		t.Fatal(err)
	}
	before := obj.DeepCopyObject().(T)
	mutate(obj)
	if err := w.client.Patch(t.Context(), obj, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

// await reads the named object until it is as wanted, and leaves it in obj.
func await[T client.Object](t *testing.T, w *world, name string, obj T, wanted func(T) bool) T {
	t.Helper()
	key := client.ObjectKey{Namespace: w.namespace, Name: name}
	err := wait.PollUntilContextTimeout(t.Context(), pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		if err := w.client.Get(ctx, key, obj); err != nil {
			return false, client.IgnoreNotFound(err)
		}
		return wanted(obj), nil
	})
	if err != nil {
		t.Fatalf("%T %s is not as wanted: %v\n%+v", obj, name, err, obj)
	}
	return obj
}

// eventually waits for a condition outside the API server.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), pollInterval, patience, true, func(context.Context) (bool, error) {
		return condition(), nil
	})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

type fluxObject interface {
	client.Object
	conditions.Setter
}

// awaitReady waits until the named object is Ready at its present generation. The controllers write conditions a moment
// before the rest of a status, hence both are asked for.
func awaitReady[T fluxObject](t *testing.T, w *world, name string, obj T) T {
	t.Helper()
	return await(t, w, name, obj, isReady[T])
}

func isReady[T fluxObject](obj T) bool {
	return conditions.IsReady(obj) && hasObservedGeneration(obj)
}

// awaitStalled waits until the named object is Stalled for a reason, and observed.
func awaitStalled[T fluxObject](t *testing.T, w *world, name string, obj T, reason string) T {
	t.Helper()
	return await(t, w, name, obj, func(obj T) bool {
		return isFailing(obj, reason) && conditions.IsStalled(obj) && hasObservedGeneration(obj)
	})
}

// awaitFailure waits until the named object is not Ready, for a reason and at its present generation.
func awaitFailure[T fluxObject](t *testing.T, w *world, name string, obj T, reason string) T {
	t.Helper()
	return await(t, w, name, obj, func(obj T) bool { return isFailing(obj, reason) })
}

func isFailing(obj fluxObject, reason string) bool {
	ready := conditions.Get(obj, meta.ReadyCondition)
	return ready != nil && ready.Status == metav1.ConditionFalse && ready.Reason == reason &&
		ready.ObservedGeneration == obj.GetGeneration()
}

func hasObservedGeneration[T client.Object](obj T) bool {
	observed, err := object.GetStatusObservedGeneration(obj)
	return err == nil && observed == obj.GetGeneration()
}
