package placement

import (
	"testing"

	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// The path of a policy only says where the line may be: the layers above it are seen, and may set the version.
func TestMakeBelow(t *testing.T) {
	mc := kustomizationOf("mc", "mc")
	below := func(folder string) Pin {
		return pinOf("nginx", appliedBy(mc), func(p *Pin) { p.Intent.Source.Below = folder })
	}
	base := map[string]string{
		"base/kustomization.yaml": "resources: [app.yaml]\n", "base/app.yaml": app("nginx", "1.0.0"),
		"mc/kustomization.yaml": "resources: [../base]\n",
	}
	patched := map[string]string{
		"base/kustomization.yaml": base["base/kustomization.yaml"], "base/app.yaml": base["base/app.yaml"],
		"mc/kustomization.yaml": "resources: [../base]\npatches:\n- path: p.yaml\n", "mc/p.yaml": app("nginx", "2.0.0"),
	}
	marks := func(file, version string) outcome {
		return outcome{
			files: map[string]string{file: app("nginx", with(version, "nginx"))}, placed: []string{file + ":8"},
			memories: map[string]pin.Memory{"pin.app.nginx": markedAt(file, version)},
		}
	}
	leaves := outcome{memories: map[string]pin.Memory{"pin.app.nginx": found(pin.Memory{}, markers.NotFound)}}
	for name, tc := range map[string]struct {
		files map[string]string
		below string
		want  outcome
	}{
		"the folder":                 {base, "base", marks("base/app.yaml", "1.0.0")},
		"the folder, unclean":        {base, "./base/", marks("base/app.yaml", "1.0.0")},
		"the file":                   {base, "base/app.yaml", marks("base/app.yaml", "1.0.0")},
		"all":                        {base, ".", marks("base/app.yaml", "1.0.0")},
		"a folder that begins so":    {base, "bas", leaves},
		"another folder":             {base, "mc", leaves},
		"a patch above":              {patched, "base", leaves},
		"the folder of the patch":    {patched, "mc", marks("mc/p.yaml", "2.0.0")},
		"a folder that is not there": {base, "gone", leaves},
	} {
		t.Run(name, makeCase{files: tc.files, pins: []Pin{below(tc.below)}, applied: []markers.Source{mc}, want: tc.want}.run)
	}
	_, problem, err := NewReader(mapFS(patched), []markers.Source{mc}).Locate(below("base"))
	want := "mc/p.yaml:8 sets the version that Kustomization flux/mc applies, which is not below the policy's git.path base; correct git.path, or leave it out"
	if err != nil || problem == nil || problem.Message != want {
		t.Errorf("got %+v, %v, want %q", problem, err, want)
	}
}

// What a variable is set to is written with the Flux Kustomization, wherever that is.
func TestMakeBelowVariable(t *testing.T) {
	mc := kustomizationOf("mc", "mc")
	mc.Substitute = map[string]string{"v": "1.0.0"}
	root := kustomizationOf("root", "clusters")
	files := map[string]string{
		"mc/a.yaml": app("nginx", "${v}"),
		"clusters/mc.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: mc, namespace: flux}\nspec:\n  path: ./mc\n" +
			"  sourceRef: {kind: GitRepository, name: gitops}\n  postBuild:\n    substitute:\n      v: 1.0.0\n",
	}
	p := pinOf("nginx", appliedBy(mc), func(p *Pin) { p.Intent.Source.Below = "mc" })
	location, problem, err := NewReader(mapFS(files), []markers.Source{mc, root}).Locate(p)
	if err != nil || problem != nil || location.File != "clusters/mc.yaml" {
		t.Errorf("got %+v, %+v, %v", location, problem, err)
	}
}
