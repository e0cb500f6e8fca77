package placement

import (
	"io/fs"
	"path"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
)

// leave removes a pin's marker from where it was placed, or from where it moved to.
func (v *visit) leave(p Pin) error {
	v.plan.Gone = append(v.plan.Gone, p.Key)
	if p.Intent.Unmanaged || p.Refused {
		return nil
	}
	if p.Memory.File != "" {
		if removed, err := v.remove(p.Memory.File, p.ref()); removed || err != nil {
			return err
		}
	}
	location, problem, err := v.reader.Locate(p)
	if err != nil || problem != nil || location.Marker == nil {
		return err
	}
	_, err = v.remove(location.File, p.ref())
	return err
}

// remove takes a marker out of a file. The name of the file may come from an annotation that anybody has changed: one that
// is not in the repository has no marker.
func (v *visit) remove(file string, ref markers.Ref) (bool, error) {
	file = path.Clean(file)
	at, err := markers.Read(v.fsys, file, ref)
	if problem, ok := problemOf(err); ok && problem.Reason != v1alpha1.MarkerCopiedReason {
		return false, nil // what Flux does not see as a marker of ours is none
	} else if !ok && err != nil {
		return false, err
	}
	content, err := v.content(file)
	if err != nil {
		return false, err
	}
	without, removed, err := markers.Remove(content, ref)
	if err != nil || !removed {
		return false, err
	}
	v.plan.Files[file] = without
	v.plan.Removed = append(v.plan.Removed, place{file, at.Line}.String())
	v.unmarked[ref] = true
	return true, nil
}

// content of a file, with the changes so far.
func (v *visit) content(file string) ([]byte, error) {
	if content, ok := v.plan.Files[file]; ok {
		return content, nil
	}
	return fs.ReadFile(v.fsys, file)
}
