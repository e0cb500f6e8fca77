package resolve

import (
	"context"
	"fmt"
	"slices"
	"strings"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/git"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// SourceOf is the GitRepository that a Kustomization applies from, or a finding if that is something else.
func SourceOf(kustomization *kustomizev1.Kustomization) (pin.NamespacedName, *pin.Finding) {
	reference := kustomization.Spec.SourceRef
	if reference.Kind != sourcev1.GitRepositoryKind {
		return pin.NamespacedName{}, finding(v1alpha1.SourceUnsupportedReason,
			"Kustomization %s/%s applies from %s %s, to which no version can be committed: set git.sourceRef in the policy to the GitRepository that it is made from",
			kustomization.Namespace, kustomization.Name, reference.Kind, reference.Name)
	}
	source := pin.NamespacedName{Namespace: reference.Namespace, Name: reference.Name}
	if source.Namespace == "" {
		source.Namespace = kustomization.Namespace
	}
	return source, nil
}

// repository is the GitRepository of that name and the branch of it that policies of the namespace may use.
func (r *Resolver) repository(ctx context.Context, namespace string, named pin.NamespacedName) (*sourcev1.GitRepository, string, *pin.Finding, error) {
	repository := &sourcev1.GitRepository{}
	err := r.Cached.Get(ctx, client.ObjectKey{Namespace: named.Namespace, Name: named.Name}, repository)
	if apierrors.IsNotFound(err) {
		return nil, "", finding(v1alpha1.SourceMissingReason, "There is no GitRepository %s: create it, or correct what names it", named), nil
	}
	if err != nil {
		return nil, "", nil, fmt.Errorf("read GitRepository %s: %w", named, err)
	}
	branch, problem := Usable(repository, namespace, r.NoCrossNamespaceRefs)
	return repository, branch, problem, nil
}

// grant is a finding unless policies of the namespace may use the GitRepository.
func grant(repository *sourcev1.GitRepository, namespace string) *pin.Finding {
	if repository.Namespace == namespace {
		return nil
	}
	allowed := listed(repository.Annotations[v1alpha1.AllowNamespacesAnnotation])
	if slices.Contains(allowed, namespace) {
		return nil
	}
	return finding(v1alpha1.SourceForbiddenReason,
		"GitRepository %s/%s does not allow policies of namespace %s. To allow them: %s",
		repository.Namespace, repository.Name, namespace, annotate(repository, listing(v1alpha1.AllowNamespacesAnnotation, allowed, namespace)))
}

// annotate is how the owner of a GitRepository grants something by annotations. Flux removes what kubectl annotates and the
// manifest in Git lacks: kustomize-controller takes over the fields of kubectl.
func annotate(repository *sourcev1.GitRepository, grants ...string) string {
	return fmt.Sprintf("kubectl annotate gitrepository --namespace %s %s --overwrite '%s' (or, if Flux applies it from Git, in its manifest, else Flux removes it again)",
		repository.Namespace, repository.Name, strings.Join(grants, "' '"))
}

// listing is an annotation with a list that gets more names. Those that it has may be for others, who are not told.
func listing(annotation string, has []string, more ...string) string {
	text := annotation + "="
	if len(has) > 0 {
		text += "<what it has>,"
	}
	return text + strings.Join(more, ",")
}

// Ignore is what a GitRepository hides from Flux besides .sourceignore files (spec.ignore); empty: nothing.
func Ignore(repository *sourcev1.GitRepository) string {
	if repository.Spec.Ignore == nil {
		return ""
	}
	return *repository.Spec.Ignore
}

// Tracks says whether a GitRepository tracks the branch with a key of gitops.
func Tracks(repository *sourcev1.GitRepository, key string) bool {
	branch, problem := BranchOf(repository)
	return problem == nil && gitops.Key(repository.Spec.URL, branch) == key
}

// BranchOf is the branch that a GitRepository tracks, or a finding if it tracks none.
func BranchOf(repository *sourcev1.GitRepository) (string, *pin.Finding) {
	reference := repository.Spec.Reference
	if reference == nil {
		return git.DefaultBranch, nil
	}
	if reference.Tag != "" || reference.SemVer != "" || reference.Name != "" || reference.Commit != "" {
		return "", finding(v1alpha1.SourceUnsupportedReason,
			"GitRepository %s/%s tracks no branch but a tag, a range, a named reference or a commit, to which no version can be committed: let its spec.ref have a branch only",
			repository.Namespace, repository.Name)
	}
	if reference.Branch == "" {
		return git.DefaultBranch, nil
	}
	return reference.Branch, nil
}
