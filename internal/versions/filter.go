package versions

import (
	"errors"
	"fmt"
	"regexp"
)

// ErrNoneFits reports that no tag has a version in the range.
var ErrNoneFits = errors.New("no tag has a version in the range")

// Filter considers only some tags, and may take the version out of a longer tag: filterTags of a policy. The zero
// Filter takes every tag as its own version.
type Filter struct {
	pattern *regexp.Regexp
	extract string
}

// NewFilter reads a pattern (RE2) and the replacement that makes a version of a matching tag; either may be empty.
func NewFilter(pattern, extract string) (Filter, error) {
	if pattern == "" {
		return Filter{}, nil
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return Filter{}, fmt.Errorf("versions.filterTags.pattern: %q is no regular expression (RE2): %w", pattern, err)
	}
	return Filter{pattern: compiled, extract: extract}, nil
}

// Version is the version of a tag. It is false for a tag that the filter leaves out.
func (f Filter) Version(tag string) (string, bool) {
	if f.pattern == nil {
		return tag, true
	}
	match := f.pattern.FindStringSubmatchIndex(tag)
	if match == nil {
		return "", false
	}
	if f.extract == "" {
		return tag, true
	}
	return string(f.pattern.ExpandString(nil, f.extract, tag, match)), true
}

// VersionOf is the version of a text in a manifest. Unlike a tag it need not pass the filter: it may have been written
// before there was one.
func (f Filter) VersionOf(text string) string {
	if version, ok := f.Version(text); ok {
		return version
	}
	return text
}

// Select returns the tag with the newest version in the range, as Flux's ImagePolicy does, and ErrNoneFits when there
// is none. Of tags that have one version, Flux may take any: this takes the first, or the last with an extract.
func Select(tags []string, r Range, f Filter) (string, error) {
	tagOf := map[string]string{}
	newest := ""
	for _, tag := range tags {
		version, ok := f.Version(tag)
		if !ok || !r.Contains(version) {
			continue
		}
		tagOf[version] = tag
		if newest == "" || Newer(version, newest) {
			newest = version
		}
	}
	if newest == "" {
		return "", fmt.Errorf("%w %q", ErrNoneFits, r)
	}
	return tagOf[newest], nil
}
