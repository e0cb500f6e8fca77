package placement

import (
	"fmt"
	"maps"
	"strings"
	"testing/fstest"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// app is an App manifest; its version stands in line 8.
func app(name, version string) string {
	return "apiVersion: application.giantswarm.io/v1alpha1\nkind: App\nmetadata:\n  name: " + name +
		"\n  namespace: org\nspec:\n  catalog: giantswarm\n  version: " + version + "\n"
}

// with is a version with the marker of a pin.
func with(version, name string) string {
	return fmt.Sprintf(`%s # {"$imagepolicy": "org:pin.app.%s:tag"}`, version, name)
}

// sharedBase has one manifest that two overlays use, each with a name of its own: Apps a-nginx and b-nginx.
func sharedBase(version string) map[string]string {
	overlay := func(prefix string) string { return "resources: [../../base]\nnamePrefix: " + prefix + "-\n" }
	return map[string]string{
		"base/kustomization.yaml": "resources: [app.yaml]\n", "base/app.yaml": app("nginx", version),
		"mc/a/kustomization.yaml": overlay("a"), "mc/b/kustomization.yaml": overlay("b"),
		"mc/kustomization.yaml": "resources: [a, b]\n",
	}
}

func mapFS(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{"mc/.keep": {}}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

func key(name string) batch.Key { return batch.Key{Namespace: "org", Name: "pin.app." + name} }

// pinOf is a pin of policy one that nothing is remembered of, changed by change.
func pinOf(name string, change ...func(*Pin)) Pin {
	p := Pin{
		Pin: batch.Pin{Key: key(name), Decided: true, Intent: pin.Intent{
			Mark: true, Source: pin.Source{Path: "mc"},
			Target: pin.Target{APIVersion: "application.giantswarm.io/v1alpha1", Kind: "App", Namespace: "org", Name: name, Field: []string{"spec", "version"}},
		}},
		Policy: "org/one", Source: markers.Source{Path: "mc"},
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

func policyTwo(p *Pin) { p.Policy = "org/two" }
func undecided(p *Pin) { p.Decided = false }
func wave(name string) func(*Pin) {
	return func(p *Pin) { p.Intent.Wave = name }
}
func sharing(p *Pin)   { p.Intent.AllowShared = true }
func suspended(p *Pin) { p.Suspended = true }
func leaving(p *Pin)   { p.Intent.Remove = true }
func orphaned(p *Pin)  { p.Orphaned = true }
func byHand(p *Pin)    { p.Intent.Unmanaged, p.Intent.Mark = true, false }
func refused(p *Pin) {
	p.Refused = true
	p.SourceProblem = &pin.Finding{Reason: "SourceForbidden", Message: "no"}
}

// kustomizationOf is one of the cluster, that applies a folder.
func kustomizationOf(name, dir string) markers.Source {
	return markers.Source{Path: dir, Kustomization: markers.FluxKustomization{Namespace: "flux", Name: name, Path: dir, SourceRef: "GitRepository/gitops"}}
}

// manifest is that of a Kustomization that applies the folder base.
func manifest(name string) string {
	return "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: " + name +
		"\n  namespace: flux\nspec:\n  path: ./base\n  sourceRef:\n    kind: GitRepository\n    name: gitops\n"
}

// appliedBy makes a pin that of an App which the Kustomization applies.
func appliedBy(source markers.Source) func(*Pin) {
	return func(p *Pin) {
		p.Source = source
		p.Intent.Source = pin.Source{Kustomization: pin.NamespacedName{Namespace: source.Kustomization.Namespace, Name: source.Kustomization.Name}}
	}
}

// writtenIn makes a pin that of something whose version is the tag of an OCIRepository.
func writtenIn(name string) func(*Pin) {
	return func(p *Pin) {
		p.Intent.Target.Field = nil
		p.Intent.Written = &pin.Target{
			APIVersion: "source.toolkit.fluxcd.io/v1", Kind: "OCIRepository", Namespace: "org", Name: name, Field: []string{"spec", "ref", "tag"},
		}
	}
}

func remembering(m pin.Memory) func(*Pin) { return func(p *Pin) { p.Memory = m } }

// placedAt is the memory of a pin whose marker was placed.
func placedAt(file, version string) pin.Memory {
	return pin.Memory{File: file, Line: 8, Git: version, Revision: "r0", Marked: true}
}

func known(pins []Pin) map[batch.Key]string {
	policies := map[batch.Key]string{}
	for _, p := range pins {
		policies[p.Key] = p.Policy
	}
	return policies
}

// apply is the repository after a plan.
func apply(files map[string]string, plan Plan) map[string]string {
	after := maps.Clone(files)
	for name, content := range plan.Files {
		after[name] = string(content)
	}
	return after
}

// next are the pins after a plan: those that stay, with their new memories.
func next(pins []Pin, plan Plan) []Pin {
	var stay []Pin
	for _, p := range pins {
		if m, ok := plan.Memories[p.Key]; ok {
			p.Memory = m
			stay = append(stay, p)
		}
	}
	return stay
}

// huge is more than the operator reads of a file.
var huge = strings.Repeat("# padding\n", 500_000)
