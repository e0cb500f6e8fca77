package rollout

import (
	"slices"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// shown is what the candidate ImagePolicy shows: the newest tag in a range, and which range that was.
type shown struct {
	of, tag string
	answers bool
}

// searching is an ImagePolicy that looks for a next step.
type searching struct {
	search   versions.Search
	of, tag  string
	answered bool
	// began is when the first search from this step did.
	began time.Time
}

// push releases a tag.
func (w *world) push(tag string) {
	w.note("registry", "%s is released", tag)
	w.releases = append(w.releases, release{tag: tag, at: w.now})
	w.scan()
}

// remove deletes a tag.
func (w *world) remove(tag string) {
	for i := range w.releases {
		if w.releases[i].tag == tag && !w.releases[i].gone {
			w.note("registry", "%s is deleted", tag)
			w.releases[i].gone = true
			w.scan()
		}
	}
}

func (w *world) tags() []string {
	var tags []string
	for _, r := range w.releases {
		if !r.gone {
			tags = append(tags, r.tag)
		}
	}
	return tags
}

// scan lets Flux look at the registry after a while, for the candidate and for the searches.
func (w *world) scan() { w.after(w.pace.flux, w.answer) }

func (w *world) answer() {
	of, err := w.composed(w.policy.Range)
	if err != nil {
		return
	}
	w.shown.of, w.shown.answers = of, true
	if tag := w.newestIn(of); tag != "" {
		w.shown.tag = tag // without one, Flux keeps showing the old one
	} else {
		w.shown.answers = false
	}
	for _, s := range w.steps {
		s.of, s.tag, s.answered = w.within(s.search), w.newestIn(w.within(s.search)), true
	}
}

func (w *world) newestIn(of string) string {
	admitted, err := versions.ParseRange(of)
	if err != nil {
		return ""
	}
	filter, err := versions.NewFilter(w.policy.FilterPattern, w.policy.FilterExtract)
	if err != nil {
		return ""
	}
	tag, err := versions.Select(w.tags(), admitted, filter)
	if err != nil {
		return ""
	}
	return tag
}

// version is that of a tag, or of a text in Git, as filterTags and humans have it.
func (w *world) version(text string) string {
	filter, err := versions.NewFilter(w.policy.FilterPattern, w.policy.FilterExtract)
	if err != nil {
		w.fail("filter: %v", err)
	}
	return versions.Tag(filter.VersionOf(text))
}

func (w *world) composed(text string) (string, error) {
	return versions.ComposeBlocked(text, w.policy.Exclude, w.blockedTags())
}

func (w *world) within(search versions.Search) string {
	of, err := search.Within(w.policy.Range, w.policy.Exclude, w.blockedTags())
	if err != nil {
		return ""
	}
	return of
}

func (w *world) blockedTags() []string {
	var tags []string
	for _, b := range w.operator.ledger.Blocked {
		tags = append(tags, b.Tag)
	}
	slices.SortFunc(tags, func(a, b string) int {
		if versions.Newer(a, b) {
			return -1
		}
		return 1
	})
	return tags
}

// candidate is what the operator makes of it: a tag counts only if it is about the present range.
func (w *world) candidate() Candidate {
	of, err := w.composed(w.policy.Range)
	if err != nil || w.shown.of != of || !w.shown.answers {
		return Candidate{Reason: v1alpha1.ScanPendingReason, Message: "Flux has not looked for a version yet"}
	}
	return Candidate{Tag: w.shown.tag}
}

// stepAnswers are those to the present questions.
func (w *world) stepAnswers() []StepAnswer {
	var answers []StepAnswer
	for _, of := range sortedKeys(w.steps) {
		s := w.steps[of]
		answer := StepAnswer{Of: of, Search: s.search}
		if s.answered && s.of == w.within(s.search) {
			answer.Tag, answer.Answered = s.tag, true
		}
		answers = append(answers, answer)
	}
	return answers
}

// ask writes the searches of a decision.
func (w *world) ask(queries []StepQuery) {
	steps, asked := map[string]*searching{}, false
	for _, q := range queries {
		if s := w.steps[q.Of]; s != nil && s.search == q.Search {
			steps[q.Of] = s
			asked = asked || s.of != "" && s.of != w.within(q.Search)
			continue
		}
		next := &searching{search: q.Search, began: w.now}
		if before := w.steps[q.Of]; before != nil {
			next.began = before.began
		}
		steps[q.Of] = next
		asked = true
	}
	w.steps = steps
	if asked {
		w.scan()
	}
}

// decided says whether the intents of the pin's round are all written.
func (w *world) decided(m *member) bool {
	return m.target.Pin != nil && m.target.Pin.Intent.Round <= w.operator.round
}

func intentOf(m *member) pin.Intent { return m.target.Pin.Intent }
