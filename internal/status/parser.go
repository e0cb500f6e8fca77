package status

import (
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// parser reads the versions of tags and texts, each once: a thousand targets have few.
type parser struct {
	filter versions.Filter
	parsed map[string]*semver.Version
}

func newParser(filter versions.Filter) parser {
	return parser{filter: filter, parsed: map[string]*semver.Version{}}
}

// version is nil if there is none.
func (p parser) version(text string) *semver.Version {
	version, known := p.parsed[text]
	if !known {
		if parsed, err := versions.Parse(p.filter.VersionOf(text)); err == nil {
			version = parsed
		}
		p.parsed[text] = version
	}
	return version
}

// newer says whether a is newer than b. It is false when one of them is no version.
func (p parser) newer(a, b string) bool {
	left, right := p.version(a), p.version(b)
	return left != nil && right != nil && left.GreaterThan(right)
}

// same says whether a and b are one version or one text.
func (p parser) same(a, b string) bool {
	if a == b {
		return true
	}
	left, right := p.version(a), p.version(b)
	return left != nil && right != nil && left.Equal(right)
}

// newestFirst are the different ones of some tags: the newest version first, and last those without a version.
func (p parser) newestFirst(tags []string) []string {
	known := make(map[string]bool, len(tags))
	var different []string
	for _, tag := range tags {
		if !known[tag] {
			known[tag] = true
			different = append(different, tag)
		}
	}
	slices.SortFunc(different, func(a, b string) int {
		if order := compareParsed(p.version(b), p.version(a)); order != 0 {
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
