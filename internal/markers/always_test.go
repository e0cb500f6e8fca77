package markers

import (
	"strings"
	"testing"
)

// TestSubstituteAlways: whether Flux replaces variables that nobody sets.
func TestSubstituteAlways(t *testing.T) {
	const label = "  labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}\n"
	always := func(source Source) Source {
		source.SubstituteAlways = true
		return source
	}
	for name, tc := range map[string]struct {
		source       Source
		name         string
		manifest     string
		want, reason string
	}{
		"a default":                     {source: always(of(nil)), name: "prod-nginx", want: "mc/app.yaml:8 1.4.2"},
		"a default, and a variable":     {source: always(of(files{"other": "a"})), name: "prod-nginx", want: "mc/app.yaml:8 1.4.2"},
		"a variable, and its default":   {source: always(of(files{"cluster": "stage"})), name: "stage-nginx", want: "mc/app.yaml:8 1.4.2"},
		"a default that is not used":    {source: always(of(files{"cluster": "stage"})), name: "prod-nginx", reason: NotFound},
		"left alone without a variable": {source: of(nil), name: "prod-nginx", reason: NotFound},
		"a reference that gives nothing": {
			source: always(of(nil, Reference{"Secret", "s"})), name: "prod-nginx", want: "mc/app.yaml:8 1.4.2",
		},
		"a reference that may give some": {source: of(nil, Reference{"Secret", "s"}), name: "prod-nginx", want: "mc/app.yaml:8 1.4.2"},
		"no default": {
			source: always(of(nil)), name: "nginx", manifest: app("org", "${cluster}nginx", "1.4.2"), want: "mc/app.yaml:8 1.4.2",
		},
		"switched off for the object": {
			source: always(of(nil)), name: "prod-nginx", reason: NotFound,
			manifest: strings.Replace(app("org", "${cluster:=prod}-nginx", "1.4.2"), "spec:\n", label+"spec:\n", 1),
		},
		"switched off for an object whose version looks like a variable": {
			source: always(of(nil)), name: "nginx", want: "mc/app.yaml:9 ${v:=1.4.2}",
			manifest: strings.Replace(app("org", "nginx", "${v:=1.4.2}"), "spec:\n", label+"spec:\n", 1),
		},
		"the default of a version": {
			source: always(of(nil)), name: "nginx", manifest: app("org", "nginx", "${v:=1.4.2}"),
			want: "mc/app.yaml:8 ${v:=1.4.2}", reason: Substituted,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.manifest == "" {
				tc.manifest = app("org", "${cluster:=prod}-nginx", "1.4.2")
			}
			locateCase{
				files: files{"mc/app.yaml": tc.manifest}, source: tc.source, target: target("org", tc.name), want: tc.want, reason: tc.reason,
			}.run(t)
		})
	}
}

// TestUsersSubstituteAlways: a Kustomization of the repository replaces what nobody sets, too, and so does who applies it.
func TestUsersSubstituteAlways(t *testing.T) {
	const strategy = "postBuild: {substituteStrategy: Always}"
	top := applies("top", "top")
	top.SubstituteAlways = true
	tree := files{
		"mc/app.yaml":     app("org", "${cluster:=prod}-nginx", "1.4.2"),
		"top/b.yaml":      ofGit("b", "${folder:=mc}", "gitops", strategy),
		"top/c.yaml":      ofGit("c", "mc", "gitops", "postBuild: {substituteStrategy: \"${strategy:=Always}\"}"),
		"top/d.yaml":      ofGit("d", "mc", "gitops"),
		"top/kept.yaml":   ofGit("kept", "$${folder:=mc}", "gitops", strategy),
		"clusters/e.yaml": ofGit("e", "${folder:=mc}", "gitops", strategy),
	}
	a := applies("a", "mc")
	a.SubstituteAlways = true
	checkUsers(t, NewSurvey(mapFS(tree), []Source{a, top}), a, target("org", "prod-nginx"), []string{
		"App org/${cluster:=prod}-nginx (Kustomization flux/d)", "App org/prod-nginx (Kustomization flux/a)",
		"App org/prod-nginx (Kustomization flux/b)", "App org/prod-nginx (Kustomization flux/c)",
	})
}
