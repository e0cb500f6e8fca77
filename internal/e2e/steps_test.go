package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
)

// Apps at different minors go minor by minor, each to the newest version of it, over one that was never released. What a
// human approved skips.
func TestNeverSkip(t *testing.T) {
	f := newFleet(t, map[string]string{"old": "1.1.0", "new": "1.2.0", "bold": "1.1.0"})
	startOperator(t, environment.OperatorOptions{})
	f.release("1.1.1", "1.2.1", "1.2.3", "1.4.0", "1.4.1")
	byMinor := func(p *v1alpha1.AppUpgradePolicy) { p.Spec.Versions.NeverSkip = v1alpha1.StepMinor }
	f.policy("steps", ">=1.0.0", []string{"old", "new"}, byMinor)
	bold := f.policy("bold", "1.1.0", []string{"bold"}, byMinor)
	eventually(t, "the App is marked", func() error { return f.marked("bold") })
	must(t, env.Client.Patch(t.Context(), bold, mergePatch(`{"spec":{"suspend":true,"versions":{"range":">=1.0.0"}}}`)))
	f.holds("bold", "1.4.1", v1alpha1.WouldSkipReason)
	f.annotated("bold", v1alpha1.ApproveAnnotation, "1.4.1")
	f.suspend("bold", false)
	f.everyoneRuns("steps", "1.4.1", "old", "new")
	f.everyoneRuns("bold", "1.4.1", "bold")
	// What is found first goes first: the newest patch of the minor that the App has may come before the next minor.
	for app, stories := range map[string][]string{
		"old": {"1.1.0 1.2.3 1.4.1"}, "new": {"1.2.0 1.4.1", "1.2.0 1.2.3 1.4.1"}, "bold": {"1.1.0 1.4.1"},
	} {
		if story := strings.Join(f.story(app), " "); !slices.Contains(stories, story) {
			t.Errorf("%s had the versions %s, want one of %q", app, story, stories)
		}
	}
	eventually(t, "nothing is held any more", func() error { return f.nothingHeld("steps") })
	f.onlyMarkersAndUpgrades()
}

// A policy waits for the one that it depends on, which must be in a range, healthy and at rest.
func TestDependsOn(t *testing.T) {
	f := newFleet(t, map[string]string{"base": "1.0.0", "top": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("base", ">=1.0.0", []string{"base"}, suspended)
	f.policy("top", ">=1.0.0", []string{"top"}, func(p *v1alpha1.AppUpgradePolicy) {
		rollout(p).DependsOn = []v1alpha1.Dependency{{Name: "base", Range: ">=1.1.0"}}
	})
	eventually(t, "the App is marked", func() error { return f.marked("top") })
	f.release("1.1.0")
	f.scan()
	f.holds("top", "1.1.0", v1alpha1.DependencyNotReadyReason)
	must(t, f.inGit("top", "1.0.0"))
	f.suspend("base", false)
	f.everyoneRuns("base", "1.1.0", "base")
	f.everyoneRuns("top", "1.1.0", "top")
	if base, top := f.firstWith("base", "1.1.0"), f.firstWith("top", "1.1.0"); base >= top {
		t.Errorf("base has it with commit %d, top with commit %d", base, top)
	}
	base, top := f.ends("base", "", "1.1.0", false, v1alpha1.ResultSucceeded), f.ends("top", "", "1.1.0", false, v1alpha1.ResultSucceeded)
	if top.Start.Time.Before(base.End.Time) {
		t.Errorf("top began at %s, base was healthy at %s", top.Start, base.End)
	}
}

// A version is healthy only while the objects of health.checks are Current: else it does not soak.
func TestHealthChecks(t *testing.T) {
	f := newStagedFleet(t, map[string]string{"canary": "1.0.0", "production": "1.0.0"})
	probe := f.probe()
	startOperator(t, environment.OperatorOptions{})
	f.policy("checked", ">=1.0.0", nil, inWaves(time.Hour), ofAllApps, func(p *v1alpha1.AppUpgradePolicy) {
		rollout(p).Health = &v1alpha1.Health{Checks: []v1alpha1.HealthCheck{{APIVersion: "apps/v1", Kind: "Deployment", Name: probe.Name}}}
	})
	eventually(t, "the Apps are marked", func() error { return f.marked("canary", "production") })
	f.release("1.1.0")
	f.scan()
	f.soaks("checked", "1.1.0")
	f.ready(probe, 0)
	f.wave("checked", canary, "is not healthy any more", func(w v1alpha1.WaveStatus) bool { return w.Healthy == 0 && w.Soaked == nil })
	must(t, f.deployed("canary", "1.1.0"))
	f.soakFor("checked", time.Second)
	eventually(t, "the shorter soak is seen, and helps nothing", func() error {
		held, err := f.held("checked", "1.1.0", v1alpha1.SoakingReason)
		if want := "1.1.0 must be healthy in wave canary for 1s first"; err == nil && held.Message != "wave production: "+want && held.Message != want {
			return fmt.Errorf("the message is %q", held.Message)
		}
		return err
	})
	must(t, f.inGit("production", "1.0.0"))

	f.ready(probe, 1)
	f.everyoneRuns("checked", "1.1.0", "canary", "production")
}

// probe is a Deployment whose status the test sets: nothing runs pods here.
func (f *fleet) probe() *appsv1.Deployment {
	f.Helper()
	labels := map[string]string{"app": "probe"}
	probe := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "probe"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "probe", Image: "probe.invalid/probe:1"}}},
			},
		},
	}
	must(f.T, env.Client.Create(f.Context(), probe))
	f.ready(probe, 1)
	return probe
}

// ready sets how many replicas of a Deployment with one are ready.
func (f *fleet) ready(probe *appsv1.Deployment, replicas int) {
	f.Helper()
	available := "False"
	if replicas > 0 {
		available = "True"
	}
	must(f.T, env.Client.Status().Patch(f.Context(), probe, mergePatch(
		`{"status":{"observedGeneration":%d,"replicas":1,"updatedReplicas":1,"readyReplicas":%d,"availableReplicas":%d,"conditions":[{"type":"Available","status":%q},{"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable"}]}}`,
		probe.Generation, replicas, replicas, available)))
}

// A version is not taken before it was seen for some time. A newer one does not reset the older one's age.
func TestMinAge(t *testing.T) {
	const age = 6 * time.Second
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("age", ">=1.0.0", []string{"one"}, func(p *v1alpha1.AppUpgradePolicy) {
		rollout(p).MinAge = &metav1.Duration{Duration: age}
	})
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	for _, version := range []string{"1.1.0", "1.2.0"} {
		f.release(version)
		f.scan()
		eventually(t, version+" is seen", func() error { return f.available("age", version) })
	}
	f.everyoneRuns("age", "1.2.0", "one")
	seen := map[string]time.Time{}
	for _, s := range f.get("age").Status.Seen {
		seen[s.Version] = s.Time.Time
	}
	if seen["1.1.0"].IsZero() || seen["1.1.0"].After(seen["1.2.0"]) {
		t.Errorf("the versions were seen at %v", seen)
	}
	for _, entry := range f.get("age").Status.History {
		if old := seen[entry.To].Add(age); entry.Start.Time.Before(old) {
			t.Errorf("%s was taken at %s, and is old enough at %s", entry.To, entry.Start, old)
		}
	}
}
