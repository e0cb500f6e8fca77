package resolve

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Flux puts these labels on every object that a Kustomization applies. They can be copied, so they are no proof.
const (
	KustomizationNameLabel      = "kustomize.toolkit.fluxcd.io/name"
	KustomizationNamespaceLabel = "kustomize.toolkit.fluxcd.io/namespace"
)

// wholeRepository is the path of a source that the user named without one.
const wholeRepository = "."

// findLocation finds where a target's version is looked for: what its Kustomization applies, or the folder that the
// policy names.
func (r *Resolver) findLocation(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, target *Target) (*pin.Finding, error) {
	explicit := ExplicitSource(policy)
	kustomization, problem, err := r.kustomizationOf(ctx, target.Facts.Written, explicit != nil)
	if problem != nil || err != nil {
		return problem, err
	}
	location := Location{}
	if kustomization != nil {
		location.Source.Kustomization = pin.NamespacedName{Namespace: kustomization.Namespace, Name: kustomization.Name}
		location.Revision = kustomization.Status.LastAttemptedRevision
		target.noteApplying(kustomization)
	}
	if explicit != nil {
		location.Source.Repository = *explicit
	} else if location.Source.Repository, problem = SourceOf(kustomization); problem != nil {
		return problem, nil
	}
	repository, branch, problem, err := r.repository(ctx, policy.Namespace, location.Source.Repository)
	if problem != nil || err != nil {
		return problem, err
	}
	location.RepositoryKey = gitops.Key(repository.Spec.URL, branch)
	if err := r.choose(ctx, &location, policy, kustomization); err != nil {
		return nil, err
	}
	if artifact := repository.Status.Artifact; kustomization == nil && artifact != nil {
		location.Revision = artifact.Revision
	}
	location.Ungranted, location.Ignore = ungranted(repository, policy), Ignore(repository)
	target.Location = &location
	return pushable(repository, branch, policy), nil
}

// choose follows the path that a policy names with its source. What a Kustomization applies from the repository branch is looked for
// from where it begins, because each of its layers may set the version; the path only says where the line may be. It is the place to
// begin at if nothing is known to apply that branch.
func (r *Resolver) choose(ctx context.Context, location *Location, policy *v1alpha1.AppUpgradePolicy, kustomization *kustomizev1.Kustomization) error {
	if ExplicitSource(policy) == nil {
		return nil
	}
	applies, err := r.appliesFrom(ctx, kustomization, location.RepositoryKey)
	if err != nil {
		return err
	}
	if applies {
		location.Source.Below = policy.Spec.Git.Path
		return nil
	}
	location.Source.Path = cmp.Or(policy.Spec.Git.Path, wholeRepository)
	return nil
}

// appliesFrom says whether a Kustomization applies from a repository branch, by whatever GitRepository.
func (r *Resolver) appliesFrom(ctx context.Context, kustomization *kustomizev1.Kustomization, key string) (bool, error) {
	if kustomization == nil {
		return false, nil
	}
	named, problem := SourceOf(kustomization)
	if problem != nil {
		return false, nil
	}
	repository := &sourcev1.GitRepository{}
	if err := r.Cached.Get(ctx, client.ObjectKey(named), repository); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	return Tracks(repository, key), nil
}

// pushable is a finding if a policy may not push as it says.
func pushable(repository *sourcev1.GitRepository, tracked string, policy *v1alpha1.AppUpgradePolicy) *pin.Finding {
	if problem := unverifiable(repository, policy); problem != nil || policy.Spec.Git == nil {
		return problem
	}
	return Pushable(repository, tracked, policy.Namespace, PushOf(policy.Spec.Git.Push))
}

// unverifiable is a finding if Flux takes only signed commits from a branch, and the policy's are not: after the first of them it would
// take none any more. Where humans merge all that a policy changes, the commits of the branch are theirs.
func unverifiable(repository *sourcev1.GitRepository, policy *v1alpha1.AppUpgradePolicy) *pin.Finding {
	var git v1alpha1.Git
	if policy.Spec.Git != nil {
		git = *policy.Spec.Git
	}
	signs := git.Commit != nil && git.Commit.SigningKey != nil
	merged := git.Markers == v1alpha1.MarkersUnmanaged && git.Push != nil && git.Push.Branch != ""
	if verify := repository.Spec.Verification; verify == nil || !verify.VerifyHEAD() || signs || merged {
		return nil
	}
	return finding(v1alpha1.SourceUnsupportedReason,
		"GitRepository %s/%s accepts signed commits only (spec.verify): let git.commit.signingKey name a key whose public one it trusts",
		repository.Namespace, repository.Name)
}

// noteApplying says what keeps Flux from applying what it commits. What is paused is not judged.
func (t *Target) noteApplying(kustomization *kustomizev1.Kustomization) {
	written := t.Facts.Written
	t.ApplyMessage = ApplyMessage(kustomization)
	mark := kinds.Unapplied(written.Object)
	if mark != "" {
		t.ApplyMessage = fmt.Sprintf("Flux does not change %s %s/%s, which has %s: remove that", written.Kind.Kind, written.Object.GetNamespace(), written.Object.GetName(), mark)
	}
	if kustomization.Spec.Suspend || mark != "" {
		t.Facts.Excused = cmp.Or(t.Facts.Excused, kinds.Paused)
	}
}

// ApplyMessage is what a Kustomization says if it is not ready, or suspended; empty if it is.
func ApplyMessage(kustomization *kustomizev1.Kustomization) string {
	if kustomization.Spec.Suspend {
		return fmt.Sprintf("Kustomization %s/%s is suspended: resume it", kustomization.Namespace, kustomization.Name)
	}
	ready := meta.FindStatusCondition(kustomization.Status.Conditions, fluxmeta.ReadyCondition)
	if ready == nil || ready.Status == metav1.ConditionTrue {
		return ""
	}
	return fmt.Sprintf("Kustomization %s/%s: %s", kustomization.Namespace, kustomization.Name, ready.Message)
}

// ExplicitSource is the GitRepository that the policy names, or nil.
func ExplicitSource(policy *v1alpha1.AppUpgradePolicy) *pin.NamespacedName {
	if policy.Spec.Git == nil || policy.Spec.Git.SourceRef == nil {
		return nil
	}
	reference := policy.Spec.Git.SourceRef
	named := pin.NamespacedName{Namespace: reference.Namespace, Name: reference.Name}
	if named.Namespace == "" {
		named.Namespace = policy.Namespace
	}
	return &named
}

// KustomizationOf is the Kustomization that an object's labels name.
func KustomizationOf(object client.Object) (pin.NamespacedName, bool) {
	named := pin.NamespacedName{
		Namespace: object.GetLabels()[KustomizationNamespaceLabel],
		Name:      object.GetLabels()[KustomizationNameLabel],
	}
	return named, named.Namespace != "" && named.Name != ""
}

// kustomizationOf is the Kustomization that applies the object in which a version is written, proven by its inventory. It is nil if the labels name none
// and that is allowed.
func (r *Resolver) kustomizationOf(ctx context.Context, written kinds.Written, noneAllowed bool) (*kustomizev1.Kustomization, *pin.Finding, error) {
	named, labelled := KustomizationOf(written.Object)
	who := fmt.Sprintf("%s %s/%s", written.Kind.Kind, written.Object.GetNamespace(), written.Object.GetName())
	if !labelled && noneAllowed {
		return nil, nil, nil
	}
	if !labelled {
		return nil, finding(v1alpha1.KustomizationMissingReason,
			"%s is applied by no Flux Kustomization (it lacks the labels %s and %s): apply it from Git by one, or set git.sourceRef in the policy",
			who, KustomizationNameLabel, KustomizationNamespaceLabel), nil
	}
	kustomization := &kustomizev1.Kustomization{}
	err := r.Cached.Get(ctx, client.ObjectKey{Namespace: named.Namespace, Name: named.Name}, kustomization)
	if apierrors.IsNotFound(err) {
		return nil, finding(v1alpha1.KustomizationMissingReason,
			"There is no Kustomization %s, which the labels of %s name: create it, or remove the labels", named, who), nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read Kustomization %s: %w", named, err)
	}
	return kustomization, proof(kustomization, written, who), nil
}

// proof is a finding unless the Kustomization applied the object, whose kind and name are who, to this cluster.
func proof(kustomization *kustomizev1.Kustomization, written kinds.Written, who string) *pin.Finding {
	if kustomization.Spec.KubeConfig != nil {
		return finding(v1alpha1.KustomizationUnprovenReason,
			"Kustomization %s/%s applies to another cluster, so it does not apply %s of this one: remove the labels that name it",
			kustomization.Namespace, kustomization.Name, who)
	}
	id := fmt.Sprintf("%s_%s_%s_%s", written.Object.GetNamespace(), written.Object.GetName(), written.Kind.Group, written.Kind.Kind)
	inventory := kustomization.Status.Inventory
	if inventory != nil && slices.ContainsFunc(inventory.Entries, func(entry kustomizev1.ResourceRef) bool { return entry.ID == id }) {
		return nil
	}
	return finding(v1alpha1.KustomizationUnprovenReason,
		"Kustomization %s/%s does not have %s in its inventory although the object's labels name it: wait until it is applied, or correct the labels",
		kustomization.Namespace, kustomization.Name, who)
}
