package markers

import (
	"strings"
	"testing"
)

// TestDiscovery has one App, in apps/prod, and other ways to it.
func TestDiscovery(t *testing.T) {
	const mine = "App org/nginx (Kustomization flux/apps)"
	apps := files{"apps/prod/kustomization.yaml": resources("app.yaml"), "apps/prod/app.yaml": app("org", "nginx", "1.4.2")}
	flux := func(spec ...string) string {
		return "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux}\nspec:\n  " +
			strings.Join(spec, "\n  ") + "\n"
	}
	const git = "sourceRef: {kind: GitRepository, name: gitops}"
	ours := ofGit("apps", "./apps/prod", "gitops")
	for name, tc := range map[string]struct {
		files files
		// applied is the name of the Kustomization that the cluster has beside flux-system.
		applied string
		want    []string
	}{
		"its own manifest":       {files: files{"clusters/prod/apps.yaml": ours}, want: []string{mine}},
		"a patch sets the path":  {files: files{"clusters/base/kustomization.yaml": resources("apps.yaml"), "clusters/base/apps.yaml": flux(git), "clusters/prod/kustomization.yaml": resources("../base") + "patches:\n- path: patch.yaml\n", "clusters/prod/patch.yaml": flux("path: ./apps/prod")}, want: []string{mine}},
		"a patch sets all":       {files: files{"clusters/base/kustomization.yaml": resources("apps.yaml"), "clusters/base/apps.yaml": flux("path: ./apps/base", git), "clusters/prod/kustomization.yaml": resources("../base") + "patches:\n- path: patch.yaml\n", "clusters/prod/patch.yaml": flux("path: ./apps/prod", git)}, want: []string{mine}},
		"JSON6902 sets the path": {files: files{"clusters/base/kustomization.yaml": resources("apps.yaml"), "clusters/base/apps.yaml": flux(git), "clusters/prod/kustomization.yaml": resources("../base") + "patches:\n- patch: '[{op: add, path: /spec/path, value: ./apps/prod}]'\n  target: {kind: Kustomization}\n"}, want: []string{mine}},
		"a prefixed name":        {files: files{"clusters/prod/kustomization.yaml": resources("apps.yaml") + "namePrefix: x-\n", "clusters/prod/apps.yaml": ours}, applied: "x-apps", want: []string{"App org/nginx (Kustomization flux/x-apps)"}},
		"another namespace":      {files: files{"clusters/prod/kustomization.yaml": resources("apps.yaml") + "namespace: flux\n", "clusters/prod/apps.yaml": strings.Replace(ours, "namespace: flux", "namespace: default", 1)}, want: []string{mine}},
		"not yet in the cluster": {files: files{"clusters/prod/apps.yaml": ours, "clusters/prod/more.yaml": ofGit("more", "./apps/prod", "gitops")}, want: []string{mine, "App org/nginx (Kustomization flux/more)"}},
		"a manifest that nobody builds": {files: files{"clusters/prod/apps.yaml": ours, "docs/example.yaml": ofGit("example", "./apps/prod", "gitops")},
			want: []string{mine, "App org/nginx (Kustomization flux/example of docs/example.yaml)"}},
		"it applies others": {files: files{"clusters/prod/apps.yaml": ours, "all.yaml": ofGit("more", "./more", "gitops"), "more/apps.yaml": ofGit("more-apps", "./apps/prod", "gitops")},
			want: []string{mine, "App org/nginx (Kustomization flux/more-apps of all.yaml)"}},
		"two clusters with one base": {files: files{"clusters/base/kustomization.yaml": resources("apps.yaml"), "clusters/base/apps.yaml": ours, "clusters/prod/kustomization.yaml": resources("../base"), "clusters/stage/kustomization.yaml": resources("../base")},
			want: []string{"App org/nginx (Kustomization flux/apps of clusters/stage)", mine}},
		"two clusters as Flux bootstraps them": {files: files{"clusters/prod/apps.yaml": ours, "clusters/stage/apps.yaml": ours,
			"clusters/stage/flux-system/kustomization.yaml": resources("sync.yaml"), "clusters/stage/flux-system/sync.yaml": ofGit("flux-system", "./clusters/stage", "gitops")},
			want: []string{"App org/nginx (Kustomization flux/apps of clusters/stage/flux-system)", mine}},
		"a variable of the cluster in the path": {files: files{"clusters/base/kustomization.yaml": resources("apps.yaml"), "clusters/base/apps.yaml": ofGit("apps", "./apps/${env}", "gitops"), "clusters/prod/kustomization.yaml": resources("../base"),
			"stage.yaml": ofGit("stage", "./clusters/base", "gitops", "postBuild:", "  substitute: {env: prod}")},
			want: []string{"App org/nginx (Kustomization flux/apps of stage.yaml)", mine}},
		"an overlay that names a file": {files: files{"clusters/prod/apps.yaml": ofGit("apps", "./apps/over", "gitops"), "apps/over/kustomization.yaml": resources("../prod/app.yaml")}, want: []string{mine}},
		"a folder of another cluster":  {files: files{"clusters/prod/apps.yaml": ours, "apps/stage/kustomization.yaml": resources("../prod")}, want: []string{mine, "App org/nginx (folder apps/stage)"}},
		"its folder is in a Kustomization": {files: files{"clusters/prod/apps.yaml": ours, "apps/stage/kustomization.yaml": resources("../prod"), "stage.yaml": ofGit("stage", "./apps/stage", "gitops")},
			want: []string{mine, "App org/nginx (Kustomization flux/stage of stage.yaml)"}},
		"a Kustomization that applies itself": {files: files{"clusters/prod/apps.yaml": ours, "self.yaml": ofGit("self", "./self", "gitops"), "self/self.yaml": ofGit("self", "./self", "gitops")}, want: []string{mine}},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.applied == "" {
				tc.applied = "apps"
			}
			source := applies(tc.applied, "apps/prod")
			if _, over := tc.files["apps/over/kustomization.yaml"]; over {
				source = applies("apps", "apps/over")
			}
			survey := NewSurvey(mapFS(with(apps, tc.files)), []Source{source, applies("flux-system", "clusters/prod")})
			checkUsers(t, survey, source, target("org", "nginx"), tc.want)
		})
	}
}

// TestDiscoveryOfOtherClusters: what a Kustomization applies to another cluster is not the Kustomization of that name here.
func TestDiscoveryOfOtherClusters(t *testing.T) {
	tree := with(overlays("mc/a"), files{
		"clusters/prod/apps.yaml":    ofGit("a", "./mc/a", "gitops"),
		"clusters/prod/stage.yaml":   ofGit("stage", "./clusters/stage", "gitops", "kubeConfig: {secretRef: {name: stage}}"),
		"clusters/stage/apps.yaml":   ofGit("a", "./mc/a", "gitops"),
		"clusters/stage/others.yaml": ofGit("test", "./clusters/test", "gitops", "kubeConfig: {secretRef: {name: test}}"),
		"clusters/test/apps.yaml":    ofGit("b", "./mc/a", "gitops"),
	})
	source, stage := applies("a", "mc/a"), applies("stage", "clusters/stage")
	stage.Remote = true
	checkUsers(t, NewSurvey(mapFS(tree), []Source{source, applies("flux-system", "clusters/prod"), stage}), source, target("org", "a-nginx"),
		[]string{
			"App org/a-nginx (Kustomization flux/a of Kustomization flux/stage)", "App org/a-nginx (Kustomization flux/a)",
			"App org/a-nginx (Kustomization flux/b of Kustomization flux/stage)",
		})
}

// TestDiscoveryWithoutParent: who applies the Kustomizations of the cluster need not be in the cluster.
func TestDiscoveryWithoutParent(t *testing.T) {
	tree := with(overlays("mc/a"), files{
		"base/apps/kustomization.yaml": resources("apps.yaml"), "base/apps/apps.yaml": ofGit("a", "./mc/a", "gitops"),
		"one/kustomization.yaml": resources("../base/apps"), "two/kustomization.yaml": resources("../base/apps"),
	})
	source := applies("a", "mc/a")
	checkUsers(t, NewSurvey(mapFS(tree), []Source{source}), source, target("org", "a-nginx"),
		[]string{"App org/a-nginx (Kustomization flux/a of two)", "App org/a-nginx (Kustomization flux/a)"})
}
