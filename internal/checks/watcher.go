package checks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

const (
	// maxKinds bounds the watches: each is a connection, and the names of all objects of its kind.
	maxKinds = 32
	// startTimeout is how long a reconcile waits for a new watch.
	startTimeout = 10 * time.Second
	// A watch that the API server refused is tried again after minBackOff, and each time later, up to maxBackOff.
	minBackOff = time.Minute
	maxBackOff = 10 * time.Minute
)

var (
	errNotStarted = errors.New("the operator has only just begun to watch its kind")
	errTooMany    = errors.New("the operator watches as many other kinds as it may")
	errUnneeded   = errors.New("no policy names its kind any more")
)

// watcher keeps one watch of metadata for each kind that was asked for, while it may.
type watcher struct {
	client metadata.Interface
	waker  *waker
	clock  clock.PassiveClock
	// limit of running watches.
	limit int

	mu sync.Mutex
	// spawn starts a watch that ends with the controller; nil until that has started.
	spawn func(*kindWatch)
	kinds map[schema.GroupKind]*kindWatch
}

// kindWatch is the watch of one kind, or why there is none.
type kindWatch struct {
	kind     schema.GroupKind
	resource schema.GroupVersionResource
	backOff  time.Duration
	stop     context.CancelCauseFunc
	// synced is closed when every later change is noticed, overdue when nobody should wait for that any more, and ended when
	// the watch is over: then failure and retryAt are set.
	synced, overdue, ended chan struct{}
	failure                error
	retryAt                time.Time
}

func newWatcher(client metadata.Interface, waker *waker, clock clock.PassiveClock) *watcher {
	return &watcher{client: client, waker: waker, clock: clock, limit: maxKinds, kinds: map[schema.GroupKind]*kindWatch{}}
}

// begin lets watches start. They end with ctx.
func (w *watcher) begin(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spawn = func(k *kindWatch) {
		ctx, stop := context.WithCancelCause(ctx)
		k.stop = stop
		go w.run(ctx, k)
	}
}

// ensure returns nil when every change of an object of the kind will be noticed that happens from now on, and otherwise
// why not.
func (w *watcher) ensure(ctx context.Context, mapping *meta.RESTMapping) error {
	k, err := w.watchOf(ctx, mapping)
	if err != nil {
		return err
	}
	select { // first, as both may be closed
	case <-k.ended:
		return k.failure
	default:
	}
	select {
	case <-k.synced:
		return nil
	case <-k.ended:
		return k.failure
	case <-k.overdue:
		return errNotStarted
	case <-ctx.Done():
		return errNotStarted
	}
}

// watchOf finds the watch of a kind, or starts it.
func (w *watcher) watchOf(ctx context.Context, mapping *meta.RESTMapping) (*kindWatch, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.spawn == nil {
		return nil, errNotStarted
	}
	kind := mapping.GroupVersionKind.GroupKind()
	before := w.kinds[kind]
	if before != nil && (!before.isOver() || w.clock.Now().Before(before.retryAt)) {
		return before, nil
	}
	if w.running() >= w.limit && !w.makeRoom(ctx) {
		return nil, errTooMany
	}
	k := &kindWatch{
		kind: kind, resource: mapping.Resource, backOff: minBackOff,
		synced: make(chan struct{}), overdue: make(chan struct{}), ended: make(chan struct{}),
	}
	if before != nil {
		k.backOff = min(2*before.backOff, maxBackOff)
	}
	time.AfterFunc(startTimeout, func() { close(k.overdue) })
	w.kinds[kind] = k
	w.spawn(k)
	return k, nil
}

func (w *watcher) running() int {
	count := 0
	for _, k := range w.kinds {
		if !k.isOver() {
			count++
		}
	}
	return count
}

// makeRoom ends the watches of kinds that no policy names any more.
func (w *watcher) makeRoom(ctx context.Context) bool {
	made := false
	for kind, k := range w.kinds {
		if !k.isOver() && !w.waker.named(ctx, kind) {
			delete(w.kinds, kind)
			k.stop(errUnneeded)
			made = true
		}
	}
	return made
}

// run watches a kind until ctx ends or the API server refuses it.
func (w *watcher) run(ctx context.Context, k *kindWatch) {
	registered, err := w.watch(ctx, k)
	if err != nil {
		k.stop(err)
	}
	if registered != nil {
		<-registered
	}
	w.end(ctx, k, context.Cause(ctx))
}

// watch starts an informer, and returns a channel that is closed when it has ended.
func (w *watcher) watch(ctx context.Context, k *kindWatch) (<-chan struct{}, error) {
	informer := metadatainformer.NewFilteredMetadataInformer(w.client, k.resource, metav1.NamespaceAll, 0, cache.Indexers{}, nil).Informer()
	registration, err := informer.AddEventHandler(w.handler(ctx, k.kind))
	if err := errors.Join(err, informer.SetTransform(onlyName), informer.SetWatchErrorHandlerWithContext(stopWhenRefused(k))); err != nil {
		return nil, fmt.Errorf("set up the watch of %s: %w", k.resource.GroupResource(), err)
	}
	ended := make(chan struct{})
	go func() {
		informer.RunWithContext(ctx)
		close(ended)
	}()
	select {
	case <-registration.HasSyncedChecker().Done():
		close(k.synced)
	case <-ended:
	}
	return ended, nil
}

// handler tells of every change after the first list: what is in that will be read by those who wait for it.
func (w *watcher) handler(ctx context.Context, kind schema.GroupKind) cache.ResourceEventHandler {
	changed := func(object any) {
		name, err := cache.DeletionHandlingObjectToName(object)
		if err != nil {
			log.FromContext(ctx).Error(err, "Failed to find out which object has changed", "kind", kind)
			return
		}
		w.waker.changed(ctx, kind, name.Namespace, name.Name)
	}
	return cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(object any, isInInitialList bool) {
			if !isInInitialList {
				changed(object)
			}
		},
		UpdateFunc: func(_, object any) { changed(object) },
		DeleteFunc: changed,
	}
}

// stopWhenRefused ends a watch that will not get better by itself. The informer tries again after other errors.
func stopWhenRefused(k *kindWatch) cache.WatchErrorHandlerWithContext {
	return func(ctx context.Context, reflector *cache.Reflector, err error) {
		switch {
		case apierrors.IsForbidden(err):
			k.stop(fmt.Errorf("the operator may not list and watch %s", k.resource.GroupResource()))
		case apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err):
			k.stop(fmt.Errorf("%s cannot be watched", k.resource.GroupResource()))
		default:
			cache.DefaultWatchErrorHandler(ctx, reflector, err)
		}
	}
}

// end records why a watch is over, and wakes those who relied on it.
func (w *watcher) end(ctx context.Context, k *kindWatch, why error) {
	if k.isSynced() {
		k.backOff = minBackOff
	}
	k.failure, k.retryAt = why, w.clock.Now().Add(k.backOff)
	close(k.ended)
	if errors.Is(why, context.Canceled) { // the controller ends
		return
	}
	log.FromContext(ctx).Info("Ended the watch of a kind of health checks", "kind", k.kind.String(), "reason", why.Error())
	if k.isSynced() {
		w.waker.lost(context.WithoutCancel(ctx), k.kind)
	}
}

func (k *kindWatch) isSynced() bool { return isClosed(k.synced) }

func (k *kindWatch) isOver() bool { return isClosed(k.ended) }

func isClosed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}

// onlyName drops all that nobody asks for, as there may be many objects.
func onlyName(object any) (any, error) {
	full, ok := object.(*metav1.PartialObjectMetadata)
	if !ok {
		return object, nil
	}
	return &metav1.PartialObjectMetadata{
		TypeMeta:   full.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{Namespace: full.Namespace, Name: full.Name, UID: full.UID, ResourceVersion: full.ResourceVersion},
	}, nil
}
