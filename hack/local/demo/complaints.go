package demo

import (
	"fmt"
	"slices"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// atRest complains if Flux might write a line.
func (w *world) atRest() error {
	for name, automation := range w.automations {
		if !automation.atRest() {
			return fmt.Errorf("ImageUpdateAutomation %s selects batch %q, or has not heard yet that it does no more", name, automation.batch)
		}
	}
	for name, p := range w.pins {
		if p.batch != "" {
			return fmt.Errorf("pin %s is in batch %s", name, p.batch)
		}
	}
	return nil
}

// runs complains unless an App has a version and runs it.
func (w *world) runs(app, version string) error {
	if is := w.apps[app]; !is.runs(version) {
		return fmt.Errorf("the App %s should run %s; its spec has %q, installed is %q (%s)", app, version, is.version, is.installed, is.release)
	}
	return nil
}

// inState complains unless a policy's status has an App in a state.
func (w *world) inState(app string, state v1alpha1.TargetState) error {
	if is := w.targets[app].State; is != state {
		return fmt.Errorf("the App %s should be %s in its policy's status and is %q", app, state, is)
	}
	return nil
}

// sawTag complains unless Flux has seen a tag.
func (w *world) sawTag(chart, tag string) error {
	if !w.tags[chart][tag] {
		return fmt.Errorf("tag %s of chart %s is not seen by Flux yet", tag, chart)
	}
	return nil
}

// policyOf is the status of the policy that has an App among its targets.
func (w *world) policyOf(app string) v1alpha1.AppUpgradePolicyStatus {
	return statusOf(w.policies, app)
}

func statusOf(policies map[string]v1alpha1.AppUpgradePolicyStatus, app string) v1alpha1.AppUpgradePolicyStatus {
	for _, status := range policies {
		if slices.ContainsFunc(status.Targets, func(t v1alpha1.TargetStatus) bool { return t.Name == app }) {
			return status
		}
	}
	return v1alpha1.AppUpgradePolicyStatus{}
}

// holds complains unless the policy of an App holds a version for a reason.
func (w *world) holds(app, version, reason string) error {
	held := w.policyOf(app).Held
	if slices.ContainsFunc(held, func(h v1alpha1.Held) bool { return h.Version == version && h.Reason == reason }) {
		return nil
	}
	return fmt.Errorf("version %s should be held from %s as %s; held is %q", version, app, reason, reasons(held))
}

// blocked complains unless the policy of an App has blocked a version.
func (w *world) blocked(app, version string) error {
	blocked := w.policyOf(app).Blocked
	if slices.ContainsFunc(blocked, func(b v1alpha1.BlockedVersion) bool { return b.Version == version }) {
		return nil
	}
	return fmt.Errorf("version %s should be blocked for %s; blocked are %+v", version, app, blocked)
}

// ended complains unless the history of an App's policy has an end of a change of a wave.
func (w *world) ended(app string, wanted v1alpha1.HistoryEntry) error {
	_, err := findHistory(w.policyOf(app).History, wanted)
	return err
}

// findHistory finds the entry with the from, to, wave, rollback and result of the one that is wanted.
func findHistory(history []v1alpha1.HistoryEntry, wanted v1alpha1.HistoryEntry) (v1alpha1.HistoryEntry, error) {
	for _, e := range history {
		if e.From == wanted.From && e.To == wanted.To && e.Wave == wanted.Wave && e.Rollback == wanted.Rollback && e.Result == wanted.Result {
			return e, nil
		}
	}
	return v1alpha1.HistoryEntry{}, fmt.Errorf("the policy's history should have %q", summary(wanted))
}
