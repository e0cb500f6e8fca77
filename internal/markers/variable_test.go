package markers

import (
	"strings"
	"testing"
)

// fluxKustomization is the manifest of a Flux Kustomization that sets
// variables, a line each from line 9.
func fluxKustomization(namespace, name, dir string, substitute ...string) string {
	return "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: " + name + "\n  namespace: " + namespace +
		"\nspec:\n  path: " + dir + "\n  postBuild:\n    substitute:\n      " + strings.Join(substitute, "\n      ") + "\n"
}

// configMap has its data from line 7.
func configMap(kind, name string, data ...string) string {
	return "apiVersion: v1\nkind: " + kind + "\nmetadata:\n  name: " + name + "\n  namespace: flux\ndata:\n  " + strings.Join(data, "\n  ") + "\n"
}

// of is the source of Kustomization flux/apps over the folder mc.
func of(substitute map[string]string, from ...Reference) Source {
	return Source{
		Path: "mc", Kustomization: FluxKustomization{Namespace: "flux", Name: "apps", Path: "./mc"},
		Substitute: substitute, SubstituteFrom: from,
	}
}

type files = map[string]string

func withoutNamespace(manifest string) string {
	return strings.Replace(manifest, "  namespace: flux\n", "", 1)
}

// generator is the part of a kustomization that generates ConfigMap flux/one;
// the item is in its fifth line.
func generator(behavior, data string) string {
	text := "generatorOptions:\n  disableNameSuffixHash: true\nnamespace: flux\nconfigMapGenerator:\n- name: one\n  namespace: flux\n  " + data + "\n"
	if behavior != "" {
		text += "  behavior: " + behavior + "\n"
	}
	return text
}

func TestLocateVariablesOfReferences(t *testing.T) {
	one, two, secret := Reference{"ConfigMap", "one"}, Reference{"ConfigMap", "two"}, Reference{"Secret", "secret"}
	version := configMap("ConfigMap", "one", "version: 1.4.2")
	const here = "mc/app.yaml:8 ${version}"
	for name, tc := range map[string]struct {
		files        files
		source       Source
		applied      []Source
		want, reason string
	}{
		"ConfigMap": {
			files: files{"flux/a.yaml": configMap("ConfigMap", "one", "version: 1.4.2")}, source: of(nil, one), want: "flux/a.yaml:7 1.4.2",
		},
		"the last that has it": {
			files: files{
				"flux/a.yaml": configMap("ConfigMap", "one", "version: 1.4.2") + "---\n" + configMap("ConfigMap", "two", "version: 1.4.3"),
			},
			source: of(nil, one, two), want: "flux/a.yaml:15 1.4.3",
		},
		"the last does not have it": {
			files:  files{"flux/a.yaml": configMap("ConfigMap", "one", "version: 1.4.2"), "flux/b.yaml": configMap("ConfigMap", "two", "other: 1.4.3")},
			source: of(nil, one, two), want: "flux/a.yaml:7 1.4.2",
		},
		"the Kustomization's own counts": {
			files: files{
				"flux/a.yaml": configMap("ConfigMap", "one", "version: 1.4.2"), "flux/b.yaml": fluxKustomization("flux", "apps", "./mc", "version: 1.4.4"),
			},
			source: of(map[string]string{"version": "1.4.4"}, one), want: "flux/b.yaml:10 1.4.4",
		},
		"the last is not in the repository": {
			files: files{"flux/a.yaml": configMap("ConfigMap", "one", "version: 1.4.2")}, source: of(nil, one, two), want: here, reason: Substituted,
		},
		"Secret": {
			files: files{"flux/a.yaml": configMap("Secret", "secret", "version: MS40LjI=")}, source: of(nil, secret), want: here, reason: Substituted,
		},
		"Secret with text": {
			files:  files{"flux/a.yaml": strings.Replace(configMap("Secret", "secret", "version: 1.4.2"), "data:", "stringData:", 1)},
			source: of(nil, secret), want: here, reason: Substituted,
		},
		"Secret that does not have it": {
			files:  files{"flux/a.yaml": configMap("Secret", "secret", "password: ENC[]"), "flux/b.yaml": configMap("ConfigMap", "one", "version: 1.4.2")},
			source: of(nil, one, secret), want: "flux/b.yaml:7 1.4.2",
		},
		"Secret that is not in the repository": {
			files: files{"flux/b.yaml": configMap("ConfigMap", "one", "version: 1.4.2")}, source: of(nil, one, secret), want: here, reason: Substituted,
		},
		"encrypted": {
			files:  files{"flux/a.yaml": configMap("ConfigMap", "one", "version: 1.4.2") + "sops:\n  mac: ENC[]\n"},
			source: of(nil, one), want: "flux/a.yaml:7 1.4.2", reason: NotMarkable,
		},
		"maybe of another namespace": {
			files:  files{"team-b/a.yaml": withoutNamespace(version)},
			source: of(nil, one), want: here, reason: Substituted,
		},
		"its folder gives the namespace": {
			files:  files{"flux/a.yaml": withoutNamespace(version), "flux/kustomization.yaml": "namespace: flux\n" + resources("a.yaml")},
			source: of(nil, one), want: "flux/a.yaml:6 1.4.2",
		},
		"its folder gives it another namespace": {
			files:  files{"flux/a.yaml": version, "flux/kustomization.yaml": "namespace: team\n" + resources("a.yaml")},
			source: of(nil, one), want: here, reason: Substituted,
		},
		"its Kustomization gives it another namespace": {
			files:  files{"team/a.yaml": version},
			source: of(nil, one), applied: []Source{{Path: "team", TargetNamespace: "team", Kustomization: FluxKustomization{Namespace: "flux", Name: "team"}}},
			want: here, reason: Substituted,
		},
		"its folder gives the name": {
			files:  files{"flux/a.yaml": configMap("ConfigMap", "ne", "version: 1.4.2"), "flux/kustomization.yaml": "namePrefix: o\n" + resources("a.yaml")},
			source: of(nil, one), want: "flux/a.yaml:7 1.4.2",
		},
		"an inline patch overrides it": {
			files: files{"flux/a.yaml": version, "flux/kustomization.yaml": resources("a.yaml") + "patches:\n- patch: |\n" +
				"    {apiVersion: v1, kind: ConfigMap, metadata: {name: one, namespace: flux}, data: {version: 1.4.2}}\n"},
			source: of(nil, one), want: "flux/kustomization.yaml:4 1.4.2", reason: NotMarkable,
		},
		"a patch file overrides it": {
			files: files{
				"base/a.yaml": version, "base/kustomization.yaml": resources("a.yaml"),
				"flux/kustomization.yaml": resources("../base") + "patches:\n- path: p.yaml\n", "flux/p.yaml": configMap("ConfigMap", "one", "version: 1.4.3"),
			},
			source: of(nil, one), want: "flux/p.yaml:7 1.4.3",
		},
		"another cluster has one of the name": {
			files: files{
				"flux/a.yaml": version, "b/flux/a.yaml": version, "b/flux-system.yaml": ofGit("flux-system", "b/flux", "gitops"),
				"c/kustomization.yaml": resources("a.yaml"), "c/a.yaml": version, "d/a.yaml": version,
			},
			source: of(nil, one), want: "flux/a.yaml:7 1.4.2",
		},
		"only another cluster has it": {
			files:  files{"b/flux/a.yaml": version, "b/flux-system.yaml": ofGit("flux-system", "b/flux", "gitops")},
			source: of(nil, one), want: here, reason: Substituted,
		},
		"only a folder that nobody applies has it": {
			files:  files{"b/kustomization.yaml": resources("a.yaml"), "b/a.yaml": version},
			source: of(nil, one), want: here, reason: Substituted,
		},
		"nobody builds it": {files: files{"b/a.yaml": version}, source: of(nil, one), want: here, reason: Substituted},
		"two Kustomizations of the cluster build it": {
			files: files{"flux/sub/a.yaml": version}, source: of(nil, one), applied: []Source{applies("sub", "flux/sub")}, want: "flux/sub/a.yaml:7 1.4.2",
		},
		"generated": {
			files: files{"flux/kustomization.yaml": generator("", "literals: [a=b, version=1.4.2]")}, source: of(nil, one),
			want: "flux/kustomization.yaml:5 1.4.2", reason: NotMarkable,
		},
		"generated without it": {
			files:  files{"flux/kustomization.yaml": resources("b.yaml") + generator("", "literals: [a=b]"), "flux/b.yaml": configMap("ConfigMap", "two", "version: 1.4.2")},
			source: of(nil, two, one), want: "flux/b.yaml:7 1.4.2",
		},
		"generated from a file of variables": {
			files:  files{"flux/kustomization.yaml": generator("", "envs: [all.env]"), "flux/all.env": "# versions\nversion=1.4.2\n"},
			source: of(nil, one), want: "flux/kustomization.yaml:5 1.4.2", reason: NotMarkable,
		},
		"generated from a file of variables that is gone": {
			files:  files{"flux/kustomization.yaml": generator("", "envs: [all.env]")},
			source: of(nil, one), want: "flux/kustomization.yaml:5 ", reason: NotMarkable,
		},
		"generated from a file": {
			files:  files{"flux/kustomization.yaml": generator("", "files: [version=v.txt]"), "flux/v.txt": "1.4.2"},
			source: of(nil, one), want: "flux/kustomization.yaml:5 1.4.2", reason: NotMarkable,
		},
		"a generator adds to it": {
			files:  files{"flux/a.yaml": version, "flux/kustomization.yaml": resources("a.yaml") + generator("merge", "literals: [version='1.4.3']")},
			source: of(nil, one), want: "flux/kustomization.yaml:7 1.4.3", reason: NotMarkable,
		},
		"a generator adds something else to it": {
			files:  files{"flux/a.yaml": version, "flux/kustomization.yaml": resources("a.yaml") + generator("merge", "literals: [a=b]")},
			source: of(nil, one), want: "flux/a.yaml:7 1.4.2",
		},
		"a generator replaces it": {
			files:  files{"flux/a.yaml": version, "flux/kustomization.yaml": resources("a.yaml") + generator("replace", "literals: [a=b]")},
			source: of(nil, one), want: here, reason: Substituted,
		},
		"a patch on a generated one": {
			files: files{
				"flux/kustomization.yaml": generator("", "literals: [a=b]") + "patches:\n- path: p.yaml\n", "flux/p.yaml": version,
			},
			source: of(nil, one), want: "flux/p.yaml:7 1.4.2",
		},
		"block text": {
			files: files{"flux/a.yaml": configMap("ConfigMap", "one", "version: |", "  1.4.2")}, source: of(nil, one), want: "flux/a.yaml:7 1.4.2\n", reason: NotMarkable,
		},
		"twice": {
			files:  files{"flux/a.yaml": configMap("ConfigMap", "one", "version: 1.4.2"), "flux/b.yaml": configMap("ConfigMap", "one", "version: 1.4.2")},
			source: of(nil, one), want: here, reason: Ambiguous,
		},
		"nowhere": {
			files: files{"flux/a.yaml": configMap("ConfigMap", "one", "other: 1.4.2")}, source: of(nil, one), want: here, reason: Substituted,
		},
		"an immutable ConfigMap": {
			files: files{"flux/a.yaml": configMap("ConfigMap", "one", "version: 1.4.2") + "immutable: true\n"}, source: of(nil, one), want: here, reason: Substituted,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tc.files["mc/app.yaml"] = app("org", "nginx", "${version}")
			locateCase{
				files: tc.files, source: tc.source, applied: append(tc.applied, applies("flux-system", "flux")), target: target("org", "nginx"),
				want: tc.want, reason: tc.reason,
			}.run(t)
		})
	}
}

func TestLocateNamesFromReferences(t *testing.T) {
	locateCase{
		files: files{
			"mc/app.yaml": app("org", "${cluster}-${stage}", "1.4.2"),
			"a.yaml":      configMap("ConfigMap", "one", "cluster: a", "stage: dev"), "b.yaml": configMap("ConfigMap", "two", "cluster: b"),
		},
		source: of(map[string]string{"stage": "prod"}, Reference{"ConfigMap", "one"}, Reference{"Secret", "s"}, Reference{"ConfigMap", "two"}),
		target: target("org", "b-prod"), want: "mc/app.yaml:8 1.4.2",
	}.run(t)
}
