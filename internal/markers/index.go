package markers

import (
	"fmt"
	"io/fs"
	"strings"
)

// Index knows the objects that a Source builds. It reads the files of a kind
// once, however many targets of that kind are asked for, and keeps only
// documents of that kind. It is not safe for concurrent use, and it needs the
// file system that it was made with.
type Index struct {
	repo      *repository
	manifests *manifests
	survey    *Survey
	source    Source
	built     map[groupKind]*build
	// own are the manifests of the source's Kustomization, once asked for.
	own *owner
	// readable and writable remember by file what Flux would make of it.
	readable, writable map[string]error
}

// NewIndex prepares to locate targets below src. The error is a Problem if the
// path of src does not exist or leads out of the repository.
func NewIndex(fsys fs.FS, src Source) (*Index, error) {
	return NewSurvey(fsys, src.inCluster()).Index(src)
}

// inCluster is the source if a Kustomization of the cluster applies it.
func (src Source) inCluster() []Source {
	if src.Kustomization.Name == "" {
		return nil
	}
	return []Source{src}
}

// Index is NewIndex for one of several sources of a repository.
func (s *Survey) Index(src Source) (*Index, error) {
	dir, p := cleanPath(src.Path)
	if p != nil {
		return nil, p
	}
	src.Path = dir
	x := &Index{
		repo: s.view(src), manifests: s.manifests, survey: s, source: src, built: map[groupKind]*build{},
		readable: map[string]error{}, writable: map[string]error{},
	}
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
// builds has the value that is written there, or, if that is one variable and
// nothing else, what Flux puts in for it. A Problem that is about such a
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
			return Location{}, o.unset(target)
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

// unset says that nothing sets the target's version, and what takes it away if something does.
func (o *object) unset(target Target) *Problem {
	by := o.remover(target.Field)
	if by == nil {
		return problem(NotFound, o.file, o.line, "%s sets no %s; add it, with \"\" if there is no version yet", target, target.field())
	}
	file, line := by.removes(target.Field)
	if file == "" {
		return problem(NotFound, o.file, o.line, "spec.patches of the Flux Kustomization take the %s of %s away; take that out of them", target.field(), target)
	}
	return problem(NotFound, file, line, "this patch takes the %s of %s away; take that out of it", target.field(), target)
}

// check goes from the place of a target's version to the line that sets it.
func (x *Index) check(at *place, o *object, target Target) (Location, error) {
	loc := at.location()
	if isVariable(o, loc.Value) {
		setter, variable, err := x.setter(loc, target)
		if err != nil {
			return loc, err
		}
		at, loc = setter, setter.location()
		loc.Variable = variable
		if strings.Contains(loc.Value, "${") {
			return loc, problem(Substituted, loc.File, loc.Line,
				"the variable that is the %s of %s is set to the variable %s; write the version itself in this line", target.field(), target, loc.Value)
		}
	}
	return x.usable(at, loc)
}

// usable describes a place, with the Problem that a marker would have there.
func (x *Index) usable(at *place, loc Location) (Location, error) {
	if at.blocked != nil {
		return loc, at.blocked
	}
	if strings.Contains(loc.Value, "$(") {
		return loc, problem(NotMarkable, loc.File, loc.Line, "the version is %s, which kustomize replaces; write the version itself in this line", quoted(brief(loc.Value)))
	}
	if at.doc.encrypted() {
		return loc, problem(NotMarkable, loc.File, loc.Line, "SOPS keeps a checksum over this document, which a new version would break; take it out of the encryption")
	}
	if err := x.judge(x.readable, at.file, func(content []byte) *Problem {
		return parseFile(at.file, content, nil).readable(content)
	}); err != nil {
		return loc, err
	}
	if loc.Marker = at.doc.markerAt(at.file, at.site.node); loc.Marker != nil {
		return loc, nil
	}
	// Only now, because it costs more than all before. Any valid Ref tells
	// whether a marker would work.
	ref := Ref{Namespace: "default", Policy: "pin"}
	if at.doc.whole {
		if _, proven := at.doc.try(at.file, at.site, ref); proven {
			return loc, nil
		}
	}
	if err := x.judge(x.writable, at.file, func(content []byte) *Problem {
		return sameAfterRewrite(at.file, content, func() *file { return parseFile(at.file, content, nil) })
	}); err != nil {
		return loc, err
	}
	if _, p := at.doc.markable(at.file, at.site, ref); p != nil {
		return loc, p
	}
	return loc, nil
}

// judge asks once per file and remembers the answer.
func (x *Index) judge(known map[string]error, name string, ask func(content []byte) *Problem) error {
	if err, asked := known[name]; asked {
		return err
	}
	content, err := x.repo.read(name)
	if err != nil {
		return err
	}
	if p := ask(content); p != nil {
		err = p
	}
	known[name] = err
	return err
}

// build returns the objects of the target's kind.
func (x *Index) build(target Target) (*build, error) {
	gk := target.kind()
	if b := x.built[gk]; b != nil {
		return b, nil
	}
	from := newBuilder(gk)
	from.readable = x.readable
	b, err := from.source(x.repo, x.source)
	if err != nil {
		return nil, err
	}
	by, err := x.manifests.substitution(x.source)
	if err != nil {
		return nil, err
	}
	b.substitute(by)
	x.built[gk] = b
	return b, nil
}

func (x *Index) notFound(b *build, target Target) *Problem {
	if u := b.candidate(target); u != nil {
		return x.maybe(u, b.substituted, target)
	}
	text := fmt.Sprintf("no %s below %q in the repository, which has %d objects of this kind", target, brief(x.source.Path), len(b.objects))
	if b.hidden > 0 {
		text += fmt.Sprintf("; %d files are hidden from Flux by .sourceignore or spec.ignore of the GitRepository", b.hidden)
	}
	if len(b.notes) > 0 {
		text += "; not read: " + strings.Join(b.notes[:min(len(b.notes), 3)], "; ")
	}
	return problem(NotFound, "", 0, "%s; correct the path, the target or the files", prose(text))
}
