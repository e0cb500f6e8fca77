package markers

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestLocateAgreesWithKustomize builds random trees with kustomize and looks
// for each object that comes out: the version that Locate finds must be the
// one that was built, at a line that says so.
func TestLocateAgreesWithKustomize(t *testing.T) {
	built, located := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		g := newTree(t)
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
		if p != nil && lossy(files) && (at.Value == "" || p.Reason == NotFound) {
			continue
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

// lossy reports whether a tree has something that is not followed, so that a
// name or a version need not be found.
func lossy(all files) bool {
	for _, text := range all {
		for _, field := range []string{"configurations:", "replacements:", "transformers:", "op: copy", "op: move"} {
			if strings.Contains(text, field) {
				return true
			}
		}
	}
	return false
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
// Nothing is said of the fields that are deprecated.
func kustomizeBuild(files map[string]string, dir string) (result resmap.ResMap, err error) {
	stderr := os.Stderr
	os.Stderr = nil
	defer func() {
		os.Stderr = stderr
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
