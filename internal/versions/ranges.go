package versions

import (
	"fmt"
	"strings"

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

// Compose returns the range that contains what text does, without the excluded versions. It is text itself when that
// contains none of them.
//
// Each group of an `||` gets a `!=` for those excluded versions that it contains, and for no others: a pre-release in
// a comparator would make its whole group admit pre-releases, and a range must stay below what Flux can read
// (512 bytes). The error says which field is wrong, or that too many versions are excluded.
func Compose(text string, exclude []string) (string, error) {
	whole, err := ParseRange(text)
	if err != nil {
		return "", fmt.Errorf("versions.range: %w", err)
	}
	excluded, err := parseExcluded(exclude)
	if err != nil {
		return "", fmt.Errorf("versions.exclude: %w", err)
	}
	// The library rewrites hyphen ranges before it splits the text into groups, so its own rendering is split here.
	groups := strings.Split(whole.constraints.String(), " || ")
	changed := false
	for i, group := range groups {
		without, err := excludeFromGroup(group, excluded)
		if err != nil {
			return "", fmt.Errorf("versions.range: %w", err)
		}
		changed = changed || without != group
		groups[i] = without
	}
	if !changed {
		return text, nil
	}
	composed := strings.Join(groups, " || ")
	if len(composed) > semver.MaxConstraintLen {
		return "", fmt.Errorf("versions.exclude: range and exclusions have %d bytes together and Flux reads at most %d: "+
			"raise the lower bound of versions.range, and drop the exclusions below it", len(composed), semver.MaxConstraintLen)
	}
	return composed, nil
}

// parseExcluded reads the excluded versions and leaves out what is there twice.
func parseExcluded(exclude []string) ([]*semver.Version, error) {
	var parsed []*semver.Version
	seen := map[string]bool{}
	for _, text := range exclude {
		version, err := Parse(text)
		if err != nil {
			return nil, err
		}
		if !seen[bare(version)] {
			seen[bare(version)] = true
			parsed = append(parsed, version)
		}
	}
	return parsed, nil
}

// excludeFromGroup adds a comparator for each excluded version that the group contains.
func excludeFromGroup(group string, excluded []*semver.Version) (string, error) {
	constraints, err := semver.NewConstraint(group)
	if err != nil {
		return "", fmt.Errorf("group %q: %w", group, err)
	}
	for _, version := range excluded {
		if constraints.Check(version) {
			group += " !=" + bare(version)
		}
	}
	return group, nil
}

// bare is the version without `v` and without build metadata, which comparisons ignore.
func bare(version *semver.Version) string {
	text := fmt.Sprintf("%d.%d.%d", version.Major(), version.Minor(), version.Patch())
	if version.Prerelease() != "" {
		text += "-" + version.Prerelease()
	}
	return text
}
