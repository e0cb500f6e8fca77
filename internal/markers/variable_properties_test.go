package markers

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/envsubst"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	sigsyaml "sigs.k8s.io/yaml"
)

const topManifest = "flux/top.yaml"

var versionLine = regexp.MustCompile(`(?m)^( *)version: (1\.0\.\d+)$`)

// variables makes some versions and some names of the tree variables of a Flux
// Kustomization that applies the folder top.
func (g *tree) variables() {
	set := []string{"c: eu"}
	versions := rapid.IntRange(0, 3).Draw(g.t, "variables")
	for i := range versions {
		set = append(set, fmt.Sprintf("v%d: %s", i, g.version()))
	}
	for _, name := range sortedKeys(g.files) {
		g.files[name] = versionLine.ReplaceAllStringFunc(g.files[name], func(line string) string {
			if versions == 0 || !g.chance("variable") {
				return line
			}
			indent, _, _ := strings.Cut(line, "version")
			return indent + "version: " + g.pick("variable", "${v%d}", "\"${v%d}\"", "${v%d:=0.0.1}", "v${v%d}", "${v%d:=0.0.1}")
		})
		for strings.Contains(g.files[name], "%d") {
			g.files[name] = strings.Replace(g.files[name], "%d", fmt.Sprint(rapid.IntRange(0, versions-1).Draw(g.t, "which")), 1)
		}
	}
	if g.chance("prefix with a variable") {
		g.files["top/kustomization.yaml"] = strings.ReplaceAll(g.files["top/kustomization.yaml"], "namePrefix: ", "namePrefix: ${c}-")
	}
	if g.chance("old patches") {
		g.files["top/kustomization.yaml"] += "patchesStrategicMerge:\n- old.yaml\n"
		g.files["top/old.yaml"] = app("", "one-a", g.version())
	}
	g.files[topManifest] = fluxKustomization("flux", "top", "./top", set...) + "  sourceRef:\n    kind: GitRepository\n    name: gitops\n"
}

// fluxBuild builds the folder top as the Kustomization of the manifest does:
// the versions of the objects by namespace and name.
func fluxBuild(all files) (versions map[string]string, source Source, err error) {
	flux, err := newManifests(newRepository(mapFS(all))).fluxKustomizations()
	if err != nil || len(flux) != 1 {
		return nil, Source{}, fmt.Errorf("%d Kustomizations: %w", len(flux), err)
	}
	source, _ = flux[0].fluxSource(nil)
	result, err := kustomizeBuild(all, "/top")
	if err != nil {
		return nil, source, err
	}
	versions = map[string]string{}
	for _, object := range result.Resources() {
		text, err := object.AsYAML()
		if err != nil {
			return nil, source, err
		}
		evaluated, err := envsubst.Eval(string(text), func(name string) (string, bool) { return source.Substitute[name], true })
		if err != nil {
			return nil, source, err
		}
		var built struct {
			Metadata struct{ Name, Namespace string }
			Spec     struct{ Version string }
		}
		if err := sigsyaml.Unmarshal([]byte(evaluated), &built); err != nil {
			return nil, source, err
		}
		versions[built.Metadata.Namespace+"/"+built.Metadata.Name] = built.Spec.Version
	}
	return versions, source, nil
}

// TestMarkersMoveTheirTargets marks every version of random trees that can be
// marked, lets Flux's setter write a new one there, and builds again: the
// target has the new version, and nobody has it that is not known to use the
// line.
func TestMarkersMoveTheirTargets(t *testing.T) {
	moved, inVariables := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		g := &tree{t: t, files: files{}}
		g.generate()
		g.variables()
		before, source, err := fluxBuild(g.files)
		if err != nil {
			return // Flux could not build it either.
		}
		survey := NewSurvey(mapFS(g.files), []Source{source})
		index, err := survey.Index(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range slices.Sorted(maps.Keys(before)) {
			namespace, name, _ := strings.Cut(id, "/")
			at, err := index.Locate(target(namespace, name))
			if p := (*Problem)(nil); errors.As(err, &p) {
				checkRefusal(t, g.files, id, before[id], p)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if at.Value != before[id] {
				t.Fatalf("%s: built %q, located %+v\n%s", id, before[id], at, dump(g.files))
			}
			moved++
			if at.Variable != "" {
				inVariables++
			}
			checkMove(t, g.files, survey, before, id, at)
		}
	})
	t.Logf("%d versions moved, %d of them variables", moved, inVariables)
	if moved == inVariables || inVariables == 0 {
		t.Error("not all was tried")
	}
}

// checkRefusal: what is not found must not be there.
func checkRefusal(t rapid.TB, all files, id, version string, p *Problem) {
	t.Helper()
	if p.Reason == NotFound && version != "" {
		t.Fatalf("%s has version %s: %v\n%s", id, version, p, dump(all))
	}
}

// checkMove writes a new version at the location.
func checkMove(t rapid.TB, all files, survey *Survey, before map[string]string, id string, at Location) {
	t.Helper()
	placed, err := Place([]byte(all[at.File]), at, pin)
	if err != nil {
		t.Fatalf("%+v: %v\n%s", at, err, all[at.File])
	}
	written, n, err := setterPass(placed, map[string]string{pin.String(): "9.9.9"})
	if err != nil || n != 1 {
		t.Fatalf("the setter set %d values: %v\n%s", n, err, placed)
	}
	after, _, err := fluxBuild(with(all, files{at.File: string(written)}))
	if err != nil {
		t.Fatalf("%v\n%s", err, written)
	}
	users, err := survey.Users(target(strings.Split(id, "/")[0], strings.Split(id, "/")[1]), at)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, u := range users {
		known[u.Target.Namespace+"/"+u.Target.Name] = true
	}
	want := maps.Clone(before)
	for other, version := range after {
		namespace, name, _ := strings.Cut(other, "/")
		if version != before[other] && (known[other] || namespace == "" && known["/"+name]) {
			want[other] = version
		}
	}
	if diff := cmp.Diff(want, after); diff != "" || after[id] != "9.9.9" {
		t.Fatalf("%s moved at %s:%d, users %v (-want +got):\n%s\n%s", id, at.File, at.Line, users, diff, dump(all))
	}
}
