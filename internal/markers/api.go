package markers

import (
	"errors"
	"io/fs"
)

var errNotYet = errors.New("not implemented")

// Index knows every object that a Source builds; it parses once and answers
// for many targets.
type Index struct{}

// NewIndex reads what src builds.
func NewIndex(fsys fs.FS, src Source) (*Index, error) { return nil, errNotYet }

// Locate finds the place that sets the target's version.
func (x *Index) Locate(target Target) (Location, error) { return Location{}, errNotYet }

// Locate finds the place that sets the target's version in what src builds.
func Locate(fsys fs.FS, src Source, target Target) (Location, error) { return Location{}, errNotYet }

// Read finds the one line of file that carries ref.
func Read(fsys fs.FS, file string, ref Ref) (Location, error) { return Location{}, errNotYet }

// Place appends the marker of ref to the line at.
func Place(content []byte, at Location, ref Ref) ([]byte, error) { return nil, errNotYet }

// Remove takes the marker of ref away; it reports whether there was one.
func Remove(content []byte, ref Ref) ([]byte, bool, error) { return nil, false, errNotYet }

// Scan visits every marker below dir that Flux would see.
func Scan(fsys fs.FS, dir string, visit func(Found) error) error { return errNotYet }
