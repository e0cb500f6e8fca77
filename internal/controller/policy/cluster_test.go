package policy

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	autov1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	testclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
)

const (
	ownCRDs = "../../../config/crd/upgrades.giantswarm.io_appupgradepolicies.yaml"
	samples = "../../../config/samples"
)

// TestCluster runs the controller against a real API server. Flux, the App Platform, and the repository controller are
// played by the tests.
func TestCluster(t *testing.T) {
	e := startEnvironment(t)
	t.Run("waits for Flux's definitions", e.testFluxMissing) // first: it installs them

	for name, test := range map[string]func(*testing.T){
		"accepts and refuses samples":                 e.testSamples,
		"makes objects in order":                      e.testOrder,
		"writes nothing at rest":                      e.testRest,
		"makes deleted objects again":                 e.testRecreate,
		"moves all targets in one round":              e.testRounds,
		"gives up targets that leave":                 e.testLeave,
		"sets removals free without a scan":           e.testRemovalWithoutScan,
		"leaves a repository before it takes another": e.testRetarget,
		"hands a target over to another policy":       e.testHandOver,
		"conflicts on both policies":                  e.testConflict,
		"leaves foreign objects alone":                e.testForeign,
		"waits for the scan and shows its failure":    e.testScan,
		"shares a scan at the shortest interval":      e.testSharedScan,
		"stalls until the spec changes":               e.testStalled,
		"marks nothing while suspended":               e.testSuspended,
		"asks for Git to be read once for a new fact": e.testPrompt,
		"starts nothing under a freeze":               e.testFreeze,
		"waits until a version is old enough":         e.testMinAge,
		"waits for an approval":                       e.testApproval,
		"waits for another policy":                    e.testDependency,
		"looks for the next step":                     e.testSteps,
		"remembers although the status is lost":       e.testLostStatus,
		"stops when it cannot read what it remembers": e.testBrokenLedger,
		"manages a HelmRelease":                       e.testHelmRelease,
		"manages the OCIRepository of a HelmRelease":  e.testChartRef,
		"judges an OCIRepository by its HelmReleases": e.testOCIRepository,
		"waits for its markers to be removed":         e.testFinalizer,
		"lets go without a repository":                e.testFinalizerObstacles,
		"lets go of a pin that lost its intent":       e.testLostIntent,
		"lets go after the timeout":                   e.testFinalizerTimeout,
		"deletes at once what was never marked":       e.testFinalizerUnmarked,
		"hands its pins over when it goes":            e.testFinalizerHandOver,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// environment is a cluster with a running controller.
type environment struct {
	cluster *cluster.Cluster
	// client is the test's own, without a cache.
	client client.Client
	mgr    ctrl.Manager
	writes *writes
}

func startEnvironment(t testing.TB) *environment {
	t.Helper()
	return startEnvironmentOn(t, cluster.ForTest(t), nil)
}

// startEnvironmentOn lets the manager's requests pass through wrap, unless that is nil.
func startEnvironmentOn(t testing.TB, on *cluster.Cluster, wrap transport.WrapperFunc) *environment {
	t.Helper()
	log.SetLogger(logr.Discard())
	e := &environment{cluster: on, writes: &writes{}}
	must(t, e.cluster.InstallCRDs(t.Context(), ownCRDs, maintenanceScheduleCRD))
	direct, err := client.New(e.cluster.Config(), client.Options{Scheme: newScheme(t)})
	must(t, err)
	e.client = direct
	config := e.cluster.Config()
	config.Wrap(e.writes.wrap)
	if wrap != nil {
		config.Wrap(wrap)
	}
	e.mgr = newManager(t, config)
	must(t, SetupWithManager(e.mgr, Options{
		PruneDelay: time.Second, SkipNameValidation: true, fluxRetry: 200 * time.Millisecond, syncPatience: time.Second,
	}))
	startManager(t, e.mgr)
	return e
}

func newScheme(t testing.TB) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, eventsv1.AddToScheme, v1alpha1.AddToScheme, kinds.AddToScheme,
		imagev1.AddToScheme, autov1.AddToScheme, kustomizev1.AddToScheme, sourcev1.AddToScheme,
	} {
		must(t, add(scheme))
	}
	return scheme
}

func newManager(t testing.TB, config *rest.Config) ctrl.Manager {
	t.Helper()
	mgr, err := ctrl.NewManager(config, ctrl.Options{Scheme: newScheme(t), Metrics: server.Options{BindAddress: "0"}})
	must(t, err)
	return mgr
}

func startManager(t testing.TB, mgr ctrl.Manager) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-done)
	})
}

// reconciler is a second one beside the manager's, which tests call synchronously, with a clock that they set.
func (e *environment) reconciler(clock *testclock.FakePassiveClock) *Reconciler {
	options := Options{Clock: clock}.withDefaults()
	started := &flux{}
	started.ready.Store(true)
	targets := newTargetKinds(e.mgr.GetRESTMapper(), options)
	targets.known.Store(&kinds.All)
	return &Reconciler{
		client:   e.mgr.GetClient(),
		live:     e.mgr.GetAPIReader(),
		resolver: &resolve.Resolver{Cached: e.mgr.GetClient(), Live: e.mgr.GetAPIReader()},
		recorder: e.mgr.GetEventRecorder("test"),
		flux:     started,
		targets:  targets,
		options:  options,
	}
}

// writes counts what the manager writes, by namespace.
type writes struct {
	mu    sync.Mutex
	paths []string
}

type roundTripper func(*http.Request) (*http.Response, error)

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func (w *writes) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet {
			w.mu.Lock()
			w.paths = append(w.paths, r.Method+" "+r.URL.Path)
			w.mu.Unlock()
		}
		return next.RoundTrip(r)
	})
}

// in are the writes in a namespace, less events.
func (w *writes) in(namespace string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []string
	for _, path := range w.paths {
		if strings.Contains(path, "/namespaces/"+namespace+"/") && !strings.Contains(path, "/events") {
			found = append(found, path)
		}
	}
	return found
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until check finds nothing wrong any more.
func wrong(format string, args ...any) error { return fmt.Errorf(format, args...) }
