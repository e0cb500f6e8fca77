package gate

import (
	"cmp"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// release is a version of three numbers and nothing else. Gates are asked about thousands of them in one decision, so
// they compare without the allocations of a parsed version. All other texts are left to package versions, and so is the
// meaning: both must always agree.
type release struct{ major, minor, patch uint64 }

// releaseOf is false for every text that needs a closer look, such as a pre-release.
func releaseOf(text string) (r release, ok bool) {
	text = strings.TrimPrefix(text, "v")
	if r.major, text, ok = number(text); !ok || !strings.HasPrefix(text, ".") {
		return release{}, false
	}
	if r.minor, text, ok = number(text[1:]); !ok || !strings.HasPrefix(text, ".") {
		return release{}, false
	}
	if r.patch, text, ok = number(text[1:]); !ok || text != "" {
		return release{}, false
	}
	return r, true
}

// number reads a number that is small enough for any arithmetic.
func number(text string) (n uint64, rest string, ok bool) {
	const most = 18
	digits := 0
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		if digits == most {
			return 0, "", false
		}
		n = 10*n + uint64(text[digits]-'0')
		digits++
	}
	return n, text[digits:], digits > 0
}

func (r release) newer(other release) bool {
	return cmp.Or(cmp.Compare(r.major, other.major), cmp.Compare(r.minor, other.minor), cmp.Compare(r.patch, other.patch)) > 0
}

func isVersion(text string) bool {
	if _, ok := releaseOf(text); ok {
		return true
	}
	_, err := versions.Parse(text)
	return err == nil
}

// newer is versions.Newer.
func newer(a, b string) bool {
	left, leftOK := releaseOf(a)
	right, rightOK := releaseOf(b)
	if leftOK && rightOK {
		return left.newer(right)
	}
	return versions.Newer(a, b)
}

// sameStep says whether versions.StepOf is the same for both; false if one of them is no version.
func sameStep(a, b string, step v1alpha1.Step) bool {
	left, leftOK := releaseOf(a)
	right, rightOK := releaseOf(b)
	if leftOK && rightOK {
		return left.major == right.major && (step == v1alpha1.StepMajor || left.minor == right.minor)
	}
	from, fromOK := versions.StepOf(a, step)
	to, toOK := versions.StepOf(b, step)
	return fromOK && toOK && from == to
}

// changeOf is versions.ChangeOf.
func changeOf(from, to string) (versions.Change, bool) {
	left, leftOK := releaseOf(from)
	right, rightOK := releaseOf(to)
	switch {
	case !leftOK || !rightOK:
		return versions.ChangeOf(from, to)
	case left.major != right.major:
		return versions.MajorChange, true
	case left.minor != right.minor:
		return versions.MinorChange, true
	case left.patch != right.patch:
		return versions.PatchChange, true
	}
	return versions.NoChange, true
}
