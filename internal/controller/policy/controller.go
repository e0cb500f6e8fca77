package policy

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/checks"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

const (
	// DefaultFinalizerTimeout is how long a deleted policy waits for its markers to be removed: long enough for a Git
	// server to be restarted, short enough for a human who waits for a namespace to go.
	DefaultFinalizerTimeout = 10 * time.Minute
	// DefaultPruneDelay is how long a scan that no policy needs is kept: deleting it wipes Flux's tags, and a policy that
	// is deleted and made again, or renamed, needs them at once.
	DefaultPruneDelay = time.Minute

	// fluxRetry is how often missing custom resource definitions are looked for. Nothing tells when they come.
	fluxRetry = 15 * time.Second
	// conflictRetry is long enough for the cache to have what somebody else wrote.
	conflictRetry = 50 * time.Millisecond
)

// Options of the controller. Zero values are the defaults.
type Options struct {
	// NoCrossNamespaceRefs forbids GitRepositories of other namespaces, whatever these grant.
	NoCrossNamespaceRefs bool
	// FinalizerTimeout is how long a deleted policy waits for its markers to be removed.
	FinalizerTimeout time.Duration
	// PruneDelay is how long a scan is kept that no policy needs.
	PruneDelay time.Duration
	// MaxConcurrentReconciles is the number of policies that are looked at at the same time. Default 4.
	MaxConcurrentReconciles int
	// Clock tells the time.
	Clock clock.PassiveClock
	// SkipNameValidation lets a test run more than one manager in a process.
	SkipNameValidation bool
}

// Reconciler looks at one policy at a time.
type Reconciler struct {
	client   client.Client
	live     client.Reader
	resolver *resolve.Resolver
	checks   checkReader
	recorder events.EventRecorder
	flux     *flux
	options  Options
}

// +kubebuilder:rbac:groups=upgrades.giantswarm.io,resources=appupgradepolicies,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=upgrades.giantswarm.io,resources=appupgradepolicies/status,verbs=patch
// +kubebuilder:rbac:groups=upgrades.giantswarm.io,resources=maintenanceschedules,verbs=get;list;watch
// +kubebuilder:rbac:groups=image.toolkit.fluxcd.io,resources=imagerepositories;imagepolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=kustomize.toolkit.fluxcd.io,resources=kustomizations,verbs=get;list;watch
// +kubebuilder:rbac:groups=source.toolkit.fluxcd.io,resources=gitrepositories,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=configmaps;secrets,verbs=get
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// SetupWithManager adds the policy controller, and the one that keeps the shared scans, to a manager whose scheme has
// this project's, Giant Swarm's and Flux's types.
func SetupWithManager(mgr ctrl.Manager, options Options) error {
	options = options.withDefaults()
	settings := controller.Options{
		MaxConcurrentReconciles: options.MaxConcurrentReconciles,
		SkipNameValidation:      &options.SkipNameValidation,
	}
	flux := &flux{mapper: mgr.GetRESTMapper()}
	reader, err := checks.New(mgr)
	if err != nil {
		return fmt.Errorf("set up health checks: %w", err)
	}
	r := &Reconciler{
		client:   mgr.GetClient(),
		live:     mgr.GetAPIReader(),
		checks:   reader,
		resolver: &resolve.Resolver{Cached: mgr.GetClient(), Live: mgr.GetAPIReader(), NoCrossNamespaceRefs: options.NoCrossNamespaceRefs},
		recorder: mgr.GetEventRecorder("app-upgrade-operator"),
		flux:     flux,
		options:  options,
	}
	policies, err := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.AppUpgradePolicy{}). // with its status: one that was made from an old copy is made again
		WithOptions(settings).
		Build(r)
	if err != nil {
		return fmt.Errorf("set up the policy controller: %w", err)
	}
	scans, err := setUpScans(mgr, flux, settings, options)
	if err != nil {
		return fmt.Errorf("set up the scan controller: %w", err)
	}
	mapper := mapper{reader: mgr.GetClient(), watched: flux.watched}
	flux.steps = watchSteps(mgr.GetCache(), policies, scans, mapper)
	known := &indexSet{}
	flux.stepsOf = func(kind kinds.Kind) []func(context.Context) error {
		return kindSteps(mgr.GetCache(), policies, mapper, kind, known)
	}
	flux.steps = append(flux.steps, func(ctx context.Context) error { return reader.Watch(ctx, policies) })
	return nil
}

func (o Options) withDefaults() Options {
	if o.FinalizerTimeout == 0 {
		o.FinalizerTimeout = DefaultFinalizerTimeout
	}
	if o.PruneDelay == 0 {
		o.PruneDelay = DefaultPruneDelay
	}
	if o.MaxConcurrentReconciles == 0 {
		o.MaxConcurrentReconciles = 4
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return o
}

// Reconcile looks at one policy. If somebody wrote an object after it was read, it looks again.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	policy := &v1alpha1.AppUpgradePolicy{}
	if err := r.client.Get(ctx, request.NamespacedName, policy); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	result, err := r.look(ctx, policy)
	if apierrors.IsConflict(err) {
		log.FromContext(ctx).V(1).Info("Looking again, because an object has changed", "reason", err.Error())
		return ctrl.Result{RequeueAfter: conflictRetry}, nil
	}
	return result, err
}

func (r *Reconciler) look(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) (ctrl.Result, error) {
	base, err := r.flux.ensure(ctx)
	if err != nil {
		return ctrl.Result{}, err
	}
	lacking := base
	if len(base.kinds) == 0 {
		if lacking, err = r.flux.ensureTargets(ctx, resolve.KindsOf(policy)); err != nil {
			return ctrl.Result{}, err
		}
	}
	if !policy.DeletionTimestamp.IsZero() {
		return r.finalize(ctx, policy, base)
	}
	if len(lacking.kinds) > 0 {
		return r.conclude(ctx, scope{policy: policy}, &fluxMissingError{lacking})
	}
	if err := r.addFinalizer(ctx, policy); err != nil {
		return ctrl.Result{}, err
	}
	s, err := r.reconcile(ctx, policy)
	return r.conclude(ctx, s, err)
}

// reconcile is the way of every decision.
func (r *Reconciler) reconcile(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) (scope, error) {
	if problem := validate(policy); problem != nil {
		return scope{policy: policy}, &stalledError{*problem}
	}
	found, err := r.resolver.Resolve(ctx, policy)
	if err != nil {
		return scope{policy: policy}, err
	}
	if found.Problem != nil {
		return scope{policy: policy}, &stalledError{*found.Problem}
	}
	s, err := r.observe(ctx, policy, found)
	if err != nil {
		return s, err
	}
	s.decision = rollout.Decide(s.input)
	return s, r.applyObjects(ctx, s)
}
