package markers

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// applies is the source of a Kustomization of the cluster.
func applies(name, dir string) Source {
	return Source{Path: dir, Kustomization: FluxKustomization{Namespace: "flux", Name: name, Path: dir, SourceRef: "GitRepository/gitops"}}
}

// ofGit is the manifest of a Flux Kustomization that applies a folder from a
// GitRepository.
func ofGit(name, dir, repository string, more ...string) string {
	text := "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: " + name + ", namespace: flux}\nspec:\n" +
		"  path: " + dir + "\n  sourceRef: {kind: GitRepository, name: " + repository + "}\n"
	for _, line := range more {
		text += "  " + line + "\n"
	}
	return text
}

// overlays has one App in a base, which every named folder uses under another
// name.
func overlays(dirs ...string) files {
	tree := files{"base/kustomization.yaml": resources("app.yaml"), "base/app.yaml": app("org", "nginx", "1.4.2")}
	for _, dir := range dirs {
		up := strings.Repeat("../", strings.Count(dir, "/")+1)
		tree[dir+"/kustomization.yaml"] = resources(up+"base") + "namePrefix: " + dir[strings.LastIndex(dir, "/")+1:] + "-\n"
	}
	return tree
}

func with(all ...files) files {
	merged := files{}
	for _, f := range all {
		maps.Copy(merged, f)
	}
	return merged
}

func TestUsers(t *testing.T) {
	for name, tc := range map[string]struct {
		files   files
		applied []Source
		target  string
		want    []string
	}{
		"nobody else": {
			files: overlays("mc/a"), applied: []Source{applies("a", "mc/a")}, target: "a-nginx",
			want: []string{"App org/a-nginx (Kustomization flux/a)"},
		},
		"two Kustomizations of the cluster": {
			files: overlays("mc/a", "mc/b"), applied: []Source{applies("a", "mc/a"), applies("b", "mc/b")}, target: "a-nginx",
			want: []string{"App org/a-nginx (Kustomization flux/a)", "App org/b-nginx (Kustomization flux/b)"},
		},
		"a Kustomization of another cluster": {
			files: with(overlays("mc/a", "mc/b"), files{"b.yaml": ofGit("b", "./mc/b", "gitops")}), applied: []Source{applies("a", "mc/a")}, target: "a-nginx",
			want: []string{"App org/a-nginx (Kustomization flux/a)", "App org/b-nginx (Kustomization flux/b of b.yaml)"},
		},
		"its own manifest is no other": {
			files: with(overlays("mc/a"), files{"a.yaml": ofGit("a", "./mc/a", "gitops")}), applied: []Source{applies("a", "mc/a")}, target: "a-nginx",
			want: []string{"App org/a-nginx (Kustomization flux/a)"},
		},
		"of one name in two clusters": {
			files: with(overlays("mc/a"), files{"a.yaml": ofGit("a", "./mc/a", "gitops"), "b.yaml": ofGit("a", "./mc/a", "gitops")}), applied: []Source{applies("a", "mc/a")},
			target: "a-nginx", want: []string{"App org/a-nginx (Kustomization flux/a of b.yaml)", "App org/a-nginx (Kustomization flux/a)"},
		},
		"one folder with different variables": {
			files: files{
				"mc/app.yaml": app("org", "${c}-nginx", "1.4.2"), "b.yaml": ofGit("b", "mc", "gitops", "postBuild:", "  substitute: {c: b}"),
				"c.yaml": ofGit("c", "mc", "gitops", "postBuild:", "  substituteFrom: [{kind: ConfigMap, name: one}]"), "one.yaml": configMap("ConfigMap", "one", "c: c"),
			},
			applied: []Source{of(map[string]string{"c": "a"})}, target: "a-nginx",
			want: []string{"App org/a-nginx (Kustomization flux/apps)", "App org/b-nginx (Kustomization flux/b of b.yaml)", "App org/c-nginx (Kustomization flux/c of c.yaml)"},
		},
		"a folder that nobody refers to": {
			files: overlays("mc/a", "mc/b"), applied: []Source{applies("a", "mc/a")}, target: "a-nginx",
			want: []string{"App org/a-nginx (Kustomization flux/a)", "App org/b-nginx (folder mc/b)"},
		},
		"a component is no user": {
			files: with(overlays("mc/a"), files{
				"stage/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n" + resources("../base"),
			}),
			applied: []Source{applies("a", "mc/a")}, target: "a-nginx",
			want: []string{"App org/a-nginx (Kustomization flux/a)"},
		},
		"one folder without a kustomization, with others in it": {
			files: overlays("mc/a", "mc/b"), applied: []Source{applies("all", "./mc")}, target: "a-nginx",
			want: []string{"App org/a-nginx (Kustomization flux/all)", "App org/b-nginx (Kustomization flux/all)"},
		},
		"another repository's Kustomization": {
			files:   with(overlays("mc/a"), files{"b.yaml": ofGit("b", "./", "charts"), "c.yaml": ofGit("c", "./gone", "charts")}),
			applied: []Source{applies("a", "mc/a")}, target: "a-nginx",
			want: []string{"App org/a-nginx (Kustomization flux/a)"},
		},
		"the whole repository": {
			files: with(overlays("mc/a"), files{"b.yaml": ofGit("b", "./", "gitops")}), applied: []Source{applies("a", "mc/a")}, target: "a-nginx",
			want: []string{"App org/a-nginx (Kustomization flux/a)", "App org/a-nginx (Kustomization flux/b of b.yaml)", "App org/nginx (Kustomization flux/b of b.yaml)"},
		},
		"folders that cannot be built": {
			files: with(overlays("mc/a", "mc/b"), files{
				"mc/b/kustomization.yaml": "resources: [", "mc/c/kustomization.yaml": resources("../c"), "mc/d/kustomization.yaml": resources("../../../x"),
			}),
			applied: []Source{applies("a", "mc/a"), applies("gone", "mc/gone"), applies("out", "../x")}, target: "a-nginx",
			want: []string{"App org/a-nginx (Kustomization flux/a)"},
		},
		"a version of its own": {
			files: with(overlays("mc/a", "mc/b"), files{
				"mc/b/kustomization.yaml": resources("../../base") + "patches:\n- path: version.yaml\n", "mc/b/version.yaml": app("org", "nginx", "1.5.0"),
			}),
			applied: []Source{applies("a", "mc/a"), applies("b", "mc/b")}, target: "a-nginx",
			want: []string{"App org/a-nginx (Kustomization flux/a)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			source := Source{Path: "mc/a"}
			if len(tc.applied) > 0 {
				source = tc.applied[0]
			}
			checkUsers(t, NewSurvey(mapFS(tc.files), tc.applied), source, target("org", tc.target), tc.want)
		})
	}
}

// checkUsers locates the target and compares who uses its line.
func checkUsers(t *testing.T, survey *Survey, source Source, target Target, want []string) {
	t.Helper()
	index, err := survey.Index(source)
	if err != nil {
		t.Fatal(err)
	}
	at, err := index.Locate(target)
	if err != nil {
		t.Fatal(err)
	}
	users, err := survey.Users(target, at)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range users {
		got = append(got, u.String())
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("users of %s:%d (-want +got):\n%s", at.File, at.Line, diff)
	}
}

func TestUsersOfVariables(t *testing.T) {
	inline := []string{"postBuild:", "  substitute:", "    version: 1.4.2"}
	from := []string{"postBuild:", "  substituteFrom: [{kind: ConfigMap, name: one}]"}
	version := map[string]string{"version": "1.4.2"}
	one := Reference{"ConfigMap", "one"}
	nginx := files{"mc/nginx.yaml": app("org", "nginx", "${version}")}
	shared := files{"flux/one.yaml": configMap("ConfigMap", "one", "version: 1.4.2")}
	const mine = "App org/nginx (Kustomization flux/apps)"
	for name, tc := range map[string]struct {
		files   files
		source  Source
		applied []Source
		want    []string
	}{
		"nobody else": {
			files: with(nginx, files{"mc/b.yaml": app("org", "other", "${versions}"), "apps.yaml": ofGit("apps", "./mc", "gitops", inline...)}), source: of(version),
			want: []string{mine},
		},
		"another App": {
			files:  with(nginx, files{"mc/b.yaml": app("org", "other", `"${version:=1.0.0}"`), "apps.yaml": ofGit("apps", "./mc", "gitops", inline...)}),
			source: of(version), want: []string{mine, "App org/other (Kustomization flux/apps)"},
		},
		"a ConfigMap's text": {
			files: with(nginx, files{
				"mc/b.yaml":  "kind: ConfigMap\nmetadata: {name: b, namespace: org}\ndata:\n  text: |\n    the version is ${version}\n",
				"mc/c.yaml":  "kind: ConfigMap\nmetadata:\n  name: c\n  labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}\ndata: {text: \"${version}\"}\n",
				"apps.yaml":  ofGit("apps", "./mc", "gitops", inline...),
				"other.yaml": app("org", "elsewhere", "${version}"),
			}),
			source: of(version), want: []string{mine, "ConfigMap org/b (Kustomization flux/apps)"},
		},
		"another Kustomization that has a line of its own": {
			files: with(nginx, files{
				"other/b.yaml": app("org", "other", "${version}"),
				"apps.yaml":    ofGit("apps", "./mc", "gitops", inline...), "others.yaml": ofGit("others", "./other", "gitops", inline...),
			}),
			source: of(version), want: []string{mine},
		},
		"the manifest is used twice": {
			files: with(nginx, files{
				"base/kustomization.yaml": resources("apps.yaml"), "base/apps.yaml": ofGit("apps", "./mc", "gitops", inline...),
				"one/kustomization.yaml": resources("../base"), "two/kustomization.yaml": resources("../base"),
			}),
			source: of(version),
			want:   []string{"App org/nginx (Kustomization flux/apps of two)", mine, "Kustomization flux/apps (folder one)", "Kustomization flux/apps (folder two)"},
		},
		"a ConfigMap of two Kustomizations": {
			files: with(nginx, files{
				"other/b.yaml": app("org", "other", "${version}"), "flux/one.yaml": configMap("ConfigMap", "one", "version: 1.4.2"),
				"apps.yaml": ofGit("apps", "./mc", "gitops", from...), "others.yaml": ofGit("others", "./other", "gitops", from...),
			}),
			source: of(nil, one), want: []string{mine, "App org/other (Kustomization flux/others of others.yaml)"},
		},
		"a ConfigMap beside a Secret that is not in the repository": {
			files: with(nginx, files{
				"other/b.yaml": app("org", "other", "${version}"), "flux/one.yaml": configMap("ConfigMap", "one", "version: 1.4.2"),
				"apps.yaml": ofGit("apps", "./mc", "gitops", from...), "others.yaml": ofGit("others", "./other", "gitops",
					"postBuild:", "  substituteFrom: [{kind: ConfigMap, name: one}, {kind: Secret, name: credentials}]"),
			}),
			source: of(nil, one), want: []string{mine, "App org/other (Kustomization flux/others of others.yaml)"},
		},
		"a Kustomization of another source": {
			files: with(nginx, shared), source: of(nil, one), applied: []Source{
				{Path: "mc", Elsewhere: true, SubstituteFrom: []Reference{one}, Kustomization: FluxKustomization{Namespace: "flux", Name: "foreign"}},
				{Path: "mc", Elsewhere: true, SubstituteFrom: []Reference{one}, Kustomization: FluxKustomization{Namespace: "team", Name: "own"}},
				{
					Path: "mc", Elsewhere: true, SubstituteFrom: []Reference{one}, Kustomization: FluxKustomization{Namespace: "flux", Name: "inline"},
					Substitute: version,
				},
			},
			want: []string{mine, "Kustomization flux/foreign (maybe: it applies from another source, which is not read)"},
		},
		"a Kustomization that cannot be built": {
			files: with(nginx, shared), source: of(nil, one), applied: []Source{
				{Path: "gone", SubstituteFrom: []Reference{one}, Kustomization: FluxKustomization{Namespace: "flux", Name: "gone"}},
			},
			want: []string{mine, "Kustomization flux/gone (maybe: it cannot be built: gone: there is no such file or folder in the repository; correct the path)"},
		},
		"what cannot be read": {
			files:  with(nginx, shared, files{"mc/kustomization.yaml": resources("nginx.yaml", "https://example.com/base")}),
			source: of(nil, one), want: []string{
				mine, "Kustomization flux/apps (maybe: not all of it can be read: https://example.com/base: remote resources are not followed)",
			},
		},
		"the last ConfigMap has it": {
			files:  with(nginx, shared, files{"flux/two.yaml": configMap("ConfigMap", "two", "version: 1.4.3"), "other/b.yaml": app("org", "other", "${version}")}),
			source: of(nil, one), applied: []Source{{
				Path: "other", SubstituteFrom: []Reference{one, {"ConfigMap", "two"}}, Kustomization: FluxKustomization{Namespace: "flux", Name: "others"},
			}},
			want: []string{mine},
		},
		"a ConfigMap that another cluster has too": {
			files: with(nginx, shared, files{
				"b/apps.yaml": ofGit("apps", "./b/apps", "gitops", from...), "b/apps/nginx.yaml": app("org", "b", "${version}"),
				"b/flux-system.yaml": ofGit("flux-system", "./b/flux", "gitops"), "b/flux/one.yaml": configMap("ConfigMap", "one", "version: 1.4.2"),
			}),
			source: of(nil, one), want: []string{mine},
		},
		"a ConfigMap that another cluster makes of the same line": {
			files: with(nginx, shared, files{
				"b/apps.yaml": ofGit("apps", "./b/apps", "gitops", from...), "b/apps/nginx.yaml": app("org", "b", "${version}"),
				"b/flux-system.yaml": ofGit("flux-system", "./b/flux", "gitops"), "b/flux/kustomization.yaml": resources("../../flux"), "flux/kustomization.yaml": resources("one.yaml"),
			}),
			source: of(nil, one), want: []string{
				"App org/b (Kustomization flux/apps of b/apps.yaml)", mine,
				"ConfigMap flux/one (Kustomization flux/flux-system of b/flux-system.yaml)", "ConfigMap flux/one (Kustomization flux/flux-system)",
			},
		},
		"a generated ConfigMap, and the file that it is made of": {
			files: with(nginx, shared, files{
				"mc/kustomization.yaml": resources("nginx.yaml") + "configMapGenerator:\n- name: a\n  literals: ['a=${version}']\n- name: b\n  files: [b.txt]\n- name: c\n  literals: [a=b]\n",
				"mc/b.txt":              "the version is ${version}\n",
			}),
			source: of(nil, one), want: []string{mine, "ConfigMap a (Kustomization flux/apps)", "ConfigMap b (Kustomization flux/apps)"},
		},
		"names and labels": {
			files: with(nginx, shared, files{
				"mc/kustomization.yaml": resources("nginx.yaml", "a", "b.yaml"), "mc/b.yaml": "kind: Secret\nmetadata: {name: b}\nstringData: {\"${version}\": a}\n",
				"mc/a/kustomization.yaml": resources("a.yaml") + "nameSuffix: -${version}\ncommonLabels: {version: \"${version}\"}\n", "mc/a/a.yaml": "kind: Secret\nmetadata: {name: a}\n",
			}),
			source: of(nil, one), want: []string{mine, "Secret a-1.4.2 (Kustomization flux/apps)", "Secret b (Kustomization flux/apps)", "file mc/a/kustomization.yaml (Kustomization flux/apps)"},
		},
		"a prefix of the Kustomization": {
			files: with(nginx, shared, files{"other/b.yaml": app("org", "other", "1.0.0")}), source: of(nil, one), applied: []Source{{
				Path: "other", NamePrefix: "a${version}-", SubstituteFrom: []Reference{one}, Kustomization: FluxKustomization{Namespace: "flux", Name: "others"},
			}},
			want: []string{mine, "Kustomization flux/others (maybe: its names have variables)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			applied := []Source{tc.source}
			if len(tc.source.SubstituteFrom) > 0 {
				applied = append(applied, applies("flux-system", "flux"))
			}
			checkUsers(t, NewSurvey(mapFS(tc.files), append(applied, tc.applied...)), tc.source, target("org", "nginx"), tc.want)
		})
	}
}
