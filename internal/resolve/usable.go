package resolve

import (
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Usable is the branch of a GitRepository that policies of a namespace may use, or a finding that says why they may not. Who
// is about to use a repository asks again: what was found earlier was written into an object of the namespace's.
func Usable(repository *sourcev1.GitRepository, namespace string, noCrossNamespaceRefs bool) (branch string, problem *pin.Finding) {
	if noCrossNamespaceRefs && repository.Namespace != namespace {
		return "", finding(v1alpha1.SourceForbiddenReason,
			"GitRepository %s/%s is of another namespace, which this operator forbids (--no-cross-namespace-refs): use one of namespace %s",
			repository.Namespace, repository.Name, namespace)
	}
	if problem := grant(repository, namespace); problem != nil {
		return "", problem
	}
	return BranchOf(repository)
}

// MarkerSource is where the targets of a Kustomization are written: what it applies, or, if the user names a path, that. A nil
// Kustomization leaves the path alone.
func MarkerSource(kustomization *kustomizev1.Kustomization, path string) markers.Source {
	if kustomization == nil {
		return markers.Source{Path: path}
	}
	spec := kustomization.Spec
	source := markers.Source{
		Path:            markers.FluxPath(spec.Path),
		TargetNamespace: spec.TargetNamespace,
		NamePrefix:      spec.NamePrefix,
		NameSuffix:      spec.NameSuffix,
		Patches:         spec.Patches,
		Components:      spec.Components,

		IgnoreMissingComponents: spec.IgnoreMissingComponents,
		Remote:                  spec.KubeConfig != nil,
	}
	source.Kustomization = markers.FluxKustomization{
		Namespace: kustomization.Namespace, Name: kustomization.Name, Path: spec.Path,
		SourceRef: spec.SourceRef.Kind + "/" + spec.SourceRef.Name,
	}
	if spec.PostBuild != nil {
		source.Substitute = spec.PostBuild.Substitute
		source.SubstituteAlways = kustomization.GetSubstituteStrategy() == kustomizev1.SubstituteStrategyAlways
		for _, from := range spec.PostBuild.SubstituteFrom {
			source.SubstituteFrom = append(source.SubstituteFrom, markers.Reference{Kind: from.Kind, Name: from.Name})
		}
	}
	if path != "" {
		source.Path, source.Patches, source.Components = path, nil, nil
	}
	return source
}
