package markers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The App org/nginx of the placement table.
const tableHead = "apiVersion: application.giantswarm.io/v1alpha1\nkind: App\nmetadata:\n  name: nginx\n  namespace: org\n"

// tablePatch is what a kustomization next to app.yaml patches it with, by file.
func tablePatch(name, patch string) map[string]string {
	return map[string]string{
		"kustomization.yaml": "resources: [app.yaml]\npatches:\n- path: " + name + "\n  target: {kind: App}\n",
		"app.yaml":           tableHead + "spec:\n  version: 1.0.0\n", name: patch,
	}
}

// fluxKind is another kind than App, with its version as the last line.
func fluxKind(apiVersion, kind, spec string) map[string]string {
	return map[string]string{"a.yaml": "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: nginx, namespace: org}\nspec:\n" + spec}
}

func tableTarget(apiVersion, kind string, field ...string) Target {
	return Target{APIVersion: apiVersion, Kind: kind, Namespace: "org", Name: "nginx", Field: field}
}

// variableIs is an App whose version is a variable that flux.yaml sets.
func variableIs(set string) map[string]string {
	return map[string]string{"mc/app.yaml": tableHead + "spec:\n  version: ${version}\n", "flux.yaml": set}
}

// configMapIs is an App whose version is a variable of a ConfigMap.
func configMapIs(data string) map[string]string {
	all := variableIs("")
	all["mc/versions.yaml"] = tableConfigMap + data
	return all
}

var variableSource = Source{
	Path: "mc", Kustomization: FluxKustomization{Namespace: "flux", Name: "mc", Path: "./mc"},
	Substitute: map[string]string{"version": "1.4.2"},
}

var configMapSource = Source{
	Path: "mc", Kustomization: FluxKustomization{Namespace: "flux", Name: "mc", Path: "./mc"},
	SubstituteFrom: []Reference{{Kind: "ConfigMap", Name: "versions"}},
}

const (
	tableKustomization = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: mc, namespace: flux}\n" +
		"spec:\n  path: ./mc\n  postBuild:\n"
	tableConfigMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: versions, namespace: flux}\n"
)

// TestPlacementTableWorks has every place in which Flux writes a version: it is found and marked, and kyaml's own setter then
// changes that version and nothing else.
func TestPlacementTableWorks(t *testing.T) {
	for name, tc := range map[string]struct {
		files  map[string]string
		source Source
		target Target
		at     string
	}{
		"App":                     {files: map[string]string{"a.yaml": tableHead + "spec:\n  version: 1.4.2\n"}, at: "a.yaml"},
		"double quotes":           {files: map[string]string{"a.yaml": tableHead + "spec:\n  version: \"1.4.2\"\n"}, at: "a.yaml"},
		"single quotes":           {files: map[string]string{"a.yml": tableHead + "spec:\n  version: '1.4.2'\n"}, at: "a.yml"},
		"second document":         {files: map[string]string{"a.yaml": "a: b\n---\n" + tableHead + "spec:\n  version: 1.4.2\n"}, at: "a.yaml"},
		"strategic merge by file": {files: tablePatch("patch.yaml", tableHead+"spec:\n  version: 1.4.2\n"), at: "patch.yaml"},
		"HelmRelease": {
			files:  fluxKind("helm.toolkit.fluxcd.io/v2", "HelmRelease", "  chart:\n    spec:\n      chart: nginx\n      version: 1.4.2\n"),
			target: tableTarget("helm.toolkit.fluxcd.io/v2", "HelmRelease", "spec", "chart", "spec", "version"), at: "a.yaml",
		},
		"OCIRepository": {
			files:  fluxKind("source.toolkit.fluxcd.io/v1", "OCIRepository", "  ref:\n    tag: 1.4.2\n"),
			target: tableTarget("source.toolkit.fluxcd.io/v1", "OCIRepository", "spec", "ref", "tag"), at: "a.yaml",
		},
		"postBuild.substitute": {
			files: variableIs(tableKustomization + "    substitute:\n      version: 1.4.2\n"), source: variableSource, at: "flux.yaml",
		},
		"ConfigMap of substituteFrom": {files: configMapIs("data:\n  version: 1.4.2\n"), source: configMapSource, at: "mc/versions.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.target.Kind == "" {
				tc.target = target("org", "nginx")
			}
			at, err := Locate(mapFS(tc.files), tc.source, tc.target)
			if err != nil || at.File != tc.at || at.Value != "1.4.2" {
				t.Fatalf("located %+v: %v", at, err)
			}
			placed, err := Place([]byte(tc.files[at.File]), at, pin)
			if err != nil {
				t.Fatal(err)
			}
			written, set, err := setterPass(placed, map[string]string{pin.String(): "1.5.0"})
			if err != nil || set != 1 {
				t.Fatalf("kyaml set %d values: %v", set, err)
			}
			if diff := cmp.Diff(strings.Replace(string(placed), "1.4.2", "1.5.0", 1), string(written)); diff != "" {
				t.Errorf("kyaml wrote (-want +got):\n%s", diff)
			}
		})
	}
}
