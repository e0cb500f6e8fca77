package markers

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// tree generates a repository of kustomizations. Every version in it is
// different, so that a built object tells which line its version came from.
type tree struct {
	t        *rapid.T
	files    map[string]string
	versions int
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
		docs = append(docs, app(g.pick("namespace", "", "org", "default"), name, g.version()))
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
	if g.chance("labels") {
		text += "labels:\n- pairs: {stage: " + g.pick("stage", "dev", "prod") + "}\n"
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
	smp := app(g.pick("namespace", "", "org", "default"), name, version)
	ops := "- op: replace\n  path: /spec/version\n  value: " + g.version() + "\n"
	if g.chance("rename") {
		ops += "- op: replace\n  path: /metadata/name\n  value: renamed-" + name + "\n"
	}
	target := "  target: {kind: App, name: " + g.pick("regex", name, ".*-a", ".*b", "p-.*") + "}\n"
	switch g.pick("target", "name", "namespace", "label") {
	case "namespace":
		target = "  target: {kind: Ap., namespace: " + g.pick("ns", "org", "default", "other") + "}\n"
	case "label":
		target = "  target: {labelSelector: stage=" + g.pick("stage", "dev", "prod") + "}\n"
	}
	indent := func(s string) string {
		return "|-\n    " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ") + "\n"
	}
	switch g.pick("patch", "file", "file for target", "inline", "operations", "inline operations", "spec", "delete", "rename", "relabel", "unlabel") {
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
		return "- path: " + file + "\n" + target, "- {op: add, path: /metadata/labels, value: {stage: " + g.pick("stage", "dev", "prod") + "}}\n"
	case "unlabel":
		return "- path: " + file + "\n" + target, "metadata:\n  name: any\n  labels: {$patch: replace, stage: " + g.pick("stage", "dev", "prod") + "}\n"
	default:
		return "- path: " + file + "\n" + target + "  options: {allowNameChange: true}\n", smp
	}
}

func (g *tree) generate() {
	names := append(g.base("bases/one"), g.base("bases/two")...)
	g.overlay("stages/prod", "Component", nil, names)
	g.overlay("mid", "Kustomization", []string{"../bases/one"}, names)
	below := []string{"../mid"}
	if g.chance("also two") {
		below = append(below, "../bases/two")
	}
	g.overlay("top", "Kustomization", below, names)
	if g.chance("component") {
		g.files["top/kustomization.yaml"] += "components: [../stages/prod]\n"
	}
}

// TestLocateAgreesWithKustomize builds random trees with kustomize and looks
// for each object that comes out: the version that Locate finds must be the
// one that was built, at a line that says so.
func TestLocateAgreesWithKustomize(t *testing.T) {
	built, located := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		g := &tree{t: t, files: map[string]string{}}
		g.generate()
		result, err := kustomizeBuild(g.files, "/top")
		if err != nil {
			return // Flux could not build it either.
		}
		built++
		located += compareBuild(t, g.files, result)
	})
	t.Logf("%d of the trees could be built, %d versions located", built, located)
	if built == 0 || located == 0 {
		t.Error("no tree could be built")
	}
}

// compareBuild locates every object that kustomize built from files and
// returns how many have a version.
func compareBuild(t rapid.TB, files map[string]string, result resmap.ResMap) (located int) {
	t.Helper()
	index, err := NewIndex(mapFS(files), Source{Path: "top"})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range result.Resources() {
		want, _ := object.GetString("spec.version")
		at, err := index.Locate(target(object.GetNamespace(), object.GetName()))
		var p *Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatal(err)
		}
		if at.Value != want {
			t.Fatalf("%s: built %q, located %q at %s:%d (%v)\n%s", object.CurId(), want, at.Value, at.File, at.Line, err, dump(files))
		}
		if want == "" {
			continue
		}
		located++
		if !strings.Contains(lineOf(files[at.File], at.Line, p), want) {
			t.Fatalf("%s:%d does not say %s\n%s", at.File, at.Line, want, dump(files))
		}
	}
	return located
}

// TestLocateAgreesWithKustomizeOnOldPatches covers what kustomize warns of on
// every build, and so is not in the random trees.
func TestLocateAgreesWithKustomizeOnOldPatches(t *testing.T) {
	files := map[string]string{
		"top/kustomization.yaml": resources("app.yaml") + "namePrefix: p-\npatchesStrategicMerge:\n- smp.yaml\n" +
			"patchesJson6902:\n- target: {version: v1alpha1, group: application.giantswarm.io, kind: App, name: p-a}\n  path: ops.yaml\n",
		"top/app.yaml": app("org", "a", "1.0.0") + "---\n" + app("org", "b", "1.0.1"),
		"top/smp.yaml": app("org", "a", "1.0.2") + "---\n" + app("org", "b", "1.0.3"),
		"top/ops.yaml": "- op: add\n  path: /spec/version\n  value: 1.0.4\n",
	}
	result, err := kustomizeBuild(files, "/top")
	if err != nil {
		t.Fatal(err)
	}
	if located := compareBuild(t, files, result); located != 2 {
		t.Errorf("%d versions", located)
	}
}

// kustomizeBuild builds as Flux does, which also recovers from the panics that
// kustomize answers conflicting names with.
func kustomizeBuild(files map[string]string, dir string) (result resmap.ResMap, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("kustomize panicked: %v", r)
		}
	}()
	disk := filesys.MakeFsInMemory()
	for name, content := range files {
		if err := disk.WriteFile("/"+name, []byte(content)); err != nil {
			return nil, err
		}
	}
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = kustypes.LoadRestrictionsNone
	return krusty.MakeKustomizer(options).Run(disk, dir)
}

// lineOf returns a line, and for a patch all that follows: the location of
// such a version is where the patch starts.
func lineOf(content string, line int, p *Problem) string {
	lines := strings.Split(content, "\n")[line-1:]
	if p != nil {
		return strings.Join(lines, "\n")
	}
	return lines[0]
}

func dump(files map[string]string) string {
	var b strings.Builder
	for _, name := range sortedKeys(files) {
		fmt.Fprintf(&b, "=== %s\n%s", name, files[name])
	}
	return b.String()
}
