package placement

import (
	"fmt"
	"path"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// astray is where a pin's marker stands although the version is written at another place now, as after a patch gave the target
// a line of its own; the zero place if it does not. The names of the files may come from an annotation that anybody has
// changed: one that is not in the repository has no marker.
func (r *Reader) astray(p Pin, now markers.Location) (place, error) {
	if now.Marker != nil && now.Marker.Ref == p.ref() {
		return place{}, nil
	}
	for _, file := range []string{p.Memory.Astray, p.Memory.File} {
		if file == "" || file == now.File && !p.Memory.Marked {
			continue
		}
		at, ok, err := r.stands(file, p.ref())
		if ok || err != nil {
			return at, err
		}
	}
	return place{}, nil
}

// stands is where in a file a marker of ours stands. Line 0: on several lines. What Flux does not see as a marker is none.
func (r *Reader) stands(file string, ref markers.Ref) (place, bool, error) {
	file = path.Clean(file)
	at, err := markers.Read(r.fsys, file, ref)
	problem, ok := problemOf(err)
	switch {
	case ok:
		return place{file: file}, problem.Reason == v1alpha1.MarkerCopiedReason, nil
	case err != nil:
		return place{}, false, err
	}
	return place{file, at.Line}, true, nil
}

// gather takes away the markers that stand astray, before anybody's line is decided: another target may have what is left
// there. Where the versions are now, they are placed like those of new pins.
func (v *visit) gather() error {
	for _, at := range v.order() {
		for i := range v.lines[at] {
			if err := v.fetch(&v.lines[at][i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetch takes away one marker that stands astray. That of a human, or of a pin that may not be marked now, stays.
func (v *visit) fetch(c *claim) error {
	at, err := v.reader.astray(c.Pin, c.location)
	if at == (place{}) || err != nil {
		return err
	}
	if c.Intent.Unmanaged || !c.mayMark() {
		c.astray = at
		return nil
	}
	c.Memory.Marked = false
	return v.remove(at.file, c.ref())
}

// leftBehind: the marker stands astray, and what brings it here.
func leftBehind(at, astray place, p Pin) *pin.Finding {
	text := fmt.Sprintf("%s sets the version now, and the marker still stands at %s; ", at, astray)
	switch {
	case p.Intent.Unmanaged:
		text += "take it away there, and put this at the end of the line here: " + p.ref().Comment()
	case p.Suspended:
		text += "the operator moves it once the policy is not suspended"
	default:
		text += "the operator moves it with its next commit of markers"
	}
	return &pin.Finding{Reason: v1alpha1.MarkerMissingReason, Message: text}
}

// Unpushed is the memory of a pin after a look whose markers could not be pushed: what was read holds, but for them.
func Unpushed(p Pin, looked pin.Memory) pin.Memory {
	looked.Marked = p.Memory.Marked
	looked.Astray = p.Memory.Astray
	if looked.Astray == "" && looked.Marked && looked.File != p.Memory.File {
		looked.Astray = p.Memory.File
	}
	return looked
}
