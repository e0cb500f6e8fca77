package markers

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var versionLine = regexp.MustCompile(`(?m)^( *)version: (1\.0\.\d+)$`)

// variables makes some versions and some names of the tree variables of two
// Flux Kustomizations, which apply the folders top and bases/two.
func (g *tree) variables() {
	versions := rapid.SampledFrom([]int{2, 1, 0, 3}).Draw(g.t, "variables")
	for _, name := range sortedKeys(g.files) {
		g.files[name] = versionLine.ReplaceAllStringFunc(g.files[name], func(line string) string {
			if versions == 0 || g.chance("no variable") {
				return line
			}
			indent, _, _ := strings.Cut(line, "version")
			return indent + "version: " + g.pick("variable", "${v%d}", "\"${v%d}\"", "${v%d:=0.0.1}", "${v%d}", "v${v%d}")
		})
		for strings.Contains(g.files[name], "%d") {
			g.files[name] = strings.Replace(g.files[name], "%d", fmt.Sprint(rapid.IntRange(0, versions-1).Draw(g.t, "which")), 1)
		}
	}
	if g.chance("prefix with a variable") {
		g.files["top/kustomization.yaml"] = strings.ReplaceAll(g.files["top/kustomization.yaml"], "namePrefix: ", "namePrefix: ${c:=eu}-")
	}
	if g.chance("old patches") {
		g.files["top/kustomization.yaml"] += "patchesStrategicMerge:\n- old.yaml\n"
		g.files["top/old.yaml"] = app(g.spaces["one-a"], "one-a", g.version())
	}
	if mid := g.files["mid/kustomization.yaml"]; g.chance("substitution disabled") && !strings.Contains(mid, "commonAnnotations") {
		g.files["mid/kustomization.yaml"] = mid + "commonAnnotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}\n"
	}
	g.setVariables(versions)
}

// setVariables writes what Flux applies to the cluster: the Kustomizations, and
// the ConfigMaps and Secrets to which they refer. Every value is different.
func (g *tree) setVariables(versions int) {
	below := []string{"top.yaml"}
	var references []string
	for _, from := range []Reference{{configMapKind, "one"}, {configMapKind, "two"}, {secretKind, "three"}} {
		if g.chance("no " + from.Name) {
			continue
		}
		below = append(below, g.provide(from, g.settings(versions, "d: x", "set", "set", "not"))...)
		references = append(references, "    - {kind: "+from.Kind+", name: "+from.Name+g.pick("optional", ", optional: true", ", optional: true", "")+"}\n")
	}
	if g.chance("optional") && g.chance("none") {
		references = append(references, "    - {kind: "+g.pick("kind", configMapKind, secretKind)+", name: none, optional: true}\n")
	}
	below = append(below, g.fluxManifest("top", "./top", references, g.settings(versions, "c: eu", "not", "not", "set")))
	if g.chance("other Kustomization") {
		below = append(below, g.fluxManifest("other", "./bases/two", references, g.settings(versions, "c: us", "not", "not", "set")))
	}
	text := resources(slices.Compact(slices.Sorted(slices.Values(below)))...)
	if g.chance("labels of the cluster") {
		text += "commonLabels: {cluster: own}\n"
	}
	g.files[clusterFolder+"/kustomization.yaml"] += text
}

// settings are one variable, and others as often as that is said.
func (g *tree) settings(versions int, more string, often ...string) []string {
	set := []string{more}
	for i := range versions {
		if g.pick("sets", often...) == "set" {
			set = append(set, fmt.Sprintf("v%d: %s", i, g.version()))
		}
	}
	return set
}

// fluxManifest writes the manifest of a Kustomization, which has the references
// in some order, and returns its name.
func (g *tree) fluxManifest(name, dir string, references, set []string) string {
	text := fluxKustomization("flux", name, dir, set...)
	if len(references) > 0 {
		text += "    substituteFrom:\n" + strings.Join(rapid.Permutation(references).Draw(g.t, "references"), "")
	}
	text += "  sourceRef:\n    kind: GitRepository\n    name: gitops\n"
	if g.chance("nothing inline") && g.chance("nothing at all") {
		text = strings.Replace(text, "    substitute:\n      "+strings.Join(set, "\n      ")+"\n", "    substituteStrategy: "+g.pick("strategy", "Always", "WithVariables")+"\n", 1)
	}
	g.files[clusterFolder+"/"+name+".yaml"] = text
	return name + ".yaml"
}

// provide writes a ConfigMap or a Secret in one of the ways that repositories
// have, and returns what the cluster's folder needs.
func (g *tree) provide(from Reference, set []string) []string {
	dir := clusterFolder + "/" + from.Name
	if from.Kind == secretKind {
		if set = slices.Clone(set); g.chance("secretGenerator") {
			g.files[dir+"/kustomization.yaml"] = generatorOf("secretGenerator", from.Name, set)
			return []string{from.Name}
		}
		for i, line := range set {
			key, value, _ := strings.Cut(line, ": ")
			set[i] = key + ": " + base64.StdEncoding.EncodeToString([]byte(value))
		}
	}
	manifest := configMap(from.Kind, from.Name, set...)
	switch g.pick("provided", "file", "file", "shared file", "names", "generator", "patch", "operations", "not built") {
	case "shared file":
		g.files[clusterFolder+"/all.yaml"] += "---\n" + manifest
		return []string{"all.yaml"}
	case "names":
		part := strings.TrimSuffix(from.Name, from.Name[1:])
		manifest = strings.Replace(manifest, "name: "+from.Name+"\n  namespace: flux\n", "name: "+from.Name[1:]+"\n", 1)
		g.files[dir+"/kustomization.yaml"] = resources("map.yaml") + "namePrefix: " + part + "\nnamespace: " + g.pick("namespace", "flux", "flux", "org") + "\n"
		g.files[dir+"/map.yaml"] = manifest
	case "generator":
		if from.Kind == configMapKind {
			g.files[dir+"/kustomization.yaml"] = generatorOf("configMapGenerator", from.Name, set)
			break
		}
		fallthrough
	case "file":
		g.files[clusterFolder+"/"+from.Name+".yaml"] = manifest
		return []string{from.Name + ".yaml"}
	case "patch":
		g.files[dir+"/kustomization.yaml"] = resources("map.yaml") + "patches:\n- path: patch.yaml\n" + g.pick("target", "", "  target: {kind: "+from.Kind+"}\n")
		g.files[dir+"/map.yaml"], g.files[dir+"/patch.yaml"] = manifest, configMap(from.Kind, from.Name, set[len(set)-1])
		if from.Kind == configMapKind {
			g.files[dir+"/patch.yaml"] = configMap(from.Kind, from.Name, fmt.Sprintf("v%d: %s", rapid.IntRange(0, 2).Draw(g.t, "patched"), g.version()))
		}
	case "operations":
		g.files[dir+"/kustomization.yaml"] = resources("map.yaml") + "patches:\n- target: {kind: " + from.Kind + "}\n  patch: |-\n    - {op: add, path: /data/v0, value: MS4xLjE=}\n"
		g.files[dir+"/map.yaml"] = manifest
	default:
		g.files["elsewhere/"+from.Name+".yaml"] = manifest
		return nil
	}
	return []string{from.Name}
}

// generatorOf is a kustomization that generates an object.
func generatorOf(field, name string, set []string) string {
	text := "generatorOptions: {disableNameSuffixHash: true}\n" + field + ":\n- name: " + name + "\n  namespace: flux\n  literals:\n"
	for _, line := range set {
		text += "  - " + strings.Replace(line, ": ", "=", 1) + "\n"
	}
	return text
}

// TestMarkersMoveTheirTargets marks every version of random trees that can be
// marked, lets Flux's setter write a new one there, and builds again: the
// target has the new version, and nobody has it that is not known to use the
// line.
func TestMarkersMoveTheirTargets(t *testing.T) {
	tried, moved, inline, inMaps := 0, 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		g := newTree(t)
		g.generate()
		g.variables()
		for _, at := range g.moveAll() {
			moved++
			switch {
			case at.Variable == "":
			case strings.Contains(g.files[at.File], fluxGroup):
				inline++
			default:
				inMaps++
			}
		}
		tried += g.tried
	})
	t.Logf("of %d versions %d moved, %d of them variables of a Kustomization and %d of a ConfigMap", tried, moved, inline, inMaps)
	if moved == inline+inMaps || inline == 0 || inMaps == 0 {
		t.Error("not all was tried")
	}
}

// moveAll moves every version of the cluster that can be marked, one after the
// other, and returns where they are.
func (g *tree) moveAll() (moved []Location) {
	before, err := fluxBuild(g.files)
	if err != nil {
		return nil // Flux could not build it either.
	}
	survey := NewSurvey(mapFS(g.files), before.sources)
	indexes := map[string]*Index{}
	for _, src := range before.sources {
		if indexes[src.Kustomization.Name], err = survey.Index(src); err != nil {
			g.t.Fatal(err)
		}
	}
	for _, id := range before.ids() {
		g.tried++
		at, err := indexes[id.by].Locate(target(id.namespace, id.name))
		if p := (*Problem)(nil); errors.As(err, &p) {
			checkRefusal(g.t, g.files, id, before.versions[id], p)
			continue
		}
		if err != nil {
			g.t.Fatal(err)
		}
		if at.Value != before.versions[id] {
			g.t.Fatalf("%s: built %q, located %+v\n%s", id, before.versions[id], at, dump(g.files))
		}
		moved = append(moved, at)
		checkMove(g.t, g.files, survey, before, id, at)
	}
	return moved
}

// checkRefusal: what is not found must not be there.
func checkRefusal(t rapid.TB, all files, id appID, version string, p *Problem) {
	t.Helper()
	if p.Reason == NotFound && version != "" && !lossy(all) {
		t.Fatalf("%s has version %s: %v\n%s", id, version, p, dump(all))
	}
}

// checkMove writes a new version at the location.
func checkMove(t rapid.TB, all files, survey *Survey, before cluster, id appID, at Location) {
	t.Helper()
	if strings.Contains(all[at.File], "kind: "+secretKind+"\n") && !strings.Contains(all[at.File], "kind: "+configMapKind+"\n") {
		t.Fatalf("%s would be marked in a Secret: %+v\n%s", id, at, dump(all))
	}
	placed, err := Place([]byte(all[at.File]), at, pin)
	if err != nil {
		t.Fatalf("%+v: %v\n%s", at, err, all[at.File])
	}
	written, n, err := setterPass(placed, map[string]string{pin.String(): "9.9.9"})
	if err != nil || n != 1 {
		t.Fatalf("the setter set %d values: %v\n%s", n, err, placed)
	}
	after, err := fluxBuild(with(all, files{at.File: string(written)}))
	if err != nil {
		t.Fatalf("%v\n%s", err, written)
	}
	users, err := survey.Users(target(id.namespace, id.name), at)
	if err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(before.versions)
	for other, version := range after.versions {
		is := func(u User) bool {
			return other.isUser(u) || lossy(all) && before.misnames(u) && u.Kustomization.Name == other.by
		}
		if version != before.versions[other] && slices.ContainsFunc(users, is) {
			want[other] = version
		}
	}
	if diff := cmp.Diff(want, after.versions, cmp.AllowUnexported(appID{})); diff != "" || after.versions[id] != "9.9.9" {
		t.Fatalf("%s moved at %s:%d, users %v (-want +got):\n%s\n%s", id, at.File, at.Line, users, diff, dump(all))
	}
}

// isUser reports whether a user is the App, or a Kustomization of which nobody
// can tell what it uses.
func (id appID) isUser(u User) bool {
	if u.Kustomization.Name != id.by {
		return false
	}
	return u.Unread != "" || u.Target.Name == id.name && (u.Target.Namespace == id.namespace || id.namespace == "")
}
