// Fluxstandin is NOT Flux. It is a small stand-in for Flux's image-reflector-controller and
// image-automation-controller, for machines on which these cannot be had: neither their modules can be built there nor
// their images pulled. It reconciles Flux's own ImageRepository, ImagePolicy and ImageUpdateAutomation objects (API v1)
// and reproduces what the two controllers do and when, so far as the tests of this project need it; the conformance
// suite beside it runs on both.
//
// What it leaves out: logging in to clouds and as a GitHub app, sparse checkout, Flux's own metrics, leader election,
// and sending events elsewhere than to the API server.
//
// It reads KUBECONFIG like any client. Tags are kept in memory: --storage-path is accepted, so that both can be started
// alike, and ignored.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	reflectorv1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/runtime/acl"
	fluxcontroller "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/logger"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/automation"
	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/reflector"
)

// Flux's own defaults.
const (
	clientQPS   = 50
	clientBurst = 300
	concurrency = 4
)

type options struct {
	metricsAddr string
	healthAddr  string
	storagePath string
	concurrent  int
	logging     logger.Options
	access      acl.Options
	retries     fluxcontroller.RateLimiterOptions
}

func main() {
	var opts options
	opts.bind(pflag.CommandLine)
	pflag.Parse()
	logger.SetLogger(logger.NewLogger(opts.logging))
	if err := run(ctrl.SetupSignalHandler(), opts); err != nil {
		ctrl.Log.Error(err, "The stand-in for Flux's image controllers failed")
		os.Exit(1)
	}
}

func (o *options) bind(flags *pflag.FlagSet) {
	flags.StringVar(&o.metricsAddr, "metrics-addr", ":8080", "Address of the metrics endpoint; 0 for none.")
	flags.StringVar(&o.healthAddr, "health-addr", ":9440", "Address of the health endpoint; 0 for none.")
	flags.StringVar(&o.storagePath, "storage-path", "", "Ignored: the stand-in keeps tags in memory.")
	flags.IntVar(&o.concurrent, "concurrent", concurrency, "How many objects of a kind are reconciled at once.")
	o.logging.BindFlags(flags)
	o.access.BindFlags(flags)
	o.retries.BindFlags(flags)
}

func run(ctx context.Context, opts options) error {
	ctrl.Log.Info("This is NOT Flux but a stand-in for its image-reflector-controller and image-automation-controller")
	mgr, err := newManager(opts)
	if err != nil {
		return err
	}
	rateLimiter := func() workqueue.TypedRateLimiter[reconcile.Request] {
		return fluxcontroller.GetRateLimiter(opts.retries)
	}
	images := &reflector.Reflector{
		Client:               mgr.GetClient(),
		Events:               mgr.GetEventRecorderFor(reflector.Name), //nolint:staticcheck // Flux emits events of this API.
		Tags:                 reflector.NewTags(),
		RateLimiter:          rateLimiter,
		NoCrossNamespaceRefs: opts.access.NoCrossNamespaceRefs,
	}
	if err := images.SetupWithManager(ctx, mgr); err != nil {
		return err
	}
	updates := &automation.Automation{
		Client:               mgr.GetClient(),
		Events:               mgr.GetEventRecorderFor(automation.Name), //nolint:staticcheck // Flux emits events of this API.
		RateLimiter:          rateLimiter,
		NoCrossNamespaceRefs: opts.access.NoCrossNamespaceRefs,
	}
	if err := updates.SetupWithManager(ctx, mgr); err != nil {
		return fmt.Errorf("failed to set up the ImageUpdateAutomation controller: %w", err)
	}
	return mgr.Start(ctx)
}

func newManager(opts options) (ctrl.Manager, error) {
	kubeconfig, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("failed to read the kubeconfig, set KUBECONFIG: %w", err)
	}
	kubeconfig = rest.CopyConfig(kubeconfig)
	kubeconfig.QPS, kubeconfig.Burst = clientQPS, clientBurst

	scheme := runtime.NewScheme()
	err = errors.Join(clientgoscheme.AddToScheme(scheme), reflectorv1.AddToScheme(scheme),
		automationv1.AddToScheme(scheme), sourcev1.AddToScheme(scheme))
	if err != nil {
		return nil, fmt.Errorf("failed to register types: %w", err)
	}
	mgr, err := ctrl.NewManager(kubeconfig, ctrl.Options{
		Scheme:                 scheme,
		Metrics:                metricsserver.Options{BindAddress: opts.metricsAddr},
		HealthProbeBindAddress: opts.healthAddr,
		Controller:             config.Controller{MaxConcurrentReconciles: opts.concurrent},
		Client: client.Options{Cache: &client.CacheOptions{
			DisableFor: []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("failed to create the manager: %w", err)
	}
	return mgr, errors.Join(
		mgr.AddHealthzCheck("healthz", healthz.Ping),
		mgr.AddReadyzCheck("readyz", healthz.Ping),
	)
}
