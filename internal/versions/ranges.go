package versions

import (
	"fmt"

	"github.com/Masterminds/semver/v3"
)

// Range is a range of versions, in the syntax and with the meaning that Flux gives it.
type Range struct {
	text        string
	constraints *semver.Constraints
}

// ParseRange reads a range such as `>=1.0.0 <2.0.0` and accepts what Flux accepts.
func ParseRange(text string) (Range, error) {
	constraints, err := semver.NewConstraint(text)
	if err != nil {
		return Range{}, fmt.Errorf("%q is no range of versions such as \">=1.0.0 <2.0.0\": %w", text, err)
	}
	return Range{text: text, constraints: constraints}, nil
}

// String is the range as it was written.
func (r Range) String() string { return r.text }

// Contains says whether a version is in the range. The zero Range contains nothing.
func (r Range) Contains(version string) bool {
	if r.constraints == nil {
		return false
	}
	parsed, err := Parse(version)
	return err == nil && r.constraints.Check(parsed)
}

// Excluded says whether a version is one of the excluded ones.
func Excluded(version string, exclude []string) bool {
	for _, excluded := range exclude {
		if Same(version, excluded) {
			return true
		}
	}
	return false
}

// bare is the version without `v` and without build metadata, which comparisons ignore.
func bare(version *semver.Version) string {
	text := fmt.Sprintf("%d.%d.%d", version.Major(), version.Minor(), version.Patch())
	if version.Prerelease() != "" {
		text += "-" + version.Prerelease()
	}
	return text
}
