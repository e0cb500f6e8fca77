package status

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

func build(in rollout.Input, o Outcome) v1alpha1.AppUpgradePolicyStatus {
	o.Now = testNow
	return Build(in, rollout.Decide(in), o)
}

// conditionsOf is the conditions of a status, each as `Type=Status Reason`.
func conditionsOf(status v1alpha1.AppUpgradePolicyStatus) []string {
	var conditions []string
	for _, c := range status.Conditions {
		conditions = append(conditions, fmt.Sprintf("%s=%s %s", c.Type, c.Status, c.Reason))
	}
	return conditions
}

func messageOf(status v1alpha1.AppUpgradePolicyStatus, condition string) string {
	for _, c := range status.Conditions {
		if c.Type == condition {
			return c.Message
		}
	}
	return ""
}

func TestConditions(t *testing.T) {
	cases := map[string]struct {
		in         *inputBuilder
		outcome    Outcome
		conditions []string
		ready      string
	}{
		"up to date": {
			in:         makeInput(makeTarget("a", "1.5.0").obj()),
			conditions: []string{"Ready=True Succeeded", "ObjectsApplied=True Succeeded", "MarkersPlaced=True Succeeded", "UpToDate=True Succeeded"},
			ready:      "1 of 1 targets run 1.5.0",
		},
		"markers are being placed": {
			in: makeInput(makeTarget("a", "1.4.0").obj(), makeTarget("b", "1.4.0").unmarked().obj()),
			conditions: []string{
				"Ready=Unknown Progressing", "Reconciling=True Progressing", "ObjectsApplied=True Succeeded",
				"MarkersPlaced=False Progressing", "UpToDate=False Progressing",
			},
			ready: "1 of 2 targets have a marker",
		},
		"pins are being made": {
			in: makeInput(makeTarget("a", "1.4.0").with(func(t *rollout.Target) { t.Pin = nil })),
			conditions: []string{
				"Ready=Unknown Progressing", "Reconciling=True Progressing", "ObjectsApplied=False Progressing",
				"MarkersPlaced=False Progressing", "UpToDate=False Progressing",
			},
			ready: "0 of 1 targets have a marker",
		},
		"the operator moves targets": {
			in: makeInput(makeTarget("a", "1.4.0").obj(), makeTarget("b", "1.3.0").obj()),
			conditions: []string{
				"Ready=True Upgrading", "Reconciling=True Progressing", "ObjectsApplied=True Succeeded",
				"MarkersPlaced=True Succeeded", "UpToDate=False Upgrading",
			},
			ready: "2 of 2 targets on the way to 1.5.0",
		},
		"the cluster still has to apply it": {
			in: makeInput(makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.4.0", "1.4.0", "deployed").obj()),
			conditions: []string{
				"Ready=True Upgrading", "ObjectsApplied=True Succeeded", "MarkersPlaced=True Succeeded", "UpToDate=False Upgrading",
			},
			ready: "1 of 1 targets on the way to 1.5.0",
		},
		"a batch that is not settled": {
			in: makeInput(makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.5.0", "1.5.0", "deployed").
				with(func(t *rollout.Target) { t.Pin.Batch = "b1" })),
			conditions: []string{
				"Ready=True Succeeded", "Reconciling=True Progressing", "ObjectsApplied=True Succeeded",
				"MarkersPlaced=True Succeeded", "UpToDate=True Succeeded",
			},
		},
		"suspended": {
			in: makeInput(makeTarget("a", "1.4.0").obj()).suspended(),
			conditions: []string{
				"Ready=True Suspended", "ObjectsApplied=True Succeeded", "MarkersPlaced=True Succeeded", "UpToDate=False Held",
			},
			ready: "Suspended: nothing is marked and nothing moves until spec.suspend is false",
		},
		"suspended before a marker": {
			in: makeInput(makeTarget("a", "1.4.0").unmarked().obj()).suspended(),
			conditions: []string{
				"Ready=True Suspended", "ObjectsApplied=True Succeeded", "MarkersPlaced=False Suspended", "UpToDate=False Progressing",
			},
		},
		"suspended in a batch": {
			in: makeInput(makeTarget("a", "1.4.0").with(func(t *rollout.Target) { t.Pin.Batch = "b1" })).suspended(),
			conditions: []string{
				"Ready=True Suspended", "Reconciling=True Progressing", "ObjectsApplied=True Succeeded",
				"MarkersPlaced=True Succeeded", "UpToDate=False Held",
			},
		},
		"held by a human": {
			in: makeInput(makeTarget("a", "1.4.0").with(func(t *rollout.Target) {
				t.Pin.Memory.Hold = &pin.Hold{Reason: "ManualHold", UpTo: "1.5.0"}
			})),
			conditions: []string{
				"Ready=True Held", "ObjectsApplied=True Succeeded", "MarkersPlaced=True Succeeded", "UpToDate=False Held",
			},
			ready: "1.5.0 is held: ManualHold: A human committed 1.4.0 to apps/a.yaml:9 and left 1.5.0: it stays until there " +
				"is a version newer than 1.5.0, until you commit 1.5.0 yourself, or until you set a new token in the annotation " +
				"upgrades.giantswarm.io/resume",
		},
		"findings": {
			in: makeInput(
				makeTarget("a", "1.5.0").obj(),
				makeTarget("b", "1.4.0").finding("MarkerMissing", "the marker is gone").obj(),
				rollout.Target{Kind: "App", Name: "c", Finding: &pin.Finding{Reason: "TargetMissing", Message: "no such App"}},
			),
			conditions: []string{
				"Ready=False Findings", "ObjectsApplied=True Succeeded", "MarkersPlaced=False Findings", "UpToDate=False Findings",
			},
			ready: "2 of 3 targets need attention: b: the marker is gone",
		},
		"nothing selected": {
			in:         makeInput(),
			conditions: []string{"Ready=True NoTargets", "ObjectsApplied=Unknown NoTargets", "MarkersPlaced=Unknown NoTargets", "UpToDate=Unknown NoTargets"},
		},
		"scan pending": {
			in: makeInput(makeTarget("a", "1.4.0").with(func(t *rollout.Target) { t.Pin = nil })).noCandidate("ScanPending", "not scanned yet"),
			conditions: []string{
				"Ready=Unknown ScanPending", "Reconciling=True ScanPending", "ObjectsApplied=False ScanPending",
				"MarkersPlaced=False Progressing", "UpToDate=Unknown ScanPending",
			},
			ready: "not scanned yet",
		},
		"waiting": {
			in:      makeInput(makeTarget("a", "1.5.0").obj()),
			outcome: Outcome{Waiting: &Waiting{Reason: "ScanPending", Message: "not scanned yet"}},
			conditions: []string{
				"Ready=Unknown ScanPending", "Reconciling=True ScanPending", "ObjectsApplied=True Succeeded",
				"MarkersPlaced=True Succeeded", "UpToDate=True Succeeded",
			},
		},
		"scan failed": {
			in:      makeInput(makeTarget("a", "1.5.0").obj()),
			outcome: Outcome{Waiting: &Waiting{Reason: "ScanFailed", Message: "unauthorized"}},
			conditions: []string{
				"Ready=False ScanFailed", "ObjectsApplied=True Succeeded", "MarkersPlaced=True Succeeded", "UpToDate=True Succeeded",
			},
			ready: "unauthorized",
		},
		"scan failed from the start": {
			in: makeInput(makeTarget("a", "1.5.0").obj()).noCandidate("ScanFailed", "unauthorized"),
			conditions: []string{
				"Ready=False ScanFailed", "ObjectsApplied=True Succeeded", "MarkersPlaced=True Succeeded", "UpToDate=Unknown ScanFailed",
			},
		},
		"no candidate": {
			in: makeInput(makeTarget("a", "1.4.0").obj()).noCandidate("NoCandidate", "nothing satisfies the range"),
			conditions: []string{
				"Ready=False NoCandidate", "ObjectsApplied=True Succeeded", "MarkersPlaced=True Succeeded", "UpToDate=Unknown NoCandidate",
			},
			ready: "nothing satisfies the range",
		},
		"a candidate that is excluded": {
			in: makeInput(makeTarget("a", "1.4.0").obj()).with(func(in *rollout.Input) { in.Policy.Exclude = []string{"1.5.0"} }),
			conditions: []string{
				"Ready=False NoCandidate", "ObjectsApplied=True Succeeded", "MarkersPlaced=True Succeeded", "UpToDate=Unknown NoCandidate",
			},
			ready: "Flux shows 1.5.0, which spec.versions does not admit",
		},
		"stalled": {
			in:      makeInput(),
			outcome: Outcome{Problem: &Problem{Stalled: true, Reason: "InvalidSpec", Message: "no range"}},
			conditions: []string{
				"Ready=False InvalidSpec", "Stalled=True InvalidSpec", "ObjectsApplied=Unknown InvalidSpec",
				"MarkersPlaced=Unknown InvalidSpec", "UpToDate=Unknown InvalidSpec",
			},
			ready: "no range",
		},
		"a problem that may pass": {
			in:      makeInput(),
			outcome: Outcome{Problem: &Problem{Reason: "FluxMissing", Message: "install Flux"}},
			conditions: []string{
				"Ready=False FluxMissing", "ObjectsApplied=Unknown FluxMissing",
				"MarkersPlaced=Unknown FluxMissing", "UpToDate=Unknown FluxMissing",
			},
		},
		"deleting": {
			in: makeInput(makeTarget("a", "1.4.0").obj()).with(func(in *rollout.Input) { in.Policy.Deleting = true }),
			conditions: []string{
				"Ready=Unknown Progressing", "Reconciling=True Progressing", "ObjectsApplied=Unknown Progressing",
				"MarkersPlaced=Unknown Progressing", "UpToDate=Unknown Progressing",
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			status := build(tc.in.in, tc.outcome)
			conditions := slices.DeleteFunc(conditionsOf(status), func(c string) bool { return strings.HasPrefix(c, "RolloutValid=") })
			if diff := cmp.Diff(tc.conditions, conditions); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			if ready := messageOf(status, v1alpha1.ReadyCondition); tc.ready != "" && ready != tc.ready {
				t.Errorf("ready says %q, want %q", ready, tc.ready)
			}
		})
	}
}

func TestWholeStatus(t *testing.T) {
	in := makeInput(
		makeTarget("a", "1.5.0").obj(),
		makeTarget("b", "1.4.0").upgrade("1.5.0", "1.5.0", "v1.5.0", "1.4.0", "deployed").obj(),
		makeTarget("c", "1.3.0").with(func(t *rollout.Target) { t.Pin.Memory.Hold = &pin.Hold{Reason: "ManualHold", UpTo: "1.5.0"} }),
	).in
	got := build(in, Outcome{Generation: 3, RequestedAt: "now"})
	if diff := cmp.Diff(5, len(got.Conditions)); diff != "" {
		t.Error(diff)
	}
	got.Conditions = nil
	location := func(name string) *v1alpha1.Location {
		return &v1alpha1.Location{Repository: "default/gitops", File: "apps/" + name + ".yaml", Line: 9}
	}
	want := v1alpha1.AppUpgradePolicyStatus{
		ObservedGeneration:     3,
		LastHandledReconcileAt: "now",
		Chart:                  "oci://registry.example/charts/hello",
		Available:              "1.5.0",
		Current:                "1.3.0",
		Target:                 "1.5.0",
		State:                  v1alpha1.TargetHeld,
		Counts:                 &v1alpha1.TargetCounts{Total: 3, Marked: 3, UpToDate: 1, Upgrading: 1, Healthy: 2},
		Held: []v1alpha1.Held{{
			Version: "1.5.0", Reason: "ManualHold",
			Message: "c: A human committed 1.3.0 to apps/c.yaml:9 and left 1.5.0: it stays until there is a version newer " +
				"than 1.5.0, until you commit 1.5.0 yourself, or until you set a new token in the annotation upgrades.giantswarm.io/resume",
		}},
		Seen:    []v1alpha1.SeenVersion{{Version: "1.5.0", Time: stored(testNow)}},
		History: []v1alpha1.HistoryEntry{{From: "1.4.0", To: "1.5.0", Targets: 1, Start: stored(testNow.Add(-time.Minute))}},
		Targets: []v1alpha1.TargetStatus{
			{Kind: "App", Name: "c", State: v1alpha1.TargetHeld, Location: location("c"), Desired: "1.3.0", Git: "1.3.0", Installed: "1.3.0"},
			{Kind: "App", Name: "b", State: v1alpha1.TargetApplied, Location: location("b"), Desired: "1.5.0", Git: "1.5.0", Installed: "1.4.0"},
			{Kind: "App", Name: "a", State: v1alpha1.TargetCurrent, Location: location("a"), Desired: "1.5.0", Git: "1.5.0", Installed: "1.5.0"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAProblemKeepsThePreviousView(t *testing.T) {
	before := build(makeInput(makeTarget("a", "1.5.0").obj()).in, Outcome{Generation: 1})
	after := Build(rollout.Input{}, rollout.Decision{}, Outcome{
		Now: testNow, Generation: 2, Previous: before, Problem: &Problem{Stalled: true, Reason: "InvalidSpec", Message: "no range"},
	})
	if diff := cmp.Diff(before.Targets, after.Targets); diff != "" {
		t.Errorf("targets (-before +after):\n%s", diff)
	}
	if after.ObservedGeneration != 2 || conditionsOf(after)[0] != "Ready=False InvalidSpec" {
		t.Errorf("got %d %v", after.ObservedGeneration, conditionsOf(after))
	}
}

func TestTransitionTimes(t *testing.T) {
	earlier := metav1.NewTime(testNow.Add(-3600e9).Truncate(1e9))
	before := build(makeInput(makeTarget("a", "1.4.0").obj()).in, Outcome{})
	for i := range before.Conditions {
		before.Conditions[i].LastTransitionTime = earlier
	}
	after := build(makeInput(makeTarget("a", "1.5.0").obj()).in, Outcome{Previous: before})
	for _, c := range after.Conditions {
		want := earlier
		if c.Type == v1alpha1.UpToDateCondition { // the only one whose status changed
			want = metav1.NewTime(testNow.Truncate(1e9))
		}
		if !c.LastTransitionTime.Equal(&want) {
			t.Errorf("%s changed at %s, want %s", c.Type, c.LastTransitionTime, want)
		}
	}
}
