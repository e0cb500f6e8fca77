package markers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// mergeByName is an openapi schema in which patches merge a list of an App by name, and which asks to replace spec as a whole.
const mergeByName = `{"definitions": {"App": {
  "x-kubernetes-group-version-kind": [{"group": "application.giantswarm.io", "version": "v1alpha1", "kind": "App"}], "type": "object",
  "properties": {"spec": {"type": "object", "x-kubernetes-patch-strategy": "replace", "properties": {
    "version": {"type": "string", "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name"},
    "extraConfigs": {"type": "array", "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name", "items": {"type": "object"}}}}}}}}`

// TestOpenAPI: how kustomize merges lists does not change where a version comes from, which is never in one.
func TestOpenAPI(t *testing.T) {
	t.Cleanup(func() {
		openapi.ResetOpenAPI()
		openapi.SuppressBuiltInSchemaUse() // as for the other tests
	})
	const base = "apiVersion: application.giantswarm.io/v1alpha1\nkind: App\nmetadata: {name: nginx, namespace: org}\n" +
		"spec:\n  version: 1.4.2\n  extraConfigs: [{name: a}]\n"
	for name, tc := range map[string]struct {
		openapi, patch string
		lists          int
		built, want    string
	}{
		"a list that is replaced":            {patch: "extraConfigs: [{name: b}]", lists: 1, built: "nginx 1.4.2", want: "base/app.yaml:5 1.4.2"},
		"a list that is merged":              {openapi: "openapi: {path: schema.json}\n", patch: "extraConfigs: [{name: b}]", lists: 2, built: "nginx 1.4.2", want: "base/app.yaml:5 1.4.2"},
		"a list, and a version of the patch": {openapi: "openapi: {path: schema.json}\n", patch: "extraConfigs: [{name: b}]\n  version: 1.5.0", lists: 2, built: "nginx 1.5.0", want: "top/p.yaml:6 1.5.0"},
	} {
		t.Run(name, func(t *testing.T) {
			openapi.ResetOpenAPI()
			tree := files{
				"base/kustomization.yaml": resources("app.yaml"), "base/app.yaml": base,
				"top/kustomization.yaml": resources("../base") + "patches: [{path: p.yaml}]\n" + tc.openapi, "top/schema.json": mergeByName,
				"top/p.yaml": "apiVersion: application.giantswarm.io/v1alpha1\nkind: App\nmetadata: {name: nginx, namespace: org}\nspec:\n  " + tc.patch + "\n",
			}
			result, err := kustomizeBuild(tree, "/top")
			if err != nil {
				t.Fatal(err)
			}
			configs, err := result.Resources()[0].GetSlice("spec.extraConfigs")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]any{tc.built, tc.lists}, []any{builtVersion(t, tree), len(configs)}); diff != "" {
				t.Fatalf("kustomize build (-want +got)\n%s", diff)
			}
			locateCase{files: tree, source: Source{Path: "top"}, target: target("org", "nginx"), want: tc.want}.run(t)
		})
	}
}
