// Package environment composes the local environment: a Kubernetes control plane with the CRDs of Flux and of Giant Swarm's
// App Platform, Flux, an OCI registry, a Git server, stand-ins for app-operator and helm-controller, and the operator itself if it is
// started.
// All of it runs on loopback, below one temporary folder.
package environment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	imageautomationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagereflectorv1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/giantswarm/app-upgrade-operator/hack/local/apps"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/hack/local/crds"
	"github.com/giantswarm/app-upgrade-operator/hack/local/flux"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/hack/local/process"
	"github.com/giantswarm/app-upgrade-operator/hack/local/registry"
	"github.com/giantswarm/app-upgrade-operator/hack/local/releases"
	"github.com/giantswarm/app-upgrade-operator/hack/local/tools"
)

// Options say what to start. The zero value starts everything with open doors.
type Options struct {
	// FluxBinDir holds Flux's own image controllers (see flux.BinDirVariable); empty runs the stand-in.
	FluxBinDir string
	// RegistryUsername and RegistryPassword, if set, are asked by the registry.
	RegistryUsername, RegistryPassword string
	// GitUsers, if any, are asked by the Git server.
	GitUsers []gitserver.User
	// DeployDelay is how long an App seems to be installed.
	DeployDelay time.Duration
	// Progress receives lines about what is built and started; default: nowhere.
	Progress io.Writer
}

// Environment is a running local environment.
type Environment struct {
	Cluster  *cluster.Cluster
	Registry *registry.Registry
	Git      *gitserver.Server
	Flux     *flux.Flux
	Apps     *apps.Operator
	Releases *releases.Controller
	// Client has the administrator's rights and knows Kubernetes' own kinds, CRDs and Flux's kinds.
	Client client.WithWatch

	dir      *workDir
	progress io.Writer
	stops    []func() error // in the order of the starts

	operatorMu   sync.Mutex
	operatorPath string // once it is built
	operators    []*process.Process
}

// Start builds what is missing and starts everything. On an error, or when ctx ends, nothing is left running or on disk.
func Start(ctx context.Context, options Options) (*Environment, error) {
	if options.Progress == nil {
		options.Progress = io.Discard
	}
	if _, err := tools.Ensure(ctx, options.Progress, tools.Servers()...); err != nil {
		return nil, err
	}
	dir, err := newWorkDir()
	if err != nil {
		return nil, err
	}
	e := &Environment{dir: dir, progress: options.Progress}
	if err := e.start(ctx, options); err != nil {
		return nil, errors.Join(fmt.Errorf("start the local environment: %w", err), e.Stop())
	}
	return e, nil
}

func (e *Environment) start(ctx context.Context, options Options) error {
	began := time.Now()
	if err := e.startCluster(ctx, options); err != nil {
		return err
	}
	if err := e.startRegistry(ctx, options); err != nil {
		return err
	}
	if err := e.startGit(options); err != nil {
		return err
	}
	if err := e.startFlux(ctx, options); err != nil {
		return err
	}
	if err := e.startApps(ctx, options); err != nil {
		return err
	}
	if err := e.startReleases(ctx); err != nil {
		return err
	}
	fmt.Fprintf(e.progress, "local environment is ready after %s\n", time.Since(began).Round(100*time.Millisecond))
	return nil
}

func (e *Environment) startCluster(ctx context.Context, options Options) error {
	dir, err := e.folder("cluster")
	if err != nil {
		return err
	}
	e.Cluster, err = cluster.Start(ctx, cluster.Options{Dir: dir, ControllerManager: true, Progress: options.Progress})
	if err != nil {
		return err
	}
	e.stops = append(e.stops, e.Cluster.Stop)
	if err := e.Cluster.WriteKubeconfig(e.Kubeconfig()); err != nil {
		return err
	}
	paths, err := crds.Dirs()
	if err != nil {
		return err
	}
	if err := e.Cluster.InstallCRDs(ctx, paths...); err != nil {
		return err
	}
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	if e.Client, err = client.NewWithWatch(e.Cluster.Config(), client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("client of the local cluster: %w", err)
	}
	return e.CreateNamespace(ctx, flux.Namespace)
}

func (e *Environment) startRegistry(ctx context.Context, options Options) error {
	dir, err := e.folder("registry")
	if err != nil {
		return err
	}
	e.Registry, err = registry.Start(ctx, registry.Options{
		Dir: dir, Username: options.RegistryUsername, Password: options.RegistryPassword, Progress: options.Progress,
	})
	if err != nil {
		return err
	}
	e.stops = append(e.stops, e.Registry.Stop)
	return nil
}

func (e *Environment) startGit(options Options) error {
	dir, err := e.folder("git")
	if err != nil {
		return err
	}
	if e.Git, err = gitserver.Start(gitserver.Options{Dir: dir, Users: options.GitUsers}); err != nil {
		return err
	}
	e.stops = append(e.stops, e.Git.Stop)
	return nil
}

func (e *Environment) startFlux(ctx context.Context, options Options) error {
	dir, err := e.folder("flux")
	if err != nil {
		return err
	}
	e.Flux, err = flux.Start(ctx, flux.Options{
		Dir: dir, Kubeconfig: e.Kubeconfig(), BinDir: options.FluxBinDir, Progress: options.Progress,
	})
	if err != nil {
		return err
	}
	e.stops = append(e.stops, e.Flux.Stop)
	return nil
}

func (e *Environment) startApps(ctx context.Context, options Options) error {
	// Informers log through controller-runtime's global logger, which complains on standard error until it is set. Only the
	// first call counts, so a program that wants these lines sets its own before.
	ctrl.SetLogger(logr.Discard())
	log, err := os.OpenFile(filepath.Join(e.dir.path, "apps.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of the stand-in for app-operator: %w", err)
	}
	e.stops = append(e.stops, log.Close)
	e.Apps, err = apps.Start(ctx, e.Cluster.Config(), apps.Options{Auth: e.Registry.Auth(), Delay: options.DeployDelay, Log: log})
	if err != nil {
		return err
	}
	e.stops = append(e.stops, e.Apps.Stop)
	return nil
}

func (e *Environment) startReleases(ctx context.Context) error {
	file, err := os.OpenFile(filepath.Join(e.dir.path, "releases.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of the stand-in for helm-controller: %w", err)
	}
	e.stops = append(e.stops, file.Close)
	log := funcr.New(func(prefix, args string) { fmt.Fprintln(file, prefix, args) }, funcr.Options{LogTimestamp: true})
	if e.Releases, err = releases.Start(ctx, e.Cluster.Config(), log); err != nil {
		return err
	}
	e.stops = append(e.stops, e.Releases.Stop)
	return nil
}

// Stop ends everything, the last first, and removes all files. It may be called more than once.
func (e *Environment) Stop() error {
	var errs []error
	e.operatorMu.Lock()
	for _, p := range e.operators {
		errs = append(errs, p.Stop())
	}
	e.operators = nil
	e.operatorMu.Unlock()
	for i := len(e.stops) - 1; i >= 0; i-- {
		errs = append(errs, e.stops[i]())
	}
	e.stops = nil
	errs = append(errs, e.dir.remove())
	return errors.Join(errs...)
}

// Err returns why one of the servers ended by itself, or nil.
func (e *Environment) Err() error {
	return errors.Join(e.Cluster.Err(), e.Registry.Process().Err(), e.Flux.Err())
}

// Dir returns the environment's temporary folder.
func (e *Environment) Dir() string { return e.dir.path }

// Kubeconfig returns the path of a kubeconfig with the administrator's rights.
func (e *Environment) Kubeconfig() string { return filepath.Join(e.dir.path, "kubeconfig") }

// CreateNamespace creates a namespace; one that is there already is no error.
func (e *Environment) CreateNamespace(ctx context.Context, name string) error {
	err := e.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create namespace %s: %w", name, err)
	}
	return nil
}

// folder makes a folder for one of the servers.
func (e *Environment) folder(name string) (string, error) {
	path := filepath.Join(e.dir.path, name)
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", fmt.Errorf("make room for the local environment: %w", err)
	}
	return path, nil
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, sourcev1.AddToScheme, kustomizev1.AddToScheme, imagereflectorv1.AddToScheme, imageautomationv1.AddToScheme,
		helmv2.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register kinds: %w", err)
		}
	}
	return scheme, nil
}
