// Package apps stands in for Giant Swarm's app-operator: it installs nothing, and sets the status of Apps the way the real
// one does once the chart of spec.version is in the catalog's OCI registry, missing there, or fails to install.
package apps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-containerregistry/pkg/authn"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Annotations of app-operator that stop it.
const (
	pausedAnnotation = "app-operator.giantswarm.io/paused"
	cordonAnnotation = "app-operator.giantswarm.io/cordon-until"
)

// retry is how often an App is looked at again whose chart is missing or fails.
const retry = time.Second

var (
	appKind     = schema.GroupVersionKind{Group: "application.giantswarm.io", Version: "v1alpha1", Kind: "App"}
	catalogKind = schema.GroupVersionKind{Group: "application.giantswarm.io", Version: "v1alpha1", Kind: "Catalog"}
)

// Options say how charts are found and how long Helm seems to work.
type Options struct {
	// Auth is used to read charts; default: nobody.
	Auth authn.Authenticator
	// Delay is how long an App is in pending-upgrade (or pending-install) before it is deployed; zero leaves that out.
	Delay time.Duration
	// Log receives errors; default: nowhere.
	Log io.Writer
}

// Operator is a running stand-in.
type Operator struct {
	client  client.Client
	options Options

	mu      sync.Mutex
	failing map[release]bool
	unwell  map[types.NamespacedName]bool
	stopped bool // while it pretends to be away

	again  chan event.GenericEvent // Apps to look at although nothing about them has changed
	cancel context.CancelFunc
	done   chan error
}

type release struct{ chart, version string }

// Start runs the stand-in until Stop. ctx bounds only the start.
func Start(ctx context.Context, config *rest.Config, options Options) (*Operator, error) {
	if options.Auth == nil {
		options.Auth = authn.Anonymous
	}
	log := logger(options.Log)
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Metrics:                metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
		Logger:                 log,
	})
	if err != nil {
		return nil, fmt.Errorf("start the stand-in for app-operator: %w", err)
	}
	o := &Operator{
		client: manager.GetClient(), options: options,
		failing: map[release]bool{}, unwell: map[types.NamespacedName]bool{},
		again: make(chan event.GenericEvent), done: make(chan error, 1),
	}
	anyNumberOfThem := true // tests start several in one process
	err = ctrl.NewControllerManagedBy(manager).
		Named("app").
		For(object(appKind)).
		WatchesRawSource(source.Channel(o.again, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: 8, SkipNameValidation: &anyNumberOfThem}).
		Complete(o)
	if err != nil {
		return nil, fmt.Errorf("start the stand-in for app-operator: %w", err)
	}
	runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	o.cancel = cancel
	go func() { o.done <- manager.Start(runCtx) }()
	if !manager.GetCache().WaitForCacheSync(ctx) {
		return nil, errors.Join(errors.New("the stand-in for app-operator cannot read Apps; are their CRDs installed?"), o.Stop())
	}
	return o, nil
}

// Stop ends the stand-in.
func (o *Operator) Stop() error {
	o.cancel()
	err := <-o.done
	o.done <- err // for a second call
	if err != nil {
		return fmt.Errorf("stop the stand-in for app-operator: %w", err)
	}
	return nil
}

// Fail makes the installation of a chart's version fail from now on, or succeed again.
func (o *Operator) Fail(chart, version string, fails bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failing[release{chart, version}] = fails
}

// FailApp makes one App fail, whatever its version and also if it is deployed, or be well again. The stand-in must run.
func (o *Operator) FailApp(namespace, name string, fails bool) {
	o.mu.Lock()
	o.unwell[types.NamespacedName{Namespace: namespace, Name: name}] = fails
	o.mu.Unlock()
	app := object(appKind)
	app.SetNamespace(namespace)
	app.SetName(name)
	o.again <- event.GenericEvent{Object: app}
}

// Pause makes the stand-in ignore all Apps while on.
func (o *Operator) Pause(on bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopped = on
}

func (o *Operator) fails(app *unstructured.Unstructured, r release) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failing[r] || o.unwell[client.ObjectKeyFromObject(app)]
}

func (o *Operator) paused() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stopped
}

// Reconcile brings the status of one App to what its spec and the registry say.
func (o *Operator) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	app := object(appKind)
	if err := o.client.Get(ctx, request.NamespacedName, app); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if app.GetDeletionTimestamp() != nil || app.GetAnnotations()[pausedAnnotation] == "true" {
		return ctrl.Result{}, nil
	}
	if o.paused() {
		return ctrl.Result{RequeueAfter: retry}, nil
	}
	want, after, err := o.outcome(ctx, app)
	if err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: after}, o.writeStatus(ctx, app, want)
}

// writeStatus patches the status only if it changes, so that lastDeployed keeps the time of the change.
func (o *Operator) writeStatus(ctx context.Context, app *unstructured.Unstructured, want status) error {
	if readStatus(app) == want {
		return nil
	}
	base := client.MergeFrom(app.DeepCopy())
	values := map[string]any{
		"version":    want.version,
		"appVersion": want.appVersion,
		"release":    map[string]any{"status": want.release, "reason": want.reason, "lastDeployed": time.Now().UTC().Format(time.RFC3339)},
	}
	if err := unstructured.SetNestedMap(app.Object, values, "status"); err != nil {
		return fmt.Errorf("set the status of App %s/%s: %w", app.GetNamespace(), app.GetName(), err)
	}
	if err := o.client.Status().Patch(ctx, app, base); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("set the status of App %s/%s: %w", app.GetNamespace(), app.GetName(), err)
	}
	return nil
}

// catalog returns the Catalog of an App: in the namespace that it names, else in default, else in giantswarm.
func (o *Operator) catalog(ctx context.Context, app *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	name, namespaces := text(app, "spec", "catalog"), []string{"default", "giantswarm"}
	if named := text(app, "spec", "catalogNamespace"); named != "" {
		namespaces = []string{named}
	}
	for _, namespace := range namespaces {
		catalog := object(catalogKind)
		err := o.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, catalog)
		if err == nil {
			return catalog, nil
		}
		if client.IgnoreNotFound(err) != nil && !meta.IsNoMatchError(err) {
			return nil, fmt.Errorf("read Catalog %s/%s: %w", namespace, name, err)
		}
	}
	return nil, nil
}

func logger(w io.Writer) logr.Logger {
	if w == nil {
		return logr.Discard()
	}
	return funcr.New(func(prefix, args string) { fmt.Fprintln(w, prefix, args) }, funcr.Options{LogTimestamp: true})
}

func object(kind schema.GroupVersionKind) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(kind)
	return u
}

// text returns a string field, empty if it is not there.
func text(u *unstructured.Unstructured, fields ...string) string {
	value, _, _ := unstructured.NestedString(u.Object, fields...)
	return value
}
