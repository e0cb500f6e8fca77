package versions

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Compose returns the range that contains what text does, without the excluded versions. It is text itself when that
// contains none of them.
//
// Each group of an `||` gets a `!=` for those excluded versions that it contains, and for no others: a pre-release in
// a comparator would make its whole group admit pre-releases, and a range must stay below what Flux can read
// (512 bytes). The error says which field is wrong, or that too many versions are excluded.
func Compose(text string, exclude []string) (string, error) {
	return ComposeBlocked(text, exclude, nil)
}

// ComposeBlocked is Compose that also leaves out the blocked versions, as far as Flux can read the result: exclude
// always, and blocked in the given order up to the first that does not fit. A blocked text that is no version is in no
// range, and is ignored.
func ComposeBlocked(text string, exclude, blocked []string) (string, error) {
	original, err := groupsOf(text)
	if err != nil {
		return "", fmt.Errorf("versions.range: %w", err)
	}
	composed, err := original.without(exclude, blocked)
	if err != nil {
		return "", err
	}
	if composed.String() == original.String() {
		return text, nil
	}
	return composed.String(), nil
}

// groups are the parts of a range between its `||`. A version is in the range if it is in one of them.
type groups []group

// group is a list of comparators. A version is in the group if it satisfies them all.
type group struct {
	text string
	// constraints are without the versions that text leaves out already.
	constraints *semver.Constraints
}

func groupsOf(text string) (groups, error) {
	whole, err := ParseRange(text)
	if err != nil {
		return nil, err
	}
	var all groups
	// The library rewrites hyphen ranges before it splits the text into groups, so its own rendering is split here.
	for _, part := range strings.Split(whole.constraints.String(), " || ") {
		parsed, err := parseGroup(part)
		if err != nil {
			return nil, err
		}
		all = append(all, parsed)
	}
	return all, nil
}

func parseGroup(text string) (group, error) {
	constraints, err := semver.NewConstraint(text)
	if err != nil {
		return group{}, fmt.Errorf("group %q: %w", text, err)
	}
	return group{text: text, constraints: constraints}, nil
}

// admitsPreReleases says whether a comparator of the group has a pre-release: then, and only then, its versions may.
func (g group) admitsPreReleases() bool {
	for _, comparator := range strings.Fields(g.text) {
		version, _, _ := strings.Cut(comparator, "+")
		if strings.Contains(version, "-") {
			return true
		}
	}
	return false
}

// String is the range that the groups make.
func (all groups) String() string {
	texts := make([]string, len(all))
	for i, group := range all {
		texts[i] = group.text
	}
	return strings.Join(texts, " || ")
}

// without leaves out all excluded versions, and the blocked ones in their order while Flux can read the result.
func (all groups) without(exclude, blocked []string) (groups, error) {
	seen := map[string]bool{}
	for _, text := range exclude {
		version, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("versions.exclude: %w", err)
		}
		if !seen[bare(version)] {
			seen[bare(version)] = true
			all = all.withoutVersion(version)
		}
	}
	if size := len(all.String()); size > semver.MaxConstraintLen {
		return nil, fmt.Errorf("versions.exclude: range and exclusions have %d bytes together and Flux reads at most %d: "+
			"raise the lower bound of versions.range, and drop the exclusions below it", size, semver.MaxConstraintLen)
	}
	for _, text := range blocked {
		version, err := Parse(text)
		if err != nil || seen[bare(version)] {
			continue
		}
		seen[bare(version)] = true
		fewer := all.withoutVersion(version)
		if len(fewer.String()) > semver.MaxConstraintLen {
			break
		}
		all = fewer
	}
	return all, nil
}

// withoutVersion adds a comparator to each group that contains the version.
func (all groups) withoutVersion(version *semver.Version) groups {
	fewer := make(groups, len(all))
	for i, group := range all {
		if group.constraints.Check(version) {
			group.text += " !=" + bare(version)
		}
		fewer[i] = group
	}
	return fewer
}
