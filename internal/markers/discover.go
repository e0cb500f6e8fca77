package markers

import (
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	kustypes "sigs.k8s.io/kustomize/api/types"
)

// discovery finds where builds begin. It follows the Flux Kustomizations that
// the builds make, which may be other ones than their manifests say: a patch
// may give each cluster another path.
type discovery struct {
	survey *Survey
	b      *builder
	budget int
	roots  []root
	known  map[rootKey]bool
	// entered are the folders that Kustomizations build.
	entered map[string]bool
	// made are the manifests of which some root makes a Kustomization.
	made map[string]bool
	// left are the Kustomizations of the cluster of which no manifest was met.
	left []Source
	// sources are those that Kustomizations of the cluster name.
	sources map[string]bool
}

type rootKey struct{ entry, namespace, name, path string }

// discover finds the roots, once.
func (s *Survey) discover() error {
	if s.discovered {
		return s.problem
	}
	b := newBuilder(fluxKustomizationKind)
	b.steps = surveySteps
	d := &discovery{
		survey: s, b: b, budget: maxSurveyed, known: map[rootKey]bool{}, entered: map[string]bool{}, made: map[string]bool{},
		left: slices.Clone(s.applied), sources: map[string]bool{},
	}
	loose, err := d.run()
	if err != nil && !isProblem(err) {
		return err
	}
	s.roots, s.loose, s.discovered, s.problem = d.roots, loose, true, err
	return err
}

// run begins with the cluster, goes on with the folders that nobody refers to,
// and ends with the manifests that nobody builds: a cluster may apply these,
// too. The folders that none of the Kustomizations enters are loose.
func (d *discovery) run() (loose []root, err error) {
	manifests, err := d.survey.manifests.fluxKustomizations()
	if err != nil {
		return nil, err
	}
	for _, src := range d.left {
		d.sources[src.Kustomization.SourceRef] = true
	}
	if err := d.follow(d.survey.inCluster()); err != nil {
		return nil, err
	}
	loose, named, err := d.survey.looseFolders(d.entered)
	if err != nil {
		return nil, err
	}
	for _, folder := range loose {
		next, err := d.kustomizations(folder, map[string]bool{})
		if err != nil {
			return nil, err
		}
		if err := d.follow(next); err != nil {
			return nil, err
		}
	}
	for _, o := range manifests {
		if err := d.follow(d.alone(o, named)); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(loose, func(r root) bool { return d.entered[r.Path] }), nil
}

// follow adds roots, and what comes from them.
func (d *discovery) follow(next []root) error {
	for ; len(next) > 0; next = next[1:] {
		r := next[0]
		key := rootKey{r.entry, r.Kustomization.Namespace, r.Kustomization.Name, r.Path}
		if d.known[key] && !r.applied {
			continue
		}
		d.known[key] = true
		if d.roots = append(d.roots, r); len(d.roots) > maxRoots {
			return problem(TooLarge, "", 0, "more than %d Kustomizations apply from the repository, and who shares a line with whom is not looked up; "+
				"set git.allowShared to mark it all the same", maxRoots)
		}
		found, err := d.kustomizations(r, d.entered)
		if err != nil {
			return err
		}
		next = append(next, found...)
	}
	return nil
}

// kustomizations are those that a root makes, without the cluster's own.
func (d *discovery) kustomizations(r root, entered map[string]bool) ([]root, error) {
	var found []root
	d.b.entered = entered
	err := d.survey.buildRoot(d.b, r, &d.budget, func(r root, built *build) error {
		for _, o := range built.objects {
			src, ok := o.fluxSource(built.substituted)
			if !ok {
				continue
			}
			d.made[o.definition()] = true
			if src.Kustomization.SourceRef == r.Kustomization.SourceRef {
				src.Ignore = r.Ignore
			}
			next := root{Source: src, entry: r.entryOf()}
			if d.applies(src) && !d.inCluster(o, next) {
				found = append(found, next)
			}
		}
		return nil
	})
	return found, err
}

// entryOf is the entry of what comes from a root.
func (r root) entryOf() string {
	switch {
	case r.entry != "":
		return r.entry
	case r.Kustomization.Name == "":
		return r.Path
	case r.Remote:
		return r.Kustomization.String()
	default:
		return ""
	}
}

// alone is the Kustomization of a manifest that no root builds and that no
// kustomization names, unless the cluster has it.
func (d *discovery) alone(o *object, named map[string]bool) []root {
	src, ok := o.fluxSource(substitution{})
	next := root{Source: src, entry: o.file}
	if !ok || d.made[o.definition()] || named[o.file] || !d.applies(src) || d.inCluster(o, next) {
		return nil
	}
	return []root{next}
}

// inCluster reports whether a Kustomization is one of the cluster, which tells
// better what it is. One that comes from elsewhere may be that if it is like it
// and no other was taken for it.
func (d *discovery) inCluster(o *object, r root) bool {
	own := func(a Source) bool { return o.named(a.Kustomization.Namespace, a.Kustomization.Name) }
	if r.entry == "" {
		d.left = slices.DeleteFunc(d.left, own)
		return slices.ContainsFunc(d.survey.applied, own)
	}
	like := slices.IndexFunc(d.left, func(a Source) bool { return own(a) && samePath(a.Kustomization.Path, r.Path) })
	if like < 0 {
		return false
	}
	d.left = slices.Delete(d.left, like, like+1)
	return true
}

// applies reports whether a source may be of this repository. The whole of
// another one is no part of it.
func (d *discovery) applies(src Source) bool {
	return src.Path != "." || d.sources[src.Kustomization.SourceRef]
}

func (s *Survey) inCluster() []root {
	var roots []root
	for _, src := range s.applied {
		if dir, p := cleanPath(src.Path); p == nil {
			src.Path = dir
			roots = append(roots, root{Source: src, applied: true})
		}
	}
	return roots
}

// looseFolders are the kustomizations that are not part of any other, but for
// components, which build nothing alone. named are the files that kustomizations
// name.
func (s *Survey) looseFolders(entered map[string]bool) (loose []root, named map[string]bool, err error) {
	found, refers := map[string]bool{}, map[string]bool{}
	named = map[string]bool{}
	enter := func(string) error { return nil }
	seen := s.view(Source{})
	err = seen.walk(".", enter, func(name string) error {
		if !slices.Contains(konfig.RecognizedKustomizationFileNames(), path.Base(name)) {
			return nil
		}
		dir := path.Dir(name)
		k, err := seen.readKustomization(dir)
		if err != nil || k == nil {
			return ignoreProblem(err)
		}
		found[dir] = k.Kind != kustypes.ComponentKind
		for _, name := range k.names() {
			name = path.Join(dir, name)
			refers[name], named[name] = true, true
			if of := path.Dir(name); fluxReads(name) && of != dir {
				refers[of] = true // who names a file of a base has no need of its kustomization
			}
		}
		return nil
	})
	for _, dir := range slices.Sorted(maps.Keys(found)) {
		if found[dir] && !refers[dir] && !entered[dir] {
			loose = append(loose, root{Source: Source{Path: dir}})
		}
	}
	return loose, named, err
}

// names are the files and folders that the kustomization names.
func (k *kustomization) names() []string {
	names := slices.Concat(k.Resources, k.Components)
	for _, p := range slices.Concat(k.Patches, k.PatchesJson6902) {
		names = append(names, p.Path)
	}
	for _, p := range k.PatchesStrategicMerge {
		if !strings.ContainsAny(string(p), "\n{") {
			names = append(names, string(p))
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}
