package markers

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"

	"sigs.k8s.io/kustomize/api/konfig"
	kustypes "sigs.k8s.io/kustomize/api/types"
)

// maxRoots bounds the Kustomizations of one repository.
const maxRoots = 5_000

// maxSurveyed bounds the objects and folders that all roots of a repository
// build together.
const maxSurveyed = 500_000

// surveySteps bounds the work of building them, as maxSteps does for one.
const surveySteps = 4 * maxSteps

// Survey knows what uses a repository. Everything is found out once, and only
// when it is asked for. It is not safe for concurrent use, and it needs the
// file system that it was made with.
type Survey struct {
	repo      *repository
	manifests *manifests
	// applied are the sources that the cluster has.
	applied []Source
	// roots are those of Kustomizations, loose those of folders; both are
	// found with the first question.
	roots, loose []root
	rooted       bool
	// uses are the uses by the field of a kind and by line.
	uses map[string]map[line][]use
	// mentioned are the uses of variables by root, and steps the work that is
	// left to find them.
	mentioned map[int]map[string][]use
	steps     int
}

// root is where a build begins: what a Flux Kustomization applies, or a folder
// that no other one refers to.
type root struct {
	Source
	// applied is set if the cluster has the Kustomization.
	applied bool
}

// NewSurvey prepares to ask about a repository. applied are the Kustomizations
// that the cluster has; others are found by their manifests.
func NewSurvey(fsys fs.FS, applied []Source) *Survey {
	repo := newRepository(fsys)
	s := &Survey{repo: repo, manifests: newManifests(repo), applied: applied, uses: map[string]map[line][]use{}, mentioned: map[int]map[string][]use{}, steps: surveySteps}
	s.Expect(applied...)
	return s
}

// Expect announces the sources of indexes, so that the files are read once for
// all of them.
func (s *Survey) Expect(sources ...Source) { s.manifests.expect(sources...) }

// eachRoot builds the objects of one kind from every root: from the
// Kustomizations of the cluster, from those that only the repository knows (of
// other clusters, maybe), and from the folders that none of these enters and no
// kustomization refers to.
func (s *Survey) eachRoot(kind groupKind, visit func(root, *build) error) error {
	b := newBuilder(s.repo, kind)
	b.entered, b.steps = map[string]bool{}, surveySteps
	budget := maxSurveyed
	run := func(roots []root) error {
		for _, r := range roots {
			if err := s.buildRoot(b, r, &budget, visit); err != nil {
				return err
			}
		}
		return nil
	}
	if !s.rooted {
		all, err := s.manifests.fluxKustomizations()
		if err != nil {
			return err
		}
		s.roots = append(s.inCluster(), s.unapplied(all)...)
		if len(s.roots) > maxRoots {
			return problem(TooLarge, "", 0, "more than %d Kustomizations apply from the repository, and who shares a line with whom is not looked up; "+
				"set git.allowShared to mark it all the same", maxRoots)
		}
	}
	if err := run(s.roots); err != nil {
		return err
	}
	if !s.rooted {
		loose, err := s.looseFolders(b.entered)
		if err != nil {
			return err
		}
		s.loose, s.rooted = loose, true
	}
	return run(s.loose)
}

// buildRoot builds one root. One that cannot be built uses nothing.
func (s *Survey) buildRoot(b *builder, r root, budget *int, visit func(root, *build) error) error {
	b.folders = 0
	built, err := b.source(r.Source)
	switch {
	case b.steps < 0:
		return notSurveyed()
	case isProblem(err):
		return nil
	case err != nil:
		return err
	}
	if *budget -= 1 + b.folders + len(built.objects); *budget < 0 {
		return notSurveyed()
	}
	variables, err := s.manifests.variables(r.Source)
	if err != nil {
		return err
	}
	built.substitute(variables)
	return visit(r, built)
}

func notSurveyed() *Problem {
	return problem(TooLarge, "", 0, "the repository builds more than %d objects, or with too many patches, and who shares a line with whom "+
		"is not looked up; set git.allowShared to mark it all the same", maxSurveyed)
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

// unapplied are the Kustomizations of manifests, without those of the cluster.
func (s *Survey) unapplied(all []*object) []root {
	known := map[string]bool{}
	left := slices.Clone(s.applied)
	for _, src := range left {
		known[src.Kustomization.SourceRef] = true
	}
	var roots []root
	for _, o := range all {
		src, ok := o.fluxSource()
		if !ok {
			continue
		}
		ours := slices.IndexFunc(left, func(a Source) bool {
			return o.named(a.Kustomization.Namespace, a.Kustomization.Name) && samePath(a.Kustomization.Path, src.Path)
		})
		if ours >= 0 {
			left = slices.Delete(left, ours, ours+1)
			continue
		}
		// The whole of another source is no part of this repository.
		if src.Path != "." || known[src.Kustomization.SourceRef] {
			roots = append(roots, root{Source: src})
		}
	}
	return roots
}

// looseFolders are the kustomizations that are not part of any other, but for
// components, which build nothing alone.
func (s *Survey) looseFolders(entered map[string]bool) ([]root, error) {
	found, refers := map[string]bool{}, map[string]bool{}
	enter := func(string) error { return nil }
	err := s.repo.walk(".", enter, func(name string) error {
		if !slices.Contains(konfig.RecognizedKustomizationFileNames(), path.Base(name)) {
			return nil
		}
		dir := path.Dir(name)
		k, err := s.repo.readKustomization(dir)
		if err != nil || k == nil {
			return ignoreProblem(err)
		}
		found[dir] = k.Kind != kustypes.ComponentKind
		for _, name := range append(slices.Clone(k.Resources), k.Components...) {
			refers[path.Join(dir, name)] = true
		}
		return nil
	})
	var loose []root
	for _, dir := range slices.Sorted(maps.Keys(found)) {
		if found[dir] && !refers[dir] && !entered[dir] {
			loose = append(loose, root{Source: Source{Path: dir}})
		}
	}
	return loose, err
}

// ignoreProblem keeps what only reading can fail with.
func ignoreProblem(err error) error {
	if isProblem(err) {
		return nil
	}
	return err
}

func isProblem(err error) bool {
	var p *Problem
	return errors.As(err, &p)
}
