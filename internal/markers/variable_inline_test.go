package markers

import (
	"strings"
	"testing"
)

func TestLocateInlineVariables(t *testing.T) {
	const marker = ` # {"$imagepolicy": "org:p:tag"}`
	version := map[string]string{"version": "1.4.2"}
	for name, tc := range map[string]struct {
		version, app string
		files        files
		source       Source
		want, reason string
	}{
		"line of the Kustomization": {
			files: files{"flux/apps.yaml": fluxKustomization("flux", "apps", "./mc", "version: 1.4.2")}, want: "flux/apps.yaml:10 1.4.2",
		},
		"quoted": {
			version: `"${version}"`,
			files:   files{"flux/apps.yaml": fluxKustomization("flux", "apps", "./mc", "a: b", `version: "1.4.2"`)}, want: "flux/apps.yaml:11 1.4.2",
		},
		"with a default": {
			version: "${version:=1.0.0}",
			files:   files{"flux/apps.yaml": fluxKustomization("flux", "apps", "mc/", "version: 1.4.2")}, want: "flux/apps.yaml:10 1.4.2",
		},
		"beside one that is ahead of the cluster": {
			files:  files{"flux/apps.yaml": fluxKustomization("flux", "apps", "./mc", "other: 1.1.0"+marker, "version: 1.4.2")},
			source: of(map[string]string{"version": "1.4.2", "other": "1.0.0"}), want: "flux/apps.yaml:11 1.4.2",
		},
		"beside one that the cluster has otherwise": {
			files:  files{"flux/apps.yaml": fluxKustomization("flux", "apps", "./mc", "other: 1.1.0", "version: 1.4.2")},
			source: of(map[string]string{"version": "1.4.2", "other": "1.0.0"}), want: "flux/apps.yaml:11 1.4.2",
		},
		"with a default that counts": {
			version: "${other:=1.0.0}",
			files:   files{"flux/apps.yaml": fluxKustomization("flux", "apps", "./mc", "version: 1.4.2")},
			want:    "mc/app.yaml:8 ${other:=1.0.0}", reason: Substituted,
		},
		"part of a version": {
			version: "v${version}", want: "mc/app.yaml:8 v${version}", reason: Substituted,
		},
		"changed by a function": {
			version: "${version#v}", want: "mc/app.yaml:8 ${version#v}", reason: Substituted,
		},
		"no Kustomization is known": {
			source: Source{Path: "mc", Substitute: version}, want: "mc/app.yaml:8 ${version}", reason: Substituted,
		},
		"Kustomization of another repository": {want: "mc/app.yaml:8 ${version}", reason: Substituted},
		"Kustomizations of others": {
			files: files{
				"a.yaml": fluxKustomization("other", "apps", "./mc", "version: 1.4.2"),
				"b.yaml": fluxKustomization("flux", "others", "./mc", "version: 1.4.2"),
				"c.yaml": strings.Replace(fluxKustomization("flux", "apps", "./mc", "version: 1.4.2"), "kustomize.toolkit", "example", 1),
			},
			want: "mc/app.yaml:8 ${version}", reason: Substituted,
		},
		"Kustomization of the same name in another cluster": {
			files: files{"a.yaml": fluxKustomization("flux", "apps", "./other", "version: 1.4.2")},
			want:  "mc/app.yaml:8 ${version}", reason: Substituted,
		},
		"of two clusters, told by their paths": {
			files: files{
				"a.yaml": fluxKustomization("flux", "apps", "./other", "version: 1.4.2"), "b.yaml": fluxKustomization("flux", "apps", "./mc", "version: 1.4.2"),
			},
			want: "b.yaml:10 1.4.2",
		},
		"of two clusters, told by their variables": {
			source: of(map[string]string{"version": "1.4.2", "cluster": "b"}),
			files: files{
				"a.yaml": fluxKustomization("flux", "apps", "./mc", "version: 1.4.2", "cluster: a"),
				"b.yaml": fluxKustomization("flux", "apps", "./mc", "version: 1.4.2", "cluster: b"),
			},
			want: "b.yaml:10 1.4.2",
		},
		"of two clusters, not to be told apart": {
			files: files{
				"a.yaml": fluxKustomization("flux", "apps", "./mc", "version: 1.4.2"), "b.yaml": fluxKustomization("flux", "apps", "./mc", "version: 1.4.2"),
			},
			want: "mc/app.yaml:8 ${version}", reason: Ambiguous,
		},
		"set by a patch file": {
			files: files{
				"base/apps.yaml":  fluxKustomization("flux", "apps", "./mc", "cluster: a"),
				"stage/apps.yaml": strings.Replace(fluxKustomization("flux", "apps", "", "version: 1.4.2"), "  path: \n", "", 1),
			},
			want: "stage/apps.yaml:9 1.4.2",
		},
		"not in the manifest": {
			files: files{"a.yaml": fluxKustomization("flux", "apps", "./mc", "cluster: a")}, want: "mc/app.yaml:8 ${version}", reason: Substituted,
		},
		"another value in the cluster": {
			files: files{"a.yaml": fluxKustomization("flux", "apps", "./mc", "version: 1.5.0")}, want: "mc/app.yaml:8 ${version}", reason: Substituted,
		},
		"another value in the cluster, not applied yet": {
			files: files{"a.yaml": fluxKustomization("flux", "apps", "./mc", "version: 1.5.0"+marker)}, want: "a.yaml:10 1.5.0",
		},
		"a variable of a variable": {
			files: files{"a.yaml": fluxKustomization("flux", "apps", "./mc", "version: ${v}")}, want: "a.yaml:10 ${v}", reason: Substituted,
		},
		"flow map": {
			files: files{"a.yaml": strings.Replace(fluxKustomization("flux", "apps", "./mc", "version: 1.4.2"), "substitute:\n      version: 1.4.2", "substitute: {version: 1.4.2}", 1)},
			want:  "a.yaml:9 1.4.2", reason: NotMarkable,
		},
		"where no marker could be": {
			app:   "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(app("org", "nginx", "${version}"), "\n", "\n  ") + "\n",
			files: files{"a.yaml": fluxKustomization("flux", "apps", "./mc", "version: 1.4.2")}, want: "a.yaml:10 1.4.2",
		},
		"beside what cannot be read": {
			files: files{
				"broken.yaml": "kustomize.toolkit.fluxcd.io: [", "huge.yaml": strings.Repeat("# kustomize.toolkit.fluxcd.io\n", 1<<18),
				"z.yaml": fluxKustomization("flux", "apps", "./mc", "version: 1.4.2"),
			},
			want: "z.yaml:10 1.4.2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.version == "" {
				tc.version = "${version}"
			}
			if tc.source.Path == "" {
				tc.source = of(version)
			}
			all := files{"mc/app.yaml": app("org", "nginx", tc.version)}
			if tc.app != "" {
				all["mc/app.yaml"] = tc.app
			}
			for name, content := range tc.files {
				all[name] = content
			}
			locateCase{files: all, source: tc.source, target: target("org", "nginx"), want: tc.want, reason: tc.reason}.run(t)
		})
	}
}
