package rollout

import (
	"fmt"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/message"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// judge blocks every version with which more targets of a wave failed than may. No wave takes it any more, and if the policy
// says so each target that has it goes back.
func (r *run) judge() {
	for _, w := range r.waves {
		failed := map[string][]*target{}
		for _, t := range w.targets {
			if u := t.upgrade; u.Result == v1alpha1.ResultFailed && !u.Rollback && r.parse(u.To) != nil {
				failed[u.To] = append(failed[u.To], t)
			}
		}
		for _, tag := range sortedKeys(failed) {
			if len(failed[tag]) > r.in.Policy.Health.MaxFailed && r.blocked(tag) == nil {
				r.block(w, tag, failed[tag])
			}
		}
	}
}

func (r *run) block(w *wave, tag string, failed []*target) {
	r.ledger.Blocked = last(append(r.ledger.Blocked, pin.Blocked{
		Tag: tag, Wave: w.Name, At: r.now(), Rollback: r.in.Policy.Health.Rollback,
		Message: message.Bounded(message.Line(
			fmt.Sprintf("%d of %d targets failed: %s", len(failed), len(w.targets), r.ailments(failed))), pin.MaxBlockedMessage),
	}), pin.MaxBlocked)
	for _, wave := range r.waves { // once it is unblocked it has to soak everywhere again
		r.setProven(wave, key(r.parse(tag)), false)
	}
	for i := range r.offers {
		if r.same(r.offers[i].tag, tag) {
			r.offers[i].blocked = r.blocked(tag)
		}
	}
}

// ailments says what is wrong with the first few targets.
func (r *run) ailments(failed []*target) string {
	const named = 3
	var texts []string
	for _, t := range failed[:min(len(failed), named)] {
		texts = append(texts, fmt.Sprintf("%s %s: %s", t.Kind, t.Name, r.ailment(t)))
	}
	if more := len(failed) - named; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, "; ")
}
