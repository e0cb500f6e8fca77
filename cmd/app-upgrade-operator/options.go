package main

import (
	"fmt"
	"time"

	"github.com/fluxcd/pkg/runtime/logger"
	"github.com/spf13/pflag"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/controller/policy"
)

// options are the flags.
type options struct {
	metricsAddress       string
	healthAddress        string
	leaderElect          bool
	leaderNamespace      string
	noCrossNamespaceRefs bool
	serviceAccountTokens bool
	armTimeout           time.Duration
	finalizerTimeout     time.Duration
	concurrent           int
	cloneDir             string
	log                  logger.Options
}

// parse reads flags and refuses what cannot work.
func parse(args []string) (options, error) {
	var o options
	flags := pflag.NewFlagSet("app-upgrade-operator", pflag.ContinueOnError)
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", ":8080", "Address of the Prometheus metrics; 0 turns them off.")
	flags.StringVar(&o.healthAddress, "health-probe-bind-address", ":8081", "Address of /healthz and /readyz.")
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "Let one of several replicas work at a time.")
	flags.StringVar(&o.leaderNamespace, "leader-election-namespace", "", "Namespace of the lease; by default the one that the operator runs in.")
	flags.BoolVar(&o.noCrossNamespaceRefs, "no-cross-namespace-refs", false, "Refuse GitRepositories of other namespaces, whatever these grant.")
	flags.BoolVar(&o.serviceAccountTokens, "object-level-workload-identity", false,
		"Log in to Azure DevOps and AWS CodeCommit as the ServiceAccount of a GitRepository, for which tokens are made.")
	flags.DurationVar(&o.armTimeout, "arm-timeout", batch.DefaultLimits.Arm, "How long Flux may take to write a batch before it is withdrawn.")
	flags.DurationVar(&o.finalizerTimeout, "finalizer-timeout", policy.DefaultFinalizerTimeout, "How long a deleted policy waits for its markers to be removed.")
	flags.IntVar(&o.concurrent, "concurrent", 4, "How many policies, and how many repositories, are worked on at once.")
	flags.StringVar(&o.cloneDir, "clone-dir", "", "Folder of this process's own for clones, emptied of old ones at the start; by default the system's temporary folder.")
	o.log.BindFlags(flags)
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	switch {
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("unexpected argument %q: there are only flags, see --help", flags.Arg(0))
	case o.armTimeout < time.Second:
		return options{}, fmt.Errorf("--arm-timeout is %s: Flux needs at least 1s", o.armTimeout)
	case o.concurrent < 1:
		return options{}, fmt.Errorf("--concurrent is %d: it must be at least 1", o.concurrent)
	}
	return o, nil
}
