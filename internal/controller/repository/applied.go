package repository

import (
	"context"
	"fmt"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
)

// applied is what the cluster's Kustomizations build of the repository branch, whoever they belong to: a line that one of them
// shares with a target must be known to be shared. Those that apply from elsewhere may still take variables from ConfigMaps
// of the repository.
func (r *Reconciler) applied(ctx context.Context, s *scope) ([]markers.Source, error) {
	var repositories sourcev1.GitRepositoryList
	if err := r.List(ctx, &repositories, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list GitRepositories: %w", err)
	}
	same := map[client.ObjectKey]*sourcev1.GitRepository{}
	for i := range repositories.Items {
		repository := &repositories.Items[i]
		if resolve.Tracks(repository, s.key) {
			same[client.ObjectKeyFromObject(repository)] = repository
		}
	}
	var kustomizations kustomizev1.KustomizationList
	if err := r.List(ctx, &kustomizations, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list Kustomizations: %w", err)
	}
	var applied []markers.Source
	for i := range kustomizations.Items {
		kustomization := &kustomizations.Items[i]
		from, problem := resolve.SourceOf(kustomization)
		source := resolve.MarkerSource(kustomization, "")
		repository := same[client.ObjectKey(from)]
		if source.Elsewhere = problem != nil || repository == nil; !source.Elsewhere {
			source.Ignore = resolve.Ignore(repository)
		}
		if !source.Elsewhere || len(source.SubstituteFrom) > 0 {
			applied = append(applied, source)
		}
	}
	return applied, nil
}
