package lifecycle

import "time"

// Outcome is how one run of a controller ended.
type Outcome struct {
	// Err is nil after a success; else a *StallError, a *FailureError, a *WaitError or any other error, which counts as a failure.
	Err error
	// Next is when to run again after a success; zero waits for an event.
	Next time.Duration
	// Message is that of the Ready condition after a success.
	Message string
	// Event replaces Message in the event of a success that is worth one.
	Event string
}

// StallError is an error that only a change of the object can mend: no retry.
type StallError struct {
	Reason string
	Err    error
}

// Error is the stalling error's own text.
func (s *StallError) Error() string { return s.Err.Error() }

// Unwrap returns the stalling error.
func (s *StallError) Unwrap() error { return s.Err }

// FailureError is an error that is retried with back-off.
type FailureError struct {
	Reason string
	Err    error
}

// Error is the failure's own text.
func (f *FailureError) Error() string { return f.Err.Error() }

// Unwrap returns the failure.
func (f *FailureError) Unwrap() error { return f.Err }

// WaitError is a dependency that is missing: retried after a fixed time, without back-off.
type WaitError struct {
	Reason string
	Err    error
	After  time.Duration
}

// Error says what is waited for.
func (w *WaitError) Error() string { return w.Err.Error() }

// Unwrap returns what was missing.
func (w *WaitError) Unwrap() error { return w.Err }
