package markers

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestConfigurations: kustomize builds each tree. If the version of App nginx follows the line in base/app.yaml alone, that line
// is found; if not, the finding names the file that lets kustomize write to it.
func TestConfigurations(t *testing.T) {
	const here, config = "base/app.yaml:8 1.4.2", "base/config.yaml:1 "
	const prefixed = "namePrefix: [{path: spec/version, kind: App}]\n"
	for name, tc := range map[string]struct {
		// config is a file of configurations of base, which the kustomization base is, too, with this.
		config, base, top string
		more              files
		// built is the name and the version that kustomize gives the App of the line.
		built        string
		want, reason string
	}{
		"a prefix of the version":        {config: prefixed, base: "namePrefix: a-\n", built: "a-nginx a-1.4.2", want: config, reason: NotMarkable},
		"a prefix of the version, above": {config: prefixed, top: "namePrefix: a-\n", built: "a-nginx a-1.4.2", want: config, reason: NotMarkable},
		"a prefix that nobody sets":      {config: prefixed, top: "nameSuffix: -z\n", built: "nginx-z 1.4.2", want: here},
		"a prefix of other kinds": {config: "namePrefix: [{path: spec/version, kind: X}, {path: spec/version, group: example.com}]\n",
			top: "namePrefix: a-\n", built: "a-nginx 1.4.2", want: here},
		"a suffix of all kinds": {config: "nameSuffix: [{path: spec/version}]\n", top: "nameSuffix: -z\n", built: "nginx-z 1.4.2-z", want: config, reason: NotMarkable},
		"an entry in the middle": {config: "# comment\nnameSuffix:\n- path: spec/suffix\n- path: spec/version\n", top: "nameSuffix: -z\n", built: "nginx-z 1.4.2-z",
			want: "base/config.yaml:4 ", reason: NotMarkable},
		"a namespace": {config: "namespace: [{path: spec/version}]\n", top: "namespace: org\n", built: "nginx org", want: config, reason: NotMarkable},
		"labels":      {config: "commonLabels: [{path: spec, kind: App}]\n", top: "commonLabels: {version: '2'}\n", built: "nginx 2", want: config, reason: NotMarkable},
		"labels of another kind": {config: "commonLabels: [{path: spec/selector/matchLabels, create: true, kind: Cluster}]\n",
			top: "commonLabels: {version: '2'}\n", built: "nginx 1.4.2", want: here},
		"labels without selectors": {config: "labels: [{path: spec, kind: App}]\n", top: "labels: [{pairs: {version: '2'}}]\n", built: "nginx 2", want: config, reason: NotMarkable},
		"annotations":              {config: "commonAnnotations: [{path: spec}]\n", top: "commonAnnotations: {version: '2'}\n", built: "nginx 2", want: config, reason: NotMarkable},
		"images":                   {config: "images: [{path: spec/version}]\n", top: "images: [{name: 1.4.2, newName: '2'}]\n", built: "nginx 2", want: config, reason: NotMarkable},
		"replicas":                 {config: "replicas: [{path: spec/version, kind: App}]\n", top: "replicas: [{name: nginx, count: 2}]\n", built: "nginx 2", want: config, reason: NotMarkable},
		"a reference": {config: "nameReference: [{kind: ConfigMap, version: v1, fieldSpecs: [{path: spec/version, kind: App}]}]\n",
			base: "configMapGenerator: [{name: 1.4.2, namespace: org, literals: [a=b]}]\ngeneratorOptions: {disableNameSuffixHash: true}\n",
			top:  "namePrefix: a-\n", built: "a-nginx a-1.4.2", want: config, reason: NotMarkable},
		"a reference in other fields": {config: "nameReference: [{kind: ConfigMap, version: v1, fieldSpecs: [{path: spec/userConfig/configMap/name, kind: App}]}]\n",
			top: "namePrefix: a-\n", built: "a-nginx 1.4.2", want: here},
		"a reference to the name": {config: "nameReference: [{kind: ConfigMap, version: v1, fieldSpecs: [{path: metadata/name, kind: App}]}]\n",
			built: "nginx 1.4.2", want: config, reason: NotMarkable},
		"the same as without": {config: "namePrefix: [{path: metadata/name}]\nnamespace: [{path: metadata/namespace, create: true}]\n" +
			"commonLabels: [{path: metadata/labels, create: true}]\ncommonAnnotations: [{path: metadata/annotations, create: true}]\n",
			top: "namePrefix: a-\nnamespace: org\ncommonLabels: {a: b}\ncommonAnnotations: {a: b}\n", built: "a-nginx 1.4.2", want: here},
		"a prefix for one kind only":     {config: "namePrefix: [{path: metadata/name, kind: App}]\n", top: "namePrefix: a-\n", built: "a-nginx 1.4.2", want: config, reason: NotMarkable},
		"a prefix for another kind only": {config: "namePrefix: [{path: metadata/name, kind: ConfigMap}]\n", top: "namePrefix: a-\n", built: "nginx 1.4.2", reason: NotFound},
		"labels for another kind only": {config: "commonLabels: [{path: metadata/labels, kind: ConfigMap, create: true}]\n", base: "commonLabels: {stage: prod}\n",
			top:  "patches: [{path: p.yaml, target: {labelSelector: stage=prod}}]\n",
			more: files{"top/p.yaml": app("org", "nginx", "1.5.0")}, built: "nginx 1.4.2", want: config, reason: NotMarkable},
		"labels for another kind only, and a patch of a third": {
			config: "commonLabels: [{path: metadata/labels, kind: ConfigMap, create: true}]\n", base: "commonLabels: {stage: prod}\n",
			top: "patches: [{patch: '[{\"op\": \"remove\", \"path\": \"/spec\"}]', target: {kind: Service, labelSelector: stage=prod}}]\n", built: "nginx 1.4.2", want: here,
		},
		"annotations for another kind only": {config: "commonAnnotations: [{path: metadata/annotations, kind: ConfigMap, create: true}]\n", base: "commonAnnotations: {stage: prod}\n",
			top:  "patches: [{path: p.yaml, target: {annotationSelector: stage=prod}}]\n",
			more: files{"top/p.yaml": app("org", "nginx", "1.5.0")}, built: "nginx 1.4.2", want: config, reason: NotMarkable},
		"own labels for another kind only": {base: "labels: [{pairs: {stage: prod}, fields: [{path: metadata/labels, kind: ConfigMap, create: true}]}]\n",
			top:  "patches: [{path: p.yaml, target: {labelSelector: stage=prod}}]\n",
			more: files{"top/p.yaml": app("org", "nginx", "1.5.0")}, built: "nginx 1.4.2", want: "base/kustomization.yaml:3 ", reason: NotMarkable},
		"a variable of kustomize": {config: "varReference: [{path: spec/version}, {path: metadata/annotations}]\n", built: "nginx 1.4.2", want: here},
		"a patch above it": {config: prefixed, base: "namePrefix: a-\n", top: "patches: [{path: p.yaml}]\n",
			more: files{"top/p.yaml": app("org", "a-nginx", "1.5.0")}, built: "a-nginx 1.5.0", want: "top/p.yaml:8 1.5.0"},
		"a patch below it": {config: prefixed, top: "namePrefix: a-\npatches: [{path: p.yaml}]\n",
			more: files{"top/p.yaml": app("org", "nginx", "1.5.0")}, built: "a-nginx a-1.5.0", want: config, reason: NotMarkable},
		"a component that has it": {top: "namePrefix: a-\ncomponents: [../c]\n", built: "a-nginx a-1.4.2", want: "c/config.yaml:1 ", reason: NotMarkable,
			more: files{"c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nconfigurations: [config.yaml]\n", "c/config.yaml": prefixed}},
		"a component that writes": {config: prefixed, top: "components: [../c]\n", built: "a-nginx a-1.4.2", want: config, reason: NotMarkable,
			more: files{"c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: a-\n"}},
		"a folder beside it that writes": {config: prefixed, top: "resources: [../beside]\n", built: "nginx 1.4.2", want: here,
			more: files{"beside/kustomization.yaml": "namePrefix: a-\n" + resources("app.yaml"), "beside/app.yaml": app("org", "other", "1.0.0")}},
		"a folder beside it that has it": {top: "namePrefix: a-\nresources: [../beside]\n", built: "a-nginx a-1.4.2", want: "beside/config.yaml:1 ", reason: NotMarkable,
			more: files{"beside/kustomization.yaml": "configurations: [config.yaml]\n" + resources("app.yaml"), "beside/app.yaml": app("org", "other", "1.0.0"),
				"beside/config.yaml": prefixed}},
		"labels that say where": {base: "labels: [{pairs: {version: '2'}, fields: [{path: spec, kind: App}]}]\n", built: "nginx 2",
			want: "base/kustomization.yaml:3 ", reason: NotMarkable},
		"such labels do not count above": {base: "labels: [{pairs: {a: b}, fields: [{path: metadata/x, kind: X}]}]\n", top: "labels: [{pairs: {version: '2'}}]\n",
			built: "nginx 1.4.2", want: here},
		"an annotation by which a patch selects": {config: "commonLabels: [{path: metadata/annotations, kind: App, create: true}]\n", base: "commonLabels: {stage: prod}\n",
			top:  "patches: [{path: p.yaml, target: {annotationSelector: stage=prod}}]\n",
			more: files{"top/p.yaml": app("org", "nginx", "1.5.0")}, built: "nginx 1.5.0", want: config, reason: NotMarkable},
		"crds": {base: "crds: [crds.json]\nnamePrefix: a-\n", built: "a-nginx a-1.4.2", want: "base/crds.json:1 ", reason: NotMarkable, more: files{
			"base/crds.json": `{"x.v1.App": {"Schema": {"properties": {"apiVersion": {}, "kind": {}, "metadata": {}, "spec": {"$ref": "x.v1.AppSpec"}}}},
				"x.v1.AppSpec": {"Schema": {"properties": {"version": {"x-kubernetes-identity": ""}}}}}`}},
		"crds of other kinds": {base: "crds: [crds.json]\nnamePrefix: a-\n", built: "a-nginx 1.4.2", want: here, more: files{
			"base/crds.json": `{"x.v1.Bee": {"Schema": {"properties": {"apiVersion": {}, "kind": {}, "metadata": {}, "version": {"x-kubernetes-identity": ""}}}}}`}},
	} {
		t.Run(name, func(t *testing.T) {
			base, top := resources("app.yaml")+tc.base, tc.top
			if tc.config != "" {
				base += "configurations: [config.yaml]\n"
			}
			if !strings.Contains(top, "resources: [") {
				top += resources("../base")
			} else {
				top = strings.Replace(top, "resources: [", "resources: [../base, ", 1)
			}
			tree := with(files{
				"base/kustomization.yaml": base, "base/app.yaml": app("org", "nginx", "1.4.2"), "top/kustomization.yaml": top,
			}, tc.more)
			if tc.config != "" {
				tree["base/config.yaml"] = tc.config
			}
			if diff := cmp.Diff(tc.built, builtVersion(t, tree)); diff != "" {
				t.Fatalf("kustomize build (-want +got)\n%s", diff)
			}
			built, _, _ := strings.Cut(tc.built, " ")
			locateCase{files: tree, source: Source{Path: "top"}, target: target("org", built), want: tc.want, reason: tc.reason}.run(t)
		})
	}
}

// TestConfigurationsOfOthers: what people configure for references to what has a hash or a prefix in its name.
func TestConfigurationsOfOthers(t *testing.T) {
	const valuesFrom = `nameReference:
- kind: ConfigMap
  version: v1
  fieldSpecs:
  - {path: spec/valuesFrom/name, kind: HelmRelease}
  - {path: spec/chart/spec/sourceRef/name, kind: HelmRelease}
- kind: OCIRepository
  group: source.toolkit.fluxcd.io
  fieldSpecs:
  - {path: spec/chartRef/name, kind: HelmRelease}
- kind: Service
  version: v1
  fieldSpecs:
  - {path: webhooks/clientConfig/service/name, kind: ValidatingWebhookConfiguration, group: admissionregistration.k8s.io}
namespace:
- {path: webhooks/clientConfig/service/namespace, kind: ValidatingWebhookConfiguration, group: admissionregistration.k8s.io, create: true}
images:
- {path: spec/values/image/tag, kind: HelmRelease}
- path: spec/template/spec/containers[]/image
varReference:
- path: metadata/annotations
`
	const release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: nginx, namespace: org}\nspec:\n  chart:\n    spec:\n      version: 1.4.2\n"
	for name, tc := range map[string]struct {
		config, manifest string
		target           Target
		source           Source
		want, reason     string
	}{
		"a HelmRelease": {config: valuesFrom, manifest: release, target: helmRelease("org", "a-nginx"), want: "mc/app.yaml:7 1.4.2"},
		"a part of a HelmRelease": {
			config: "images: [{path: spec/chart/spec, kind: HelmRelease}]\n", manifest: release, target: helmRelease("org", "a-nginx"),
			want: "mc/config.yaml:1 ", reason: NotMarkable,
		},
		"of another group": {
			config: "images: [{path: spec/chart/spec, kind: HelmRelease, group: helm.cattle.io}]\n", manifest: release,
			target: helmRelease("org", "a-nginx"), want: "mc/app.yaml:7 1.4.2",
		},
		"a variable of a Kustomization": {
			config:   "images: [{path: spec/postBuild/substitute/version, kind: Kustomization}]\n",
			manifest: app("org", "nginx", "${version}") + "---\n" + fluxKustomization("flux", "apps", "./mc", "version: 1.4.2"),
			source:   of(files{"version": "1.4.2"}), target: target("org", "a-nginx"), want: "mc/config.yaml:1 ", reason: NotMarkable,
		},
		"another variable": {
			config:   "images: [{path: spec/postBuild/substitute/image, kind: Kustomization}]\n",
			manifest: app("org", "nginx", "${version}") + "---\n" + fluxKustomization("flux", "apps", "./mc", "version: 1.4.2"),
			source:   of(files{"version": "1.4.2"}), target: target("org", "a-nginx"), want: "mc/app.yaml:19 1.4.2",
		},
		"a variable of a ConfigMap": {
			config:   "images: [{path: data, kind: ConfigMap}]\n",
			manifest: app("org", "nginx", "${version}") + "---\n" + configMap("ConfigMap", "one", "version: 1.4.2"),
			source:   of(nil, Reference{"ConfigMap", "a-one"}), target: target("org", "a-nginx"), want: "mc/config.yaml:1 ", reason: NotMarkable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree := files{
				"mc/kustomization.yaml": resources("app.yaml") + "namePrefix: a-\nimages: [{name: nginx, newTag: '2'}]\nconfigurations: [config.yaml]\n",
				"mc/config.yaml":        tc.config, "mc/app.yaml": tc.manifest,
			}
			if tc.source.Path == "" {
				tc.source = Source{Path: "mc"}
			}
			tc.source.Kustomization.Name = strings.Replace(tc.source.Kustomization.Name, "apps", "a-apps", 1)
			locateCase{files: tree, source: tc.source, target: tc.target, want: tc.want, reason: tc.reason}.run(t)
		})
	}
}

// configure gives some kustomizations of the tree configurations, and images that these may let write to versions.
func (g *tree) configure() (specs int) {
	for _, name := range sortedKeys(g.files) {
		if path.Base(name) != "kustomization.yaml" {
			continue
		}
		if g.chance("images") {
			g.files[name] += fmt.Sprintf("images: [{name: 1.0.%d, newName: 7.7.7}]\n", rapid.IntRange(1, g.versions).Draw(g.t, "image"))
		}
		if g.chance("configurations") {
			specs++
			g.files[name] += "configurations: [config.yaml]\n"
			g.files[path.Dir(name)+"/config.yaml"] = g.pick("configuration",
				"namePrefix: [{path: spec/version, kind: App}]\n", "nameSuffix: [{path: spec/version}]\n", "namespace: [{path: spec/version, kind: App}]\n",
				"images: [{path: spec/version, group: application.giantswarm.io}]\n", "images: [{path: spec/version, kind: HelmRelease}]\n",
				"labels: [{path: spec/stage, kind: App}]\n",
			)
		}
	}
	return specs
}

// TestConfigurationsMoveTheirTargets is TestMarkersMoveTheirTargets with configurations.
func TestConfigurationsMoveTheirTargets(t *testing.T) {
	moved := 0
	rapid.Check(t, func(t *rapid.T) {
		g := newTree(t)
		g.generate()
		g.variables()
		specs := g.configure()
		if all := g.moveAll(); specs > 0 {
			moved += len(all)
		}
	})
	t.Logf("%d versions moved beside configurations", moved)
	if moved == 0 {
		t.Error("not all was tried")
	}
}

// TestConfigurationsAreShared: a version that has something before it follows the line all the same.
func TestConfigurationsAreShared(t *testing.T) {
	tree := overlays("mc/a", "mc/b")
	tree["mc/b/kustomization.yaml"] += "configurations: [config.yaml]\n"
	tree["mc/b/config.yaml"] = "namePrefix: [{path: spec/version}]\n"
	applied := []Source{applies("a", "mc/a"), applies("b", "mc/b")}
	checkUsers(t, NewSurvey(mapFS(tree), applied), applied[0], target("org", "a-nginx"),
		[]string{"App org/a-nginx (Kustomization flux/a)", "App org/b-nginx (Kustomization flux/b)"})
}

// TestConfigurationsAreBounded: a file with many field specs that many kustomizations name.
func TestConfigurationsAreBounded(t *testing.T) {
	var names []string
	tree := files{"config.yaml": "images:\n" + strings.Repeat("- {path: spec/version}\n", 20_000), "app.yaml": app("org", "nginx", "1.4.2")}
	for i := range 100 {
		name := fmt.Sprintf("f%d", i)
		names = append(names, "../"+name)
		tree[name+"/kustomization.yaml"] = "configurations: [../config.yaml]\n" + resources("../app.yaml")
	}
	tree["top/kustomization.yaml"] = "images: [{name: nginx, newTag: '2'}]\n" + resources(names...)
	_, err := Locate(mapFS(tree), Source{Path: "top"}, target("org", "nginx"))
	if !hasReason(err, TooLarge) {
		t.Error(err)
	}
}

// builtVersion is the name and version of the App nginx that kustomize builds of the folder top.
func builtVersion(t *testing.T, tree files) string {
	t.Helper()
	result, err := kustomizeBuild(tree, "/top")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range result.Resources() {
		name := r.GetName()
		if r.GetKind() != "App" || !strings.Contains(name, "nginx") {
			continue
		}
		version, err := r.GetFieldValue("spec.version")
		if err != nil {
			t.Fatal(err)
		}
		text, _ := version.(string)
		if number, ok := version.(int); ok && number == 2 {
			text = "2"
		}
		return name + " " + text
	}
	t.Fatal(errors.New("no App"))
	return ""
}
