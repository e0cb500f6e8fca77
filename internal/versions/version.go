package versions

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/fluxcd/pkg/version"
)

// Parse reads a version as Flux does: exactly three numbers, a leading `v` and leading zeros are fine.
func Parse(text string) (*semver.Version, error) {
	if !strings.ContainsAny(text, "-+") {
		// Flux's own parser needs a regular expression, and a decision compares thousands of plain releases.
		if parsed, err := semver.StrictNewVersion(strings.TrimPrefix(text, "v")); err == nil {
			return parsed, nil
		}
	}
	parsed, err := version.ParseVersion(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no version such as 1.2.3: %w", text, err)
	}
	return parsed, nil
}

// Valid says whether a text is a version.
func Valid(text string) bool {
	_, err := Parse(text)
	return err == nil
}

// Newer says whether version a is newer than version b. It is false when one of them is no version.
func Newer(a, b string) bool {
	order, ok := compare(a, b)
	return ok && order > 0
}

// Same says whether a and b are one version, such as `v1.4.0` and `1.4.0`. Texts that are no versions are the same when
// they are equal.
func Same(a, b string) bool {
	if a == b {
		return true
	}
	if order, ok := compare(a, b); ok {
		return order == 0
	}
	return a == b
}

func compare(a, b string) (order int, ok bool) {
	left, err := Parse(a)
	if err != nil {
		return 0, false
	}
	right, err := Parse(b)
	if err != nil {
		return 0, false
	}
	return left.Compare(right), true
}

// Tag is the tag that an App with this text as its spec.version pulls: the platform takes a leading `v` off, and
// nothing else. `v1.4.0` is pulled as `1.4.0`.
func Tag(text string) string {
	return strings.TrimPrefix(text, "v")
}

// HasBuildMetadata says whether a version ends with `+` and build metadata. Apps cannot have such a version: a tag
// cannot have a `+`, and the platform does not convert it.
func HasBuildMetadata(text string) bool {
	return strings.Contains(text, "+")
}
