package batch

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Key names a pin or an automation.
type Key struct{ Namespace, Name string }

// String is `namespace/name`.
func (k Key) String() string { return k.Namespace + "/" + k.Name }

// Observation is all that is known of one repository branch at Now.
type Observation struct {
	Now time.Time
	// NewID is the id of the next batch; it is never used twice.
	NewID string
	// Leader identifies this process: only the process that armed a batch lets it run on.
	Leader string
	// MayArm is false when the process shuts down.
	MayArm bool
	// GitRetryAt is the earliest time at which Git is asked again through a GitRepository after a failure.
	GitRetryAt map[pin.NamespacedName]time.Time
	// SignRetryAt is the earliest time at which a signing key is asked for again after it could not be used.
	SignRetryAt map[Signer]time.Time
	// Turns is when the next schedule opens or closes for a pin that is Scheduled; zero: none will, or nobody knows when.
	Turns time.Time
	// Limits of the protocol.
	Limits Limits
	// Pins of the repository branch, of all namespaces, in the order of their keys.
	Pins []Pin
	// Automations of the repository branch that the operator made, in the order of their keys.
	Automations []Automation
}

// Turned says whether a schedule has opened or closed since, so that what is closed must be looked at again.
func (o Observation) Turned(now time.Time) bool { return !o.Turns.IsZero() && !now.Before(o.Turns) }

// Signer is a key that signs commits, as pins of a namespace name it. Nobody signs those of the zero Signer.
type Signer struct {
	Namespace string
	Signing   pin.Signing
}

// SignerOf is who signs the commits about a pin.
func SignerOf(p Pin) Signer {
	if p.Intent.Commit.Signing == (pin.Signing{}) {
		return Signer{}
	}
	return Signer{Namespace: p.Key.Namespace, Signing: p.Intent.Commit.Signing}
}

// retryAt is when the repository of a pin, and the key that signs its commits, may be asked for.
func (o Observation) retryAt(p Pin) time.Time {
	git, sign := o.GitRetryAt[p.Intent.Source.Repository], o.SignRetryAt[SignerOf(p)]
	if sign.After(git) {
		return sign
	}
	return git
}

// Limits bound how long a state may last and how many pins move together.
type Limits struct {
	// Arm is how long an automation may stay armed.
	Arm time.Duration
	// Prepare is how long a pin may take to select its tag before the others go without it.
	Prepare time.Duration
	// Pins is the largest batch. Flux's commits are quadratic in files: 999 take 39 s.
	Pins int
}

// DefaultLimits are the limits that hold if nothing else is said.
var DefaultLimits = Limits{Arm: 2 * time.Minute, Prepare: time.Minute, Pins: 500}

// Pin is one pin as it is.
type Pin struct {
	Key Key
	// Automation is the one that writes this pin's line.
	Automation Key
	// Push is the branch that Flux pushes to and humans merge; empty: it pushes to the checkout branch.
	Push string
	// Leaving: the policy wants another push branch, or none. Push stays the one before until nothing more is to be done there, see PushNow.
	Leaving bool
	Intent  pin.Intent
	Memory  pin.Memory
	// Batch is the pin's batch label; empty at rest.
	Batch string
	// Filter is the tag pattern of the pin's spec.
	Filter string
	// Selected is the tag that Flux selected for the present spec; empty until it did, or if there is no such tag.
	Selected string
	// Outdated: Flux has looked at the present spec and yet shows a tag that it cannot select. It writes only what differs
	// from the status that it read from its cache, so a spec that goes away and back at once leaves the tag in between
	// (fluxcd/pkg/runtime, patch.Helper).
	Outdated bool
	// Nudged is the last token by which Flux was asked to look again.
	Nudged string
	// NoTag: Flux looked for the present spec in a scanned repository and found no such tag.
	NoTag bool
	// BadReference says why image and wanted tag are no reference as Flux parses it.
	BadReference string
	// Decided: every pin of the policy has its intent of this round: the candidate carries it, or, if the policy is being
	// deleted, all are to be removed.
	Decided bool
	// Suspended: the policy is suspended.
	Suspended bool
	// Closed says why no version may start for the pin now: a schedule that is closed, for example; empty: one may. It is looked
	// at only for pins that are Scheduled.
	Closed string
	// Orphaned: there is no such policy.
	Orphaned bool
	// Refused: its namespace may not use the repository, or the GitRepository is not about this branch any more.
	Refused bool
	// Forbidden says why nothing may be pushed as its policy wants it; nil if it may. The pin has no push settings then.
	Forbidden *pin.Finding
	// Foreign says which automation that is not ours would write this pin, and what to do; empty if none.
	Foreign string
	// ForeignPolicy tells what is known of the ImagePolicy in Memory.Foreign. It differs when that has changed.
	ForeignPolicy string
}

// Automation is one ImageUpdateAutomation of ours as it is.
type Automation struct {
	Key Key
	// Exists is false for one that pins need and that is not there yet; nothing else is set then.
	Exists bool
	// Drifted: somebody changed what does not belong to the protocol.
	Drifted bool
	// Suspended by somebody.
	Suspended bool
	// Selects is the batch in its selector; empty if the selector is anything that we never set.
	Selects string
	// Requested and Handled are the reconcile tokens asked for and handled last.
	Requested, Handled string
	// Ready is its Ready condition at the present generation.
	Ready Ready
	// Observed are the tags that it has written or found written, by name of the pin.
	Observed map[string]string
	Memory   AutomationMemory
}

// Ready is a Ready condition.
type Ready struct {
	True, False     bool
	Reason, Message string
}

// AutomationMemory is what an automation remembers of its last batch, in an annotation.
type AutomationMemory struct {
	Version int    `json:"version"`
	Batch   string `json:"batch,omitempty"`
	// ArmedBy is the Leader that armed it, ArmedAt when.
	ArmedBy string    `json:"armedBy,omitempty"`
	ArmedAt time.Time `json:"armedAt,omitzero"`
	// Base is the commit at which the batch was checked.
	Base string `json:"base,omitempty"`
	// Outcome is why it was disarmed.
	Outcome Outcome `json:"outcome,omitempty"`
	// Message is what Flux said, if it failed.
	Message string `json:"message,omitempty"`
	// Size is how many pins the batch had when it was disarmed.
	Size int `json:"size,omitempty"`
	// Limit bounds the next batch after a failure; 0: Limits.Pins.
	Limit int `json:"limit,omitempty"`
	// Failures in a row, and the earliest time of the next batch.
	Failures int       `json:"failures,omitempty"`
	RetryAt  time.Time `json:"retryAt,omitzero"`
}

// Outcome is why a batch was disarmed.
type Outcome string

const (
	// Observed: Flux says that every pin is written.
	Observed Outcome = "Observed"
	// Withdrawn: suspended, held or changed while armed, or armed by another leader.
	Withdrawn Outcome = "Withdrawn"
	// GitFailed: Flux could not clone or push.
	GitFailed Outcome = "GitFailed"
	// Failed: Flux could not do it.
	Failed Outcome = "Failed"
	// Unanswered: Flux did not say anything in time.
	Unanswered Outcome = "Unanswered"
	// Abandoned: it was never armed, since the process that prepared it is gone.
	Abandoned Outcome = "Abandoned"
)

// Token by which a batch is armed; ask counts from 0.
func armToken(id string, ask int) string {
	if ask == 0 {
		return id
	}
	return id + ".ask" + itoa(ask)
}

// RestToken by which a batch is disarmed.
func RestToken(id string) string { return id + restSuffix }

const restSuffix = ".rest"
