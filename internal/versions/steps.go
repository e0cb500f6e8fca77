package versions

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// StepOf is the step of a version: "1.4" of 1.4.2 for v1alpha1.StepMinor, "1" for v1alpha1.StepMajor. A pre-release has
// the step of its release. It is false for a text that is no version.
func StepOf(version string, step v1alpha1.Step) (string, bool) {
	number, ok := stepNumberOf(version, step)
	if !ok {
		return "", false
	}
	return number.text(step), true
}

// stepNumber is a step as numbers. Majors have the minor 0.
type stepNumber struct{ major, minor uint64 }

// stepNumberOf is false for numbers so large that adding to them could overflow, too: nobody releases those.
func stepNumberOf(version string, step v1alpha1.Step) (stepNumber, bool) {
	parsed, err := Parse(version)
	if err != nil || parsed.Major() > math.MaxInt64 || parsed.Minor() > math.MaxInt64 {
		return stepNumber{}, false
	}
	switch step {
	case v1alpha1.StepMinor:
		return stepNumber{major: parsed.Major(), minor: parsed.Minor()}, true
	case v1alpha1.StepMajor:
		return stepNumber{major: parsed.Major()}, true
	}
	return stepNumber{}, false
}

// parseStepNumber reads what text writes, and nothing else.
func parseStepNumber(text string, step v1alpha1.Step) (stepNumber, bool) {
	majorText, minorText, _ := strings.Cut(text, ".")
	if step == v1alpha1.StepMajor {
		minorText = "0"
	}
	major, majorErr := strconv.ParseUint(majorText, 10, 64)
	minor, minorErr := strconv.ParseUint(minorText, 10, 64)
	number := stepNumber{major: major, minor: minor}
	return number, majorErr == nil && minorErr == nil && number.text(step) == text
}

func (n stepNumber) text(step v1alpha1.Step) string {
	if step == v1alpha1.StepMajor {
		return strconv.FormatUint(n.major, 10)
	}
	return fmt.Sprintf("%d.%d", n.major, n.minor)
}

// first is the version with which the step starts, without pre-releases.
func (n stepNumber) first() string { return fmt.Sprintf("%d.%d.0", n.major, n.minor) }

func (n stepNumber) compare(other stepNumber) int {
	return cmp.Or(cmp.Compare(n.major, other.major), cmp.Compare(n.minor, other.minor))
}

// only is the span of this one step.
func (n stepNumber) only(step v1alpha1.Step) span {
	if step == v1alpha1.StepMajor {
		return span{from: n, below: stepNumber{major: n.major + 1}}
	}
	return span{from: n, below: stepNumber{major: n.major, minor: n.minor + 1}}
}

// span is a half-open interval of steps. From 1.9 below 2.1 are all later minors of 1, and 2.0.
type span struct{ from, below stepNumber }

func (s span) contains(number stepNumber) bool {
	return number.compare(s.from) >= 0 && number.compare(s.below) < 0
}

// half is the lower half of the steps from this one to another that is later: of their majors, or of their minors if
// they are of one major. It has at least one step and not the last.
func (n stepNumber) half(last stepNumber) span {
	if n.major != last.major {
		return span{from: n, below: stepNumber{major: n.major + (last.major-n.major+1)/2}}
	}
	return span{from: n, below: stepNumber{major: n.major, minor: n.minor + (last.minor-n.minor+1)/2}}
}

// SameStep says whether two versions are of one step. It is false when one of them is no version.
func SameStep(a, b string, step v1alpha1.Step) bool {
	left, leftOK := StepOf(a, step)
	right, rightOK := StepOf(b, step)
	return leftOK && rightOK && left == right
}
