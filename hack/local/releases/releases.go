// Package releases stands in for Flux's helm-controller, whose module cannot be built from the Go module proxy. It is not
// Flux: it installs nothing. It makes the HelmCharts of HelmReleases, waits for the artifacts of the real source-controller, and
// sets the status of HelmReleases the way helm-controller does with its defaults when Helm succeeds or, if told so, fails.
package releases

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// retry is how often a HelmRelease is looked at again whose chart is missing or fails.
const retry = time.Second

// Controller is a running stand-in.
type Controller struct {
	client client.Client

	mu      sync.Mutex
	failing map[chart]bool

	cancel context.CancelFunc
	done   chan error
}

type chart struct{ name, version string }

// Start runs the stand-in until Stop. ctx bounds only the start.
func Start(ctx context.Context, config *rest.Config, log logr.Logger) (*Controller, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(helmv2.AddToScheme(scheme), sourcev1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("register kinds: %w", err)
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                 scheme,
		Metrics:                metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
		Logger:                 log,
	})
	if err != nil {
		return nil, fmt.Errorf("start the stand-in for helm-controller: %w", err)
	}
	c := &Controller{client: manager.GetClient(), failing: map[chart]bool{}, done: make(chan error, 1)}
	anyNumberOfThem := true // tests start several in one process
	err = ctrl.NewControllerManagedBy(manager).
		Named("helmrelease").
		For(&helmv2.HelmRelease{}).
		Watches(&sourcev1.OCIRepository{}, handler.EnqueueRequestsFromMapFunc(c.all)).
		Watches(&sourcev1.HelmChart{}, handler.EnqueueRequestsFromMapFunc(c.all)).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4, SkipNameValidation: &anyNumberOfThem}).
		Complete(c)
	if err != nil {
		return nil, fmt.Errorf("start the stand-in for helm-controller: %w", err)
	}
	runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = cancel
	go func() { c.done <- manager.Start(runCtx) }()
	if !manager.GetCache().WaitForCacheSync(ctx) {
		return nil, errors.Join(errors.New("the stand-in for helm-controller cannot read HelmReleases; are their CRDs installed?"), c.Stop())
	}
	return c, nil
}

// Stop ends the stand-in.
func (c *Controller) Stop() error {
	c.cancel()
	err := <-c.done
	c.done <- err // for a second call
	if err != nil {
		return fmt.Errorf("stop the stand-in for helm-controller: %w", err)
	}
	return nil
}

// Fail makes Helm fail with a chart's version from now on, or succeed again.
func (c *Controller) Fail(name, version string, fails bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failing[chart{name, version}] = fails
}

func (c *Controller) fails(tried chart) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failing[tried]
}

// all are the HelmReleases of all namespaces: there are few, and any may be about an artifact.
func (c *Controller) all(ctx context.Context, _ client.Object) []reconcile.Request {
	var list helmv2.HelmReleaseList
	if err := c.client.List(ctx, &list); err != nil {
		return nil // the cache stops
	}
	requests := make([]reconcile.Request, 0, len(list.Items))
	for i := range list.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}

// Reconcile brings the status of one HelmRelease to what its spec and its chart say.
func (c *Controller) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	release := &helmv2.HelmRelease{}
	if err := c.client.Get(ctx, request.NamespacedName, release); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !release.DeletionTimestamp.IsZero() || release.Spec.Suspend {
		return ctrl.Result{}, nil
	}
	found, err := c.findChart(ctx, release)
	if err != nil {
		return ctrl.Result{}, err
	}
	before := release.DeepCopy()
	result := ctrl.Result{}
	if found == nil {
		notReady(release)
		result.RequeueAfter = retry
	} else if c.fails(found.chart) {
		failed(release, *found)
		result.RequeueAfter = retry
	} else {
		deployed(release, *found)
	}
	if equality.Semantic.DeepEqual(before.Status, release.Status) {
		return result, nil
	}
	if err := c.client.Status().Patch(ctx, release, client.MergeFrom(before)); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("set the status of HelmRelease %s: %w", request, err)
	}
	return result, nil
}
