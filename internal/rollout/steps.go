package rollout

import (
	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// maxSteps bounds how many searches for a next step one policy has.
const maxSteps = 64

// step finds out the next step of every target that is not at the newest one, and which searches must go on for it.
func (r *run) step() {
	level := r.in.Policy.NeverSkip
	if level == "" || r.newest == nil {
		return
	}
	r.next, r.searching = map[string]*semver.Version{}, map[string]bool{}
	newest, _ := versions.StepOf(r.newest.String(), level)
	answers := map[string]StepAnswer{}
	for _, answer := range r.in.Steps {
		answers[answer.Of] = answer
	}
	from := r.stepsBehind(newest)
	for _, of := range sortedKeys(from) {
		search, err := versions.NewSearch(from[of], level)
		if err != nil || len(r.steps) == maxSteps {
			continue
		}
		limit := r.limit(of)
		if search.From == newest && limit == r.newest {
			r.next[of] = r.newest
			continue
		}
		search = r.searched(of, search, limit, answers)
		r.searching[of] = search != answers[of].Search || !answers[of].Answered
		r.steps = append(r.steps, StepQuery{Of: of, Search: search})
	}
}

// limit is the newest version to which a search for the step after another may lead: the candidate, or the oldest version of
// a later step that failed. A step that failed is not passed over: the search stays there until a newer version of the step
// is out, a human resumes, or excludes what failed.
func (r *run) limit(of string) *semver.Version {
	limit, admitted := r.newest, newAllowed(r.in, r.filter)
	for _, blocked := range r.ledger.Blocked {
		_, parsed, ok := admitted.version(blocked.Tag)
		if !ok || !parsed.LessThan(limit) {
			continue
		}
		if step, _ := versions.StepOf(parsed.String(), r.in.Policy.NeverSkip); laterStep(step, of) {
			limit = parsed
		}
	}
	return limit
}

// stepsBehind are the steps of targets that are behind the newest one, each with a version.
func (r *run) stepsBehind(newest string) map[string]string {
	behind := map[string]string{}
	for _, t := range r.targets {
		if t.git == nil || t.Finding != nil || !t.git.LessThan(r.newest) {
			continue
		}
		if of, ok := versions.StepOf(t.git.String(), r.in.Policy.NeverSkip); ok && of != newest {
			behind[of] = t.git.String()
		}
	}
	return behind
}

// searched is the search after the answer to it, if there is one. One that is beyond the limit begins anew.
func (r *run) searched(of string, search versions.Search, limit *semver.Version, answers map[string]StepAnswer) versions.Search {
	answer, asked := answers[of]
	last, _ := versions.StepOf(limit.String(), search.Step)
	if !asked || answer.Search.Step != search.Step || laterStep(answer.Search.From, last) {
		return search
	}
	if !answer.Answered {
		return answer.Search
	}
	version := ""
	if found := r.parse(answer.Tag); found != nil {
		version = found.String()
	}
	next, found := answer.Search.Answer(version, limit.String())
	if found {
		r.next[of] = r.parse(answer.Tag)
	}
	return next
}

// laterStep compares steps such as `1.4`.
func laterStep(a, b string) bool {
	left, wrongLeft := semver.NewVersion(a)
	right, wrongRight := semver.NewVersion(b)
	return wrongLeft == nil && wrongRight == nil && left.GreaterThan(right)
}

// nextAfter is the newest version of the step after that of a target; empty: not known, or there is none.
func (r *run) nextAfter(t *target) string {
	if next := r.next[r.stepOf(t)]; next != nil {
		return next.String()
	}
	return ""
}

// stepOf is the step of what Git has for a target; empty without neverSkip.
func (r *run) stepOf(t *target) string {
	if r.in.Policy.NeverSkip == "" || t.git == nil {
		return ""
	}
	of, _ := versions.StepOf(t.git.String(), r.in.Policy.NeverSkip)
	return of
}
