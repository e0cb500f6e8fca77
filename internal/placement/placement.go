// Package placement decides, for one checkout of a repository, which markers to place and to remove, and what the pins
// remember of what was read. It is pure: a file system and plain values in, file contents and memories out.
//
// One line has one pin. Targets of one policy that share a line move together: one of them leads and its pin's marker
// stands there, the others follow. Targets of different policies, or of different waves of one, cannot share: the line stays
// unmarked and all learn why. So it does where the line sets the version of what is no target at all, unless the policy
// allows that.
package placement

import (
	"errors"
	"io/fs"
	"sort"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/message"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Pin is a pin whose line is looked for.
type Pin struct {
	batch.Pin
	// Policy is the namespace and name of its policy.
	Policy string
	// Source is where the target is looked for; SourceProblem why that is not known.
	Source        markers.Source
	SourceProblem *pin.Finding
	// Pushed is where its push branch has the version; nil: it has no push branch, or that has none.
	Pushed *batch.Line
	// Unread is what is remembered of the pin if its push branch could not be read, in the place of anything that this look shows;
	// nil: it could.
	Unread *pin.Memory
	// Refused: the pin's namespace may not use the repository.
	Refused bool
	// Later: another visit, whose commit has the right signature, or which comes when a proposal is taken back, places or removes this
	// pin's marker. This one only reads.
	Later bool
	// Ungranted is what the owner of the GitRepository must do before git.allowShared counts for what is of other namespaces
	// or clusters; empty: nothing.
	Ungranted string
	// Image is the image repository of the target's chart, and Range what the policy admits of it.
	Image, Range string
}

// Plan is what to do in a repository and what to remember.
type Plan struct {
	// Files are new contents by path.
	Files map[string][]byte
	// Placed and Removed say where markers come and go, as `file:line`.
	Placed, Removed []string
	// Adopted are the markers that took the place of somebody else's.
	Adopted []Adoption
	// Memories of the pins that stay.
	Memories map[batch.Key]pin.Memory
	// Gone are pins whose marker was removed, or is not there.
	Gone []batch.Key
	// Unmarked are the pins whose marker is removed, with where that was, as `file:line`.
	Unmarked map[batch.Key]string
}

// Make plans one visit. known names every pin of the repository branch, with its policy, so that a marker of ours is told
// from somebody else's, of which foreign says what is known; applied are the Kustomizations of the cluster that apply from the
// repository, so that those who share a line with a pin's target are found.
func Make(
	fsys fs.FS, revision string, pins []Pin, known map[batch.Key]string, applied []markers.Source, foreign map[batch.Key]ForeignPolicy,
) (Plan, error) {
	survey := markers.NewSurvey(fsys, applied)
	v := &visit{
		fsys: fsys, revision: revision, known: known, foreign: foreign, survey: survey, reader: readerOf(fsys, survey),
		plan:  Plan{Files: map[string][]byte{}, Memories: map[batch.Key]pin.Memory{}, Unmarked: map[batch.Key]string{}},
		lines: map[place][]claim{}, applied: map[pin.NamespacedName]markers.Source{},
	}
	for _, source := range applied {
		v.applied[pin.NamespacedName{Namespace: source.Kustomization.Namespace, Name: source.Kustomization.Name}] = source
	}
	v.reader.expect(pins)
	for _, p := range pins {
		if err := v.look(p); err != nil {
			return Plan{}, err
		}
	}
	if err := v.gather(); err != nil {
		return Plan{}, err
	}
	for _, at := range v.order() {
		if err := v.decide(at, v.lines[at]); err != nil {
			return Plan{}, err
		}
	}
	sort.Strings(v.plan.Placed)
	sort.Strings(v.plan.Removed)
	return v.plan, nil
}

// place is one line; claim a pin whose target's version stands there.
type place struct {
	file string
	line int
}

func (p place) String() string { return message.Place(p.file, p.line) }

type claim struct {
	Pin
	location markers.Location
	// astray is where the pin's marker stands and stays although the version is here; zero: nowhere.
	astray place
}

type visit struct {
	fsys     fs.FS
	revision string
	known    map[batch.Key]string
	survey   *markers.Survey
	foreign  map[batch.Key]ForeignPolicy
	// applied are the Kustomizations of the cluster that apply from the repository branch.
	applied map[pin.NamespacedName]markers.Source
	reader  *Reader
	plan    Plan
	lines   map[place][]claim
	// draft is the file that got a marker last.
	draft *markers.Draft
	// offers counts the targets for which an overlay was looked for.
	offers int
}

func (v *visit) order() []place {
	places := make([]place, 0, len(v.lines))
	for at := range v.lines {
		places = append(places, at)
	}
	sort.Slice(places, func(i, j int) bool {
		if places[i].file != places[j].file {
			return places[i].file < places[j].file
		}
		return places[i].line < places[j].line
	})
	return places
}

// look finds the line of one pin, or removes its marker.
func (v *visit) look(p Pin) error {
	if p.Orphaned || p.Intent.Remove && p.Decided { // all of a policy leave in one commit
		if p.Later {
			return nil
		}
		return v.leave(p)
	}
	location, problem, err := v.reader.Locate(p)
	switch {
	case err != nil:
		return err
	case problem != nil:
		v.remember(p, batch.Line{Problem: problem}, nil)
	default:
		at := place{location.File, location.Line}
		v.lines[at] = append(v.lines[at], claim{Pin: p, location: location})
	}
	return nil
}

// remember records what was read of a pin; then says what else changes in its memory.
func (v *visit) remember(p Pin, line batch.Line, then func(*pin.Memory)) {
	if p.Unread != nil {
		memory := *p.Unread
		memory.Prompt = p.Intent.Prompt // when it is read again is known
		v.plan.Memories[p.Key] = memory
		return
	}
	if p.Push != "" {
		line = batch.Proposed(p.Pin, line, p.Pushed)
	}
	memory := batch.Recall(p.Memory, line, v.revision)
	memory.Prompt = p.Intent.Prompt
	memory.Leader = ""
	if then != nil {
		then(&memory)
	}
	v.plan.Memories[p.Key] = memory
}

// line is what was read of a claim. How Flux will change the layout of its file is told until Flux has.
func (v *visit) line(c claim, problem *pin.Finding) batch.Line {
	line := batch.Line{File: c.location.File, Line: c.location.Line, Value: c.location.Value, Astray: c.astray.file, Problem: problem}
	if c.Memory.Marked && c.Memory.Note == "" {
		return line
	}
	line.Note = new(string)
	if change := v.reader.reformat(line.File); change != nil && !c.Intent.RefuseReformat {
		*line.Note = change.String()
	}
	return line
}

func (p Pin) ref() markers.Ref { return markers.Ref{Namespace: p.Key.Namespace, Policy: p.Key.Name} }

// problemOf is the finding in an error that a user can mend.
func problemOf(err error) (*pin.Finding, bool) {
	var problem *markers.Problem
	if !errors.As(err, &problem) {
		return nil, false
	}
	return &pin.Finding{Reason: reason(problem.Reason), Message: problem.Message}, true
}

func reason(r string) string {
	if r == markers.MarkerMissing {
		return v1alpha1.MarkerMissingReason
	}
	return r
}
