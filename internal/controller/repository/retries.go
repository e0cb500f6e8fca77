package repository

import (
	"sync"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
)

// retries remembers when what failed, with a GitRepository, a push branch or a signing key, is tried again. It is lost with the
// process: then all are tried at once.
type retries[K comparable] struct {
	mu sync.Mutex
	of map[string]map[K]retry
}

type retry struct {
	failures int
	at       time.Time
}

// times are the earliest times.
func (r *retries[K]) times(key string) map[K]time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	times := map[K]time.Time{}
	for what, retry := range r.of[key] {
		times[what] = retry.at
	}
	return times
}

// next is the time of the next try if the present one fails, in whole seconds as pins remember it: they would ask a moment early
// otherwise, and be told nothing new. A try that comes early, from who did not know yet that it is to wait, changes nothing.
func (r *retries[K]) next(key string, what K, now time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.of[key][what]
	if known.at.After(now) {
		return known.at
	}
	return now.Add(batch.Backoff(known.failures + 1)).Truncate(time.Second)
}

// backOff is when what failed is tried again, and what counts the failure once it is said.
func (r *retries[K]) backOff(key string, what K, now time.Time) (at time.Time, count func()) {
	at = r.next(key, what, now)
	return at, func() { r.failed(key, what, at) }
}

// failed counts a failure that is tried again at a time.
func (r *retries[K]) failed(key string, what K, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[string]map[K]retry{}
	}
	if r.of[key] == nil {
		r.of[key] = map[K]retry{}
	}
	if known := r.of[key][what]; !known.at.Equal(at) {
		r.of[key][what] = retry{failures: known.failures + 1, at: at}
	}
}

// forget ends what was remembered: it worked, or it was changed.
func (r *retries[K]) forget(key string, what K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.of[key], what)
}
