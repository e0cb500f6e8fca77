package rollout

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Words of Helm, which mean the same for every kind of target.
const (
	releaseDeployed = "deployed"
	releaseFailed   = "failed"
)

// Deployed says whether a target runs the version of its spec: its status names it, and Helm has deployed it. That says nothing
// of its pods. Not every status has an observed generation, so a `deployed` with another version is one of before.
func Deployed(t Target) bool {
	return t.ReleaseStatus == releaseDeployed && t.Spec != "" && versions.Same(t.Installed, versions.Tag(t.Spec))
}

// Failing says whether the version of a target's spec cannot be installed as things are, and whether time may mend that.
// Helm's failure counts only if it names that version: an older one may have failed before.
func Failing(t Target) (failing, hopelessly bool) {
	if t.ReleaseStatus == releaseFailed {
		failed := versions.Same(t.Installed, versions.Tag(t.Spec))
		return failed, failed
	}
	return t.Trouble != "", t.Trouble == TroubleLasting
}

// healthy says whether a target runs the version of its spec, that of Git, and every health check is Current.
func (r *run) healthy(t *target) bool { return r.checked && r.runs(t) }

// runs says whether a target runs the version of its spec, that of Git.
func (r *run) runs(t *target) bool {
	return t.Excused == "" && Deployed(t.Target) && t.Pin != nil && r.same(t.Spec, t.Pin.Memory.Git)
}

// wellAtStart says whether what becomes of a target may be blamed on a version that it is given now. An upgrade that replaces
// one whose target was not well, and that has not ended, begins where that began.
func (r *run) wellAtStart(t *target) bool {
	unwell := t.upgrade.Running() && !t.upgrade.Judged
	return !unwell && t.Excused == "" && Deployed(t.Target)
}

// healthOf follows the health of a target's version while the next wave may wait for it, and forgets it else: at rest nothing
// is written, however often health changes.
func (r *run) healthOf(t *target) pin.Health {
	if next := t.wave.next; next == nil || next.oldest == nil || t.git == nil || !next.oldest.LessThan(t.git) {
		return pin.Health{}
	}
	healthy, before := r.healthy(t), t.upgrade.Health
	if before.Of == t.Spec && before.Healthy == healthy {
		return before
	}
	return pin.Health{Of: t.Spec, Healthy: healthy, Since: r.active}
}

// ailment says what is wrong with a target, for a human.
func (r *run) ailment(t *target) string {
	if !Deployed(t.Target) {
		status := t.ReleaseStatus
		if status == "" {
			status = "not known"
		}
		text := "its release is " + shortened(status)
		if t.Installed != "" && !versions.Same(t.Installed, versions.Tag(t.Spec)) {
			text += " at " + shortened(t.Installed)
		}
		if t.ReleaseReason != "" {
			text += ": " + shortened(t.ReleaseReason)
		}
		return text
	}
	for _, check := range r.in.Checks {
		if !check.Current {
			return fmt.Sprintf("%s is not Current: %s", check.Name, shortened(check.Message))
		}
	}
	return "it is healthy again"
}
