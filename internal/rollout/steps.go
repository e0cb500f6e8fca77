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
	r.next = map[string]*semver.Version{}
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
		if search.From == newest {
			r.next[of] = r.newest
			continue
		}
		r.steps = append(r.steps, StepQuery{Of: of, Search: r.searched(of, search, answers)})
	}
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

// searched is the search after the answer to it, if there is one.
func (r *run) searched(of string, search versions.Search, answers map[string]StepAnswer) versions.Search {
	answer, asked := answers[of]
	if !asked || answer.Search.Step != search.Step {
		return search
	}
	if !answer.Answered {
		return answer.Search
	}
	version := ""
	if found := r.parse(answer.Tag); found != nil {
		version = found.String()
	}
	next, found := answer.Search.Answer(version, r.newest.String())
	if found && !r.skipsBlocked(of, r.parse(answer.Tag)) {
		r.next[of] = r.parse(answer.Tag)
	}
	return next
}

// skipsBlocked says whether a step was released between that of a target and that of a version, and all of it is blocked:
// the search passes over what is blocked, and a step that failed must not be skipped for it.
func (r *run) skipsBlocked(of string, version *semver.Version) bool {
	level := r.in.Policy.NeverSkip
	target, _ := versions.StepOf(version.String(), level)
	for _, blocked := range r.ledger.Blocked {
		parsed := r.parse(blocked.Tag)
		if parsed == nil || !parsed.LessThan(version) {
			continue
		}
		step, _ := versions.StepOf(parsed.String(), level)
		if step != of && step != target && laterStep(step, of) {
			return true
		}
	}
	return false
}

// laterStep compares steps such as `1.4`.
func laterStep(a, b string) bool {
	left, wrongLeft := semver.NewVersion(a)
	right, wrongRight := semver.NewVersion(b)
	return wrongLeft == nil && wrongRight == nil && left.GreaterThan(right)
}

// nextAfter is the newest version of the step after that of a target; empty: not known, or there is none.
func (r *run) nextAfter(t *target) string {
	if r.in.Policy.NeverSkip == "" || t.git == nil {
		return ""
	}
	of, _ := versions.StepOf(t.git.String(), r.in.Policy.NeverSkip)
	if next := r.next[of]; next != nil {
		return next.String()
	}
	return ""
}
