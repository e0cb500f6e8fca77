package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

// The waves of most tests, which are the values of an App's label stage.
const (
	canary     = "canary"
	production = "production"
)

// newStagedFleet makes a fleet of Apps with their versions, those whose names begin with canary in one stage and the others in
// the other.
func newStagedFleet(t *testing.T, apps map[string]string) *fleet {
	t.Helper()
	f := newFleet(t, apps)
	files := map[string]string{}
	for app := range apps {
		stage := production
		if strings.HasPrefix(app, canary) {
			stage = canary
		}
		files[path(app)] = strings.Replace(f.file(app), "metadata:\n", "metadata:\n  labels:\n    stage: "+stage+"\n", 1)
	}
	f.edit("Say the Apps' stages", files)
	eventually(f.T, "Flux has applied the labels", func() error { return f.applied(f.log()[0].Hash) })
	return f
}

// change is one of a policy before it is created.
type change = func(*v1alpha1.AppUpgradePolicy)

// rollout gives the rollout of a policy to change.
func rollout(p *v1alpha1.AppUpgradePolicy) *v1alpha1.Rollout {
	if p.Spec.Rollout == nil {
		p.Spec.Rollout = &v1alpha1.Rollout{}
	}
	return p.Spec.Rollout
}

// inWaves sends versions to the canaries first, where they soak, and then to production.
func inWaves(soak time.Duration) change {
	return func(p *v1alpha1.AppUpgradePolicy) {
		rollout(p).Waves = []v1alpha1.Wave{
			{Name: canary, Selector: stage(canary), Soak: &metav1.Duration{Duration: soak}},
			{Name: production, Selector: stage(production)},
		}
	}
}

func stage(name string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"stage": name}}
}

// onFailure says what becomes of a version that fails.
func onFailure(action v1alpha1.OnFailure) change {
	return func(p *v1alpha1.AppUpgradePolicy) { rollout(p).Health = &v1alpha1.Health{OnFailure: action} }
}

// soakFor changes the soak of a policy's first wave.
func (f *fleet) soakFor(policy string, soak time.Duration) {
	f.Helper()
	patch := client.RawPatch("application/json-patch+json", fmt.Appendf(nil, `[{"op":"replace","path":"/spec/rollout/waves/0/soak","value":%q}]`, soak))
	must(f.T, env.Client.Patch(f.Context(), f.get(policy), patch))
}

// held is the entry of status.held for a version and a reason.
func (f *fleet) held(policy, version, reason string) (v1alpha1.Held, error) {
	f.Helper()
	status := f.get(policy).Status
	for _, held := range status.Held {
		if held.Version == version && held.Reason == reason {
			return held, nil
		}
	}
	return v1alpha1.Held{}, fmt.Errorf("%s is not held as %s: %+v", version, reason, status.Held)
}

// holds waits until a policy holds a version for a reason.
func (f *fleet) holds(policy, version, reason string) v1alpha1.Held {
	f.Helper()
	var held v1alpha1.Held
	eventually(f.T, version+" is held as "+reason, func() (err error) {
		held, err = f.held(policy, version, reason)
		return err
	})
	return held
}

// wave waits until a wave is as wanted.
func (f *fleet) wave(policy, name, what string, is func(v1alpha1.WaveStatus) bool) v1alpha1.WaveStatus {
	f.Helper()
	var found v1alpha1.WaveStatus
	eventually(f.T, "wave "+name+" "+what, func() error {
		waves := f.get(policy).Status.Waves
		for _, wave := range waves {
			if wave.Name == name && is(wave) {
				found = wave
				return nil
			}
		}
		return fmt.Errorf("the waves are %+v", waves)
	})
	return found
}

// blocked complains unless a policy has blocked a version.
func (f *fleet) blocked(policy, version string) error {
	f.Helper()
	status := f.get(policy).Status
	if slices.ContainsFunc(status.Blocked, func(b v1alpha1.BlockedVersion) bool { return b.Version == version }) {
		return nil
	}
	return fmt.Errorf("%s is not blocked: %+v", version, status.Blocked)
}

// ended is a policy's newest upgrade, or rollback, of a wave to a version that has a result.
func (f *fleet) ended(policy, wave, version string, rollback bool) (v1alpha1.HistoryEntry, error) {
	f.Helper()
	history := f.get(policy).Status.History
	for _, entry := range history {
		if entry.Wave == wave && entry.To == version && entry.Rollback == rollback && entry.Result != "" {
			return entry, nil
		}
	}
	return v1alpha1.HistoryEntry{}, fmt.Errorf("no such entry has ended (wave %q, to %s, rollback %t): %+v", wave, version, rollback, history)
}

// ends waits until an upgrade, or rollback, of a wave to a version has a result.
func (f *fleet) ends(policy, wave, version string, rollback bool, result string) v1alpha1.HistoryEntry {
	f.Helper()
	var entry v1alpha1.HistoryEntry
	eventually(f.T, "the history has the end of "+version, func() (err error) {
		entry, err = f.ended(policy, wave, version, rollback)
		return err
	})
	if entry.Result != result {
		f.Errorf("the result is %+v, want %s", entry, result)
	}
	return entry
}

// told waits until there is an event about a policy with a reason.
func (f *fleet) told(policy, reason string) {
	f.Helper()
	eventually(f.T, "there is an event "+reason, func() error {
		var events corev1.EventList
		if err := env.Client.List(f.Context(), &events, client.InNamespace(f.namespace)); err != nil {
			return err
		}
		var reasons []string
		for _, event := range events.Items {
			if event.InvolvedObject.Kind == v1alpha1.AppUpgradePolicyKind && event.InvolvedObject.Name == policy {
				reasons = append(reasons, event.Reason)
			}
		}
		if !slices.Contains(reasons, reason) {
			return fmt.Errorf("the events are %v", reasons)
		}
		return nil
	})
}

// annotated sets an annotation of a policy and waits until the operator has looked at it, whatever it does about it.
func (f *fleet) annotated(policy, key, value string) {
	f.Helper()
	token := time.Now().Format(time.RFC3339Nano)
	must(f.T, env.Client.Patch(f.Context(), f.get(policy), mergePatch(`{"metadata":{"annotations":{%q:%q,%q:%q}}}`,
		key, value, v1alpha1.ReconcileRequestAnnotation, token)))
	eventually(f.T, "the operator has looked at the annotation", func() error {
		if got := f.get(policy).Status.LastHandledReconcileAt; got != token {
			return fmt.Errorf("it has handled %q, want %q", got, token)
		}
		return nil
	})
}

// condition complains unless a policy has a condition with a status and a reason.
func (f *fleet) condition(policy, kind string, status metav1.ConditionStatus, reason string) error {
	f.Helper()
	condition := meta.FindStatusCondition(f.get(policy).Status.Conditions, kind)
	if condition == nil || condition.Status != status || condition.Reason != reason {
		return fmt.Errorf("condition %s is %+v, want %s for %s", kind, condition, status, reason)
	}
	return nil
}

// story is what versions an App had in Git one after the other.
func (f *fleet) story(app string) []string {
	f.Helper()
	var story []string
	for _, commit := range slices.Backward(f.log()) {
		content, err := f.repo.File(f.Context(), commit.Hash, path(app))
		must(f.T, err)
		if version := versionIn(content); len(story) == 0 || story[len(story)-1] != version {
			story = append(story, version)
		}
	}
	return story
}

// firstWith is the place in the history, from the oldest, of the commit with which an App first had a version; -1: none.
func (f *fleet) firstWith(app, version string) int {
	f.Helper()
	commits := f.log()
	slices.Reverse(commits)
	return slices.IndexFunc(commits, func(commit gitserver.Commit) bool {
		content, err := f.repo.File(f.Context(), commit.Hash, path(app))
		must(f.T, err)
		return versionIn(content) == version
	})
}

// everyoneRuns waits until Apps run a version, their policy says so, and the repository is at rest.
func (f *fleet) everyoneRuns(policy, version string, apps ...string) {
	f.Helper()
	eventually(f.T, strings.Join(apps, ", ")+" have "+version+" and all is at rest", func() error {
		for _, app := range apps {
			if err := f.target(policy, app, settled); err != nil {
				return err
			}
		}
		return f.upgraded(version, apps...)
	})
}

// ofAllApps selects every App of the namespace.
func ofAllApps(p *v1alpha1.AppUpgradePolicy) {
	p.Spec.Targets = []v1alpha1.TargetReference{{Selector: everything}}
}

// nothingHeld complains while a policy holds anything.
func (f *fleet) nothingHeld(policy string) error {
	f.Helper()
	if held := f.get(policy).Status.Held; len(held) > 0 {
		return fmt.Errorf("held are %+v", held)
	}
	return nil
}
