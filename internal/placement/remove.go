package placement

import (
	"io/fs"
	"slices"

	"github.com/giantswarm/app-upgrade-operator/internal/markers"
)

// leave removes a pin's marker from where it was placed, from where it stayed, and from where it moved to.
func (v *visit) leave(p Pin) error {
	v.plan.Gone = append(v.plan.Gone, p.Key)
	if p.Intent.Unmanaged || p.Refused {
		return nil
	}
	files := []string{p.Memory.File, p.Memory.Astray}
	location, problem, err := v.reader.Locate(p)
	if err != nil {
		return err
	}
	if problem == nil {
		files = append(files, location.File)
	}
	for i, file := range files {
		if file == "" || slices.Contains(files[:i], file) {
			continue
		}
		if err := v.remove(file, p.ref()); err != nil {
			return err
		}
	}
	return nil
}

// remove takes a marker out of a file, if it stands there.
func (v *visit) remove(file string, ref markers.Ref) error {
	at, ok, err := v.reader.stands(file, ref)
	if !ok || err != nil {
		return err
	}
	content, err := v.content(at.file)
	if err != nil {
		return err
	}
	without, removed, err := markers.Remove(content, ref)
	if err != nil || !removed {
		return err
	}
	v.plan.Files[at.file] = without
	v.plan.Removed = append(v.plan.Removed, at.String())
	v.plan.Unmarked[keyOf(ref)] = at.String()
	return nil
}

// content of a file, with the changes so far.
func (v *visit) content(file string) ([]byte, error) {
	if content, ok := v.plan.Files[file]; ok {
		return content, nil
	}
	return fs.ReadFile(v.fsys, file)
}
