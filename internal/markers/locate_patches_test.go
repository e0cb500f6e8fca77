package markers

import (
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/kustomize"
)

// TestLocatePatches has an App in a base and different things that change it.
func TestLocatePatches(t *testing.T) {
	smp := func(name, version string) string { return app("org", name, version) }
	inline := func(text string) string {
		return "|-\n    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
	}
	ops := "- op: replace\n  path: /spec/version\n  value: 3.0.0\n"
	for name, tc := range map[string]struct {
		kustomization string
		patch         string
		patches       []kustomize.Patch
		want, reason  string
	}{
		"patch file": {
			kustomization: "patches:\n- path: patch.yaml\n", patch: smp("nginx", "2.0.0"), want: "mc/patch.yaml:8 2.0.0",
		},
		"patch file that sets something else": {
			kustomization: "patches:\n- path: patch.yaml\n", patch: smp("nginx", ""), want: "base/app.yaml:8 1.4.2",
		},
		"patch file for a target": {
			kustomization: "patches:\n- path: patch.yaml\n  target: {kind: App, name: ng.*}\n",
			patch:         smp("ignored", "2.0.0"), want: "mc/patch.yaml:8 2.0.0",
		},
		"patch file for another target": {
			kustomization: "patches:\n- path: patch.yaml\n  target: {kind: App, name: ng}\n",
			patch:         smp("ignored", "2.0.0"), want: "base/app.yaml:8 1.4.2",
		},
		"target by label": {
			kustomization: "patches:\n- path: patch.yaml\n  target: {labelSelector: team=a}\n",
			patch:         smp("ignored", "2.0.0"), want: "base/app.yaml:8 1.4.2",
		},
		"patchesStrategicMerge": {
			kustomization: "patchesStrategicMerge:\n- patch.yaml\n", patch: smp("nginx", "2.0.0"), want: "mc/patch.yaml:8 2.0.0",
		},
		"the last patch wins": {
			kustomization: "patchesStrategicMerge:\n- patch.yaml\npatches:\n- patch: " + inline(smp("nginx", "3.0.0")),
			patch:         smp("nginx", "2.0.0"), want: "mc/kustomization.yaml:6 3.0.0", reason: NotMarkable,
		},
		"a file patch over an inline one": {
			kustomization: "patches:\n- patch: " + inline(smp("nginx", "3.0.0")) + "- path: patch.yaml\n",
			patch:         smp("nginx", "2.0.0"), want: "mc/patch.yaml:8 2.0.0",
		},
		"inline JSON6902": {
			kustomization: "patches:\n- target: {kind: App}\n  patch: " + inline(ops), want: "mc/kustomization.yaml:5 3.0.0", reason: NotMarkable,
		},
		"JSON6902 file": {
			kustomization: "patches:\n- target: {kind: App}\n  path: patch.yaml\n", patch: ops, want: "mc/patch.yaml:1 3.0.0", reason: NotMarkable,
		},
		"JSON6902 of all of spec": {
			kustomization: "patches:\n- target: {kind: App}\n  path: patch.yaml\n",
			patch:         `[{"op": "add", "path": "/spec", "value": {"version": "4.0.0"}}]`, want: "mc/patch.yaml:1 4.0.0", reason: NotMarkable,
		},
		"JSON6902 of something else": {
			kustomization: "patches:\n- target: {kind: App}\n  path: patch.yaml\n",
			patch:         "- op: replace\n  path: /spec/catalog\n  value: x\n", want: "base/app.yaml:8 1.4.2",
		},
		"JSON6902 that removes the version": {
			kustomization: "patches:\n- target: {kind: App}\n  path: patch.yaml\n",
			patch:         "- op: remove\n  path: /spec/version\n", reason: NotFound,
		},
		"null takes the version away": {
			kustomization: "patches:\n- path: patch.yaml\n", patch: smp("nginx", "null"), reason: NotFound,
		},
		"patch that deletes": {
			kustomization: "patches:\n- path: patch.yaml\n", patch: "$patch: delete\n" + smp("nginx", ""), reason: NotFound,
		},
		"replacement": {
			kustomization: "replacements:\n- source: {kind: App, fieldPath: spec.catalog}\n  targets:\n  - select: {kind: App}\n    fieldPaths: [spec.version]\n",
			want:          "mc/kustomization.yaml:4 ", reason: NotMarkable,
		},
		"replacement of all of spec": {
			kustomization: "replacements:\n- source: {kind: Settings, fieldPath: spec}\n  targets:\n  - select: {kind: App}\n    fieldPaths: [spec]\n",
			want:          "mc/kustomization.yaml:4 ", reason: NotMarkable,
		},
		"replacement of any field": {
			kustomization: "replacements:\n- source: {kind: Settings, fieldPath: spec}\n  targets:\n  - select: {kind: App}\n    fieldPaths: [\"*.version\"]\n",
			want:          "mc/kustomization.yaml:4 ", reason: NotMarkable,
		},
		"replacement of something else": {
			kustomization: "replacements:\n- source: {kind: Settings, fieldPath: spec}\n  targets:\n  - select: {kind: App}\n    fieldPaths: [spec.version.x, spec.name]\n",
			want:          "base/app.yaml:8 1.4.2",
		},
		"patch of the Flux Kustomization": {
			patches: []kustomize.Patch{{Patch: ops, Target: &kustomize.Selector{Kind: "App"}}}, reason: NotMarkable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			locateCase{
				files: map[string]string{
					"base/kustomization.yaml": resources("app.yaml"), "base/app.yaml": app("org", "nginx", "1.4.2"),
					"mc/kustomization.yaml": resources("../base") + tc.kustomization, "mc/patch.yaml": tc.patch,
				},
				source: Source{Path: "mc", Patches: tc.patches}, target: target("org", "nginx"), want: tc.want, reason: tc.reason,
			}.run(t)
		})
	}
}
