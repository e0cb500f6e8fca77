package rollout

import (
	"slices"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// see notes the candidate and the versions of next steps, and makes the versions on offer.
func (r *run) see() {
	tags := []string{r.candidate}
	for _, answer := range r.in.Steps {
		if answer.Answered {
			tags = append(tags, answer.Tag)
		}
	}
	admitted := newAllowed(r.in, r.filter)
	for _, tag := range tags {
		if _, _, ok := admitted.version(tag); ok && !r.knows(tag) {
			r.ledger.Seen = append(r.ledger.Seen, pin.Seen{Tag: tag, At: r.now()})
		}
	}
	r.ledger.Seen = r.thinned(r.ledger.Seen, admitted)
	r.addOffers()
}

func (r *run) knows(tag string) bool {
	return slices.ContainsFunc(r.ledger.Seen, func(s pin.Seen) bool { return s.Tag == tag })
}

// thinned bounds the versions that are remembered. What cannot be taken any more goes first. Of the others the one goes that
// is closest in age to its neighbours: so that among releases that come faster than minAge there is always one that is
// soon old enough. The youngest, the oldest that is still too young, and what a wave has, stay.
func (r *run) thinned(seen []pin.Seen, admitted allowed) []pin.Seen {
	if len(seen) <= pin.MaxSeen {
		return seen
	}
	oldest := r.oldestInGit()
	seen = slices.DeleteFunc(seen, func(s pin.Seen) bool {
		_, parsed, ok := admitted.version(s.Tag)
		return s.Tag != r.candidate && (!ok || oldest != nil && !parsed.GreaterThan(oldest))
	})
	slices.SortStableFunc(seen, func(a, b pin.Seen) int { return a.At.Compare(b.At) })
	for len(seen) > pin.MaxSeen {
		i := r.dispensable(seen)
		seen = slices.Delete(seen, i, i+1)
	}
	return seen
}

// dispensable is the index of the version, of some in the order of their age, whose absence matters least. The last one, the
// youngest, never is.
func (r *run) dispensable(seen []pin.Seen) int {
	best, smallest := 0, time.Duration(-1)
	for i := range len(seen) - 1 {
		if r.has(seen[i].Tag) || r.leads(seen, i) {
			continue
		}
		gap := time.Duration(0) // one that is old enough has a younger one that is, too
		switch {
		case !r.oldEnough(seen[i]):
			if i == 0 || r.oldEnough(seen[i-1]) {
				continue
			}
			gap = seen[i+1].At.Sub(seen[i-1].At)
		case !r.oldEnough(seen[i+1]):
			continue
		}
		if smallest < 0 || gap < smallest {
			best, smallest = i, gap
		}
	}
	return best
}

// leads says whether a version is the newest of its major that is old enough and did not fail: the one that would be taken if
// the other majors have to wait for a human.
func (r *run) leads(seen []pin.Seen, i int) bool {
	own := r.parse(seen[i].Tag)
	if !r.oldEnough(seen[i]) || r.blocked(seen[i].Tag) != nil {
		return false
	}
	return !slices.ContainsFunc(seen, func(s pin.Seen) bool {
		other := r.parse(s.Tag)
		return other.Major() == own.Major() && other.GreaterThan(own) && r.oldEnough(s) && r.blocked(s.Tag) == nil
	})
}

func (r *run) oldEnough(s pin.Seen) bool { return !r.in.Now.Before(s.At.Add(r.in.Policy.MinAge)) }

// has says whether a target has a version, is on its way to it, or a wave has proven it, or it is the next step of one.
func (r *run) has(tag string) bool {
	if slices.ContainsFunc(r.in.Steps, func(s StepAnswer) bool { return s.Tag == tag }) {
		return true
	}
	version := r.parse(tag)
	for _, proven := range r.ledger.Proven {
		if slices.Contains(proven, key(version)) {
			return true
		}
	}
	return slices.ContainsFunc(r.targets, func(t *target) bool {
		return t.git != nil && t.git.Equal(version) || t.upgrade.Running() && r.same(t.upgrade.To, tag)
	})
}

// oldestInGit is the oldest version that a target has; nil if one has none.
func (r *run) oldestInGit() *semver.Version {
	var oldest *semver.Version
	for _, t := range r.targets {
		if t.git == nil {
			return nil
		}
		if oldest == nil || t.git.LessThan(oldest) {
			oldest = t.git
		}
	}
	return oldest
}
