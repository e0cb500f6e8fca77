package versions

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// Search looks for the newest version of the next step after a version's. Flux does not list versions, it only shows
// the newest in a range, so the search asks for the newest version in one span of steps after the other:
//
//   - First in the step right after the version's: mostly that is all.
//   - In a span without a version: all that is between the span and the step of the newest version of all. If there is
//     nothing between: that step.
//   - In a span of many steps, whose newest version is of one of them: the lower half of the steps before that one. If
//     there is none before: that step.
//
// While no version is released or removed, a search ends after at most (b+3)² answers from every span, where b are the
// binary digits of the largest major and of the largest minor together: spans with a version at least halve, and spans
// without one halve the distance to the next step. A change in between can only add as many again. A version that is
// released in a step that the search has left is not seen by it, but by a new one.
type Search struct {
	// Step is what is never skipped.
	Step v1alpha1.Step
	// From and Below bound the span that is asked about: From is its first step, and Below the first after it, such as
	// 1.5 and 1.6. The minors from 1.5 below 2.3 are all later ones of 1, and 2.0, 2.1, and 2.2.
	From, Below string
}

// NewSearch starts with exactly the step after that of the current version. The error says that current is no version.
func NewSearch(current string, step v1alpha1.Step) (Search, error) {
	number, ok := stepNumberOf(current, step)
	if !ok {
		return Search{}, fmt.Errorf("%q is no version such as 1.2.3 that has a next %s: set it to one, "+
			"or remove versions.neverSkip", current, strings.ToLower(string(step)))
	}
	return searchIn(number.only(step).below.only(step), step), nil
}

// ParseSearch reads what String writes.
func ParseSearch(text string) (Search, error) {
	words := strings.Split(text, " ")
	if len(words) != 3 {
		return Search{}, fmt.Errorf("%q is no search for a next step such as \"Minor 1.5 1.6\"", text)
	}
	search := Search{Step: v1alpha1.Step(words[0]), From: words[1], Below: words[2]}
	if _, err := search.span(); err != nil {
		return Search{}, err
	}
	return search, nil
}

// String is the search as text, such as "Minor 1.5 1.6".
func (s Search) String() string { return fmt.Sprintf("%s %s %s", s.Step, s.From, s.Below) }

// Answer says with found that answer, the newest version in the span (empty: there is none), is the newest version of
// the next step. Otherwise it says what to ask next. newest is the newest version of the whole range.
//
// The search stays as it is while it must wait: as long as newest is not after the span that has no version, nothing
// can come. And an answer outside of the span is one to another question, such as the version that Flux still shows
// for the span before; to take it for "none" could skip a step.
func (s Search) Answer(answer, newest string) (next Search, found bool) {
	asked, err := s.span()
	last, ok := stepNumberOf(newest, s.Step)
	if err != nil || !ok || last.compare(asked.from) < 0 {
		return s, false
	}
	if answer == "" {
		return s.after(asked, last), false
	}
	number, ok := stepNumberOf(answer, s.Step)
	if !ok || !asked.contains(number) {
		return s, false
	}
	if asked == asked.from.only(s.Step) {
		return s, true
	}
	if number == asked.from {
		return searchIn(number.only(s.Step), s.Step), false
	}
	return searchIn(asked.from.half(number), s.Step), false
}

// after is what to ask next when there is no version in the span.
func (s Search) after(asked span, last stepNumber) Search {
	switch last.compare(asked.below) {
	case -1:
		return s
	case 0:
		return searchIn(last.only(s.Step), s.Step)
	}
	return searchIn(span{from: asked.below, below: last}, s.Step)
}

// Within is the range that contains the versions of text that are in the search's span, without the excluded ones, and
// without the blocked ones as far as Flux can read the result, as ComposeBlocked does.
//
// The bounds admit pre-releases only in groups that do so anyway, and there 1.6.0-rc.1 is of the step 1.6. A group
// that has nothing in the span stays, and is empty.
func (s Search) Within(text string, exclude, blocked []string) (string, error) {
	asked, err := s.span()
	if err != nil {
		return "", err
	}
	all, err := groupsOf(text)
	if err != nil {
		return "", fmt.Errorf("versions.range: %w", err)
	}
	all, err = all.within(asked)
	if err != nil {
		return "", fmt.Errorf("versions.range: %w", err)
	}
	composed, err := all.without(exclude, blocked)
	if err != nil {
		return "", err
	}
	return composed.String(), nil
}

// within adds the bounds of the span to each group.
func (all groups) within(asked span) (groups, error) {
	bounded := make(groups, len(all))
	for i, group := range all {
		bounded[i].text = group.text + asked.bounds(group.admitsPreReleases())
	}
	if size := len(bounded.String()); size > semver.MaxConstraintLen {
		return nil, fmt.Errorf("range and the bounds of versions.neverSkip have %d bytes together and Flux reads at most %d: "+
			"write the range with fewer ||", size, semver.MaxConstraintLen)
	}
	for i, group := range bounded {
		parsed, err := parseGroup(group.text)
		if err != nil {
			return nil, err
		}
		bounded[i] = parsed
	}
	return bounded, nil
}

// bounds are the comparators of the span. `-0` is the lowest pre-release.
func (s span) bounds(preReleases bool) string {
	suffix := ""
	if preReleases {
		suffix = "-0"
	}
	return fmt.Sprintf(" >=%s%s <%s%s", s.from.first(), suffix, s.below.first(), suffix)
}

func searchIn(asked span, step v1alpha1.Step) Search {
	return Search{Step: step, From: asked.from.text(step), Below: asked.below.text(step)}
}

// span reads the span, which may come from an annotation.
func (s Search) span() (span, error) {
	from, fromOK := parseStepNumber(s.From, s.Step)
	below, belowOK := parseStepNumber(s.Below, s.Step)
	known := s.Step == v1alpha1.StepMinor || s.Step == v1alpha1.StepMajor
	if !known || !fromOK || !belowOK || from.compare(below) >= 0 {
		return span{}, fmt.Errorf("%q is no search for a next step such as \"Minor 1.5 1.6\"", s)
	}
	return span{from: from, below: below}, nil
}
