package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// remember begins a ledger, notes a suspension, and handles a new resume token.
func (r *run) remember() {
	if r.ledger.Began.IsZero() {
		r.ledger.Began = r.now()
	}
	switch suspended := r.in.Policy.Suspended; {
	case suspended && r.ledger.SuspendedAt.IsZero():
		r.ledger.SuspendedAt = r.now()
	case !suspended && !r.ledger.SuspendedAt.IsZero():
		r.ledger.Paused += max(0, r.now().Sub(r.ledger.SuspendedAt))
		r.ledger.SuspendedAt = time.Time{}
	}
	r.active = r.ledger.Active(r.now())
	for _, t := range r.targets {
		t.upgrade = r.onClock(t.upgrade)
	}
	r.resume()
}

// onClock is an upgrade whose clocks go by this ledger's active time. Those of another one, of a policy that had the target
// before or of a candidate that somebody deleted, begin anew.
func (r *run) onClock(u pin.Upgrade) pin.Upgrade {
	if u.IsZero() || u.Clock.Equal(r.ledger.Began) {
		return u
	}
	for _, clock := range []*time.Time{&u.Committed, &u.Applied, &u.Health.Since} {
		if !clock.IsZero() {
			*clock = r.active
		}
	}
	return u
}

// stamp notes by which ledger the clocks go.
func (r *run) stamp() {
	for _, t := range r.targets {
		t.upgrade.Clock = time.Time{}
		if !t.upgrade.IsZero() {
			t.upgrade.Clock = r.ledger.Began
		}
	}
}

// resume forgets what failed. What humans hold is forgotten by those that remember it: they are given the token.
func (r *run) resume() {
	token := resumeToken(r.in.Policy.Resume)
	if token == "" || slices.Contains(r.ledger.Resumes, token) {
		return
	}
	r.resumed = true
	r.ledger.Resumes = last(append(r.ledger.Resumes, token), pin.MaxResumes)
	r.ledger.Blocked = nil
	for _, t := range r.targets {
		if t.upgrade.Result == v1alpha1.ResultFailed {
			t.upgrade = pin.Upgrade{Health: t.upgrade.Health}
		}
	}
}

// maxToken bounds a token that is remembered as it is, in bytes. Of a longer one the hash is.
const maxToken = 128

func resumeToken(text string) string {
	if len(text) <= maxToken {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// last keeps the last n of a list.
func last[T any](list []T, n int) []T {
	return list[max(0, len(list)-n):]
}
