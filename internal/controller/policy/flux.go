package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	autov1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/giantswarm/app-upgrade-operator/internal/apply"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
)

// syncTimeout is how long a cache may take to fill before that is an error, and tried again.
const syncTimeout = 2 * time.Minute

// needed are the kinds without which nothing works.
var needed = []schema.GroupVersionKind{
	imagev1.GroupVersion.WithKind(imagev1.ImagePolicyKind),
	imagev1.GroupVersion.WithKind(imagev1.ImageRepositoryKind),
	autov1.GroupVersion.WithKind(autov1.ImageUpdateAutomationKind),
	kustomizev1.GroupVersion.WithKind(kustomizev1.KustomizationKind),
	sourcev1.GroupVersion.WithKind(sourcev1.GitRepositoryKind),
}

// missing are kinds that the API server does not know, and what brings them.
type missing struct {
	kinds []schema.GroupVersionKind
	from  []string
}

// flux starts the watches of kinds that others define, once all of them are there: first what every policy needs, then, when
// the first policy asks for it, what a kind of targets needs. A manager that watched a kind that is not there would end after
// two minutes.
type flux struct {
	mapper meta.RESTMapper
	// stepsOf are the steps that start the watches of a kind of targets.
	stepsOf func(kinds.Kind) []func(context.Context) error

	mu sync.Mutex
	// steps that are still to be done, each once, and those of kinds of targets that were begun.
	steps []func(context.Context) error
	begun map[kinds.Kind][]func(context.Context) error
	ready atomic.Bool
	// targets are the kinds of targets that are watched. It is read while others wait for mu.
	targets atomic.Pointer[[]kinds.Kind]
}

// ensure starts the watches that every policy needs if it can, and returns the kinds that are missing. Who calls it meanwhile
// waits.
func (f *flux) ensure(ctx context.Context) (missing, error) {
	if f.ready.Load() {
		return missing{}, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	lacking, err := apply.Unserved(f.mapper, needed...)
	if err != nil || len(lacking) > 0 {
		return missing{lacking, []string{"Flux 2.7 or newer with image-reflector-controller and image-automation-controller"}}, err
	}
	f.steps, err = take(ctx, f.steps)
	if err == nil {
		f.ready.Store(true)
	}
	return missing{}, err
}

// ensureTargets starts the watches that kinds of targets need if it can, once those that every policy needs are there.
func (f *flux) ensureTargets(ctx context.Context, wanted []kinds.Kind) (missing, error) {
	var lacking missing
	for _, kind := range wanted {
		if slices.Contains(f.watched(), kind) {
			continue
		}
		unserved, err := f.startTarget(ctx, kind)
		if err != nil {
			return missing{}, err
		}
		if len(unserved) > 0 {
			lacking.kinds = append(lacking.kinds, unserved...)
			lacking.from = append(lacking.from, kind.Installs())
		}
	}
	return lacking, nil
}

func (f *flux) startTarget(ctx context.Context, kind kinds.Kind) ([]schema.GroupVersionKind, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.watched()
	if slices.Contains(known, kind) {
		return nil, nil
	}
	unserved, err := apply.Unserved(f.mapper, append(kind.Needs(), kind.GroupVersionKind())...)
	if err != nil || len(unserved) > 0 {
		return unserved, err
	}
	steps, begun := f.begun[kind]
	if !begun {
		steps = f.stepsOf(kind)
	}
	left, err := take(ctx, steps)
	if err != nil {
		if f.begun == nil {
			f.begun = map[kinds.Kind][]func(context.Context) error{}
		}
		f.begun[kind] = left
		return nil, err
	}
	known = append(slices.Clone(known), kind)
	f.targets.Store(&known)
	return nil, nil
}

// take takes steps until one fails, and returns what is left.
func take(ctx context.Context, steps []func(context.Context) error) ([]func(context.Context) error, error) {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	for len(steps) > 0 {
		if err := steps[0](ctx); err != nil {
			return steps, err
		}
		steps = steps[1:]
	}
	return nil, nil
}

// isReady says whether everything is watched that every policy needs.
func (f *flux) isReady() bool { return f.ready.Load() }

// watched are the kinds of targets that are watched.
func (f *flux) watched() []kinds.Kind {
	if known := f.targets.Load(); known != nil {
		return *known
	}
	return nil
}

// message says what to install.
func (m missing) message() string {
	names := make([]string, 0, len(m.kinds))
	for _, kind := range m.kinds {
		names = append(names, fmt.Sprintf("%s (%s)", kind.Kind, kind.GroupVersion()))
	}
	return "The cluster does not know " + strings.Join(names, ", ") + ": install " + strings.Join(m.from, ", and ")
}
