package main

import (
	"context"
	"fmt"
	"os"
	"time"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/auth"
	"github.com/fluxcd/pkg/runtime/logger"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/controller/maintenance"
	"github.com/giantswarm/app-upgrade-operator/internal/controller/policy"
	"github.com/giantswarm/app-upgrade-operator/internal/controller/repository"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
)

// leaderElectionID names the lease.
const leaderElectionID = "app-upgrade-operator.upgrades.giantswarm.io"

// Client-side limits of requests to the API server, as cluster-api's.
const (
	qps   = 100
	burst = 200
)

// run starts the manager and returns when ctx ends and everything is disarmed.
func run(ctx context.Context, o options) error {
	log.SetLogger(logger.NewLogger(o.log))
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the Kubernetes API server: %w", err)
	}
	config.QPS, config.Burst = qps, burst
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
		Metrics:                       metricsserver.Options{BindAddress: o.metricsAddress},
		HealthProbeBindAddress:        o.healthAddress,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              leaderElectionID,
		LeaderElectionNamespace:       o.leaderNamespace,
		LeaderElectionReleaseOnCancel: true, // the next leader need not wait: all is disarmed before
	})
	if err != nil {
		return fmt.Errorf("set up the manager: %w", err)
	}
	if err := addControllers(mgr, o); err != nil {
		return err
	}
	log.Log.Info("Starting", "version", version)
	return mgr.Start(ctx)
}

func addControllers(mgr ctrl.Manager, o options) error {
	err := policy.SetupWithManager(mgr, policy.Options{
		NoCrossNamespaceRefs: o.noCrossNamespaceRefs, FinalizerTimeout: o.finalizerTimeout, MaxConcurrentReconciles: o.concurrent,
	})
	if err != nil {
		return err
	}
	if o.serviceAccountTokens {
		auth.EnableObjectLevelWorkloadIdentity()
	}
	limits := batch.DefaultLimits
	limits.Arm = o.armTimeout
	git, err := gitClient(o)
	if err != nil {
		return err
	}
	err = repository.SetupWithManager(mgr, git, repository.Options{
		Leader: string(uuid.NewUUID()), Limits: limits, NoCrossNamespaceRefs: o.noCrossNamespaceRefs, Concurrent: o.concurrent, Now: time.Now,
		ServiceAccountTokens: o.serviceAccountTokens,
	})
	if err != nil {
		return err
	}
	if err := maintenance.SetupWithManager(mgr, maintenance.Options{}); err != nil {
		return err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	return mgr.AddReadyzCheck("ping", healthz.Ping)
}

// gitClient clones into a folder of this process's own, or, if the user names one, into that, which no other process uses: then
// what a killed process left there goes.
func gitClient(o options) (*gitops.Client, error) {
	if o.cloneDir == "" {
		return gitops.New(gitops.Options{Dir: os.TempDir()}), nil
	}
	if err := os.MkdirAll(o.cloneDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of clones: %w", err)
	}
	git := gitops.New(gitops.Options{Dir: o.cloneDir})
	if err := git.RemoveLeftovers(); err != nil {
		return nil, fmt.Errorf("remove old clones: %w", err)
	}
	return git, nil
}

func newScheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		scheme.AddToScheme, v1alpha1.AddToScheme, kinds.AddToScheme,
		imagev1.AddToScheme, automationv1.AddToScheme, sourcev1.AddToScheme, kustomizev1.AddToScheme,
	} {
		if err := add(s); err != nil {
			return nil, fmt.Errorf("register types: %w", err)
		}
	}
	return s, nil
}
