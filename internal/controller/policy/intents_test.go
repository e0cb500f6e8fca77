package policy

import (
	"fmt"
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

func testPolicy() *v1alpha1.AppUpgradePolicy {
	return &v1alpha1.AppUpgradePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "policy"}}
}

func testTarget() resolve.Target {
	app := &appv1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "one"}}
	return resolve.Target{
		Kind: appv1alpha1.AppKind, Name: "one",
		Object: app,
		Facts: kinds.Facts{Version: "1.0.0", Written: kinds.Written{
			Kind: appv1alpha1.GroupVersion.WithKind(appv1alpha1.AppKind), Object: app, Field: []string{"spec", "version"},
		}},
		Location: &resolve.Location{Revision: "main@sha1:1", Source: pin.Source{Path: "new"}},
	}
}

func TestIntentFor(t *testing.T) {
	found := &pin.Finding{Reason: v1alpha1.KustomizationUnprovenReason}
	missing := &pin.Finding{Reason: v1alpha1.TargetMissingReason}
	conflict := &pin.Finding{Reason: v1alpha1.PolicyConflictReason}
	for name, test := range map[string]struct {
		suspend, shared bool
		mode            v1alpha1.MarkerMode
		finding         *pin.Finding
		mark, unmanaged bool
		remove          bool
	}{
		"managed":             {mark: true},
		"managed in words":    {mode: v1alpha1.MarkersManaged, mark: true},
		"unmanaged":           {mode: v1alpha1.MarkersUnmanaged, unmanaged: true},
		"suspended":           {suspend: true},
		"shared":              {shared: true, mark: true},
		"finding":             {finding: found},
		"App gone":            {finding: missing, remove: true},
		"conflict":            {finding: conflict, remove: true},
		"suspended conflict":  {finding: conflict, suspend: true},
		"unmanaged, App gone": {finding: missing, mode: v1alpha1.MarkersUnmanaged, unmanaged: true, remove: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := scope{policy: testPolicy()}
			s.policy.Spec.Suspend = test.suspend
			s.policy.Spec.Git = &v1alpha1.Git{Markers: test.mode, AllowShared: test.shared, Commit: &v1alpha1.Commit{
				Author: &v1alpha1.CommitAuthor{Email: "me@example.com"}, SigningKey: &v1alpha1.SigningKey{SecretRef: v1alpha1.LocalObjectReference{Name: "key"}},
			}}
			target := testTarget()
			target.Finding = test.finding
			live := livePin{intent: pin.Intent{Remove: true, Mark: true, Source: pin.Source{Path: "old"}}}
			got := s.intentFor(target, rollout.TargetDecision{}, live)
			if got.Mark != test.mark || got.Unmanaged != test.unmanaged || got.Remove != test.remove || got.AllowShared != test.shared {
				t.Errorf("got %+v", got)
			}
			if got.Source.Path != "new" || got.Commit != (pin.Commit{AuthorEmail: "me@example.com", Signing: pin.Signing{Type: "gpg", Secret: "key"}}) || got.Target.Namespace != "default" {
				t.Errorf("got %+v", got)
			}
			target.Location = nil
			if got := s.intentFor(target, rollout.TargetDecision{}, live); got.Source.Path != "old" {
				t.Errorf("a location that is not known now is forgotten: %+v", got)
			}
		})
	}
}

// What the cluster has is told until there is a marker; then no upgrade rewrites the pin for that.
func TestIntentHas(t *testing.T) {
	for name, test := range map[string]struct {
		memory pin.Memory
		want   string
	}{
		"new":            {want: "1.0.0"},
		"not marked yet": {memory: pin.Memory{Git: "1.1.0", Finding: &pin.Finding{}}, want: "1.0.0"},
		"marked":         {memory: pin.Memory{Marked: true}, want: "before"},
		"a follower":     {memory: pin.Memory{Leader: "pin.app.two"}, want: "before"},
	} {
		s := scope{policy: testPolicy()}
		live := livePin{memory: test.memory, intent: pin.Intent{Has: "before", Round: 7}}
		got := s.intentFor(testTarget(), rollout.TargetDecision{}, live)
		if got.Has != test.want {
			t.Errorf("%s: it has %q, want %q", name, got.Has, test.want)
		}
	}
}

func TestIntentOfDecision(t *testing.T) {
	s := scope{policy: testPolicy()}
	s.input.Policy.Waves = []rollout.Wave{{Name: "canary"}, {Name: "production"}}
	s.decision.Ledger.Resumes = []string{"first", "second"}
	live := livePin{intent: pin.Intent{Want: "1.5.0", Mark: true, Round: 3, Wave: "canary", Resume: "first"}}
	got := s.intentFor(testTarget(), rollout.TargetDecision{Want: "1.4.0", Back: "1.5.0", Wave: 1}, live)
	if got.Want != "1.4.0" || got.Back != "1.5.0" || got.Wave != "production" || got.Resume != "second" || got.Round != 1 {
		t.Errorf("got %+v", got)
	}
	if got := s.intentFor(testTarget(), rollout.TargetDecision{Wave: -1}, live); got.Wave != "" || got.Back != "" {
		t.Errorf("a target of no wave: %+v", got)
	}
	live.intent = got
	if left := s.intentOfLeft(live); left.Want != "" || left.Back != "" || left.Wave != "production" {
		t.Errorf("a target that left: %+v", left)
	}
}

// A deleted policy gives its targets up, suspended or not, and says so once.
func TestIntentOfDeleted(t *testing.T) {
	for name, suspended := range map[string]bool{"running": false, "suspended": true} {
		t.Run(name, func(t *testing.T) {
			s := scope{policy: testPolicy()}
			s.policy.Spec.Suspend = suspended
			s.policy.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
			first := s.intentOfLeft(livePin{intent: pin.Intent{Mark: true, Want: "1.1.0", Round: 3}})
			if !first.Remove || first.Mark || first.Want != "" {
				t.Errorf("got %+v", first)
			}
			live := livePin{intent: first}
			s.pins = map[string]livePin{"pin.app.one": live}
			if diff := cmp.Diff(first, s.intentOfLeft(live)); diff != "" {
				t.Errorf("said again: %s", diff)
			}
		})
	}
}

func TestPrompt(t *testing.T) {
	settled := pin.Memory{Marked: true, Git: "1.0.0"}
	for name, test := range map[string]struct {
		memory  pin.Memory
		finding *pin.Finding
		want    string
	}{
		"settled":            {memory: settled, want: "never"},
		"follower":           {memory: pin.Memory{Leader: "pin.app.two", Git: "1.0.0"}, want: "never"},
		"new":                {want: "always"},
		"Git is ahead":       {memory: pin.Memory{Marked: true, Git: "1.1.0"}, want: "always"},
		"text differs":       {memory: pin.Memory{Marked: true, Git: "v1.0.0"}, want: "always"},
		"something is wrong": {memory: pin.Memory{Marked: true, Git: "1.0.0", Finding: &pin.Finding{}}, want: "always"},
		"not resolved":       {finding: &pin.Finding{}, want: "kept"},
	} {
		t.Run(name, func(t *testing.T) {
			s := scope{policy: testPolicy()}
			target := testTarget()
			target.Finding = test.finding
			live := livePin{memory: test.memory, intent: pin.Intent{Prompt: "before"}}
			first := s.prompt(target, live)
			switch {
			case test.want == "never" && first != "", test.want == "kept" && first != "before", test.want == "always" && (first == "" || first == "before"):
				t.Fatalf("got %q", first)
			}
			if again := s.prompt(target, live); again != first {
				t.Errorf("not stable: %q, %q", first, again)
			}
			s.policy.Spec.Git = &v1alpha1.Git{AllowShared: true}
			if after := s.prompt(target, live); (after != first) != (test.want == "always") {
				t.Errorf("shared lines are allowed: %q, %q", first, after)
			}
			allowed := s.prompt(target, live)
			target.Location.Ungranted = "kubectl annotate"
			if after := s.prompt(target, live); (after != allowed) != (test.want == "always") {
				t.Errorf("shared lines of others are not granted: %q, %q", allowed, after)
			}
			s.policy.Spec.Git = nil
			target.Location.Source.Below = "apps"
			if after := s.prompt(target, live); (after != first) != (test.want == "always") {
				t.Errorf("another path: %q, %q", first, after)
			}
			target.Location.Source.Below = ""
			target.Location.Revision = "main@sha1:2"
			if after := s.prompt(target, live); (after != first) != (test.want == "always") {
				t.Errorf("a new revision: %q, %q", first, after)
			}
		})
	}
}

// Whatever is decided, and wherever the operator stops: pins of one decision are free to move only together, and a
// decision that stays the same writes nothing.
func TestRounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scope{policy: testPolicy(), pins: map[string]livePin{}}
		targets := rapid.IntRange(1, 5).Draw(t, "targets")
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "candidate is lost") == 0 {
				s.candidate = nil
			}
			want := rapid.SampledFrom([]string{"", "1.0.0", "1.1.0"}).Draw(t, "want")
			back := rapid.SampledFrom([]string{"", "1.2.0"}).Draw(t, "back")
			mark := rapid.Bool().Draw(t, "mark")
			crash := rapid.IntRange(0, targets).Draw(t, "written")
			var changed, intents []pin.Intent
			for i := range targets {
				name := fmt.Sprintf("pin-%d", i)
				before := s.pins[name].intent
				intent := before
				intent.Want, intent.Back, intent.Mark = want, back, mark
				same := intent.Want == before.Want && intent.Back == before.Back && intent.Mark == before.Mark
				intent = s.numbered(intent, s.pins[name])
				if intent.Encode() != before.Encode() && same {
					t.Fatalf("written without a reason: %+v, %+v", before, intent)
				}
				intents = append(intents, intent)
				if !same {
					changed = append(changed, intent)
				}
			}
			for _, intent := range changed {
				if intent.Round <= roundOf(s.candidate) {
					t.Fatalf("a pin may move before all are written: %+v", intent)
				}
			}
			for i := range crash {
				s.pins[fmt.Sprintf("pin-%d", i)] = livePin{intent: intents[i]}
			}
			if crash < targets {
				continue // the operator stopped, or a pin could not be written
			}
			s.candidate = fluxobjects.Candidate(s.policy, "scan", ">=1.0.0", completedRound(s.candidate, intents), pin.Ledger{})
			for name, live := range s.pins {
				if live.intent.Round > roundOf(s.candidate) {
					t.Fatalf("%s may not move although all is written", name)
				}
			}
		}
	})
}

func TestRoundOf(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "7": 7, "seven": 0} {
		candidate := &imagev1.ImagePolicy{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{pin.RoundAnnotation: text}}}
		if got := roundOf(candidate); got != want {
			t.Errorf("%q: got %d", text, got)
		}
	}
}
