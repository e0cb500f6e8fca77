package versions

import (
	"math/bits"
	"slices"

	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// registry is what Flux knows and what a policy asks of it. Its methods are the brute force: they read the range as it
// was written, and compare version by version.
type registry struct {
	tags             []string
	text             string
	exclude, blocked []string
	step             v1alpha1.Step
}

// eligible are the tags that the policy allows, the oldest first.
func (r registry) eligible(t rapid.TB) []string {
	whole, err := ParseRange(r.text)
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, tag := range r.tags {
		if whole.Contains(tag) && !Excluded(tag, r.exclude) && !Excluded(tag, r.blocked) {
			tags = append(tags, tag)
		}
	}
	slices.SortStableFunc(tags, func(a, b string) int {
		order, _ := compare(a, b)
		return order
	})
	return tags
}

// numbers of a version's step, in their order.
func (r registry) numbers(t rapid.TB, version string) []uint64 {
	parsed, err := Parse(version)
	if err != nil {
		t.Fatal(err)
	}
	if r.step == v1alpha1.StepMajor {
		return []uint64{parsed.Major()}
	}
	return []uint64{parsed.Major(), parsed.Minor()}
}

// path is the newest version of each step after current's that has an eligible one.
func (r registry) path(t rapid.TB, current string) []string {
	var path []string
	for _, tag := range r.eligible(t) {
		if slices.Compare(r.numbers(t, tag), r.numbers(t, current)) <= 0 {
			continue
		}
		if len(path) > 0 && slices.Equal(r.numbers(t, tag), r.numbers(t, path[len(path)-1])) {
			path = path[:len(path)-1]
		}
		path = append(path, tag)
	}
	return path
}

// newest is what Flux shows for a composed range.
func (r registry) newest(t rapid.TB, text string, err error) string {
	if err != nil {
		t.Fatal(err)
	}
	composed, err := ParseRange(text)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := Select(r.tags, composed, Filter{})
	if err != nil {
		return ""
	}
	return tag
}

func (r registry) candidate(t rapid.TB) string {
	text, err := ComposeBlocked(r.text, r.exclude, r.blocked)
	return r.newest(t, text, err)
}

func (r registry) answer(t rapid.TB, search Search) string {
	text, err := search.Within(r.text, r.exclude, r.blocked)
	return r.newest(t, text, err)
}

// most is the bound that Search states.
func (r registry) most(t rapid.TB) int {
	major, minor := uint64(0), uint64(0)
	for _, tag := range r.tags {
		parsed, err := Parse(tag)
		if err != nil {
			t.Fatal(err)
		}
		major, minor = max(major, parsed.Major()), max(minor, parsed.Minor())
	}
	digits := bits.Len64(major) + bits.Len64(minor) + 3
	return digits * digits
}

// find asks until the search has found a version or waits.
func (r registry) find(t rapid.TB, search Search) (version string, asked int) {
	candidate := r.candidate(t)
	for asked = 1; asked <= r.most(t); asked++ {
		answer := r.answer(t, search)
		next, found := search.Answer(answer, candidate)
		if found {
			return answer, asked
		}
		if next == search {
			return "", asked
		}
		if again, err := ParseSearch(next.String()); err != nil || again != next {
			t.Fatalf("%q reads as %q, %v", next, again, err)
		}
		search = next
	}
	t.Fatalf("the search does not end: %q after %d answers", search, asked)
	return "", asked
}
