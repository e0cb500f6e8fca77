package gitserver

import (
	"context"
	"sync"
)

// Stall holds back requests of one kind until it is released.
type Stall struct {
	reached, released   chan struct{}
	reachOnce, freeOnce sync.Once
}

func newStall() *Stall {
	return &Stall{reached: make(chan struct{}), released: make(chan struct{})}
}

// Reached is closed when the first request is held back.
func (s *Stall) Reached() <-chan struct{} { return s.reached }

// Release lets the held requests and all later ones through. It may be called more than once.
func (s *Stall) Release() { s.freeOnce.Do(func() { close(s.released) }) }

// faults of one repository.
type faults struct {
	mu       sync.Mutex
	stalls   map[operation]*Stall
	closed   bool
	rejects  string
	protects string
	lost     bool
	cut      bool
	shutdown chan struct{}
}

// StallFetches holds back clones and fetches of the repository.
func (r *Repository) StallFetches() *Stall { return r.faults.stall(fetch) }

// StallPushes holds back pushes to the repository before git sees them.
func (r *Repository) StallPushes() *Stall { return r.faults.stall(push) }

// RejectPushes refuses pushes as a hook on the server would, with a message for the person who pushes. An empty message accepts
// them again.
func (r *Repository) RejectPushes(message string) {
	r.faults.set(func(f *faults) { f.rejects = message })
}

// Protect refuses pushes to a branch, as a server does that wants changes to be merged there. An empty name ends it.
func (r *Repository) Protect(branch string) {
	r.faults.set(func(f *faults) { f.protects = branch })
}

// LosePushes carries pushes out and then, while on, closes the connection without an answer: the client cannot know.
func (r *Repository) LosePushes(on bool) {
	r.faults.set(func(f *faults) { f.lost = on })
}

// Disconnect closes, while on, every connection for the repository without an answer.
func (r *Repository) Disconnect(on bool) {
	r.faults.set(func(f *faults) { f.cut = on })
}

func (f *faults) set(change func(*faults)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// stall starts a new stall for one kind of request and releases the one before it.
func (f *faults) stall(op operation) *Stall {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := f.stalls[op]; old != nil {
		old.Release()
	}
	s := newStall()
	f.stalls[op] = s
	return s
}

// wait holds the request back while a stall for its kind is on. It reports whether the request shall go on.
func (f *faults) wait(ctx context.Context, op operation) bool {
	f.mu.Lock()
	s, stopped := f.stalls[op], f.shutdown
	f.mu.Unlock()
	if s == nil {
		return true
	}
	select {
	case <-s.released:
		return true
	default:
	}
	s.reachOnce.Do(func() { close(s.reached) })
	select {
	case <-s.released:
		return true
	case <-ctx.Done():
		return false
	case <-stopped:
		return false
	}
}

// releaseAll drops whatever is held back, for good.
func (f *faults) releaseAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		close(f.shutdown)
	}
}

func (f *faults) rejection() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rejects
}

func (f *faults) protected() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.protects
}

func (f *faults) loses() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}

func (f *faults) disconnected() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cut
}
