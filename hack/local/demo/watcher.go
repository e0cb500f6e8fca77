package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
)

const (
	// patience is how long one thing may take to happen. It is long: nothing is decided by time.
	patience = 3 * time.Minute
	// healthInterval is how often the servers are asked whether they still run.
	healthInterval = time.Second
)

// watcher keeps the world up to date and tells what changes.
type watcher struct {
	timeline   *timeline
	repository *gitserver.Repository
	// health says why a server ended by itself, if one did.
	health func() error
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	world   *world
	changed chan struct{} // closed and replaced at each change
	err     error         // why it stopped to look
}

// start watches the demo's namespace and the repository until stop.
func (w *watcher) start(ctx context.Context, e *environment.Environment) error {
	ctx, w.cancel = context.WithCancel(ctx)
	w.changed = make(chan struct{})
	objects, err := w.listen(ctx, e)
	if err != nil {
		w.stop()
		return fmt.Errorf("watch the cluster: %w", err)
	}
	w.done.Go(func() { w.follow(ctx, objects) })
	return nil
}

// listen sends every object of the demo's namespace that changes.
func (w *watcher) listen(ctx context.Context, e *environment.Environment) (<-chan client.Object, error) {
	informers, err := cache.New(e.Cluster.Config(), cache.Options{
		Scheme: e.Client.Scheme(), DefaultNamespaces: map[string]cache.Config{namespace: {}},
	})
	if err != nil {
		return nil, err
	}
	objects := make(chan client.Object)
	send := func(object any) {
		if object, ok := object.(client.Object); ok {
			select {
			case objects <- object:
			case <-ctx.Done():
			}
		}
	}
	handler := toolscache.ResourceEventHandlerFuncs{AddFunc: send, UpdateFunc: func(_, object any) { send(object) }}
	w.done.Go(func() {
		if err := informers.Start(ctx); err != nil {
			w.fail(err)
		}
	})
	for _, kind := range []client.Object{
		&appv1alpha1.App{}, &v1alpha1.AppUpgradePolicy{}, &imagev1.ImageRepository{}, &imagev1.ImagePolicy{},
		&automationv1.ImageUpdateAutomation{}, &sourcev1.GitRepository{},
	} {
		informer, err := informers.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, err
		}
		if _, err := informer.AddEventHandler(handler); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// follow takes in what changes, one after the other. Git is read first: what changed in the cluster may be its consequence.
func (w *watcher) follow(ctx context.Context, objects <-chan client.Object) {
	for {
		select {
		case <-ctx.Done():
			return
		case object := <-objects:
			commits, err := w.newCommits(ctx)
			if err != nil {
				w.fail(err)
				return
			}
			w.take(commits, object)
		}
	}
}

// newCommits reads the commits that are not known yet, the oldest first.
func (w *watcher) newCommits(ctx context.Context) ([]commit, error) {
	head, err := w.repository.Head(ctx, gitserver.DefaultBranch)
	if err != nil {
		return nil, err
	}
	last := w.world.head() // changed by this goroutine only
	if last == head {
		return nil, nil
	}
	return history(ctx, w.repository, last)
}

// history reads the commits after one, or all if that is empty, the oldest first.
func history(ctx context.Context, repository *gitserver.Repository, after string) ([]commit, error) {
	log, err := repository.Log(ctx, gitserver.DefaultBranch)
	if err != nil {
		return nil, err
	}
	var commits []commit
	for _, entry := range log {
		if entry.Hash == after {
			break
		}
		diff, err := repository.Diff(ctx, entry.Hash)
		if err != nil {
			return nil, err
		}
		commits = append(commits, readCommit(entry, diff))
	}
	slices.Reverse(commits)
	return commits, nil
}

func (w *watcher) take(commits []commit, object client.Object) {
	w.mu.Lock()
	var told []entry
	for _, c := range commits {
		told = append(told, w.world.add(c))
	}
	told = append(told, w.world.see(object)...)
	close(w.changed)
	w.changed = make(chan struct{})
	w.mu.Unlock()
	w.timeline.print(told...)
}

func (w *watcher) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = errors.Join(w.err, err)
}

// await waits until check has no complaint about the world. A server that dies ends the wait.
func (w *watcher) await(ctx context.Context, what string, check func(*world) error) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	health := time.NewTicker(healthInterval)
	defer health.Stop()
	for {
		changed, complaint, failure := w.look(check)
		if failure != nil {
			return fmt.Errorf("wait until %s: %w", what, failure)
		}
		if complaint == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return fmt.Errorf("waited %s until %s, in vain: %w", patience, what, complaint)
		case <-health.C:
			if err := w.health(); err != nil {
				return fmt.Errorf("wait until %s: %w", what, err)
			}
		}
	}
}

func (w *watcher) look(check func(*world) error) (changed <-chan struct{}, complaint, failure error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed, check(w.world), w.err
}

// with reads the world.
func (w *watcher) with(read func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	read(w.world)
}

// stop ends the watch. What was seen stays.
func (w *watcher) stop() {
	w.cancel()
	w.done.Wait()
}
