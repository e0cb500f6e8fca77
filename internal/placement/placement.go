// Package placement decides, for one checkout of a repository, which markers to place and to remove, and what the pins
// remember of what was read. It is pure: a file system and plain values in, file contents and memories out.
//
// One line has one pin. Targets of one policy that share a line move together: one of them leads and its pin's marker
// stands there, the others follow. Targets of different policies cannot share: the line stays unmarked and all learn why.
package placement

import (
	"errors"
	"fmt"
	"io/fs"
	"sort"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
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
	// Refused: the pin's namespace may not use the repository.
	Refused bool
}

// Plan is what to do in a repository and what to remember.
type Plan struct {
	// Files are new contents by path.
	Files map[string][]byte
	// Placed and Removed say where markers come and go, as `file:line`.
	Placed, Removed []string
	// Memories of the pins that stay.
	Memories map[batch.Key]pin.Memory
	// Gone are pins whose marker was removed, or is not there.
	Gone []batch.Key
}

// Make plans one visit. known names every pin of the repository branch, with its policy, so that a marker of ours is told
// from somebody else's.
func Make(fsys fs.FS, revision string, pins []Pin, known map[batch.Key]string) (Plan, error) {
	v := &visit{
		fsys: fsys, revision: revision, known: known, reader: NewReader(fsys),
		plan:  Plan{Files: map[string][]byte{}, Memories: map[batch.Key]pin.Memory{}},
		lines: map[place][]claim{},
	}
	for _, p := range pins {
		if err := v.look(p); err != nil {
			return Plan{}, err
		}
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

func (p place) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

type claim struct {
	Pin
	location markers.Location
}

type visit struct {
	fsys     fs.FS
	revision string
	known    map[batch.Key]string
	reader   *Reader
	plan     Plan
	lines    map[place][]claim
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
	if p.Intent.Remove || p.Orphaned {
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
		v.lines[at] = append(v.lines[at], claim{p, location})
	}
	return nil
}

// leave removes a pin's marker from where it was placed, or from where it moved to.
func (v *visit) leave(p Pin) error {
	v.plan.Gone = append(v.plan.Gone, p.Key)
	if p.Intent.Unmanaged || p.Refused {
		return nil
	}
	if p.Memory.File != "" {
		if removed, err := v.remove(p.Memory.File, p.Memory.Line, p.ref()); removed || err != nil {
			return err
		}
	}
	location, problem, err := v.reader.Locate(p)
	if err != nil || problem != nil || location.Marker == nil {
		return err
	}
	_, err = v.remove(location.File, location.Line, p.ref())
	return err
}

func (v *visit) remove(file string, line int, ref markers.Ref) (bool, error) {
	content, err := v.content(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	without, removed, err := markers.Remove(content, ref)
	if _, isProblem := problemOf(err); isProblem {
		return false, nil // what cannot be read as YAML has no marker that Flux would see
	}
	if err != nil || !removed {
		return false, err
	}
	v.plan.Files[file] = without
	v.plan.Removed = append(v.plan.Removed, place{file, line}.String())
	return true, nil
}

// content of a file, with the changes so far.
func (v *visit) content(file string) ([]byte, error) {
	if content, ok := v.plan.Files[file]; ok {
		return content, nil
	}
	return fs.ReadFile(v.fsys, file)
}

// remember records what was read of a pin; then says what else changes in its memory.
func (v *visit) remember(p Pin, line batch.Line, then func(*pin.Memory)) {
	memory := batch.Recall(p.Memory, line, v.revision)
	memory.Prompt = p.Intent.Prompt
	memory.Leader = ""
	if then != nil {
		then(&memory)
	}
	v.plan.Memories[p.Key] = memory
}

// decide says whose line it is.
func (v *visit) decide(at place, claims []claim) error {
	if policies := v.policiesOf(claims); len(policies) > 1 {
		return v.refuse(at, claims, policies)
	}
	marker := claims[0].location.Marker
	if marker == nil {
		return v.unmarked(at, claims)
	}
	owner := batch.Key{Namespace: marker.Ref.Namespace, Name: marker.Ref.Policy}
	for _, c := range claims {
		if c.Key == owner && marker.Suffix == markers.SuffixTag {
			v.marked(claims, owner)
			return nil
		}
	}
	for _, c := range claims {
		v.remember(c.Pin, c.line(foreign(at, *marker, v.known[owner])), nil)
	}
	return nil
}

// policiesOf names the policies that claim a line, the one of the marker that stands there among them.
func (v *visit) policiesOf(claims []claim) []string {
	names := map[string]bool{}
	for _, c := range claims {
		names[c.Policy] = true
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted)
	return sorted
}

// refuse leaves a line unmarked that targets of several policies share.
func (v *visit) refuse(at place, claims []claim, policies []string) error {
	for _, c := range claims {
		if c.location.Marker != nil && c.location.Marker.Ref == c.ref() && !c.Intent.Unmanaged {
			if _, err := v.remove(at.file, at.line, c.ref()); err != nil {
				return err
			}
		}
		v.remember(c.Pin, c.line(shared(at, policies)), func(m *pin.Memory) { m.Marked = false })
	}
	return nil
}

// marked: the owner leads, the others follow.
func (v *visit) marked(claims []claim, owner batch.Key) {
	for _, c := range claims {
		v.remember(c.Pin, c.line(nil), func(m *pin.Memory) {
			if c.Key == owner {
				m.Marked = true
				return
			}
			m.Marked, m.Leader = false, owner.Name
		})
	}
}

// unmarked: the first that may leads, and its marker is placed; unless a human took a marker away.
func (v *visit) unmarked(at place, claims []claim) error {
	for _, c := range claims {
		if c.Memory.Marked {
			for _, other := range claims {
				v.remember(other.Pin, other.line(missing(at, c.ref())), nil)
			}
			return nil
		}
	}
	leader := claims[0]
	if leader.Intent.Unmanaged {
		v.follow(claims, leader, unmanaged(at, leader.ref()))
		return nil
	}
	if !batch.MayMark(leader.Pin.Pin) {
		v.follow(claims, leader, nil)
		return nil
	}
	content, err := v.content(at.file)
	if err != nil {
		return err
	}
	placed, err := markers.Place(content, leader.location, leader.ref())
	if problem, ok := problemOf(err); ok {
		v.follow(claims, leader, problem)
		return nil
	}
	if err != nil {
		return err
	}
	v.plan.Files[at.file] = placed
	v.plan.Placed = append(v.plan.Placed, at.String())
	for i := range claims {
		claims[i].Memory.Finding = nil
	}
	v.marked(claims, leader.Key)
	return nil
}

// follow remembers a line without a marker.
func (v *visit) follow(claims []claim, leader claim, finding *pin.Finding) {
	for _, c := range claims {
		v.remember(c.Pin, c.line(finding), func(m *pin.Memory) {
			if c.Key != leader.Key && finding == nil {
				m.Leader = leader.Key.Name
			}
		})
	}
}

func (c claim) line(problem *pin.Finding) batch.Line {
	return batch.Line{File: c.location.File, Line: c.location.Line, Value: c.location.Value, Problem: problem}
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
