package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

	// defaultFluxRetry is how often missing custom resource definitions are looked for. Nothing tells when they come.
	defaultFluxRetry = 15 * time.Second
	// defaultSyncPatience is longer than the cache of a kind takes to fill in a large cluster.
	defaultSyncPatience = 30 * time.Second
	// startRetry is how soon a policy is looked at again whose kinds are being started, which takes a moment.
	startRetry = 500 * time.Millisecond
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

	// fluxRetry is how often kinds are looked for that are missing or cannot be read, and syncPatience how long the cache of a
	// kind of targets may take to fill before the policies that need it say so.
	fluxRetry, syncPatience time.Duration
}

// Reconciler looks at one policy at a time.
type Reconciler struct {
	client   client.Client
	live     client.Reader
	resolver *resolve.Resolver
	checks   checkReader
	recorder events.EventRecorder
	flux     *flux
	targets  *targetKinds
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
	targets := newTargetKinds(mgr.GetRESTMapper(), options)
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
		targets:  targets,
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
	mapper := mapper{reader: mgr.GetClient(), watched: targets.watched}
	flux.steps = watchSteps(mgr.GetCache(), policies, scans, mapper)
	known := &indexSet{}
	targets.stepsOf = func(kind kinds.Kind) []func(context.Context) error {
		return kindSteps(mgr.GetCache(), policies, mapper, kind, known)
	}
	flux.steps = append(flux.steps, func(ctx context.Context) error { return reader.Watch(ctx, policies) })
	if err := mgr.Add(targets); err != nil {
		return fmt.Errorf("set up the watches of targets: %w", err)
	}
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
	if o.fluxRetry == 0 {
		o.fluxRetry = defaultFluxRetry
	}
	if o.syncPatience == 0 {
		o.syncPatience = defaultSyncPatience
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
	if len(base.kinds) > 0 {
		if !policy.DeletionTimestamp.IsZero() {
			return r.finalize(ctx, policy, base)
		}
		return r.conclude(ctx, scope{policy: policy}, &fluxMissingError{base})
	}
	targets, err := r.awaitedBy(ctx, policy)
	switch {
	case err != nil:
		return ctrl.Result{}, err
	case targets.starting:
		return ctrl.Result{RequeueAfter: startRetry}, nil
	case !policy.DeletionTimestamp.IsZero(): // whatever kinds there are: its pins are not of these
		return r.finalize(ctx, policy, base)
	case len(targets.unserved.kinds) > 0:
		return r.conclude(ctx, scope{policy: policy}, &fluxMissingError{targets.unserved})
	case len(targets.failed) > 0:
		return r.conclude(ctx, scope{policy: policy}, &unreadableError{targets.failed})
	}
	if err := r.addFinalizer(ctx, policy); err != nil {
		return ctrl.Result{}, err
	}
	s, err := r.reconcile(ctx, policy)
	return r.conclude(ctx, s, err)
}

// awaitedBy are the kinds of a policy's targets that are not watched yet. Those of pins that it may give up to another policy
// are waited for too, but it can do without them, and one that is being deleted without any.
func (r *Reconciler) awaitedBy(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) (awaited, error) {
	if len(r.targets.watched()) == len(kinds.All) {
		return awaited{}, nil
	}
	pins, err := r.pinsOf(ctx, policy)
	if err != nil {
		return awaited{}, err
	}
	targets, err := r.targets.ensureTargets(resolve.KindsOf(policy))
	left, errLeft := r.targets.ensureTargets(kindsOf(pins))
	targets.starting = targets.starting || left.starting
	if !policy.DeletionTimestamp.IsZero() {
		return targets, nil
	}
	return targets, errors.Join(err, errLeft)
}

// kindsOf are the kinds of the targets of pins, each once.
func kindsOf(pins map[string]livePin) []kinds.Kind {
	var found []kinds.Kind
	for _, live := range pins {
		if kind := kinds.Of(live.intent.Target.Kind); kind != nil && !live.nameless() && !slices.Contains(found, kind) {
			found = append(found, kind)
		}
	}
	return found
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
