package resolve

import (
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func TestExplicitSource(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*world)
		want Location
	}{
		"with a Kustomization": {
			func(w *world) { w.policy.Spec.Git.Path = "clusters" },
			Location{
				Source: pin.Source{
					Repository:    pin.NamespacedName{Namespace: "default", Name: "fleet"},
					Kustomization: pin.NamespacedName{Namespace: "default", Name: "mc"},
					Path:          "clusters",
				},
				Revision: "main@sha1:abc",
			},
		},
		"without one, the whole repository": {
			func(w *world) { w.app.Labels = nil },
			Location{
				Source:   pin.Source{Repository: pin.NamespacedName{Namespace: "default", Name: "fleet"}, Path: "."},
				Revision: "main@sha1:def",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.policy.Spec.Git = &v1alpha1.Git{SourceRef: &v1alpha1.SourceReference{Name: "fleet", Namespace: "default"}}
			w.kustomization.Spec.SourceRef = kustomizev1.CrossNamespaceSourceReference{Kind: "OCIRepository", Name: "other"}
			w.repository.Spec.Reference = nil
			test.want.RepositoryKey = gitops.Key("https://git.example.com/fleet", "master")
			test.edit(w)
			target := w.resolve(t).Targets[0]
			if diff := cmp.Diff(&test.want, target.Location); diff != "" || target.Finding != nil {
				t.Errorf("finding %+v, location %s", target.Finding, diff)
			}
		})
	}
}

// The path of a policy only says where a line may be if the Kustomization applies from the same repository branch.
func TestExplicitSourceOfKustomization(t *testing.T) {
	mc := pin.NamespacedName{Namespace: "default", Name: "mc"}
	fleet := pin.NamespacedName{Namespace: "default", Name: "fleet"}
	for name, test := range map[string]struct {
		edit func(w *world, applied *sourcev1.GitRepository)
		want pin.Source
	}{
		"the same GitRepository": {
			func(w *world, _ *sourcev1.GitRepository) { w.kustomization.Spec.SourceRef.Name = "fleet" },
			pin.Source{Repository: fleet, Kustomization: mc, Below: "base"},
		},
		"the same branch of another GitRepository": {
			func(_ *world, applied *sourcev1.GitRepository) { applied.Spec.URL += ".git" },
			pin.Source{Repository: fleet, Kustomization: mc, Below: "base"},
		},
		"no path": {
			func(w *world, _ *sourcev1.GitRepository) { w.policy.Spec.Git.Path = "" },
			pin.Source{Repository: fleet, Kustomization: mc},
		},
		"another branch": {
			func(_ *world, applied *sourcev1.GitRepository) { applied.Spec.Reference.Branch = "stable" },
			pin.Source{Repository: fleet, Kustomization: mc, Path: "base"},
		},
		"another repository": {
			func(_ *world, applied *sourcev1.GitRepository) { applied.Spec.URL += "-other" },
			pin.Source{Repository: fleet, Kustomization: mc, Path: "base"},
		},
		"a tag": {
			func(_ *world, applied *sourcev1.GitRepository) { applied.Spec.Reference.Tag = "v1" },
			pin.Source{Repository: fleet, Kustomization: mc, Path: "base"},
		},
		"a GitRepository that is gone": {
			func(w *world, _ *sourcev1.GitRepository) { w.kustomization.Spec.SourceRef.Name = "gone" },
			pin.Source{Repository: fleet, Kustomization: mc, Path: "base"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.policy.Spec.Git = &v1alpha1.Git{SourceRef: &v1alpha1.SourceReference{Name: "fleet", Namespace: "default"}, Path: "base"}
			w.kustomization.Spec.SourceRef.Name = "applied"
			applied := w.repository.DeepCopy()
			applied.Name, applied.Annotations = "applied", nil
			test.edit(w, applied)
			w.others = append(w.others, applied)
			target := w.resolve(t).Targets[0]
			if target.Location == nil || target.Finding != nil {
				t.Fatalf("location %+v, finding %+v", target.Location, target.Finding)
			}
			if diff := cmp.Diff(test.want, target.Location.Source); diff != "" {
				t.Error(diff)
			}
		})
	}
}
