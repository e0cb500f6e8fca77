package policy

import (
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// pinOfOne is a pin of the App one in a repository, in the folder "old".
func pinOfOne(repository, batch string, memory pin.Memory) livePin {
	intent := pin.Intent{Target: pin.Target{Kind: "App", Name: "one"}, Source: pin.Source{Path: "old"}, Mark: true, Want: "1.5.0"}
	object := &imagev1.ImagePolicy{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: "pin.app.one", Labels: map[string]string{pin.RepositoryLabel: repository, pin.BatchLabel: batch},
	}}
	return livePin{object: object, intent: intent, memory: memory}
}

func TestPlansOfRetargeted(t *testing.T) {
	marked := pin.Memory{Marked: true, Git: "1.0.0"}
	for name, test := range map[string]struct {
		live    livePin
		nowhere bool
		suspend bool
		// stays: the pin is not relabelled.
		stays, remove bool
	}{
		"same repository":               {live: pinOfOne("new", "", marked)},
		"marked elsewhere":              {live: pinOfOne("old", "", marked), stays: true, remove: true},
		"marked and moving elsewhere":   {live: pinOfOne("old", "batch", marked), stays: true, remove: true},
		"moving elsewhere":              {live: pinOfOne("old", "batch", pin.Memory{}), stays: true, remove: true},
		"marked elsewhere, suspended":   {live: pinOfOne("old", "", marked), suspend: true, stays: true},
		"follower elsewhere":            {live: pinOfOne("old", "", pin.Memory{Leader: "pin.app.two", Git: "1.0.0"})},
		"nothing elsewhere":             {live: pinOfOne("old", "", pin.Memory{})},
		"marked, label removed":         {live: pinOfOne("", "", marked)},
		"marked, location not known":    {live: pinOfOne("old", "", marked), nowhere: true, stays: true},
		"marked in same, moving there":  {live: pinOfOne("new", "batch", marked)},
		"not marked in same, suspended": {live: pinOfOne("new", "", pin.Memory{}), suspend: true},
	} {
		t.Run(name, func(t *testing.T) {
			target := testTarget()
			target.Location.RepositoryKey = "new"
			if test.nowhere {
				target.Location = nil
			}
			s := scope{
				policy: testPolicy(), pins: map[string]livePin{"pin.app.one": test.live}, found: resolve.Result{Targets: []resolve.Target{target}},
				decision: rollout.Decision{Targets: []rollout.TargetDecision{{Want: "1.5.0"}}},
			}
			s.policy.Spec.Suspend = test.suspend
			plans, err := (&Reconciler{}).plans(t.Context(), s)
			must(t, err)
			if len(plans) != 1 {
				t.Fatalf("got %d plans", len(plans))
			}
			got := plans[0]
			leaves := test.stays && !test.nowhere
			if (got.location == nil) != test.stays || (got.intent.Source.Path == "old") != test.stays || got.intent.Remove != test.remove {
				t.Errorf("got %+v", got.intent)
			}
			if got.intent.Mark == (leaves || test.suspend) || (got.intent.Want == "") != leaves {
				t.Errorf("got %+v", got.intent)
			}
			if counts := s.rolloutInput(time.Time{}).Targets[0].Pin.Memory.Marked; counts != (test.live.memory.Marked && !leaves) {
				t.Errorf("the decision sees a marker: %t", counts)
			}
		})
	}
}

func TestPlanLeft(t *testing.T) {
	broken := &pin.Finding{Reason: "broken"}
	for name, test := range map[string]struct {
		edit    func(*livePin)
		suspend bool
		planned bool
	}{
		"readable":                   {edit: func(*livePin) {}, planned: true},
		"readable, suspended":        {edit: func(*livePin) {}, suspend: true, planned: true},
		"memory broken":              {edit: func(p *livePin) { p.broken = broken }},
		"intent removed":             {edit: func(p *livePin) { p.intent = pin.Intent{} }, planned: true},
		"intent broken":              {edit: func(p *livePin) { p.intent, p.broken = pin.Intent{}, broken }, planned: true},
		"intent of another":          {edit: func(p *livePin) { p.intent.Target.Name = "two" }, planned: true},
		"intent removed, suspended":  {edit: func(p *livePin) { p.intent = pin.Intent{} }, suspend: true},
		"intent broken, suspended":   {edit: func(p *livePin) { p.intent, p.broken = pin.Intent{}, broken }, suspend: true},
		"intent of another, no kind": {edit: func(p *livePin) { p.intent.Target.Kind = "" }, planned: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := scope{policy: testPolicy()}
			s.policy.Spec.Suspend = test.suspend
			live := pinOfOne("repository", "", pin.Memory{Marked: true})
			test.edit(&live)
			plans := s.planLeft(live)
			if (len(plans) == 1) != test.planned {
				t.Fatalf("got %+v", plans)
			}
			for _, p := range plans {
				if p.intent.Remove == test.suspend || p.intent.Mark || p.intent.Want != "" {
					t.Errorf("got %+v", p.intent)
				}
			}
		})
	}
}

func TestLeftBehind(t *testing.T) {
	whole := pinOfOne("repository", "", pin.Memory{Marked: true, File: "apps/one.yaml", Line: 7})
	whole.intent.Source.Repository = pin.NamespacedName{Namespace: "flux", Name: "fleet"}
	nameless := pinOfOne("repository", "", whole.memory)
	nameless.intent = pin.Intent{}
	unknown := livePin{object: whole.object, broken: &pin.Finding{}}
	for name, test := range map[string]struct {
		live livePin
		want string
	}{
		"whole":        {whole, "The marker of App one stays in apps/one.yaml:7 of GitRepository flux/fleet, because of this: remove the comment that names pin.app.one"},
		"nameless":     {nameless, "The marker of pin pin.app.one stays in apps/one.yaml:7, because of this: remove the comment that names pin.app.one"},
		"nothing left": {unknown, "A marker of pin pin.app.one may stay in Git, because of this: remove the comment that names pin.app.one, if there is one"},
	} {
		if got := test.live.leftBehind("of this"); got != test.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
