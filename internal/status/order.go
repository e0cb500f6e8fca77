package status

import (
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// newestFirst are the different ones of some tags: the newest version first, and last those without a version.
func newestFirst(filter versions.Filter, tags []string) []string {
	parsed := make(map[string]*semver.Version, len(tags))
	var different []string
	for _, tag := range tags {
		if _, twice := parsed[tag]; twice {
			continue
		}
		version, err := versions.Parse(filter.VersionOf(tag))
		if err != nil {
			version = nil
		}
		parsed[tag] = version
		different = append(different, tag)
	}
	slices.SortFunc(different, func(a, b string) int {
		if order := compareParsed(parsed[b], parsed[a]); order != 0 {
			return order
		}
		return strings.Compare(a, b)
	})
	return different
}

// compareParsed puts what is no version, nil, before all versions.
func compareParsed(a, b *semver.Version) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	default:
		return a.Compare(b)
	}
}
