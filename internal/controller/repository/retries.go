package repository

import (
	"sync"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// retries remembers when a Git operation that failed is tried again. It is lost with the process: then all are tried at once.
type retries struct {
	mu sync.Mutex
	of map[string]map[pin.NamespacedName]retry
}

type retry struct {
	failures int
	at       time.Time
}

// times are the earliest times by GitRepository.
func (r *retries) times(key string) map[pin.NamespacedName]time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	times := map[pin.NamespacedName]time.Time{}
	for repository, retry := range r.of[key] {
		times[repository] = retry.at
	}
	return times
}

// next is the time of the next try if the present one fails.
func (r *retries) next(key string, repository pin.NamespacedName, now time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Add(batch.Backoff(r.of[key][repository].failures + 1))
}

// failed counts a failure that is tried again at a time.
func (r *retries) failed(key string, repository pin.NamespacedName, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[string]map[pin.NamespacedName]retry{}
	}
	if r.of[key] == nil {
		r.of[key] = map[pin.NamespacedName]retry{}
	}
	r.of[key][repository] = retry{failures: r.of[key][repository].failures + 1, at: at}
}

// forget ends what was remembered of a GitRepository: it answered, or it was changed.
func (r *retries) forget(key string, repository pin.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.of[key], repository)
}
