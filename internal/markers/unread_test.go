package markers

import (
	"strings"
	"testing"
)

// TestUnreadIsNotMarked: where something that is not read here may set the version, the line below it is not marked.
func TestUnreadIsNotMarked(t *testing.T) {
	base := files{"base/kustomization.yaml": resources("app.yaml"), "base/app.yaml": app("org", "nginx", "1.0.0")}
	large := app("org", "nginx", "2.0.0") + strings.Repeat("# long\n", maxFileSize/7+1)
	const over = "patches:\n- path: p.yaml\n  target: {labelSelector: stage=prod}\n"
	label := func(patch string) string { return "patches:\n- target: {kind: App}\n  patch: '[" + patch + "]'\n" }
	for name, tc := range map[string]struct {
		base, top string
		more      files
		want      string
		reason    string
	}{
		"all is read":                                {want: "base/app.yaml:8 1.0.0"},
		"a remote component":                         {top: "components: [https://example.com/x]\n", want: "top/kustomization.yaml:0 ", reason: NotMarkable},
		"a component that is gone":                   {top: "components: [../gone]\n", want: "top/kustomization.yaml:0 ", reason: NotMarkable},
		"a broken component":                         {top: "components: [../c]\n", more: files{"c/kustomization.yaml": "patches: ["}, want: "top/kustomization.yaml:0 ", reason: NotMarkable},
		"a remote patch":                             {top: "patches: [{path: \"https://example.com/p.yaml\"}]\n", want: "top/kustomization.yaml:0 ", reason: NotMarkable},
		"a patch that is too large":                  {top: "patches: [{path: p.yaml}]\n", more: files{"top/p.yaml": large}, want: "top/kustomization.yaml:0 ", reason: NotMarkable},
		"such a patch of others":                     {top: "patches: [{path: p.yaml, target: {name: other}}]\n", more: files{"top/p.yaml": large}, want: "base/app.yaml:8 1.0.0"},
		"a transformer":                              {top: "transformers: [t.yaml]\n", more: files{"top/t.yaml": "kind: X\n"}, want: "top/kustomization.yaml:0 ", reason: NotMarkable},
		"a remote configuration":                     {top: "configurations: [\"https://example.com/c.yaml\"]\n", want: "top/kustomization.yaml:0 ", reason: NotMarkable},
		"a configuration that is gone":               {top: "configurations: [c.yaml]\n", want: "top/kustomization.yaml:0 ", reason: NotMarkable},
		"a configuration above":                      {base: "configurations: [c.yaml]\n", want: "base/kustomization.yaml:0 ", reason: NotMarkable},
		"a configuration outside":                    {top: "configurations: [../../c.yaml]\n", want: "top/kustomization.yaml:0 ", reason: NotMarkable},
		"a configuration that is too large":          {top: "configurations: [p.yaml]\n", more: files{"top/p.yaml": large}, want: "top/kustomization.yaml:0 ", reason: NotMarkable},
		"a configuration with what is new":           {top: "configurations: [c.yaml]\n", more: files{"top/c.yaml": "charts: [{path: spec/version}]\n"}, want: "top/kustomization.yaml:0 ", reason: NotMarkable},
		"a configuration that unfolds":               {top: "configurations: [c.yaml]\n", more: files{"top/c.yaml": bomb()}, want: "top/kustomization.yaml:0 ", reason: NotMarkable},
		"an empty configuration":                     {top: "configurations: [c.yaml]\n", more: files{"top/c.yaml": ""}, want: "base/app.yaml:8 1.0.0"},
		"crds that are gone":                         {top: "crds: [c.json]\n", want: "top/kustomization.yaml:0 ", reason: NotMarkable},
		"a patch above a configuration that is gone": {base: "configurations: [c.yaml]\n", top: "patches: [{path: p.yaml}]\n", want: "base/kustomization.yaml:0 ", reason: NotMarkable},
		"a patch above a transformer": {base: "transformers: [t.yaml]\n", top: "patches: [{path: p.yaml}]\n", more: files{"top/p.yaml": app("org", "nginx", "2.0.0")},
			want: "top/p.yaml:8 2.0.0"},
		"a label by an operation": {base: label("{op: add, path: /metadata/labels, value: {stage: prod}}"), top: over, want: "top/p.yaml:8 2.0.0"},
		"one label":               {base: label("{op: add, path: /metadata/labels/stage, value: prod}"), top: over, want: "top/p.yaml:8 2.0.0"},
		"a label that an operation removes": {base: "commonLabels: {stage: prod}\n", top: "resources: [../mid]\n" + over, want: "base/app.yaml:8 1.0.0",
			more: files{"mid/kustomization.yaml": resources("../base") + label("{op: remove, path: /metadata/labels/stage}")}},
		"an annotation by an operation": {base: label("{op: add, path: /metadata/annotations, value: {stage: prod}}"), top: strings.Replace(over, "label", "annotation", 1), want: "top/p.yaml:8 2.0.0"},
		"common annotations":            {base: "commonAnnotations: {stage: prod}\n", top: strings.Replace(over, "label", "annotation", 1), want: "top/p.yaml:8 2.0.0"},
		"labels that a patch replaces": {base: "commonLabels: {stage: prod}\n", top: "resources: [../mid]\n" + over, want: "base/app.yaml:8 1.0.0",
			more: files{"mid/kustomization.yaml": resources("../base") + "patches:\n- target: {kind: App}\n  patch: 'metadata: {name: nginx, labels: {$patch: replace, stage: dev}}'\n"}},
		"a label by a replacement": {base: "replacements:\n- source: {kind: App, fieldPath: metadata.name}\n  targets:\n  - select: {kind: App}\n    fieldPaths: [metadata.labels.stage]\n    options: {create: true}\n",
			top: over, want: "base/kustomization.yaml:4 ", reason: NotMarkable},
		"a variable of kustomize": {base: "", top: "", more: files{"base/app.yaml": app("org", "nginx", "$(V)")}, want: "base/app.yaml:8 $(V)", reason: NotMarkable},
		"a patch that replaces the spec": {
			top: "patches: [{path: p.yaml}]\n", more: files{"top/p.yaml": strings.Replace(app("org", "nginx", "2.0.0"), "spec:\n", "spec:\n  $patch: replace\n", 1)},
			want: "top/p.yaml:9 2.0.0",
		},
		"a patch that replaces the spec without a version": {
			top: "patches: [{path: p.yaml}]\n", more: files{"top/p.yaml": "apiVersion: application.giantswarm.io/v1alpha1\nkind: App\nmetadata: {name: nginx, namespace: org}\nspec: {$patch: replace, name: x}\n"},
			reason: NotFound,
		},
		"a patch that deletes the spec": {
			top: "patches: [{path: p.yaml}]\n", more: files{"top/p.yaml": "apiVersion: application.giantswarm.io/v1alpha1\nkind: App\nmetadata: {name: nginx, namespace: org}\nspec: {$patch: delete}\n"},
			reason: NotFound,
		},
		"a version that moves away": {top: label("{op: move, from: /spec/version, path: /spec/other}"), reason: NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			top := tc.top
			if !strings.HasPrefix(top, "resources:") {
				top = resources("../base") + top
			}
			tree := with(base, files{
				"base/kustomization.yaml": base["base/kustomization.yaml"] + tc.base, "top/kustomization.yaml": top, "top/p.yaml": app("org", "nginx", "2.0.0"),
			}, tc.more)
			locateCase{files: tree, source: Source{Path: "top"}, target: target("org", "nginx"), want: tc.want, reason: tc.reason}.run(t)
		})
	}
}

// TestUnreadIsShared: who may have its version from a line, if a patch that cannot be read does not set it, counts.
func TestUnreadIsShared(t *testing.T) {
	tree := overlays("mc/a", "mc/b")
	tree["mc/b/kustomization.yaml"] += "components: [https://example.com/x]\n"
	applied := []Source{applies("a", "mc/a"), applies("b", "mc/b")}
	checkUsers(t, NewSurvey(mapFS(tree), applied), applied[0], target("org", "a-nginx"),
		[]string{"App org/a-nginx (Kustomization flux/a)", "App org/b-nginx (Kustomization flux/b)"})
}

// TestDoubtfulIsShared: whether a patch gives b a version of its own depends on labels that cannot be told, so b may follow the line.
func TestDoubtfulIsShared(t *testing.T) {
	for name, patch := range map[string]string{
		"a strategic merge patch": "patch: '{kind: App, metadata: {name: x}, spec: {version: 2.0.0}}'",
		"a JSON6902 patch":        "patch: '[{op: replace, path: /spec/version, value: 2.0.0}]'",
		"one that takes it away":  "patch: '[{op: remove, path: /spec/version}]'",
	} {
		t.Run(name, func(t *testing.T) {
			tree := overlays("mc/a", "mid")
			tree["mid/kustomization.yaml"] = resources("../base") + "namePrefix: b-\ncommonLabels: {stage: prod}\nreplacements:\n" +
				"- source: {kind: App, fieldPath: metadata.name}\n  targets:\n  - select: {kind: App}\n    fieldPaths: [metadata.labels.stage]\n"
			tree["mc/b/kustomization.yaml"] = resources("../../mid") + "patches:\n- target: {labelSelector: stage=prod}\n  " + patch + "\n"
			applied := []Source{applies("a", "mc/a"), applies("b", "mc/b")}
			checkUsers(t, NewSurvey(mapFS(tree), applied), applied[0], target("org", "a-nginx"),
				[]string{"App org/a-nginx (Kustomization flux/a)", "App org/b-nginx (Kustomization flux/b)"})
			locateCase{files: tree, source: applied[1], target: target("org", "b-nginx"), want: "mid/kustomization.yaml:6 ", reason: NotMarkable}.run(t)
		})
	}
}
