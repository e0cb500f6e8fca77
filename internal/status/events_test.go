package status

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

func eventsOf(events []Event) []string {
	var texts []string
	for _, event := range events {
		texts = append(texts, event.Type+" "+event.Reason+": "+event.Message)
	}
	return texts
}

func statusOf(b *inputBuilder) v1alpha1.AppUpgradePolicyStatus { return build(b.in, Outcome{}) }

func TestEvents(t *testing.T) {
	stalled := build(makeInput().in, Outcome{Problem: &Problem{Stalled: true, Reason: "InvalidSpec", Message: "no range"}})
	old := func(b *inputBuilder) *inputBuilder {
		return b.with(func(in *rollout.Input) { in.Candidate.Tag = "1.4.0" })
	}
	pinned := makeInput(makeTarget("a", "1.4.0").obj(), makeTarget("b", "1.4.0").obj())
	cases := map[string]struct {
		before, after v1alpha1.AppUpgradePolicyStatus
		events        []string
	}{
		"nothing": {before: statusOf(pinned), after: statusOf(pinned)},
		"the first status": {
			after:  statusOf(makeInput(makeTarget("a", "1.5.0").obj())),
			events: []string{"Normal VersionAvailable: 1.5.0 is available", "Normal Succeeded: 1 of 1 targets run 1.5.0"},
		},
		"a newer version, wanted": {
			before: statusOf(old(makeInput(makeTarget("a", "1.4.0").obj(), makeTarget("b", "1.4.0").obj()))),
			after:  statusOf(pinned),
			events: []string{"Normal VersionAvailable: 1.5.0 is available", "Normal Pinned: Going to 1.5.0: App a, App b"},
		},
		"committed and deployed": {
			before: statusOf(pinned),
			after: statusOf(makeInput(
				makeTarget("a", "1.4.0").upgrade("1.5.0", "1.5.0", "1.4.0", "1.4.0", "deployed").obj(),
				makeTarget("b", "1.4.0").upgrade("1.5.0", "1.5.0", "1.5.0", "1.5.0", "deployed").obj(),
			)),
			events: []string{"Normal Committed: 1.5.0 is in Git: App a", "Normal Deployed: 1.5.0 is deployed: App b"},
		},
		"suspended": {
			before: statusOf(pinned),
			after:  statusOf(makeInput(makeTarget("a", "1.4.0").obj(), makeTarget("b", "1.4.0").obj()).suspended()),
			events: []string{"Normal Suspended: Suspended: nothing is marked and nothing moves until spec.suspend is false"},
		},
		"a human's hold": {
			before: statusOf(makeInput(makeTarget("a", "1.5.0").obj())),
			after: statusOf(makeInput(makeTarget("a", "1.4.0").with(func(t *rollout.Target) {
				t.Pin.Memory.Hold = &pin.Hold{Reason: "ManualHold", UpTo: "1.5.0"}
			}))),
			events: []string{"Normal ManualHold: 1.5.0 is held: A human committed 1.4.0 to apps/a.yaml:9 and left 1.5.0: it stays " +
				"until there is a version newer than 1.5.0, until you commit 1.5.0 yourself, or until you set a new token in the " +
				"annotation upgrades.giantswarm.io/resume"},
		},
		"findings of one reason": {
			before: statusOf(pinned),
			after: statusOf(makeInput(
				makeTarget("a", "1.4.0").finding("MarkerMissing", "gone").obj(),
				makeTarget("b", "1.4.0").finding("MarkerMissing", "gone too").obj(),
			)),
			events: []string{"Warning MarkerMissing: App a: gone; App b: gone too"},
		},
		"stalled":                   {before: statusOf(pinned), after: stalled, events: []string{"Warning InvalidSpec: no range"}},
		"a new target has no story": {before: statusOf(makeInput(makeTarget("a", "1.4.0").obj())), after: statusOf(pinned)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.events, eventsOf(Events(tc.before, tc.after))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAProblemWithNewWordsIsTold(t *testing.T) {
	problem := func(message string) v1alpha1.AppUpgradePolicyStatus {
		return build(makeInput().in, Outcome{Problem: &Problem{Reason: "ScanFailed", Message: message}})
	}
	if got := eventsOf(Events(problem("no route"), problem("unauthorized"))); len(got) != 1 || !strings.Contains(got[0], "unauthorized") {
		t.Errorf("got %q", got)
	}
}
