// Package reflector scans image repositories and elects tags, as Flux's image-reflector-controller does.
//
// It is part of a stand-in for Flux. It does not log in to clouds.
package reflector

import (
	"context"
	"fmt"

	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Name is the field manager and event source of this half of the stand-in.
const Name = "fluxstandin-image-reflector"

// Reflector reconciles ImageRepositories and ImagePolicies.
type Reflector struct {
	Client client.Client
	Events record.EventRecorder
	Tags   *Tags
	// RateLimiter makes the back-off of one controller.
	RateLimiter func() workqueue.TypedRateLimiter[reconcile.Request]
	// NoCrossNamespaceRefs keeps ImagePolicies from ImageRepositories of other namespaces.
	NoCrossNamespaceRefs bool
}

// SetupWithManager registers both controllers.
func (r *Reflector) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	if err := r.setupRepositories(mgr); err != nil {
		return fmt.Errorf("failed to set up the ImageRepository controller: %w", err)
	}
	if err := r.setupPolicies(ctx, mgr); err != nil {
		return fmt.Errorf("failed to set up the ImagePolicy controller: %w", err)
	}
	return nil
}
