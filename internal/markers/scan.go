package markers

import (
	"cmp"
	"errors"
	"io/fs"
)

// Scan visits the markers that Flux acts on in the files below dir, file by
// file in lexical order. Files that Flux skips, because of their name or
// because they cannot be parsed, have none; links are not followed.
//
// An error of visit ends the scan. Files that are too large are left out: the
// scan goes on and returns a Problem for the first of them at its end.
func Scan(fsys fs.FS, dir string, visit func(Found) error) error {
	dir, p := cleanPath(dir)
	if p != nil {
		return p
	}
	repo := newRepository(fsys)
	var skipped *Problem
	var buffer []byte
	err := repo.walk(dir, func(string) error { return nil }, func(name string) error {
		content, err := repo.content(buffer, name)
		var all []marked
		if err == nil {
			buffer = content
			var p *Problem
			all, p = markersIn(name, content)
			err = p.orNil()
		}
		if p := (*Problem)(nil); errors.As(err, &p) {
			skipped = cmp.Or(skipped, p)
			return nil
		}
		if err != nil {
			return err
		}
		for _, m := range all {
			if err := visit(m.found); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return skipped.orNil()
}

// Read finds the one line of file that carries the marker of ref. The error is
// a Problem: MarkerMissing if Flux sees no such marker, MarkerCopied if it
// sees several.
func Read(fsys fs.FS, file string, ref Ref) (Location, error) {
	name, p := cleanPath(file)
	if p != nil {
		return Location{}, p
	}
	if !fluxReads(name) {
		return Location{}, problem(MarkerMissing, name, 0, "Flux reads markers in files named *.yaml, *.yml or Kustomization only; rename the file")
	}
	content, err := newRepository(fsys).read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Location{}, problem(MarkerMissing, name, 0, "the file with the marker %s is gone", ref)
	}
	if err != nil {
		return Location{}, err
	}
	var carrying []marked
	all, p := markersIn(name, content)
	if p != nil {
		return Location{}, p
	}
	for _, m := range all {
		if m.found.Ref == ref {
			carrying = append(carrying, m)
		}
	}
	switch {
	case len(carrying) > 1:
		return Location{}, problem(MarkerCopied, name, carrying[1].found.Line,
			"this line and line %d both carry the marker %s; remove it from one", carrying[0].found.Line, ref)
	case len(carrying) == 1 && carrying[0].found.Suffix == SuffixTag:
		return carrying[0].location(name), nil
	}
	return Location{}, missingMarker(name, content, ref, carrying)
}

func missingMarker(name string, content []byte, ref Ref, carrying []marked) *Problem {
	if len(carrying) == 1 {
		return problem(MarkerMissing, name, carrying[0].found.Line,
			"the marker does not end with :%s, so Flux would not write the tag alone; write %s", SuffixTag, ref.Comment())
	}
	if bad := parseFile(name, content, nil).unreadable(); bad != nil {
		return problem(MarkerMissing, name, bad.firstLine, "Flux skips the file because a document cannot be read; correct it")
	}
	return problem(MarkerMissing, name, 0, "no line carries the marker %s any more", ref)
}

func (m marked) location(name string) Location {
	found := m.found
	return Location{
		File: name, Document: m.doc.index, Line: found.Line, Column: m.scalar.Column,
		Value: m.scalar.Value, Marker: &found,
	}
}
