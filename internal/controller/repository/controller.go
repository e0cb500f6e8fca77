// Package repository moves versions: one reconcile key is one branch of one Git repository, whatever namespaces use it. It
// places markers and moves batches, and is the only part of the operator that touches Git or arms an automation.
package repository

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// fieldOwner owns what this controller patches on pins and automations.
const fieldOwner = client.FieldOwner("app-upgrade-operator-repository")

// Options of the controller.
type Options struct {
	// Leader identifies this process among those that may lead.
	Leader string
	// Limits of the batch protocol; batch.DefaultLimits if zero.
	Limits batch.Limits
	// NoCrossNamespaceRefs forbids GitRepositories of other namespaces.
	NoCrossNamespaceRefs bool
	// ServiceAccountTokens allows to make tokens of the service accounts that GitRepositories log in with.
	ServiceAccountTokens bool
	// Concurrent is how many repository branches are worked on at once.
	Concurrent int
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// SkipNameValidation lets a test run more than one manager in a process.
	SkipNameValidation bool
}

func (o Options) withDefaults() Options {
	if o.Limits == (batch.Limits{}) {
		o.Limits = batch.DefaultLimits
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Concurrent = max(1, o.Concurrent)
	return o
}

// Reconciler drives every repository branch through the batch protocol.
type Reconciler struct {
	client.Client
	// Live reads around the cache, before something is armed.
	Live   client.Reader
	Git    *gitops.Client
	Events events.EventRecorder
	Options

	retries retries[pin.NamespacedName]
	// unsigned are the signing keys that could not be used.
	unsigned retries[batch.Signer]
	// unread are the push branches that could not be read although the checkout branch could.
	unread retries[pushBranch]
	// arming is held while an automation is being armed, and for good once the operator stops.
	arming  sync.Mutex
	stopped bool
}

// +kubebuilder:rbac:groups=image.toolkit.fluxcd.io,resources=imagepolicies,verbs=get;list;watch;patch;delete
// +kubebuilder:rbac:groups=image.toolkit.fluxcd.io,resources=imageupdateautomations,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=image.toolkit.fluxcd.io,resources=imagerepositories,verbs=get;list;watch
// +kubebuilder:rbac:groups=source.toolkit.fluxcd.io,resources=gitrepositories,verbs=get;list;watch
// +kubebuilder:rbac:groups=kustomize.toolkit.fluxcd.io,resources=kustomizations,verbs=get;list;watch
// +kubebuilder:rbac:groups=upgrades.giantswarm.io,resources=appupgradepolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups=upgrades.giantswarm.io,resources=maintenanceschedules,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconcile looks at one repository branch and does the next thing.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	scope, err := r.observe(ctx, r.Client, req.Name)
	if err != nil {
		return ctrl.Result{}, err
	}
	action := batch.Next(scope.Observation)
	if batch.MustBeFresh(action) {
		if scope, err = r.observe(ctx, r.Live, req.Name); err != nil {
			return ctrl.Result{}, err
		}
		action = batch.Next(scope.Observation)
	}
	return r.perform(ctx, scope, action)
}

// perform does one thing. Whatever it writes wakes the controller again; what had nothing to write is looked at again later.
//
//nolint:gocyclo // one case an action
func (r *Reconciler) perform(ctx context.Context, s *scope, action batch.Action) (ctrl.Result, error) {
	logger := log.FromContext(ctx)
	var err error
	switch a := action.(type) {
	case batch.Wait:
		if a.For != "" {
			logger.V(1).Info("Waiting", "for", a.For, "until", a.Until)
		}
		return r.until(a.Until), nil
	case batch.Ensure:
		err = r.ensure(ctx, s, a.Automation)
	case batch.Drop:
		err = r.drop(ctx, s, a.Automation)
	case batch.Forget:
		err = r.forget(ctx, s, a.Pins)
	case batch.Note:
		err = r.remember(ctx, s, a.Pins, keep)
	case batch.Relax:
		err = r.relax(ctx, s, a.Pins)
	case batch.Visit:
		err = r.visit(ctx, s, a)
	case batch.Prepare:
		err = r.prepare(ctx, s, a)
	case batch.Nudge:
		err = r.nudge(ctx, s, a)
	case batch.Release:
		err = r.remember(ctx, s, a.Pins, release)
	case batch.Arm:
		err = r.arm(ctx, s, a)
	case batch.Ask:
		err = r.ask(ctx, s, a)
	case batch.Disarm:
		err = r.disarm(ctx, s.automations[a.Automation], a)
	case batch.Conclude:
		err = r.conclude(ctx, s, a)
	default:
		err = fmt.Errorf("no such action: %T", action)
	}
	if errors.Is(err, errStale) || apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: soon}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: later}, nil
}

// errStale: what the decision was about has changed; it is made again.
var errStale = errors.New("the repository changed meanwhile")

// soon is time enough for the cache to see what was just written.
const soon = 50 * time.Millisecond

// later is when the next thing is done although nothing that was written told of this one.
const later = time.Minute

// isStopped: the operator stops, which is no failure of Git's.
func isStopped(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, context.Canceled)
}

func (r *Reconciler) until(at time.Time) ctrl.Result {
	if at.IsZero() {
		return ctrl.Result{}
	}
	return ctrl.Result{RequeueAfter: max(at.Sub(r.Now()), time.Millisecond)}
}
