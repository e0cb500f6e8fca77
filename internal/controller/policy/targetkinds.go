package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/giantswarm/app-upgrade-operator/internal/apply"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
)

// targetKinds starts the watches of each kind of targets when the first policy asks for it. It does so in the background: a
// kind that the API server knows but does not list must not keep the workers from the policies of other kinds.
type targetKinds struct {
	mapper meta.RESTMapper
	// stepsOf are the steps that start the watches of a kind of targets, and wait until its cache is full.
	stepsOf func(kinds.Kind) []func(context.Context) error
	// patience is how long a cache may take to fill before that is said, and retry the time until it is tried again.
	patience, retry time.Duration
	// asked are the kinds that are to be started. It has room for all of them.
	asked chan kinds.Kind

	mu sync.Mutex
	// starting are the kinds that were asked for and are not watched yet, with what went wrong last; nil: nothing so far.
	starting map[kinds.Kind]error
	// known are the kinds that are watched.
	known atomic.Pointer[[]kinds.Kind]
}

func newTargetKinds(mapper meta.RESTMapper, options Options) *targetKinds {
	return &targetKinds{
		mapper: mapper, patience: options.syncPatience, retry: options.fluxRetry,
		asked: make(chan kinds.Kind, len(kinds.All)), starting: map[kinds.Kind]error{},
	}
}

// awaited are kinds that are not watched yet.
type awaited struct {
	// unserved are those that the API server does not know.
	unserved missing
	// failed says which of the others cannot be read, and why; starting, that one may still be read in a moment.
	failed   []string
	starting bool
}

// ensureTargets asks for the watches that kinds of targets need, once those that every policy needs are there. It does not
// wait for them.
func (k *targetKinds) ensureTargets(wanted []kinds.Kind) (awaited, error) {
	var all awaited
	for _, kind := range wanted {
		if slices.Contains(k.watched(), kind) {
			continue
		}
		unserved, err := apply.Unserved(k.mapper, append(kind.Needs(), kind.GroupVersionKind())...)
		if err != nil {
			return awaited{}, err
		}
		if len(unserved) > 0 {
			all.unserved.kinds = append(all.unserved.kinds, unserved...)
			all.unserved.from = append(all.unserved.from, kind.Installs())
			continue
		}
		if err := k.ask(kind); err != nil {
			all.failed = append(all.failed, fmt.Sprintf("%s (%s)", kinds.Name(kind), err))
			continue
		}
		all.starting = true
	}
	return all, nil
}

// ask asks once for a kind to be started, and returns what went wrong with that so far.
func (k *targetKinds) ask(kind kinds.Kind) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	failure, asked := k.starting[kind]
	if !asked && !slices.Contains(k.watched(), kind) {
		k.starting[kind] = nil
		k.asked <- kind
	}
	return failure
}

// Start starts the kinds that are asked for until the manager ends, which calls it.
func (k *targetKinds) Start(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case kind := <-k.asked:
			running.Go(func() { k.begin(ctx, kind) })
		case <-ctx.Done():
			return nil
		}
	}
}

// begin takes the steps of a kind, each once, until none is left. It gives up only when the manager ends.
func (k *targetKinds) begin(ctx context.Context, kind kinds.Kind) {
	steps := k.stepsOf(kind)
	_ = wait.PollUntilContextCancel(ctx, k.retry, true, func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, k.patience)
		defer cancel()
		left, err := take(ctx, steps)
		steps = left
		k.began(kind, err)
		return err == nil, nil
	})
}

func (k *targetKinds) began(kind kinds.Kind, failure error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if failure != nil {
		k.starting[kind] = failure
		return
	}
	known := append(slices.Clone(k.watched()), kind)
	k.known.Store(&known)
	delete(k.starting, kind)
}

// watched are the kinds of targets that are watched, and whose caches are full.
func (k *targetKinds) watched() []kinds.Kind {
	if known := k.known.Load(); known != nil {
		return *known
	}
	return nil
}

// readable says whether a kind can be read without waiting: it is watched, or the API server does not know it.
func (k *targetKinds) readable(kind kinds.Kind) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, starting := k.starting[kind]
	return !starting
}

// unreadableError says which kinds the API server knows, but does not list.
type unreadableError struct{ failed []string }

func (e *unreadableError) Error() string {
	return "The operator cannot read " + strings.Join(e.failed, ", and ") +
		": look into its log, and whether it may list and watch these kinds; it tries again by itself"
}
