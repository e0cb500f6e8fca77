package repository

import (
	"context"
	"errors"
	"fmt"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/placement"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
)

// sourceKey is a source as one namespace may use it.
type sourceKey struct {
	namespace string
	pin.Source
}

// source is what a pin's intent names, read again: the intent lies in an object of the namespace's.
type source struct {
	// repository is nil if the namespace may not use it, or if there is none.
	repository *sourcev1.GitRepository
	branch     string
	markers    markers.Source
	problem    *pin.Finding
}

func (r *Reconciler) source(ctx context.Context, reader client.Reader, s *scope, namespace string, of pin.Source) (source, error) {
	key := sourceKey{namespace, of}
	if known, ok := s.sources[key]; ok {
		return known, nil
	}
	found, err := r.readSource(ctx, reader, s.key, namespace, of)
	if err != nil {
		return source{}, err
	}
	s.sources[key] = found
	return found, nil
}

func (r *Reconciler) readSource(ctx context.Context, reader client.Reader, key, namespace string, of pin.Source) (source, error) {
	var repository sourcev1.GitRepository
	err := reader.Get(ctx, client.ObjectKey(of.Repository), &repository)
	if apierrors.IsNotFound(err) {
		return source{problem: problem(v1alpha1.SourceMissingReason, "There is no GitRepository %s: create it, or correct what names it", of.Repository)}, nil
	}
	if err != nil {
		return source{}, fmt.Errorf("read GitRepository %s: %w", of.Repository, err)
	}
	branch, refused := resolve.Usable(&repository, namespace, r.NoCrossNamespaceRefs)
	if refused != nil {
		return source{problem: refused}, nil
	}
	if gitops.Key(repository.Spec.URL, branch) != key {
		return source{problem: problem(v1alpha1.SourceUnsupportedReason, "GitRepository %s has moved to another repository or branch: its pins follow", of.Repository)}, nil
	}
	found := source{repository: &repository, branch: branch}
	found.markers, found.problem, err = markerSource(ctx, reader, of)
	return found, err
}

func markerSource(ctx context.Context, reader client.Reader, of pin.Source) (markers.Source, *pin.Finding, error) {
	if of.Kustomization.Name == "" {
		return resolve.MarkerSource(nil, of.Path), nil, nil
	}
	var kustomization kustomizev1.Kustomization
	err := reader.Get(ctx, client.ObjectKey(of.Kustomization), &kustomization)
	if apierrors.IsNotFound(err) {
		return markers.Source{}, problem(v1alpha1.KustomizationMissingReason, "There is no Kustomization %s: create it, or remove the labels that name it", of.Kustomization), nil
	}
	if err != nil {
		return markers.Source{}, nil, fmt.Errorf("read Kustomization %s: %w", of.Kustomization, err)
	}
	found := resolve.MarkerSource(&kustomization, of.Path)
	if of.Path == "" {
		found.Ignore, err = ignoreOf(ctx, reader, &kustomization)
	}
	return found, nil, err
}

// ignoreOf is what the GitRepository that a Kustomization applies from hides from it. The location may name another one.
func ignoreOf(ctx context.Context, reader client.Reader, kustomization *kustomizev1.Kustomization) (string, error) {
	named, problem := resolve.SourceOf(kustomization)
	if problem != nil {
		return "", nil
	}
	var repository sourcev1.GitRepository
	err := reader.Get(ctx, client.ObjectKey(named), &repository)
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read GitRepository %s: %w", named, err)
	}
	return resolve.Ignore(&repository), nil
}

// remote is the branch with the credentials of a GitRepository, as the namespaces of the pins may use it, beside their push branches
// that are to be read.
func (r *Reconciler) remote(ctx context.Context, s *scope, repository pin.NamespacedName, pins []placement.Pin) (gitops.Remote, error) {
	for key, found := range s.sources {
		if key.Repository == repository && found.repository != nil {
			var accounts client.Client
			if r.ServiceAccountTokens {
				accounts = r.Client
			}
			remote, err := gitops.RemoteOf(ctx, r.Live, accounts, found.repository)
			for _, p := range pins {
				if p.Push != "" && p.Unread == nil {
					remote = remote.Beside(p.Push)
				}
			}
			return remote, err
		}
	}
	return gitops.Remote{}, &gitops.Error{
		Reason: v1alpha1.SourceMissingReason, Detail: fmt.Sprintf("there is no GitRepository %s", repository), Next: "create it, or correct what names it",
	}
}

// placementPins are pins as placement sees them.
func (s *scope) placementPins(of func(batch.Pin) bool) []placement.Pin {
	var pins []placement.Pin
	for _, p := range s.Pins {
		if !of(p) {
			continue
		}
		found := s.sources[sourceKey{p.Key.Namespace, p.Intent.Source}]
		placed := placement.Pin{
			Pin: p, Policy: s.policies[p.Key], Source: found.markers, SourceProblem: found.problem, Refused: found.repository == nil,
		}
		if found.repository != nil {
			placed.Ungranted = resolve.Ungranted(found.repository, p.Key.Namespace)
		}
		if policy := s.lives[s.policyKey(p)].object; policy != nil {
			placed.Range = policy.Spec.Versions.Range
		}
		pins = append(pins, placed)
	}
	return pins
}

// gitFinding is what a pin remembers of a failed Git operation: an error that has a reason is a human's to mend.
func gitFinding(err error) *pin.Finding {
	var failed *gitops.Error
	if !errors.As(err, &failed) {
		return nil
	}
	switch failed.Reason {
	case gitops.ReasonPushRejected, gitops.ReasonReadOnly, gitops.ReasonBranchMoved, gitops.ReasonSigningKeyUnusable:
		return &pin.Finding{Reason: v1alpha1.GitUnwritableReason, Message: failed.Error()}
	default:
		return &pin.Finding{Reason: v1alpha1.GitUnreadableReason, Message: failed.Error()}
	}
}

func problem(reason, format string, args ...any) *pin.Finding {
	return &pin.Finding{Reason: reason, Message: fmt.Sprintf(format, args...)}
}
