package placement

import (
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Reader finds lines in one checkout, and reads each source once.
type Reader struct {
	fsys      fs.FS
	survey    *markers.Survey
	indexes   map[string]indexed
	reformats map[string]*markers.Reformat
}

type indexed struct {
	index *markers.Index
	err   error
}

// NewReader reads a checkout, of which applied are the Kustomizations of the cluster that apply from it.
func NewReader(fsys fs.FS, applied []markers.Source) *Reader {
	return readerOf(fsys, markers.NewSurvey(fsys, applied))
}

func readerOf(fsys fs.FS, survey *markers.Survey) *Reader {
	return &Reader{fsys: fsys, survey: survey, indexes: map[string]indexed{}, reformats: map[string]*markers.Reformat{}}
}

// expect lets the files be read once for all of these pins.
func (r *Reader) expect(pins []Pin) {
	for _, p := range pins {
		r.survey.Expect(p.Source)
	}
}

// Locate finds the line of a pin's target: a location, or a problem that a user can mend, or an error of reading.
func (r *Reader) Locate(p Pin) (markers.Location, *pin.Finding, error) {
	if p.SourceProblem != nil {
		return markers.Location{}, p.SourceProblem, nil
	}
	source := p.Intent.Source
	key := source.Kustomization.String() + " " + source.Path
	x, ok := r.indexes[key]
	if !ok {
		x.index, x.err = r.survey.Index(p.Source)
		r.indexes[key] = x
	}
	if x.err != nil {
		return located(markers.Location{}, x.err)
	}
	location, problem, err := located(x.index.Locate(target(p.Intent.Place())))
	if problem == nil && err == nil && location.Variable == "" && !below(location.File, source.Below) {
		return markers.Location{}, notBelow(location, p), nil
	}
	return location, problem, err
}

// below: the file is the folder or file that the policy names, or in it. If it names none, each is.
func below(file, named string) bool {
	folder := path.Clean(named)
	return folder == "." || file == folder || strings.HasPrefix(file, folder+"/")
}

func target(t pin.Target) markers.Target {
	return markers.Target{APIVersion: t.APIVersion, Kind: t.Kind, Namespace: t.Namespace, Name: t.Name, Field: t.Field}
}

// maxTag bounds a version, as the OCI distribution specification bounds a tag. What is longer would not fit into what is
// remembered of a pin either.
const maxTag = 128

func located(location markers.Location, err error) (markers.Location, *pin.Finding, error) {
	if err == nil && len(location.Value) > maxTag {
		return markers.Location{}, endless(place{location.File, location.Line}), nil
	}
	if err == nil {
		return location, nil, nil
	}
	if problem, ok := problemOf(err); ok {
		return markers.Location{}, problem, nil
	}
	return markers.Location{}, nil, err
}

// Lines reads the marked lines of pins, and looks for copies of their markers under the folder that Flux would write.
func (r *Reader) Lines(revision string, pins []Pin) (batch.Reading, error) {
	reading := batch.Reading{Revision: revision, Lines: map[batch.Key]batch.Line{}}
	r.expect(pins)
	var files []string
	for _, p := range pins {
		line, err := r.line(p)
		if err != nil {
			return batch.Reading{}, err
		}
		reading.Lines[p.Key] = line
		if line.File != "" {
			files = append(files, line.File)
		}
	}
	places, err := r.places(pins, batch.UpdatePath(files))
	problem, unsure := problemOf(err)
	if err != nil && !unsure {
		return batch.Reading{}, fmt.Errorf("look for copied markers: %w", err)
	}
	for _, p := range pins {
		line := reading.Lines[p.Key]
		switch at := places[p.ref()]; {
		case line.Problem != nil:
		case len(at) > 1:
			line.Problem = copied(at, p.ref())
		case unsure:
			line.Problem = problem
		}
		reading.Lines[p.Key] = line
	}
	return reading, nil
}

// line reads the line of the pin's target: that is the one that counts, not just any that has the marker.
func (r *Reader) line(p Pin) (batch.Line, error) {
	location, problem, err := r.Locate(p)
	if err != nil {
		return batch.Line{}, err
	}
	if problem != nil {
		return batch.Line{Problem: problem}, nil
	}
	at := place{location.File, location.Line}
	astray, err := r.astray(p, location)
	if err != nil {
		return batch.Line{}, err
	}
	line := batch.Line{File: location.File, Line: location.Line, Value: location.Value, Astray: astray.file}
	switch marker := location.Marker; {
	case marker == nil && line.Astray != "":
		line.Problem = leftBehind(at, astray, p)
	case marker == nil:
		line.Problem = missing(at, p)
	case marker.Ref != p.ref():
		line.Problem = taken(at, *marker)
		line.Foreign = keyOf(marker.Ref).String()
	case marker.Suffix != markers.SuffixTag:
		line.Problem = incomplete(at, *marker)
	default:
		line.Problem = r.refused(line.File, p)
	}
	return line, nil
}

// refused is the finding about a file whose layout Flux would change, for a policy that refuses that.
func (r *Reader) refused(file string, p Pin) *pin.Finding {
	if !p.Intent.RefuseReformat {
		return nil
	}
	if change := r.reformat(file); change != nil {
		return reformatted(*change)
	}
	return nil
}

// reformat is how Flux would change the layout of a file in which a version was found; nil: not at all.
func (r *Reader) reformat(file string) *markers.Reformat {
	change, known := r.reformats[file]
	if known {
		return change
	}
	if content, err := fs.ReadFile(r.fsys, file); err == nil {
		change = markers.Reformatted(file, content)
	}
	r.reformats[file] = change
	return change
}

// places are the lines under a folder on which markers of pins stand. The error is a problem if some could not be looked at.
func (r *Reader) places(pins []Pin, folder string) (map[markers.Ref][]string, error) {
	places := map[markers.Ref][]string{}
	for _, p := range pins {
		places[p.ref()] = nil
	}
	err := markers.Scan(r.fsys, path.Clean(folder), func(found markers.Found) error {
		if _, ours := places[found.Ref]; ours {
			places[found.Ref] = append(places[found.Ref], place{found.File, found.Line}.String())
		}
		return nil
	})
	for _, at := range places {
		sort.Strings(at)
	}
	return places, err
}
