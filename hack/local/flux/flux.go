// Package flux runs Flux's controllers against a cluster: source-controller and kustomize-controller as they are, and the
// image controllers if their binaries are given. Those cannot be built from Go modules; without them a stand-in runs, which
// is not Flux (see hack/local/fluxstandin).
package flux

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/giantswarm/app-upgrade-operator/hack/local/process"
	"github.com/giantswarm/app-upgrade-operator/hack/local/tools"
)

// BinDirVariable names the environment variable that users set to the folder of the real image controllers.
const BinDirVariable = "FLUX_BIN_DIR"

// Names of the processes.
const (
	SourceController          = "source-controller"
	KustomizeController       = "kustomize-controller"
	ImageReflectorController  = "image-reflector-controller"
	ImageAutomationController = "image-automation-controller"
	// StandIn does the work of both image controllers in one process.
	StandIn = "fluxstandin"
)

// Namespace is where Flux believes to run. It must exist.
const Namespace = "flux-system"

// Options say what to run.
type Options struct {
	// Dir is an existing folder for data and logs. Whoever made it removes it after Stop.
	Dir string
	// Kubeconfig has the rights of an administrator. Flux's CRDs and Namespace are there already.
	Kubeconfig string
	// BinDir holds the real image controllers; empty runs the stand-in. A relative path starts at the project's root.
	BinDir string
	// ImageOnly leaves source-controller and kustomize-controller out.
	ImageOnly bool
	// Progress receives lines about what is built; default: nowhere.
	Progress io.Writer
}

// Flux is a set of running controllers.
type Flux struct {
	standIn   bool
	configs   map[string]process.Config
	processes map[string]*process.Process
}

// Start builds what is missing and starts the controllers at once. On an error nothing is left running.
func Start(ctx context.Context, options Options) (*Flux, error) {
	if options.Progress == nil {
		options.Progress = io.Discard
	}
	paths, standIn, err := binaries(ctx, options)
	if err != nil {
		return nil, err
	}
	f := &Flux{standIn: standIn, configs: map[string]process.Config{}, processes: map[string]*process.Process{}}
	for name, path := range paths {
		if f.configs[name], err = configure(name, path, options); err != nil {
			return nil, err
		}
	}
	if err := f.startAll(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start Flux: %w", err), f.Stop())
	}
	return f, nil
}

// binaries returns the path of each controller, and whether the stand-in is among them.
func binaries(ctx context.Context, options Options) (paths map[string]string, standIn bool, err error) {
	paths = map[string]string{}
	if !options.ImageOnly {
		built, err := tools.Ensure(ctx, options.Progress, tools.SourceController, tools.KustomizeController)
		if err != nil {
			return nil, false, err
		}
		paths[SourceController], paths[KustomizeController] = built[tools.SourceController], built[tools.KustomizeController]
	}
	if options.BinDir == "" {
		paths[StandIn], err = tools.Build(ctx, "./hack/local/fluxstandin", filepath.Join(options.Dir, "bin"))
		return paths, true, err
	}
	dir := options.BinDir
	if !filepath.IsAbs(dir) {
		root, err := tools.Root()
		if err != nil {
			return nil, false, err
		}
		dir = filepath.Join(root, dir)
	}
	for _, name := range []string{ImageReflectorController, ImageAutomationController} {
		paths[name] = filepath.Join(dir, name)
		if _, err := os.Stat(paths[name]); err != nil {
			return nil, false, fmt.Errorf("%s must hold %s and %s: %w", BinDirVariable, ImageReflectorController, ImageAutomationController, err)
		}
	}
	return paths, false, nil
}

// configure gives a controller a data folder and addresses of its own.
func configure(name, path string, options Options) (process.Config, error) {
	addresses, err := process.FreeAddresses(2)
	if err != nil {
		return process.Config{}, err
	}
	health, storage := addresses[0], addresses[1]
	dir := filepath.Join(options.Dir, name)
	temporary, data := filepath.Join(dir, "tmp"), filepath.Join(dir, "data")
	if err := errors.Join(os.MkdirAll(temporary, 0o700), os.MkdirAll(data, 0o700)); err != nil {
		return process.Config{}, fmt.Errorf("make room for %s: %w", name, err)
	}
	args := []string{"--health-addr=" + health, "--metrics-addr=0"}
	switch name {
	case SourceController:
		args = append(args, "--storage-path="+data, "--storage-addr="+storage, "--storage-adv-addr="+storage)
	case ImageReflectorController, StandIn:
		args = append(args, "--storage-path="+data)
	}
	if name == SourceController || name == KustomizeController {
		args = append(args, "--requeue-dependency=1s") // 30 s by default, which only makes people wait here
	}
	return process.Config{
		Name:   name,
		Path:   path,
		Args:   args,
		Env:    []string{"KUBECONFIG=" + options.Kubeconfig, "RUNTIME_NAMESPACE=" + Namespace, "TMPDIR=" + temporary, "HOME=" + dir},
		LogDir: dir,
		Ready:  process.HTTPReady(http.DefaultClient, "http://"+health+"/readyz", http.StatusOK),
		// A controller finishes the reconciliation that it is in.
		StopTimeout: 5 * time.Second,
	}, nil
}

func (f *Flux) startAll(ctx context.Context) error {
	started := make(chan *process.Process, len(f.configs))
	group, groupCtx := errgroup.WithContext(ctx)
	for _, config := range f.configs {
		group.Go(func() error {
			p, err := process.Start(groupCtx, config)
			if err == nil {
				started <- p
			}
			return err
		})
	}
	err := group.Wait()
	close(started)
	for p := range started {
		f.processes[p.Name()] = p
	}
	return err
}

// IsStandIn reports whether the stand-in runs in place of Flux's image controllers.
func (f *Flux) IsStandIn() bool { return f.standIn }

// Description says for people what does image automation.
func (f *Flux) Description() string {
	if f.standIn {
		return "by a small stand-in, which is not Flux (set " + BinDirVariable + " to run Flux's own controllers)"
	}
	return "by Flux's own controllers"
}

// ImageControllers returns the names of the processes that do image automation.
func (f *Flux) ImageControllers() []string {
	if f.standIn {
		return []string{StandIn}
	}
	return []string{ImageReflectorController, ImageAutomationController}
}

// Process returns a running controller by its name, or nil.
func (f *Flux) Process(name string) *process.Process { return f.processes[name] }

// Restart starts a controller again that was stopped or killed, or stops it first.
func (f *Flux) Restart(ctx context.Context, name string) error {
	config, ok := f.configs[name]
	if !ok {
		return fmt.Errorf("there is no controller %q in this environment", name)
	}
	if err := f.processes[name].Stop(); err != nil {
		return err
	}
	p, err := process.Start(ctx, config)
	if err != nil {
		return err
	}
	f.processes[name] = p
	return nil
}

// Stop ends all controllers. It may be called more than once.
func (f *Flux) Stop() error {
	var group errgroup.Group
	for _, p := range f.processes {
		group.Go(p.Stop)
	}
	return group.Wait()
}

// Err returns why a controller ended by itself, or nil.
func (f *Flux) Err() error {
	var errs []error
	for _, p := range f.processes {
		errs = append(errs, p.Err())
	}
	return errors.Join(errs...)
}
