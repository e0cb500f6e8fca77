package resolve

import (
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/internal/markers"
)

func TestMarkerSource(t *testing.T) {
	patches := []kustomize.Patch{{Patch: "{}"}}
	kustomization := &kustomizev1.Kustomization{
		ObjectMeta: metav1.ObjectMeta{Namespace: "flux", Name: "apps"},
		Spec: kustomizev1.KustomizationSpec{
			SourceRef: kustomizev1.CrossNamespaceSourceReference{Kind: "GitRepository", Name: "fleet"},
			Path:      "./apps", TargetNamespace: "org", NamePrefix: "a-", NameSuffix: "-z", Patches: patches, Components: []string{"../stage"},
			KubeConfig: &meta.KubeConfigReference{SecretRef: &meta.SecretKeyReference{Name: "stage"}},
			PostBuild: &kustomizev1.PostBuild{
				SubstituteStrategy: kustomizev1.SubstituteStrategyAlways,
				Substitute:         map[string]string{"version": "1.0.0"},
				SubstituteFrom: []kustomizev1.SubstituteReference{
					{Kind: "ConfigMap", Name: "one"}, {Kind: "Secret", Name: "two", Optional: true},
				},
			},
		},
	}
	applied := markers.Source{
		Path: "apps", TargetNamespace: "org", NamePrefix: "a-", NameSuffix: "-z", Patches: patches, Components: []string{"../stage"}, Remote: true,
		Kustomization:    markers.FluxKustomization{Namespace: "flux", Name: "apps", Path: "./apps", SourceRef: "GitRepository/fleet"},
		Substitute:       map[string]string{"version": "1.0.0"},
		SubstituteFrom:   []markers.Reference{{Kind: "ConfigMap", Name: "one"}, {Kind: "Secret", Name: "two"}},
		SubstituteAlways: true,
	}
	named := applied
	named.Path, named.Patches, named.Components = "mc", nil, nil
	for name, tc := range map[string]struct {
		kustomization *kustomizev1.Kustomization
		path          string
		want          markers.Source
	}{
		"what a Kustomization applies":           {kustomization, "", applied},
		"a folder that the user names":           {kustomization, "mc", named},
		"a folder that no Kustomization applies": {nil, "mc", markers.Source{Path: "mc"}},
		"a path from the root": {
			&kustomizev1.Kustomization{Spec: kustomizev1.KustomizationSpec{Path: "/x/"}}, "",
			markers.Source{Path: "x", Kustomization: markers.FluxKustomization{Path: "/x/", SourceRef: "/"}},
		},
		"a path that leads out": {
			&kustomizev1.Kustomization{Spec: kustomizev1.KustomizationSpec{Path: "../x"}}, "",
			markers.Source{Path: "x", Kustomization: markers.FluxKustomization{Path: "../x", SourceRef: "/"}},
		},
		"no path": {&kustomizev1.Kustomization{}, "", markers.Source{Path: ".", Kustomization: markers.FluxKustomization{SourceRef: "/"}}},
		"a Kustomization with nothing but a path": {&kustomizev1.Kustomization{Spec: kustomizev1.KustomizationSpec{Path: "x"}}, "", markers.Source{Path: "x", Kustomization: markers.FluxKustomization{Path: "x", SourceRef: "/"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, MarkerSource(tc.kustomization, tc.path)); diff != "" {
				t.Errorf("MarkerSource (-want +got):\n%s", diff)
			}
		})
	}
}
