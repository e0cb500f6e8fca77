package versions

// Change is the largest part in which two versions differ. Larger changes are larger numbers.
type Change int

const (
	// NoChange: the versions are the same.
	NoChange Change = iota
	// PatchChange: major and minor are the same. A pre-release and its release differ by this, too.
	PatchChange
	// MinorChange: the majors are the same.
	MinorChange
	// MajorChange: the majors differ.
	MajorChange
)

// String is the part: Major, Minor, Patch, or nothing.
func (c Change) String() string {
	switch c {
	case MajorChange:
		return "Major"
	case MinorChange:
		return "Minor"
	case PatchChange:
		return "Patch"
	}
	return ""
}

// ChangeOf is the change between two versions, upward or downward. It is false when one of them is no version.
func ChangeOf(from, to string) (Change, bool) {
	left, err := Parse(from)
	if err != nil {
		return NoChange, false
	}
	right, err := Parse(to)
	if err != nil {
		return NoChange, false
	}
	switch {
	case left.Major() != right.Major():
		return MajorChange, true
	case left.Minor() != right.Minor():
		return MinorChange, true
	case !left.Equal(right):
		return PatchChange, true
	}
	return NoChange, true
}
