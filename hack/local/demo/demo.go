package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/flux"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/hack/local/tools"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
)

// Names of what the demo makes.
const (
	namespace         = "default" // of the sample policies
	catalog           = "demo"
	gitops            = "gitops"
	chartDir          = "helm/app-upgrade-operator"
	release           = "app-upgrade-operator" // also the name of the chart's service account
	operatorNamespace = "giantswarm"
)

// errInterrupted says that it was the user who ended the demo.
var errInterrupted = errors.New("interrupted before the end")

// Options say how to run the demo.
type Options struct {
	// Keep leaves everything running until the context ends, and says how to use it.
	Keep bool
	// Output receives the timeline, in colour if it is a terminal.
	Output io.Writer
}

// Run runs the demo. It returns an error if something did not happen that had to, or if something happened that must not.
// Nothing is left running or on disk when it returns.
func Run(ctx context.Context, options Options) (err error) {
	t := newTimeline(options.Output)
	d := &demo{timeline: t, robot: gitUser("flux"), human: gitUser("human")}
	defer func() {
		interrupted := ctx.Err() != nil && !d.finished
		if interrupted {
			err = errInterrupted
		}
		if err != nil && !interrupted && d.operator != nil {
			t.text("\n" + d.operator.LogTail() + "\n")
		}
		err = errors.Join(err, d.stop())
	}()
	if err := d.start(ctx); err != nil {
		return err
	}
	if err := d.tell(ctx); err != nil {
		return err
	}
	if err := d.conclude(ctx); err != nil {
		return err
	}
	d.finished = true
	if !options.Keep {
		return nil
	}
	return d.keep(ctx)
}

// demo is everything that runs.
type demo struct {
	timeline    *timeline
	samples     []sample
	environment *environment.Environment
	operator    *environment.Operator
	repository  *gitserver.Repository
	watcher     *watcher
	robot       gitserver.User // whose password Flux has, and the operator through it
	human       gitserver.User
	finished    bool // the story is told and all went well
}

// gitUser is a user of the Git server, with a password that is worth nothing elsewhere.
func gitUser(name string) gitserver.User { return gitserver.User{Name: name, Password: rand.Text()} }

// start starts the servers, the operator under the chart's service account, and the watch.
func (d *demo) start(ctx context.Context) error {
	root, err := tools.Root()
	if err != nil {
		return err
	}
	if d.samples, err = readSamples(root); err != nil {
		return err
	}
	d.timeline.print(entryf(labelStep, "Start a Kubernetes API server, Flux, an OCI registry and a Git server on this machine"))
	d.environment, err = environment.Start(ctx, environment.Options{
		FluxBinDir: os.Getenv(flux.BinDirVariable), GitUsers: []gitserver.User{d.robot, d.human}, Progress: d.timeline,
	})
	if err != nil {
		return err
	}
	d.sayWhoAutomates()
	scheme := d.environment.Client.Scheme()
	if err := errors.Join(v1alpha1.AddToScheme(scheme), appv1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	if err := d.startOperator(ctx); err != nil {
		return err
	}
	return d.startWatch(ctx)
}

// sayWhoAutomates is honest about the one part that may not be Flux's own.
func (d *demo) sayWhoAutomates() {
	d.timeline.print(entryf(labelSetup, "image automation is done %s", d.environment.Flux.Description()))
}

// startOperator installs the chart and runs the operator with the chart's rights and no others.
func (d *demo) startOperator(ctx context.Context) error {
	if err := d.environment.InstallChart(ctx, chartDir, release, operatorNamespace); err != nil {
		return err
	}
	d.timeline.print(entryf(labelSetup, "Helm chart %s is installed: CRD, service account, RBAC", chartDir))
	kubeconfig, err := d.environment.KubeconfigFor(ctx, operatorNamespace, release)
	if err != nil {
		return err
	}
	d.timeline.print(entryf(labelSetup, "building the operator from this checkout, unless Go has it built already"))
	d.operator, err = d.environment.StartOperator(ctx, environment.OperatorOptions{Kubeconfig: kubeconfig})
	if err != nil {
		return err
	}
	d.timeline.print(entryf(labelSetup, "the operator runs as service account %s/%s", operatorNamespace, release))
	return nil
}

func (d *demo) startWatch(ctx context.Context) (err error) {
	if d.repository, err = d.environment.Git.Create(ctx, gitops, repositoryFiles()); err != nil {
		return err
	}
	ranges := map[string][]*semver.Constraints{}
	for _, s := range d.samples {
		ranges[s.chart] = append(ranges[s.chart], s.allowed)
	}
	w := &watcher{
		timeline: d.timeline, repository: d.repository, world: newWorld(ranges),
		health: func() error { return errors.Join(d.environment.Err(), d.operator.Err()) },
	}
	if err := w.start(ctx, d.environment); err != nil {
		return err
	}
	d.watcher = w
	return nil
}

// showPolicies prints what `kubectl get aup` would, and what the policy with waves remembers.
func (d *demo) showPolicies(ctx context.Context) error {
	table, err := policyTable(ctx, d.environment.Cluster.Config())
	if err != nil {
		return err
	}
	var status v1alpha1.AppUpgradePolicyStatus
	d.watcher.with(func(w *world) { status = w.policyOf(canary.app) })
	memory, err := memoryTable(status)
	if err != nil {
		return err
	}
	d.timeline.text(fmt.Sprintf("%s\nstatus.blocked and status.history of %s:\n%s", table, d.policyOf(canary.app), memory))
	return nil
}

// conclude prints what kubectl would, and the checks.
func (d *demo) conclude(ctx context.Context) error {
	d.timeline.print(entryf(labelStep, "kubectl get aup"))
	if err := d.showPolicies(ctx); err != nil {
		return err
	}
	d.timeline.print(entryf(labelStep, "Did happen what had to, and nothing else?"))
	record, err := d.record(ctx)
	if err != nil {
		return err
	}
	failed := 0
	checks := verify(record)
	for _, c := range checks {
		d.timeline.print(c.entry())
		if len(c.problems) > 0 {
			failed++
		}
	}
	d.sayWhoAutomates()
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(checks))
	}
	d.timeline.print(entryf(labelStep, "All %d checks passed", len(checks)))
	return nil
}

// stop ends everything. What did not start is left out.
func (d *demo) stop() error {
	if d.watcher != nil {
		d.watcher.stop()
	}
	if d.environment == nil {
		return nil
	}
	return d.environment.Stop()
}
