package markers

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
	"sigs.k8s.io/kustomize/api/resmap"
)

const (
	environments = 3
	clusters     = 3
)

// clusterTree generates a repository of several clusters, whose Flux
// Kustomizations apply environments of one base. The first cluster is ours.
// Every version is different, so that a built object tells its line.
func (g *tree) clusterTree() {
	names := g.base("bases/apps")
	for i := range environments {
		dir := fmt.Sprintf("envs/%d", i)
		text := resources("../../bases/apps")
		if g.chance("own version") {
			g.files[dir+"/version.yaml"] = app("", names[0], g.version())
			text += "patches:\n- path: version.yaml\n  target: {kind: App, name: .*" + names[0] + ".*}\n"
		}
		g.files[dir+"/kustomization.yaml"] = text + g.naming()
	}
	g.files["kust/one.yaml"] = g.fluxKustomization("one")
	g.files["kust/kustomization.yaml"] = resources("one.yaml")
	for i := range clusters {
		g.cluster(fmt.Sprintf("clusters/%d", i))
	}
}

func (g *tree) fluxKustomization(name string) string {
	return ofGit(name, g.pick("path", "./envs/0", "envs/1", "./envs/2", "./bases/apps", "./gone"), "gitops")
}

func (g *tree) cluster(dir string) {
	below := []string{"../../kust"}
	if g.chance("own Kustomization") {
		g.files[dir+"/own.yaml"] = g.fluxKustomization("own")
		below = append(below, "own.yaml")
	}
	text := resources(below...)
	if g.chance("patched path") {
		g.files[dir+"/path.yaml"] = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: one, namespace: flux}\n" +
			"spec: {path: ./envs/" + g.pick("environment", "0", "1", "2") + "}\n"
		text += "patches:\n- path: path.yaml\n"
	}
	if g.chance("prefix of Kustomizations") {
		text += "namePrefix: x-\n"
	}
	g.files[dir+"/kustomization.yaml"] = text
}

// builtApp is an App that kustomize builds, and by whom.
type builtApp struct{ Namespace, Name, By, version string }

// appsOf are what a cluster has, by its Kustomizations, which are returned too.
func (g *tree) appsOf(cluster string) (apps []builtApp, sources []Source) {
	made, err := kustomizeBuild(g.files, "/"+cluster)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, k := range made.Resources() {
		path, err := k.GetString("spec.path")
		if err != nil {
			g.t.Fatal(err)
		}
		source := applies(k.GetName(), path)
		sources = append(sources, source)
		apps = append(apps, g.appsIn(path, source.Kustomization.String())...)
	}
	return apps, sources
}

func (g *tree) appsIn(dir, by string) (apps []builtApp) {
	dir, _ = cleanPath(dir)
	if _, is := g.files[dir+"/kustomization.yaml"]; !is {
		return nil
	}
	var made resmap.ResMap
	made, err := kustomizeBuild(g.files, "/"+dir)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, o := range made.Resources() {
		version, _ := o.GetString("spec.version")
		apps = append(apps, builtApp{o.GetNamespace(), o.GetName(), by, version})
	}
	return apps
}

// TestUsersAgreeWithKustomize builds random clusters with kustomize: whoever
// has the version of a line uses the line.
func TestUsersAgreeWithKustomize(t *testing.T) {
	shared := 0
	rapid.Check(t, func(t *rapid.T) {
		g := newTree(t)
		g.clusterTree()
		ours, applied := g.appsOf("clusters/0")
		all, used := ours, map[string]bool{"bases/apps": true}
		note := func(sources []Source) {
			for _, src := range sources {
				dir, _ := cleanPath(src.Path)
				used[dir] = true
			}
		}
		note(applied)
		for i := 1; i < clusters; i++ {
			apps, sources := g.appsOf(fmt.Sprintf("clusters/%d", i))
			all = append(slices.Clone(all), apps...)
			note(sources)
		}
		for i := range environments {
			if dir := fmt.Sprintf("envs/%d", i); !used[dir] {
				all = append(slices.Clone(all), g.appsIn(dir, "folder "+dir)...)
			}
		}
		survey := NewSurvey(mapFS(g.files), append(slices.Clone(applied), applies("flux-system", "clusters/0")))
		for _, mine := range ours {
			shared += g.compareUsers(survey, applied, all, mine)
		}
	})
	if shared == 0 {
		t.Error("no line is shared")
	}
}

func (g *tree) compareUsers(survey *Survey, applied []Source, all []builtApp, mine builtApp) int {
	source := applied[slices.IndexFunc(applied, func(src Source) bool { return src.Kustomization.String() == mine.By })]
	index, err := survey.Index(source)
	if err != nil {
		g.t.Fatal(err)
	}
	at, err := index.Locate(target(mine.Namespace, mine.Name))
	if hasReason(err, Ambiguous) {
		return 0
	}
	if err != nil {
		g.t.Fatal(err, dump(g.files))
	}
	users, err := survey.Users(target(mine.Namespace, mine.Name), at)
	if err != nil {
		g.t.Fatal(err)
	}
	var got []builtApp
	for _, u := range users {
		by := u.Kustomization.String()
		if u.Kustomization.Name == "" {
			by = "folder " + u.Folder
		}
		got = append(got, builtApp{u.Target.Namespace, u.Target.Name, by, mine.version})
	}
	want := slices.DeleteFunc(slices.Clone(all), func(a builtApp) bool { return a.version != mine.version })
	less := func(a, b builtApp) bool { return fmt.Sprint(a) < fmt.Sprint(b) }
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(less), cmp.AllowUnexported(builtApp{})); diff != "" {
		g.t.Fatalf("users of the line of %v (-want +got):\n%s\n%s", mine, diff, dump(g.files))
	}
	return len(users) - 1
}
