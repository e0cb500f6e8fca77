package markers

import (
	"fmt"
	"path"
	"strings"

	"pgregory.net/rapid"
)

// tree generates a repository of kustomizations. Every version in it is
// different, so that a built object tells which line its version came from.
type tree struct {
	t        *rapid.T
	files    map[string]string
	versions int
	// spaces are the namespaces that the Apps' own files give them.
	spaces map[string]string
	// tried counts the versions that moveAll looked for.
	tried int
}

func newTree(t *rapid.T) *tree {
	return &tree{t: t, files: map[string]string{}, spaces: map[string]string{}}
}

func (g *tree) version() string {
	g.versions++
	return fmt.Sprintf("1.0.%d", g.versions)
}

func (g *tree) chance(label string) bool { return rapid.IntRange(0, 2).Draw(g.t, label) == 0 }

func (g *tree) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(g.t, label)
}

// base writes a folder with a few Apps and returns their names.
func (g *tree) base(dir string) []string {
	names := []string{path.Base(dir) + "-a"}
	if g.chance("second app") {
		names = append(names, path.Base(dir)+"-b")
	}
	var docs []string
	for _, name := range names {
		g.spaces[name] = g.pick("namespace", "", "org", "default")
		docs = append(docs, app(g.spaces[name], name, g.version()))
	}
	g.files[dir+"/apps.yaml"] = strings.Join(docs, "---\n")
	g.files[dir+"/kustomization.yaml"] = resources("apps.yaml") + g.naming()
	return names
}

func (g *tree) naming() string {
	text := ""
	if g.chance("prefix") {
		text += "namePrefix: " + g.pick("prefix", "p-", "q-") + "\n"
	}
	if g.chance("suffix") {
		text += "nameSuffix: -s\n"
	}
	if g.chance("set namespace") {
		text += "namespace: " + g.pick("namespace", "org", "default", "other") + "\n"
	}
	stage := "{stage: " + g.pick("stage", "dev", "prod") + "}\n"
	switch g.pick("labels", "", "", "pairs", "selectors", "templates", "common", "both") {
	case "pairs":
		text += "labels:\n- pairs: " + stage
	case "selectors":
		text += "labels:\n- includeSelectors: true\n  pairs: " + stage
	case "templates":
		text += "labels:\n- includeTemplates: true\n  pairs: " + stage + "- pairs: {stage: dev}\n"
	case "common":
		text += "commonLabels: " + stage
	case "both":
		text += "commonLabels: " + stage + "labels:\n- pairs: {stage: dev}\n"
	}
	if g.chance("annotations") {
		text += "commonAnnotations: {owner: " + g.pick("owner", "a", "b") + "}\n"
	}
	return text
}

// overlay writes a folder on top of others.
func (g *tree) overlay(dir, kind string, below []string, names []string) {
	text := "kind: " + kind + "\n"
	if kind == "Component" {
		text = "apiVersion: kustomize.config.k8s.io/v1alpha1\n" + text
	}
	if len(below) > 0 {
		text += resources(below...)
	}
	var patches string
	for i := range rapid.IntRange(0, 4).Draw(g.t, "patches") {
		file := fmt.Sprintf("patch%d.yaml", i)
		entry, content := g.patch(file, names)
		if content != "" {
			g.files[dir+"/"+file] = content
		}
		patches += entry
	}
	if patches != "" {
		text += "patches:\n" + patches
	}
	g.files[dir+"/kustomization.yaml"] = text + g.naming()
}

// patch returns an entry of a kustomization's patches and its file, if any.
func (g *tree) patch(file string, names []string) (entry, content string) {
	name := g.pick("name", names...)
	version := g.version()
	if g.chance("other field") {
		version = ""
	}
	smp := app(g.spaces[name], name, version)
	ops := "- op: replace\n  path: /spec/version\n  value: " + g.version() + "\n"
	if g.chance("rename") {
		ops += "- op: replace\n  path: /metadata/name\n  value: renamed-" + name + "\n"
	}
	target := g.selector(name)
	indent := func(s string) string {
		return "|-\n    " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ") + "\n"
	}
	switch g.pick("patch", "file", "file for target", "inline", "operations", "inline operations", "spec", "delete", "rename", "relabel", "relabel") {
	case "file":
		return "- path: " + file + "\n", smp
	case "file for target":
		return "- path: " + file + "\n" + target, smp
	case "inline":
		return "- patch: " + indent(smp) + target, ""
	case "operations":
		return "- path: " + file + "\n" + target, ops
	case "inline operations":
		return "- patch: " + indent(ops) + target, ""
	case "spec":
		return "- path: " + file + "\n" + target, `[{"op": "add", "path": "/spec", "value": {"version": "` + g.version() + `"}}]`
	case "delete":
		return "- path: " + file + "\n" + target, "$patch: delete\n" + smp
	case "relabel":
		return "- path: " + file + "\n" + target, g.relabel(name)
	default:
		return "- path: " + file + "\n" + target + "  options: {allowNameChange: true}\n", smp
	}
}

// selector is the target of a patch.
func (g *tree) selector(name string) string {
	stage := g.pick("stage", "dev", "prod")
	switch g.pick("target", "name", "namespace", "label", "no label", "labels", "annotation", "annotations") {
	case "namespace":
		return "  target: {kind: Ap., namespace: " + g.pick("ns", "org", "default", "other") + "}\n"
	case "label":
		return "  target: {labelSelector: stage=" + stage + "}\n"
	case "no label":
		return "  target: {labelSelector: stage!=" + stage + "}\n"
	case "labels":
		return "  target: {labelSelector: " + g.pick("selector", "stage", "'!stage'", "'stage in (dev, test)'") + ", name: " + name + "}\n"
	case "annotation":
		return "  target: {annotationSelector: owner=" + g.pick("owner", "a", "b") + "}\n"
	case "annotations":
		return "  target: {annotationSelector: " + g.pick("selector", "owner", "'!owner'") + ", labelSelector: stage=" + stage + "}\n"
	default:
		return "  target: {kind: App, name: " + g.pick("regex", name, ".*-a", ".*b", "p-.*", "(one|two)-a") + "}\n"
	}
}

// relabel is a patch file that changes labels or annotations.
func (g *tree) relabel(name string) string {
	const metadata = "apiVersion: any/v1\nkind: App\nmetadata:\n  name: any\n"
	stage, owner := "{stage: "+g.pick("stage", "dev", "prod")+"}", "{owner: "+g.pick("owner", "a", "b")+"}"
	return g.pick("relabel",
		"- {op: add, path: /metadata/labels, value: "+stage+"}\n",
		"- {op: add, path: /metadata/annotations, value: "+owner+"}\n",
		"- {op: add, path: /metadata/labels, value: {stage: dev, old: prod}}\n- {op: copy, from: /metadata/labels/old, path: /metadata/labels/stage}\n",
		"- {op: add, path: /metadata/labels, value: {stage: dev, old: prod}}\n- {op: move, from: /metadata/labels/old, path: /metadata/labels/stage}\n",
		"- {op: add, path: /metadata/labels, value: {stage: dev}}\n- {op: move, from: /metadata/labels/stage, path: /metadata/labels/old}\n",
		"- {op: add, path: /metadata/annotations, value: {owner: a}}\n- {op: remove, path: /metadata/annotations/owner}\n",
		"- {op: add, path: /metadata/labels, value: {stage: dev}}\n- {op: remove, path: /metadata/labels}\n",
		"- {op: replace, path: /metadata, value: {name: moved-"+name+", labels: "+stage+"}}\n",
		metadata+"  labels: "+stage+"\n",
		metadata+"  annotations: "+owner+"\n",
		metadata+"  labels: {stage: null}\n",
		metadata+"  annotations: {owner: null}\n",
		metadata+"  labels: null\n",
		metadata+"  labels: {$patch: delete}\n",
		metadata+"  labels: {$patch: delete, stage: prod}\n",
		metadata+"  labels: {$patch: replace, stage: prod}\n",
		metadata+"  annotations: {$patch: replace, owner: a}\n",
	)
}

func (g *tree) generate() {
	names, two := g.base("bases/one"), g.base("bases/two")
	g.overlay("mid", "Kustomization", []string{"../bases/one"}, names)
	below := []string{"../mid"}
	if g.chance("also two") {
		below, names = append(below, "../bases/two"), append(names, two...)
	}
	var own []string
	if g.chance("own App of the component") {
		own = []string{"own.yaml"}
		g.spaces["own-a"] = "org"
		g.files["stages/prod/own.yaml"] = app("org", "own-a", g.version())
		names = append(names, "own-a")
	}
	g.overlay("stages/prod", "Component", own, names)
	g.overlay("top", "Kustomization", below, names)
	if g.chance("component") {
		g.files["top/kustomization.yaml"] += "components: [../stages/prod]\n"
	}
}
