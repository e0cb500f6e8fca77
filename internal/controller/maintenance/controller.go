package maintenance

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// action is what the operator did when it emits an event; the reason says the rest.
const action = "Reconcile"

// Options of the controller. Zero values are the defaults.
type Options struct {
	// Clock tells the time.
	Clock clock.PassiveClock
	// SkipNameValidation lets a test run more than one manager in a process.
	SkipNameValidation bool
}

// Reconciler looks at one MaintenanceSchedule at a time.
type Reconciler struct {
	client   client.Client
	recorder events.EventRecorder
	clock    clock.PassiveClock
}

// +kubebuilder:rbac:groups=upgrades.giantswarm.io,resources=maintenanceschedules,verbs=get;list;watch
// +kubebuilder:rbac:groups=upgrades.giantswarm.io,resources=maintenanceschedules/status,verbs=patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// SetupWithManager adds the controller to a manager whose scheme has this project's types.
func SetupWithManager(mgr ctrl.Manager, options Options) error {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	r := &Reconciler{client: mgr.GetClient(), recorder: mgr.GetEventRecorder("app-upgrade-operator"), clock: options.Clock}
	err := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.MaintenanceSchedule{}). // with its status: one that somebody overwrites is made again
		WithOptions(controller.Options{SkipNameValidation: &options.SkipNameValidation}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("set up the maintenance controller: %w", err)
	}
	return nil
}

// Reconcile writes the status, if it changed, and comes back when the state changes.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	before := &v1alpha1.MaintenanceSchedule{}
	if err := r.client.Get(ctx, request.NamespacedName, before); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	now := r.clock.Now()
	verdict := judge(before.Spec, now)
	if err := r.report(ctx, before, verdict, now); err != nil {
		return ctrl.Result{}, err
	}
	if verdict.change.IsZero() {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{RequeueAfter: verdict.change.Sub(now)}, nil
}

func (r *Reconciler) report(ctx context.Context, before *v1alpha1.MaintenanceSchedule, v verdict, now time.Time) error {
	status := v.status(before, now)
	if equality.Semantic.DeepEqual(before.Status, status) {
		return nil
	}
	after := before.DeepCopy()
	after.Status = status
	if err := r.client.Status().Patch(ctx, after, client.MergeFrom(before)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write the status of MaintenanceSchedule %s: %w", before.Name, err)
	}
	if event := v.eventOf(before.Status, status); event != nil {
		r.recorder.Eventf(after, nil, event.kind, event.reason, action, "%s", event.message)
	}
	return nil
}
