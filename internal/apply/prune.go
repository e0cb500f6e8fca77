package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Delete deletes an object that the operator made, exactly as it was read: if it changed since, the API server's conflict
// is returned. An object that is gone or going already is no error. Other errors: a *ForeignError, or the API server's.
func Delete(ctx context.Context, c client.Client, live client.Object) error {
	kind := kindOf(c, live)
	if live.GetLabels()[pin.ManagedByLabel] != pin.ManagedBy {
		return &ForeignError{Kind: kind, Namespace: live.GetNamespace(), Name: live.GetName()}
	}
	if !live.GetDeletionTimestamp().IsZero() {
		return nil
	}
	uid, version := live.GetUID(), live.GetResourceVersion()
	err := c.Delete(ctx, live, client.Preconditions{UID: &uid, ResourceVersion: &version})
	if client.IgnoreNotFound(err) == nil {
		return nil
	}
	if apierrors.IsConflict(err) {
		return fmt.Errorf("delete %s %s/%s, which changed since it was read: %w", kind, live.GetNamespace(), live.GetName(), err)
	}
	return fmt.Errorf("delete %s %s/%s: %w", kind, live.GetNamespace(), live.GetName(), err)
}

func kindOf(c client.Client, object client.Object) string {
	kind, err := c.GroupVersionKindFor(object)
	if err != nil {
		return fmt.Sprintf("%T", object)
	}
	return kind.Kind
}
