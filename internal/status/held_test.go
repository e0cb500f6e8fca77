package status

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

func hold(version, reason, message string) rollout.Hold {
	return rollout.Hold{Version: version, Reason: reason, Message: message}
}

// heldTarget is the decision to hold a target, named by its wave and a letter such as `canary/a`.
func heldTarget(wave int, name string, holds ...rollout.Hold) rollout.TargetDecision {
	return rollout.TargetDecision{Kind: "App", Name: name, Wave: wave, Holds: holds}
}

func heldOf(policy rollout.Policy, d rollout.Decision) []v1alpha1.Held {
	return newView(rollout.Input{Policy: policy}, d, Outcome{Now: testNow}).held
}

func TestHeldIsMerged(t *testing.T) {
	window, young := hold("1.5.0", "OutsideWindow", "closed"), hold("1.5.0", "TooYoung", "too young")
	shared := []rollout.Hold{hold("1.6.0", "TooYoung", "too young"), young}
	waves := rollout.Policy{Waves: []rollout.Wave{{Name: "canary"}, {Name: "production"}}}
	cases := map[string]struct {
		policy  rollout.Policy
		targets []rollout.TargetDecision
		want    []string
	}{
		"none": {targets: []rollout.TargetDecision{heldTarget(0, "a")}},
		"everybody, somebody, and different words": {
			targets: []rollout.TargetDecision{
				heldTarget(0, "a", window, hold("1.5.0", "NotNewer", "Git has 1.6.0")),
				heldTarget(0, "b", window, hold("1.5.0", "NotNewer", "Git has 1.7.0")),
				heldTarget(0, "c", window, hold("1.6.0", "WouldSkip", "too far")),
				heldTarget(0, "d", window, hold("1.6.0", "WouldSkip", "too far")),
			},
			want: []string{
				"1.6.0 WouldSkip c, d: too far",
				"1.5.0 OutsideWindow closed",
				"1.5.0 NotNewer a: Git has 1.6.0; b: Git has 1.7.0",
			},
		},
		"a shared slice, and a shorter one of it": {
			targets: []rollout.TargetDecision{heldTarget(0, "a", shared...), heldTarget(0, "b", shared[:1]...), heldTarget(0, "c", shared...)},
			want:    []string{"1.6.0 TooYoung too young", "1.5.0 TooYoung a, c: too young"},
		},
		"a whole wave": {
			policy: waves,
			targets: []rollout.TargetDecision{
				heldTarget(0, "a", window), heldTarget(0, "b", window), heldTarget(1, "c", young), heldTarget(1, "d"),
			},
			want: []string{"1.5.0 OutsideWindow wave canary: closed", "1.5.0 TooYoung c: too young"},
		},
		"a whole wave and more": {
			policy: waves,
			targets: []rollout.TargetDecision{
				heldTarget(0, "a", window), heldTarget(1, "c", window), heldTarget(0, "b", window), heldTarget(1, "d"),
			},
			want: []string{"1.5.0 OutsideWindow wave canary, c: closed"},
		},
		"all waves, each with its own words": {
			policy: waves,
			targets: []rollout.TargetDecision{
				heldTarget(0, "a", window), heldTarget(1, "c", hold("1.5.0", "OutsideWindow", "closed, too")),
			},
			want: []string{"1.5.0 OutsideWindow wave canary: closed; wave production: closed, too"},
		},
		"all waves alike": {
			policy:  waves,
			targets: []rollout.TargetDecision{heldTarget(0, "a", window), heldTarget(1, "c", window)},
			want:    []string{"1.5.0 OutsideWindow closed"},
		},
		"a target in no wave is not needed for everybody": {
			policy:  waves,
			targets: []rollout.TargetDecision{heldTarget(0, "a", window), heldTarget(-1, "lost")},
			want:    []string{"1.5.0 OutsideWindow closed"},
		},
		"many targets": {
			targets: []rollout.TargetDecision{
				heldTarget(0, "a", young), heldTarget(0, "b", young), heldTarget(0, "c", young), heldTarget(0, "d", young), heldTarget(0, "e"),
			},
			want: []string{"1.5.0 TooYoung a, b, c and 1 more: too young"},
		},
		"versions in their order, and last what is none": {
			targets: []rollout.TargetDecision{
				heldTarget(0, "a", hold("latest", "R", "m"), hold("1.9.0", "R", "m"), hold("1.10.0", "R", "m"), hold("v1.9.1", "R", "m")),
			},
			want: []string{"1.10.0 R m", "v1.9.1 R m", "1.9.0 R m", "latest R m"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, held := range heldOf(tc.policy, rollout.Decision{Targets: tc.targets}) {
				got = append(got, fmt.Sprintf("%s %s %s", held.Version, held.Reason, held.Message))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAFollowerIsNotNeededForItsWave: gates ask about the target that moves the line only.
func TestAFollowerIsNotNeededForItsWave(t *testing.T) {
	window := hold("1.5.0", "OutsideWindow", "closed")
	in := makeInput(
		makeTarget("a", "1.4.0").obj(),
		makeTarget("b", "1.4.0").with(func(t *rollout.Target) { t.Pin.Memory.Leader = pin.Name("App", "a") }),
		makeTarget("c", "1.4.0").finding("MarkerMissing", "gone").obj(),
	).in
	decision := rollout.Decision{Targets: []rollout.TargetDecision{heldTarget(0, "a", window), heldTarget(0, "b"), heldTarget(0, "c")}}
	held := newView(in, decision, Outcome{Now: testNow}).held
	if len(held) != 1 || held[0].Message != "closed" {
		t.Errorf("got %+v, want one entry about everybody", held)
	}
}

func TestHeldShowsTheEarliestTime(t *testing.T) {
	at := testNow.Truncate(1e9)
	cases := map[string]struct {
		times []rollout.Hold
		want  *metav1.Time
	}{
		"unknown":         {times: []rollout.Hold{{}, {}}},
		"the first known": {times: []rollout.Hold{{}, {Earliest: at.Add(3600e9)}, {Earliest: at}}, want: &metav1.Time{Time: at}},
		"whole seconds":   {times: []rollout.Hold{{Earliest: at.Add(999e6)}}, want: &metav1.Time{Time: at}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var decision rollout.Decision
			for i, hold := range tc.times {
				hold.Version, hold.Reason, hold.Message = "1.5.0", "TooYoung", "too young"
				decision.Targets = append(decision.Targets, heldTarget(0, fmt.Sprint(i), hold))
			}
			held := heldOf(rollout.Policy{}, decision)
			if len(held) != 1 {
				t.Fatalf("%d entries", len(held))
			}
			if diff := cmp.Diff(tc.want, held[0].Earliest); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewestFirst(t *testing.T) {
	filter, err := versions.NewFilter(`^rel-(.+)$`, "$1")
	if err != nil {
		t.Fatal(err)
	}
	got := newParser(filter).newestFirst([]string{"rel-1.9.0", "rel-x", "rel-1.10.0", "rel-1.9.0", "rel-2.0.0-rc.1", "1.9.5"})
	if diff := cmp.Diff([]string{"rel-2.0.0-rc.1", "rel-1.10.0", "1.9.5", "rel-1.9.0", "rel-x"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
