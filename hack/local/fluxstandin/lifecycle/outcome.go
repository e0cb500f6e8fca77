package lifecycle

import "time"

// Outcome is how one run of a controller ended.
type Outcome struct {
	// Err is nil after a success; else a *Stall, a *Failure, a *Wait or any other error, which counts as a failure.
	Err error
	// Next is when to run again after a success; zero waits for an event.
	Next time.Duration
	// Message is that of the Ready condition after a success.
	Message string
	// Event replaces Message in the event of a success that is worth one.
	Event string
}

// Stall is an error that only a change of the object can mend: no retry.
type Stall struct {
	Reason string
	Err    error
}

// Error is the stalling error's own text.
func (s *Stall) Error() string { return s.Err.Error() }

// Unwrap returns the stalling error.
func (s *Stall) Unwrap() error { return s.Err }

// Failure is an error that is retried with back-off.
type Failure struct {
	Reason string
	Err    error
}

// Error is the failure's own text.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the failure.
func (f *Failure) Unwrap() error { return f.Err }

// Wait is a dependency that is missing: retried after a fixed time, without back-off.
type Wait struct {
	Reason string
	Err    error
	After  time.Duration
}

// Error says what is waited for.
func (w *Wait) Error() string { return w.Err.Error() }

// Unwrap returns what was missing.
func (w *Wait) Unwrap() error { return w.Err }
