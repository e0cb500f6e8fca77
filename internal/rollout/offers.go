package rollout

import (
	"slices"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// offer is one version that may be taken if gates are open.
type offer struct {
	tag, version string
	parsed       *semver.Version
	seen         time.Time
	// blocked: the version failed.
	blocked *pin.Blocked
}

// key is how a version is remembered: without `v`, whatever tag or text it came from.
func key(version *semver.Version) string { return version.String() }

// tagFor is the tag that a target would get.
func tagFor(t Target, tag string) string {
	if t.Verbatim {
		return tag
	}
	return versions.Tag(tag)
}

// allowed are the versions that the policy admits.
type allowed struct {
	versions.Range
	exclude []string
	filter  versions.Filter
}

func newAllowed(in Input, filter versions.Filter) allowed {
	admitted, err := versions.ParseRange(in.Policy.Range)
	if err != nil {
		return allowed{} // the policy is stalled because of it
	}
	return allowed{Range: admitted, exclude: in.Policy.Exclude, filter: filter}
}

// version is that of a tag, if the policy admits it.
func (a allowed) version(tag string) (text string, parsed *semver.Version, ok bool) {
	text, considered := a.filter.Version(tag)
	if tag == "" || !considered || !a.Contains(text) || versions.Excluded(text, a.exclude) {
		return "", nil, false
	}
	parsed, err := versions.Parse(text)
	return text, parsed, err == nil
}

// findCandidate trusts nobody with the range: Flux keeps showing a candidate that the range does not contain any more. While
// Flux has still to look, after a version was blocked for example, the newest version that was seen stands for the candidate:
// what is under way goes on, and nothing begins.
func (r *run) findCandidate() {
	admitted := newAllowed(r.in, r.filter)
	if _, parsed, ok := admitted.version(r.in.Candidate.Tag); ok {
		r.candidate, r.newest = r.in.Candidate.Tag, parsed
		return
	}
	if r.in.Candidate.Tag != "" || r.in.Candidate.Reason != v1alpha1.ScanPendingReason {
		return
	}
	for _, seen := range r.ledger.Seen {
		_, parsed, ok := admitted.version(seen.Tag)
		if ok && r.blocked(seen.Tag) == nil && (r.newest == nil || parsed.GreaterThan(r.newest)) {
			r.candidate, r.newest, r.assumed = seen.Tag, parsed, true
		}
	}
}

// addOffers makes the versions on offer from those that were seen, the newest first. One that is newer than the candidate is
// not in the registry any more, unless it is blocked: then the candidate leaves it out, and a user wants to know of it.
func (r *run) addOffers() {
	admitted := newAllowed(r.in, r.filter)
	for _, seen := range r.ledger.Seen {
		text, parsed, ok := admitted.version(seen.Tag)
		if !ok {
			continue
		}
		blocked := r.blocked(seen.Tag)
		if blocked == nil && (r.newest == nil || parsed.GreaterThan(r.newest)) {
			continue
		}
		r.offers = append(r.offers, offer{tag: seen.Tag, version: text, parsed: parsed, seen: seen.At, blocked: blocked})
	}
	slices.SortStableFunc(r.offers, func(a, b offer) int { return b.parsed.Compare(a.parsed) })
}

// blocked is a version's entry in the blocklist; nil if it is not there.
func (r *run) blocked(tag string) *pin.Blocked {
	for i := range r.ledger.Blocked {
		if r.same(r.ledger.Blocked[i].Tag, tag) {
			return &r.ledger.Blocked[i]
		}
	}
	return nil
}

// offered says whether a version is on offer and may still be taken.
func (r *run) offered(version *semver.Version) bool {
	return slices.ContainsFunc(r.offers, func(o offer) bool { return o.blocked == nil && o.parsed.Equal(version) })
}

// spelled are tags as an offer has its own version: by filterTags two tags can be of one version, which gates do not know.
func (r *run) spelled(o offer, tags []string) []string {
	for i, tag := range tags {
		if tag != o.tag && r.same(tag, o.tag) {
			tags = slices.Clone(tags)
			tags[i] = o.tag
		}
	}
	return tags
}
