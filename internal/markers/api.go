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
