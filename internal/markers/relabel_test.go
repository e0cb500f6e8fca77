package markers

import (
	"cmp"
	"strings"
	"testing"
)

// TestRelabeled: which patch a kustomization applies above one that changes labels or names. Kustomize builds each tree, too: if
// a line is found, it is the one that counts.
func TestRelabeled(t *testing.T) {
	const (
		prod     = "target: {labelSelector: stage=prod}"
		patched  = "top/p.yaml:8 2.0.0"
		plain    = "base/app.yaml:8 1.0.0"
		replaces = "replacements:\n- source: {kind: App, fieldPath: spec.catalog}\n  targets:\n  - select: "
	)
	operation := func(text string) string {
		return "commonLabels: {old: prod}\npatches:\n- target: {kind: App}\n  patch: |-\n    - {" + text + "}\n"
	}
	merge := func(metadata string) string {
		return "patches:\n- target: {kind: App}\n  patch: 'apiVersion: any/v1\n\n    kind: App\n\n    metadata: {name: any, " + metadata + "}'\n"
	}
	for name, tc := range map[string]struct {
		// base and mid end the kustomizations of these folders, target is that of the patch, and namespace of what is built: org, or none.
		base, mid, target, namespace, name, want, reason string
	}{
		"common labels and labels":    {base: "commonLabels: {stage: prod}\nlabels: [{pairs: {stage: dev}}]\n", target: prod, want: patched},
		"labels and common labels":    {base: "commonLabels: {stage: dev}\nlabels: [{pairs: {stage: prod}}]\n", target: prod, want: plain},
		"labels that a patch deletes": {base: "commonLabels: {stage: prod}\n", mid: merge("labels: {$patch: delete}"), target: prod, want: plain},
		"a label that is null":        {base: "commonLabels: {stage: prod}\n", mid: merge("labels: {stage: null}"), target: "target: {labelSelector: stage}", want: patched},
		"a label that is copied": {
			mid: operation("op: copy, from: /metadata/labels/old, path: /metadata/labels/stage"), base: "commonLabels: {old: prod}\n", target: prod,
			want: "mid/kustomization.yaml:6 ", reason: NotMarkable,
		},
		"a label that is moved away": {
			base: "commonLabels: {stage: prod, old: prod}\n", mid: operation("op: move, from: /metadata/labels/stage, path: /metadata/labels/new"), target: prod,
			want: "mid/kustomization.yaml:6 ", reason: NotMarkable,
		},
		"new metadata": {
			mid: operation("op: replace, path: /metadata, value: {name: nginx, namespace: org, labels: {stage: prod}}"), target: "target: {labelSelector: 'stage=prod,!x'}", want: patched,
		},
		"no namespace any more": {
			base: operation("op: remove, path: /metadata/namespace") + "namePrefix: a-\n", mid: operation("op: replace, path: /metadata/name, value: nginx"), namespace: "none",
			target: "target: {namespace: default}", want: patched,
		},
		"a name by a replacement": {
			base: replaces + "{kind: App}\n    fieldPaths: [metadata.name]\n", target: "target: {name: nginx}", want: "base/kustomization.yaml:4 ", reason: NotMarkable,
		},
		"a replacement in the default namespace": {
			namespace: "none", base: operation("op: remove, path: /metadata/namespace") +
				"- target: {kind: App}\n  patch: |-\n    - {op: test, path: /kind, value: App}\n" + replaces + "{namespace: default}\n    fieldPaths: [spec.version]\n", target: "target: {name: other}",
			want: "base/kustomization.yaml:12 ", reason: NotMarkable,
		},
		"annotations that a patch replaces": {
			base: "namePrefix: a-\nnameSuffix: -z\n",
			mid:  merge("annotations: {$patch: replace}"), target: "target: {name: nginx}", name: "a-nginx-z", want: plain,
		},
		"annotations that a patch may replace": {
			base: "namePrefix: a-\n" + replaces + "{kind: App}\n    fieldPaths: [metadata.labels.stage]\n    options: {create: true}\n",
			mid: "patches:\n- target: {labelSelector: stage=prod}\n" +
				"  patch: 'apiVersion: any/v1\n\n    kind: App\n\n    metadata: {name: any, annotations: {$patch: replace}}'\n",
			target: "target: {name: nginx}", name: "a-nginx", want: "base/kustomization.yaml:5 ", reason: NotMarkable,
		},
		"a name that a transformer changes": {base: "transformers: [t.yaml]\n", target: "target: {name: t-nginx}", want: "base/kustomization.yaml:0 ", reason: NotMarkable},
	} {
		t.Run(name, func(t *testing.T) {
			namespace := "org"
			if tc.namespace == "none" {
				namespace = ""
			}
			tree := files{
				"base/kustomization.yaml": resources("app.yaml") + tc.base, "base/app.yaml": app("org", "nginx", "1.0.0"),
				"base/t.yaml":            "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: any}\nprefix: t-\nfieldSpecs: [{path: metadata/name}]\n",
				"mid/kustomization.yaml": resources("../base") + tc.mid,
				"top/kustomization.yaml": resources("../mid") + "patches:\n- path: p.yaml\n  " + tc.target + "\n",
				"top/p.yaml":             app("org", "nginx", "2.0.0"),
			}
			locateCase{files: tree, source: Source{Path: "top"}, target: target(namespace, cmp.Or(tc.name, "nginx")), want: tc.want, reason: tc.reason}.run(t)
			result, err := kustomizeBuild(tree, "/top")
			if err != nil {
				t.Fatal(err)
			}
			if version, _ := result.Resources()[0].GetString("spec.version"); tc.reason == "" && !strings.HasSuffix(tc.want, " "+version) {
				t.Errorf("kustomize built version %s", version)
			}
		})
	}
}

// TestUsersOfPatchByLabels: who has a label for all that can be told uses the line of a patch that selects by it.
func TestUsersOfPatchByLabels(t *testing.T) {
	tree := files{
		"base/kustomization.yaml": resources("apps.yaml") + "replacements:\n- source: {kind: App, name: b, fieldPath: metadata.labels.stage}\n" +
			"  targets:\n  - select: {kind: App, name: a}\n    fieldPaths: [metadata.labels.stage]\n    options: {create: true}\n",
		"base/apps.yaml":         app("org", "a", "1.0.0") + "---\n" + strings.Replace(app("org", "b", "1.0.1"), "spec:", "  labels: {stage: prod}\nspec:", 1),
		"top/kustomization.yaml": resources("../base") + "patches:\n- path: p.yaml\n  target: {labelSelector: stage=prod}\n",
		"top/p.yaml":             app("org", "b", "2.0.0"),
	}
	src := applies("top", "top")
	survey := NewSurvey(mapFS(tree), []Source{src})
	checkUsers(t, survey, src, target("org", "b"), []string{"App org/a (Kustomization flux/top)", "App org/b (Kustomization flux/top)"})
	maybe := User{Target: target("org", "a"), Kustomization: src.Kustomization, Applied: true, Folder: "top"}
	offer, ok, err := survey.Overlay(maybe, Location{File: "top/p.yaml", Line: 8, Value: "2.0.0"})
	if ok || err != nil {
		t.Errorf("an overlay is offered to who may have another version: %+v, %v", offer, err)
	}
}

// TestUsersOfReplacedVersion: who has the version of another App by a replacement uses that one's line.
func TestUsersOfReplacedVersion(t *testing.T) {
	tree := files{
		"top/kustomization.yaml": resources("apps.yaml") + "replacements:\n- source: {kind: App, name: a, fieldPath: spec.version}\n" +
			"  targets:\n  - select: {kind: App, name: b}\n    fieldPaths: [spec.version]\n",
		"top/apps.yaml": app("org", "a", "1.0.0") + "---\n" + app("org", "b", "1.0.1"),
	}
	src := applies("top", "top")
	checkUsers(t, NewSurvey(mapFS(tree), []Source{src}), src, target("org", "a"), []string{"App org/a (Kustomization flux/top)", "App org/b (Kustomization flux/top)"})
}
