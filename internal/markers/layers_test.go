package markers

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// patchList is a file with a list of patches.
func patchList(patches ...string) string {
	text := "apiVersion: v1\nkind: List\nitems:\n"
	for _, p := range patches {
		text += "- " + strings.ReplaceAll(strings.TrimSpace(p), "\n", "\n  ") + "\n"
	}
	return text
}

// TestLayersAsBuilt: kustomize builds each tree. The place that is found for App a has what it builds, or the finding says why
// no marker can stand there.
func TestLayersAsBuilt(t *testing.T) {
	const here = "top/app.yaml:8"
	operation := func(operations ...string) string {
		return "patches:\n- target: {kind: App, name: a}\n  patch: |\n    " + strings.ReplaceAll(strings.Join(operations, "\n"), "\n", "\n    ") + "\n"
	}
	const whole = "- op: replace\n  path: \"\"\n  value:\n    apiVersion: application.giantswarm.io/v1alpha1\n    kind: App\n" +
		"    metadata: {name: a, namespace: org, labels: {stage: prod}}\n    spec: {version: 2.0.0}"
	byLabel := "- path: p.yaml\n  target: {kind: App, labelSelector: stage=prod}\n"
	replaces := func(target string) string {
		return "replacements:\n- source: {kind: ConfigMap, name: v, fieldPath: data.v}\n  targets:\n  - {" + target + ", fieldPaths: [spec.version]}\n"
	}
	source := files{"top/v.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v, namespace: org}\ndata: {v: 2.0.0}\n"}
	for name, tc := range map[string]struct {
		kustomization string
		more          files
		built         string
		// want is the place, or the reason of the finding and the file that it names.
		want string
	}{
		"a list of patches":             {kustomization: "patches: [{path: p.yaml}]\n", more: files{"top/p.yaml": patchList(app("org", "a", "2.0.0"))}, built: "2.0.0", want: "NotMarkable top/p.yaml"},
		"an old list of patches":        {kustomization: "patchesStrategicMerge: [p.yaml]\n", more: files{"top/p.yaml": patchList(app("org", "a", "2.0.0"))}, built: "2.0.0", want: "NotMarkable top/p.yaml"},
		"a list of patches for others":  {kustomization: "patches: [{path: p.yaml}]\n", more: files{"top/p.yaml": patchList(app("org", "b", "2.0.0"))}, built: "1.0.0", want: here},
		"another object in its place":   {kustomization: operation(whole), built: "2.0.0", want: "NotMarkable top/kustomization.yaml"},
		"other metadata":                {kustomization: operation("- {op: replace, path: /metadata, value: {name: a, namespace: org, labels: {stage: prod}}}") + byLabel, more: files{"top/p.yaml": app("org", "a", "2.0.0")}, built: "2.0.0", want: "top/p.yaml:8"},
		"other metadata without labels": {kustomization: operation("- {op: replace, path: /metadata, value: {name: a, namespace: org}}") + "- path: p.yaml\n  target: {kind: App, labelSelector: '!stage'}\n", more: files{"top/p.yaml": app("org", "a", "2.0.0")}, built: "2.0.0", want: "top/p.yaml:8"},
		"a patch that replaces": {
			kustomization: "patches: [{path: p.yaml}]\n", more: files{"top/p.yaml": app("org", "a", "2.0.0") + "$patch: replace\n"}, built: "1.0.0", want: "NotMarkable top/p.yaml",
		},
		"a replacement by label":          {kustomization: replaces("select: {kind: App, labelSelector: stage=prod}"), more: source, built: "1.0.0", want: here},
		"a replacement that rejects":      {kustomization: replaces("select: {kind: App}, reject: [{labelSelector: '!stage'}]"), more: source, built: "1.0.0", want: here},
		"a replacement that rejects none": {kustomization: replaces("select: {kind: App}, reject: [{labelSelector: stage=prod}]"), more: source, built: "2.0.0", want: "NotMarkable top/kustomization.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := with(files{"top/app.yaml": app("org", "a", "1.0.0") + "---\n" + app("org", "b", "1.0.1")}, tc.more)
			list := []string{"app.yaml"}
			if _, ok := tree["top/v.yaml"]; ok {
				list = append(list, "v.yaml")
			}
			tree["top/kustomization.yaml"] = resources(list...) + tc.kustomization
			checkBuilt(t, tree, Source{Path: "top"}, tc.built, tc.want)
		})
	}
}

// checkBuilt compares what kustomize builds as the version of App org/a, and what is found for it.
func checkBuilt(t *testing.T, tree files, src Source, built, want string) {
	t.Helper()
	result, err := kustomizeBuild(tree, "/"+src.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range result.Resources() {
		if o.GetKind() == "App" && o.GetName() == "a" {
			if got, _ := o.GetString("spec.version"); got != built {
				t.Errorf("kustomize builds %q", got)
			}
		}
	}
	at, err := Locate(mapFS(tree), src, target("org", "a"))
	checkFound(t, at, err, built, want)
}

// checkFound compares a place with the one that is wanted, which has the version, or a finding with its reason and file.
func checkFound(t *testing.T, at Location, err error, version, want string) {
	t.Helper()
	got := fmt.Sprintf("%s:%d", at.File, at.Line)
	var p *Problem
	switch {
	case errors.As(err, &p):
		got = p.Reason + " " + p.File
	case err != nil:
		t.Fatal(err)
	case at.Value != version:
		t.Errorf("the value is %q", at.Value)
	}
	if got != want {
		t.Errorf("found %s (%v), want %s", got, p, want)
	}
}

// TestEarlierNamespace: kustomize remembers that an object was in none as `default`.
func TestEarlierNamespace(t *testing.T) {
	tree := func(target string) files {
		return files{
			"base/kustomization.yaml": resources("app.yaml", "v.yaml") + "namespace: org\n", "base/app.yaml": app("", "a", "1.0.0"),
			"base/v.yaml":            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v}\ndata: {v: 2.0.0}\n",
			"top/kustomization.yaml": resources("../base") + "replacements:\n- source: {kind: ConfigMap, fieldPath: data.v}\n  targets:\n  - {" + target + ", fieldPaths: [spec.version]}\n",
		}
	}
	for target, want := range map[string]string{
		"select: {kind: App, namespace: default}":                  "NotMarkable top/kustomization.yaml",
		"select: {kind: App, namespace: org}":                      "NotMarkable top/kustomization.yaml",
		"select: {kind: App, namespace: other}":                    "base/app.yaml:7",
		"select: {kind: App}, reject: [{namespace: '^$'}]":         "NotMarkable top/kustomization.yaml",
		"select: {kind: App}, reject: [{namespace: default}]":      "base/app.yaml:7",
		"select: {kind: App, name: a}, reject: [{name: somebody}]": "NotMarkable top/kustomization.yaml",
	} {
		t.Run(target, func(t *testing.T) {
			built := "1.0.0"
			if strings.HasPrefix(want, NotMarkable) {
				built = "2.0.0"
			}
			checkBuilt(t, tree(target), Source{Path: "top"}, built, want)
		})
	}
}

// TestLocalObjects: kustomize does not hand on what is for local use only.
func TestLocalObjects(t *testing.T) {
	local := func(value string) files {
		return files{"top/kustomization.yaml": resources("app.yaml"), "top/app.yaml": strings.Replace(app("org", "a", "1.0.0"),
			"  name: a\n", "  name: a\n  annotations: {config.kubernetes.io/local-config: '"+value+"'}\n", 1)}
	}
	for value, want := range map[string]string{"true": "NotFound ", "": "NotFound ", "false": "top/app.yaml:9"} {
		t.Run(value, func(t *testing.T) { checkBuilt(t, local(value), Source{Path: "top"}, "1.0.0", want) })
	}
}

// TestCopiesAreUsers: what a replacement copies from a line changes with it.
func TestCopiesAreUsers(t *testing.T) {
	const mine = "App org/a (Kustomization flux/top)"
	two := app("org", "a", "1.0.0") + "---\n" + app("org", "b", "1.0.0")
	replaces := func(from, to string) string {
		return "replacements:\n- source: {" + from + "}\n  targets:\n  - {" + to + "}\n"
	}
	for name, tc := range map[string]struct {
		kustomization string
		want          []string
	}{
		"to another App": {
			kustomization: replaces("kind: App, name: a, fieldPath: spec.version", "select: {kind: App, name: b}, fieldPaths: [spec.version]"),
			want:          []string{mine, "App org/b (Kustomization flux/top)"},
		},
		"of a whole spec, to all of a kind": {
			kustomization: replaces("kind: App, name: a, fieldPath: spec", "select: {kind: Chart}, fieldPaths: [spec]"),
			want:          []string{mine, "Chart * (maybe: a replacement in top/kustomization.yaml:4 copies it)"},
		},
		"of another field": {kustomization: replaces("kind: App, name: a, fieldPath: spec.catalog", "select: {kind: App, name: b}, fieldPaths: [spec.catalog]"), want: []string{mine}},
		"of another App":   {kustomization: replaces("kind: App, name: b, fieldPath: spec.version", "select: {kind: Chart}, fieldPaths: [spec.version]"), want: []string{mine}},
		"within one App":   {kustomization: replaces("kind: App, name: a, fieldPath: spec.version", "select: {kind: App, name: a}, fieldPaths: [metadata.labels.v]"), want: []string{mine}},
		"of the name":      {kustomization: replaces("kind: App, name: a", "select: {kind: Chart}, fieldPaths: [spec.app]"), want: []string{mine}},
	} {
		t.Run(name, func(t *testing.T) {
			tree := files{"top/kustomization.yaml": resources("app.yaml") + tc.kustomization, "top/app.yaml": two}
			if diff := cmp.Diff(tc.want, usersOf(t, tree, applies("top", "top"), target("org", "a"))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCopiesOfVariables: a ConfigMap's line may be copied, too.
func TestCopiesOfVariables(t *testing.T) {
	src := of(map[string]string{})
	src.SubstituteFrom = []Reference{{"ConfigMap", "one"}}
	src.Substitute = nil
	tree := files{
		"mc/kustomization.yaml": resources("nginx.yaml", "one.yaml") +
			"replacements:\n- source: {kind: ConfigMap, name: one, fieldPath: data.version}\n  targets:\n  - {select: {kind: Chart, name: c}, fieldPaths: [spec.version]}\n",
		"mc/nginx.yaml": app("org", "nginx", "${version}"), "mc/one.yaml": configMap("ConfigMap", "one", "version: 1.4.2"),
	}
	want := []string{"App org/nginx (Kustomization flux/apps)", "Chart c (maybe: a replacement in mc/kustomization.yaml:5 copies it)"}
	if diff := cmp.Diff(want, usersOf(t, tree, src, target("org", "nginx"))); diff != "" {
		t.Error(diff)
	}
}

// usersOf locates a target, and lists who uses its line.
func usersOf(t *testing.T, tree files, src Source, of Target) []string {
	t.Helper()
	survey := NewSurvey(mapFS(tree), []Source{src})
	x, err := survey.Index(src)
	if err != nil {
		t.Fatal(err)
	}
	at, err := x.Locate(of)
	if err != nil {
		t.Fatal(err)
	}
	users, err := survey.Users(of, at)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, u := range users {
		texts = append(texts, u.String())
	}
	return texts
}
