package checks

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
)

const (
	// patience is how long an object's error, which may pass, holds the policies that name it: what is known of them must not
	// change for a moment's trouble.
	patience = 2 * time.Minute
	// forgetAfter is longer than the pause between two looks at a policy that fail.
	forgetAfter = time.Hour
)

// trouble remembers since when objects cannot be read.
type trouble struct {
	clock clock.PassiveClock

	mu    sync.Mutex
	spans map[string]span
}

// span is from the first to the last time that something failed.
type span struct{ from, to time.Time }

func newTrouble(clock clock.PassiveClock) *trouble {
	return &trouble{clock: clock, spans: map[string]span{}}
}

// failed says whether it has failed for so long that it is not worth to wait for it.
func (t *trouble) failed(key string) (lasting bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	for old, s := range t.spans {
		if now.Sub(s.to) > forgetAfter { // nobody asks any more
			delete(t.spans, old)
		}
	}
	s, known := t.spans[key]
	if !known {
		s.from = now
	}
	s.to = now
	t.spans[key] = s
	return now.Sub(s.from) >= patience
}

func (t *trouble) ended(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.spans, key)
}
