package policy

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	autov1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/apply"
)

// syncTimeout is how long a cache may take to fill before that is an error, and tried again.
const syncTimeout = 2 * time.Minute

// needed are the kinds without which nothing works.
var needed = []schema.GroupVersionKind{
	appv1alpha1.GroupVersion.WithKind(appv1alpha1.AppKind),
	appv1alpha1.GroupVersion.WithKind(appv1alpha1.CatalogKind),
	imagev1.GroupVersion.WithKind(imagev1.ImagePolicyKind),
	imagev1.GroupVersion.WithKind(imagev1.ImageRepositoryKind),
	autov1.GroupVersion.WithKind(autov1.ImageUpdateAutomationKind),
	kustomizev1.GroupVersion.WithKind(kustomizev1.KustomizationKind),
	sourcev1.GroupVersion.WithKind(sourcev1.GitRepositoryKind),
}

// flux starts the watches of kinds that others define, once all of them are there. A manager that watched a kind that
// is not there would end after two minutes.
type flux struct {
	mapper meta.RESTMapper

	mu    sync.Mutex
	ready bool
	// steps that are still to be done, each once.
	steps []func(context.Context) error
}

// ensure starts the watches if it can, and returns the kinds that are missing. Who calls it meanwhile waits.
func (f *flux) ensure(ctx context.Context) ([]schema.GroupVersionKind, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ready {
		return nil, nil
	}
	missing, err := apply.Unserved(f.mapper, needed...)
	if err != nil || len(missing) > 0 {
		return missing, err
	}
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	for len(f.steps) > 0 {
		if err := f.steps[0](ctx); err != nil {
			return nil, err
		}
		f.steps = f.steps[1:]
	}
	f.ready = true
	return nil, nil
}

// isReady says whether everything is watched.
func (f *flux) isReady() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ready
}

// missingMessage says what to install.
func missingMessage(missing []schema.GroupVersionKind) string {
	names := make([]string, 0, len(missing))
	for _, kind := range missing {
		names = append(names, fmt.Sprintf("%s (%s)", kind.Kind, kind.GroupVersion()))
	}
	return "The cluster does not know " + strings.Join(names, ", ") +
		": install Flux 2.7 or newer with image-reflector-controller and image-automation-controller, and Giant Swarm's App Platform"
}
