package pin

import (
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
)

// UpgradeAnnotation carries an Upgrade on a pin.
const UpgradeAnnotation = "upgrades.giantswarm.io/upgrade"

// Upgrade is what the policy controller remembers of a target: its last upgrade or rollback, and its health. Clocks are
// active time (see Ledger.Active), so that a suspended policy's stand still; Start and End are wall time, for humans.
type Upgrade struct {
	Version int `json:"version"`
	// From is the text that Git had before, To the tag that was decided; empty: the target was never moved.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Wave of the target at that time.
	Wave string `json:"wave,omitempty"`
	// Rollback: the target was taken back from a version that failed.
	Rollback bool `json:"rollback,omitempty"`
	// Judged: the target was well at the start, so what becomes of it counts.
	Judged bool `json:"judged,omitempty"`
	// Unchecked: a health check was not Current at the start, so the target itself is judged alone.
	Unchecked bool      `json:"unchecked,omitempty"`
	Start     time.Time `json:"start,omitzero"`
	End       time.Time `json:"end,omitzero"`
	// Committed is when Git was first seen with To, Applied when the target's own spec was.
	Committed time.Time `json:"committed,omitzero"`
	Applied   time.Time `json:"applied,omitzero"`
	// Result is one of the API's results once it is known.
	Result string `json:"result,omitempty"`
	// Health of the version that the target runs.
	Health Health `json:"health,omitzero"`
	// Clock is Ledger.Began of the ledger by whose active time the clocks go. By another one's they mean nothing.
	Clock time.Time `json:"clock,omitzero"`
}

// Health is how a target has been doing with one version.
type Health struct {
	// Of is the version in the target's spec.
	Of string `json:"of,omitempty"`
	// Healthy or not, since when: active time.
	Healthy bool      `json:"healthy,omitempty"`
	Since   time.Time `json:"since,omitzero"`
}

// IsZero says whether there is nothing to remember.
func (u Upgrade) IsZero() bool { return u.To == "" && u.Health == (Health{}) }

// Running says whether the upgrade's result is still to come.
func (u Upgrade) Running() bool { return u.To != "" && u.Result == "" }

// UpgradeOf reads what the policy controller remembers of a pin's target. A pin without it has the zero Upgrade.
func UpgradeOf(p *imagev1.ImagePolicy) (Upgrade, error) {
	var upgrade Upgrade
	err := decode(p, UpgradeAnnotation, &upgrade, &upgrade.Version)
	upgrade.Version = 0
	return upgrade, err
}

// Encode is the annotation's text.
func (u Upgrade) Encode() string {
	u.Version = version
	return encode(u)
}
