package environment

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

// GitOps says how Flux applies a repository.
type GitOps struct {
	// Name and Namespace of the GitRepository, the Kustomization and the Secret; the namespace must exist.
	Name, Namespace string
	Repository      *gitserver.Repository
	// User whose password Flux, and the operator through it, uses; default: nobody.
	User gitserver.User
	// Path in the repository that is applied; default: all of it.
	Path string
	// Interval at which Flux looks for commits and applies them; default: one second for the source, a minute for applying.
	// Every look is a request to the Git server, and a commit that is found a clone.
	Interval time.Duration
}

// Sync creates the Flux objects that apply a repository, and their Secret if there is a user.
func (e *Environment) Sync(ctx context.Context, gitops GitOps) (*sourcev1.GitRepository, *kustomizev1.Kustomization, error) {
	if gitops.Interval == 0 {
		gitops.Interval = time.Second
	}
	metadata := metav1.ObjectMeta{Name: gitops.Name, Namespace: gitops.Namespace}
	source := &sourcev1.GitRepository{
		ObjectMeta: metadata,
		Spec: sourcev1.GitRepositorySpec{
			URL:       gitops.Repository.URL(),
			Interval:  metav1.Duration{Duration: gitops.Interval},
			Reference: &sourcev1.GitRepositoryRef{Branch: gitserver.DefaultBranch},
		},
	}
	kustomization := &kustomizev1.Kustomization{
		ObjectMeta: metadata,
		Spec: kustomizev1.KustomizationSpec{
			SourceRef: kustomizev1.CrossNamespaceSourceReference{Kind: sourcev1.GitRepositoryKind, Name: gitops.Name},
			Path:      gitops.Path,
			Interval:  metav1.Duration{Duration: max(time.Minute, gitops.Interval)},
			// A commit that cannot be applied is tried again soon.
			RetryInterval: &metav1.Duration{Duration: 2 * time.Second},
			Prune:         true,
		},
	}
	objects := []client.Object{source, kustomization}
	if gitops.User.Name != "" {
		source.Spec.SecretRef = &meta.LocalObjectReference{Name: gitops.Name}
		objects = append([]client.Object{&corev1.Secret{
			ObjectMeta: metadata,
			StringData: map[string]string{"username": gitops.User.Name, "password": gitops.User.Password},
		}}, objects...)
	}
	for _, object := range objects {
		if err := e.Client.Create(ctx, object); err != nil {
			return nil, nil, fmt.Errorf("let Flux apply repository %s: %w", gitops.Name, err)
		}
	}
	return source, kustomization, nil
}

// CreateCatalog creates a Catalog whose charts are in the environment's registry.
func (e *Environment) CreateCatalog(ctx context.Context, namespace, name string) error {
	catalog := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "application.giantswarm.io/v1alpha1",
		"kind":       "Catalog",
		"metadata":   map[string]any{"name": name, "namespace": namespace},
		"spec": map[string]any{
			"title":        name,
			"description":  "The charts of the local environment",
			"logoURL":      "",
			"storage":      map[string]any{"type": "helm", "URL": "https://charts.invalid/" + name + "/"},
			"repositories": []any{map[string]any{"type": "oci", "URL": e.Registry.CatalogURL()}},
		},
	}}
	if err := e.Client.Create(ctx, catalog); err != nil {
		return fmt.Errorf("create Catalog %s/%s: %w", namespace, name, err)
	}
	return nil
}
