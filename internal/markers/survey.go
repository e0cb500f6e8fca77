package markers

import (
	"errors"
	"io/fs"
	"slices"
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
	// repo has all files. Flux may not have some of these: see view.
	repo      *repository
	ignores   *ignores
	views     map[string]*repository
	manifests *manifests
	// applied are the sources that the cluster has.
	applied []Source
	// roots are those of Kustomizations, loose those of folders; both are
	// found with the first question, or there is a Problem about that.
	roots, loose []root
	discovered   bool
	problem      error
	// uses are the uses by the field of a kind and by line.
	uses map[string]answer
	// mentioned are the uses of variables by root, and steps and nodes the work
	// that is left to find them.
	mentioned    map[int]mentions
	steps, nodes int
	// tried is the work of trying overlays.
	tried int
	// defined are the objects that give variables, by kind, and builds tells
	// the documents that count while these are built.
	defined map[groupKind]definitions
	builds  func(text string) bool
	// owners are the manifests of Kustomizations by root.
	owners map[int]*owner
	// elsewhere are Kustomizations of the cluster that apply from other
	// sources and may take variables from this one.
	elsewhere []Source
}

// root is where a build begins: what a Flux Kustomization applies, or a folder
// that no other one refers to.
type root struct {
	Source
	// applied is set if the cluster has the Kustomization.
	applied bool
	// entry is the folder, the manifest, or the Kustomization that applies to
	// another cluster, from which the Kustomization comes; empty for what comes
	// from other Kustomizations of the cluster. Kustomizations
	// of different entries are of different clusters, for all that can be told.
	entry string
}

// NewSurvey prepares to ask about a repository. applied are the Kustomizations
// that the cluster has; others are found by their manifests.
func NewSurvey(fsys fs.FS, applied []Source) *Survey {
	repo := newRepository(fsys)
	s := &Survey{
		repo: repo, ignores: newIgnores(repo), views: map[string]*repository{},
		manifests: newManifests(repo), uses: map[string]answer{}, mentioned: map[int]mentions{}, steps: surveySteps, nodes: surveyNodes,
		defined: map[groupKind]definitions{}, owners: map[int]*owner{},
	}
	s.Expect(applied...)
	for _, src := range applied {
		if src.Elsewhere {
			s.elsewhere = append(s.elsewhere, src)
		} else {
			s.applied = append(s.applied, src)
		}
	}
	return s
}

// view is the repository as Flux has it for a source.
func (s *Survey) view(src Source) *repository {
	view := s.views[src.Ignore]
	if view == nil {
		view = s.repo.seen(s.ignores, src.Ignore)
		s.views[src.Ignore] = view
	}
	return view
}

// Expect announces the sources of indexes, so that the files are read once for
// all of them.
func (s *Survey) Expect(sources ...Source) { s.manifests.expect(sources...) }

// eachRoot builds the objects of one kind from every root: from the
// Kustomizations of the cluster, from those that only the repository knows (of
// other clusters, maybe), and from the folders that none of these enters and no
// kustomization refers to.
func (s *Survey) eachRoot(kind groupKind, visit func(root, *build) error) error {
	if err := s.discover(); err != nil {
		return err
	}
	b := newBuilder(kind)
	b.wanted = s.builds
	b.entered, b.steps = map[string]bool{}, surveySteps
	budget := maxSurveyed
	for _, r := range slices.Concat(s.roots, s.loose) {
		if err := s.buildRoot(b, r, &budget, visit); err != nil {
			return err
		}
	}
	return nil
}

// buildRoot builds one root. One that cannot be built, by Flux neither, uses
// nothing.
func (s *Survey) buildRoot(b *builder, r root, budget *int, visit func(root, *build) error) error {
	b.folders = 0
	built, err := b.source(s.view(r.Source), r.Source)
	switch {
	case b.steps < 0 || hasReason(err, TooLarge):
		return notSurveyed()
	case isProblem(err):
		return nil
	case err != nil:
		return err
	}
	if *budget -= 1 + b.folders + len(built.objects); *budget < 0 {
		return notSurveyed()
	}
	by, err := s.manifests.substitution(r.Source)
	if err != nil {
		return err
	}
	built.substitute(by)
	return visit(r, built)
}

func notSurveyed() *Problem {
	return problem(TooLarge, "", 0, "the repository builds more than %d objects, or with too many patches, and who shares a line with whom "+
		"is not looked up; set git.allowShared to mark it all the same", maxSurveyed)
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

func hasReason(err error, reason string) bool {
	var p *Problem
	return errors.As(err, &p) && p.Reason == reason
}
