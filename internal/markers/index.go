package markers

import (
	"fmt"
	"io/fs"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/resid"
)

// Index knows the objects that a Source builds. It reads the files of a kind
// once, however many targets of that kind are asked for, and keeps only
// documents of that kind. It is not safe for concurrent use, and it needs the
// file system that it was made with.
type Index struct {
	repo   *repository
	source Source
	built  map[groupKind]*build
	// files remembers whether Flux can read and write a file.
	files map[string]*fileState
}

// NewIndex prepares to locate targets below src. The error is a Problem if the
// path of src does not exist or leads out of the repository.
func NewIndex(fsys fs.FS, src Source) (*Index, error) {
	dir, p := cleanPath(src.Path)
	if p != nil {
		return nil, p
	}
	src.Path = dir
	x := &Index{repo: newRepository(fsys), source: src, built: map[groupKind]*build{}, files: map[string]*fileState{}}
	if _, err := x.repo.stat(dir); err != nil {
		return nil, missing(dir, err)
	}
	return x, nil
}

// Locate finds the place that sets the target's version in what src builds; to
// ask for several targets of one src use an Index.
func Locate(fsys fs.FS, src Source, target Target) (Location, error) {
	x, err := NewIndex(fsys, src)
	if err != nil {
		return Location{}, err
	}
	return x.Locate(target)
}

// Locate finds the last place that sets the target's version: what kustomize
// builds has the value that is written there. A Problem that is about such a
// place (NotMarkable, Substituted, ForeignMarker) comes with the Location; one
// of another reason does not.
func (x *Index) Locate(target Target) (Location, error) {
	b, err := x.build(target)
	if err != nil {
		return Location{}, err
	}
	found := b.named(target)
	if len(found) == 0 {
		return Location{}, x.notFound(b, target)
	}
	var at *place
	for _, o := range found {
		next := o.lookup(target.Field)
		if next == nil {
			return Location{}, problem(NotFound, o.file, o.line,
				"%s sets no %s; add it, with \"\" if there is no version yet", target, target.field())
		}
		if at == nil {
			at = next
			continue
		}
		a, b := at.location(), next.location()
		if a.File != b.File || a.Line != b.Line {
			return Location{}, problem(Ambiguous, b.File, b.Line,
				"%s is also written in %s:%d; use a path that contains only one of them", target, a.File, a.Line)
		}
	}
	return x.check(at, found[0], target)
}

// check describes a place, with the Problem that a marker would have there.
func (x *Index) check(at *place, o *object, target Target) (Location, error) {
	loc := at.location()
	if at.blocked != nil {
		return loc, at.blocked
	}
	if o.substituted() && strings.Contains(loc.Value, "${") {
		return loc, problem(Substituted, loc.File, loc.Line,
			"the %s of %s is the variable %s, and Flux does not update a version through a variable here; write the version", target.field(), target, loc.Value)
	}
	state, err := x.fileState(at.file)
	if err != nil {
		return loc, err
	}
	if state.unreadable != nil {
		return loc, state.unreadable
	}
	if loc.Marker = at.doc.markerAt(at.file, at.site.node); loc.Marker != nil {
		return loc, nil
	}
	if p, err := x.unwritable(at.file, state); p != nil || err != nil {
		return loc, firstError(err, p)
	}
	// Any valid Ref tells whether a marker would work.
	if p := at.doc.markable(at.file, at.site, Ref{Namespace: "default", Policy: "pin"}); p != nil {
		return loc, p
	}
	return loc, nil
}

func firstError(err error, p *Problem) error {
	if err != nil {
		return err
	}
	return p
}

// fileState is what Flux makes of a file.
type fileState struct {
	unreadable *Problem
	// tried tells that unwritable is known.
	tried      bool
	unwritable *Problem
}

func (x *Index) fileState(name string) (*fileState, error) {
	if state := x.files[name]; state != nil {
		return state, nil
	}
	content, err := x.repo.read(name)
	if err != nil {
		return nil, err
	}
	state := &fileState{unreadable: parseFile(name, content, nil).readable(content)}
	x.files[name] = state
	return state, nil
}

// unwritable is asked only for a line without a marker: it costs more.
func (x *Index) unwritable(name string, state *fileState) (*Problem, error) {
	if state.tried {
		return state.unwritable, nil
	}
	content, err := x.repo.read(name)
	if err != nil {
		return nil, err
	}
	state.tried, state.unwritable = true, parseFile(name, content, nil).rewritable(content)
	return state.unwritable, nil
}

// build returns the objects of the target's kind.
func (x *Index) build(target Target) (*build, error) {
	group, _ := resid.ParseGroupVersion(target.APIVersion)
	gk := groupKind{group: group, kind: target.Kind}
	if b := x.built[gk]; b != nil {
		return b, nil
	}
	b, err := buildSource(x.repo, x.source, gk)
	if err != nil {
		return nil, err
	}
	x.built[gk] = b
	return b, nil
}

func (x *Index) notFound(b *build, target Target) *Problem {
	text := fmt.Sprintf("no %s below %q in the repository, which has %d objects of this kind", target, x.source.Path, len(b.objects))
	if len(b.unknown) > 0 {
		text += fmt.Sprintf("; names use variables without a value: %s", strings.Join(b.unknown, ", "))
	}
	if len(b.notes) > 0 {
		text += "; not read: " + strings.Join(b.notes[:min(len(b.notes), 3)], "; ")
	}
	return problem(NotFound, "", 0, "%s; correct the path, the target or the files", text)
}
