package policy

import (
	"context"
	"fmt"
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

// flux starts the watches of the kinds of others that every policy needs, once all of them are there. A manager that watched a
// kind that is not there would end after two minutes. Those that a kind of targets needs are started by targetKinds.
type flux struct {
	mapper meta.RESTMapper

	mu sync.Mutex
	// steps that are still to be done, each once.
	steps []func(context.Context) error
	ready atomic.Bool
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
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	f.steps, err = take(ctx, f.steps)
	if err == nil {
		f.ready.Store(true)
	}
	return missing{}, err
}

// take takes steps until one fails, and returns what is left.
func take(ctx context.Context, steps []func(context.Context) error) ([]func(context.Context) error, error) {
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

// message says what to install.
func (m missing) message() string {
	names := make([]string, 0, len(m.kinds))
	for _, kind := range m.kinds {
		names = append(names, fmt.Sprintf("%s (%s)", kind.Kind, kind.GroupVersion()))
	}
	return "The cluster does not know " + strings.Join(names, ", ") + ": install " + strings.Join(m.from, ", and ")
}
