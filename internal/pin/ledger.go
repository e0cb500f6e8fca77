package pin

import (
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
)

// LedgerAnnotation carries a Ledger on a candidate.
const LedgerAnnotation = "upgrades.giantswarm.io/ledger"

// Bounds of a ledger.
const (
	MaxSeen      = 50
	MaxBlocked   = 32
	MaxApprovals = 32
	MaxResumes   = 32
	MaxHistory   = 32
	// MaxBlockedMessage is that of Blocked.Message, in bytes.
	MaxBlockedMessage = 512
)

// Ledger is what the policy controller remembers of a whole policy, on its candidate. Times are wall time.
type Ledger struct {
	Version int `json:"version"`
	// Began is when the ledger was begun. It tells the active time of one ledger from that of another.
	Began time.Time `json:"began,omitzero"`
	// Seen are the tags that were once candidate, and when each was seen first.
	Seen []Seen `json:"seen,omitempty"`
	// Blocked are versions that failed.
	Blocked []Blocked `json:"blocked,omitempty"`
	// Proven are the versions that have soaked, by wave.
	Proven map[string][]string `json:"proven,omitempty"`
	// Approvals that were handled, the oldest first.
	Approvals []Approval `json:"approvals,omitempty"`
	// Resumes are the tokens that were handled, the last one last. A token that is among them does nothing again.
	Resumes []string `json:"resumes,omitempty"`
	// History of upgrades, the oldest first.
	History []Entry `json:"history,omitempty"`
	// SuspendedAt is since when the policy is suspended; zero: it is not. Paused is for how long it was before.
	SuspendedAt time.Time     `json:"suspendedAt,omitzero"`
	Paused      time.Duration `json:"paused,omitempty"`
}

// Seen is one version and its age.
type Seen struct {
	Tag string    `json:"tag"`
	At  time.Time `json:"at"`
}

// Blocked is one version that failed.
type Blocked struct {
	Tag     string    `json:"tag"`
	Wave    string    `json:"wave,omitempty"`
	Message string    `json:"message"`
	At      time.Time `json:"at"`
	// Rollback: targets that have it go back to what they had before.
	Rollback bool `json:"rollback,omitempty"`
}

// Approval of one version for one wave.
type Approval struct {
	Wave    string    `json:"wave,omitempty"`
	Version string    `json:"version"`
	At      time.Time `json:"at"`
}

// Entry is one upgrade of one wave.
type Entry struct {
	From     string    `json:"from"`
	To       string    `json:"to"`
	Wave     string    `json:"wave,omitempty"`
	Rollback bool      `json:"rollback,omitempty"`
	Approved bool      `json:"approved,omitempty"`
	Targets  int       `json:"targets"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end,omitzero"`
	Result   string    `json:"result,omitempty"`
	Commit   string    `json:"commit,omitempty"`
}

// Active is a time on the clock that stands still while the policy is suspended: the one that soaks and timeouts run on.
func (l Ledger) Active(now time.Time) time.Time {
	if !l.SuspendedAt.IsZero() && l.SuspendedAt.Before(now) {
		now = l.SuspendedAt
	}
	return now.Add(-l.Paused)
}

// Wall is the wall time of a time on the active clock, if the policy is not suspended meanwhile.
func (l Ledger) Wall(active time.Time) time.Time { return active.Add(l.Paused) }

// Resume is the token that was handled last; empty: none.
func (l Ledger) Resume() string {
	if len(l.Resumes) == 0 {
		return ""
	}
	return l.Resumes[len(l.Resumes)-1]
}

// LedgerOf reads what the policy controller remembers of a policy. A candidate without it has the zero Ledger.
func LedgerOf(candidate *imagev1.ImagePolicy) (Ledger, error) {
	var ledger Ledger
	err := decode(candidate, LedgerAnnotation, &ledger, &ledger.Version)
	ledger.Version = 0
	return ledger, err
}

// Encode is the annotation's text.
func (l Ledger) Encode() string {
	l.Version = version
	return encode(l)
}
