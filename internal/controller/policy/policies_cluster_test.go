package policy

import (
	"strings"
	"testing"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func (e *environment) testRounds(t *testing.T) {
	f := e.newFleet(t)
	f.app("one", "1.0.0", map[string]string{"app": "hello"})
	f.app("two", "1.1.0", map[string]string{"app": "hello"})
	f.policy("policy", func(s *v1alpha1.AppUpgradePolicySpec) {
		s.Targets = []v1alpha1.TargetReference{{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "hello"}}}}
	})
	f.scanned()
	f.decided("policy", 1) // to be marked
	f.remembers("one", marked("1.0.0"))
	f.selects("policy", "1.5.0")
	f.wants("one", "") // the other target is not resolved yet
	f.remembers("two", marked("1.1.0"))
	f.wants("one", "1.5.0")
	f.wants("two", "1.5.0")
	f.decided("policy", 2)
	for _, app := range []string{"one", "two"} {
		f.intends(app, inRound(2))
	}

	f.remembers("one", marked("1.5.0"))
	f.remembers("two", marked("1.5.0"))
	f.selects("policy", "1.6.0")
	f.wants("one", "1.6.0")
	f.decided("policy", 3)

	f.remembers("one", marked("1.6.0"))
	f.remembers("two", marked("1.6.0"))
	// A candidate that somebody deletes comes back with a round that keeps no pin from moving.
	f.delete("policy.candidate", &imagev1.ImagePolicy{})
	f.decided("policy", 3)

	// A tag outside the range is none, although Flux keeps showing it.
	f.selects("policy", "2.0.0")
	f.says("policy", v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.NoCandidateReason)
	f.wants("one", "1.6.0")
	f.decided("policy", 3)
}

func inRound(round int64) func(pin.Intent) error {
	return func(i pin.Intent) error {
		if i.Round != round {
			return wrong("round is %d and not %d", i.Round, round)
		}
		return nil
	}
}

// decided waits until the candidate carries a round.
func (f *fleet) decided(policy string, round int64) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		candidate := &imagev1.ImagePolicy{}
		if err := f.get(pin.CandidateName(policy), candidate); err != nil {
			return err
		}
		if roundOf(candidate) != round {
			return wrong("the candidate's round is %d and not %d", roundOf(candidate), round)
		}
		return nil
	})
}

func (e *environment) testLeave(t *testing.T) {
	f := e.converged(t)
	f.app("two", "1.0.0", nil)
	change(f, "policy", &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Targets = []v1alpha1.TargetReference{{Name: "two"}}
	})
	f.removes("one")
	f.remembers("two", marked("1.0.0"))
	f.delete("two", &appv1alpha1.App{})
	f.removes("two")
	f.finds("policy", "two", v1alpha1.TargetMissingReason)
}

func (f *fleet) removes(app string) {
	f.t.Helper()
	f.intends(app, func(i pin.Intent) error {
		if !i.Remove || i.Mark || i.Want != "" {
			return wrong("intent of %s is %+v", app, i)
		}
		return nil
	})
}

// A marker must go although nothing tells the chart any more, or the chart cannot be scanned.
func (e *environment) testRemovalWithoutScan(t *testing.T) {
	t.Run("App deleted", func(t *testing.T) {
		f := e.converged(t)
		f.delete("one", &appv1alpha1.App{})
		f.freesRemoval("one")
		f.delete("policy.candidate", &imagev1.ImagePolicy{}) // it comes back for the pin that waits
		f.freesRemoval("one")
	})
	t.Run("selector matches nothing", func(t *testing.T) {
		f := e.converged(t)
		change(f, "policy", &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) {
			p.Spec.Targets = []v1alpha1.TargetReference{{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "none"}}}}
		})
		f.freesRemoval("one")
	})
	t.Run("chart not scanned", func(t *testing.T) {
		f := e.converged(t)
		f.app("two", "1.0.0", nil)
		before := &imagev1.ImagePolicy{}
		must(t, f.get("policy.candidate", before))
		change(f, "policy", &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) {
			p.Spec.Chart = &v1alpha1.Chart{URL: "oci://registry.example.com/charts/other"}
			p.Spec.Targets = []v1alpha1.TargetReference{{Name: "two"}}
		})
		f.freesRemoval("one")
		after := &imagev1.ImagePolicy{}
		must(t, f.get("policy.candidate", after))
		if after.Generation != before.Generation {
			t.Errorf("the candidate selects from what is not scanned: %+v", after.Spec)
		}
	})
}

// freesRemoval waits until the removal of a marker is asked for and the candidate carries its round.
func (f *fleet) freesRemoval(app string) {
	f.t.Helper()
	f.removes(app)
	_, intent, err := f.pin(app)
	must(f.t, err)
	if intent.Round == 0 {
		f.t.Fatalf("the removal has no round: %+v", intent)
	}
	f.decided("policy", intent.Round)
}

func (e *environment) testHandOver(t *testing.T) {
	f := e.converged(t)
	f.app("two", "1.0.0", nil)
	before, _, err := f.pin("one")
	must(t, err)
	change(f, "policy", &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Targets = []v1alpha1.TargetReference{{Name: "two"}}
	})
	f.policy("heir", nil, "one")
	f.inherits("one", "heir", before)
}

// inherits waits until a pin, still the same object with its memory, belongs to another policy.
func (f *fleet) inherits(app, policy string, before *imagev1.ImagePolicy) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		after, intent, err := f.pin(app)
		if err != nil {
			return err
		}
		if after.Labels[pin.PolicyLabel] != policy || len(after.OwnerReferences) != 1 || after.OwnerReferences[0].Name != policy {
			return wrong("pin belongs to %q, owned by %v", after.Labels[pin.PolicyLabel], after.OwnerReferences)
		}
		if after.UID != before.UID || after.Annotations[pin.MemoryAnnotation] != before.Annotations[pin.MemoryAnnotation] {
			f.t.Fatal("the pin was made anew, or lost its memory")
		}
		if !intent.Mark || intent.Remove {
			return wrong("intent is %+v", intent)
		}
		return nil
	})
}

func (e *environment) testConflict(t *testing.T) {
	f := e.converged(t)
	f.policy("other", func(s *v1alpha1.AppUpgradePolicySpec) {
		s.Targets = []v1alpha1.TargetReference{{Selector: &metav1.LabelSelector{}}}
	})
	f.finds("policy", "one", v1alpha1.PolicyConflictReason)
	f.finds("other", "one", v1alpha1.PolicyConflictReason)
	f.removes("one")
	f.delete("other", &v1alpha1.AppUpgradePolicy{})
	f.intends("one", func(i pin.Intent) error {
		if i.Remove || !i.Mark {
			return wrong("intent is %+v", i)
		}
		return nil
	})
}

func (e *environment) testStalled(t *testing.T) {
	f := e.newFleet(t)
	f.app("one", "1.0.0", nil)
	f.app("differs", "1.0.0", nil)
	change(f, "differs", &appv1alpha1.App{}, false, func(a *appv1alpha1.App) { a.Spec.Name = "other" })
	for name, edit := range map[string]func(*v1alpha1.AppUpgradePolicySpec){
		"range":    func(s *v1alpha1.AppUpgradePolicySpec) { s.Versions.Range = "about 1.0" },
		"exclude":  func(s *v1alpha1.AppUpgradePolicySpec) { s.Versions.Exclude = []string{"1.2.3-01"} },
		"pattern":  func(s *v1alpha1.AppUpgradePolicySpec) { s.Versions.FilterTags = &v1alpha1.FilterTags{Pattern: "(?=x)"} },
		"template": func(s *v1alpha1.AppUpgradePolicySpec) { s.Git = withTemplate("{{ range .Updated.Images }}{{ end }}") },
		"selector": func(s *v1alpha1.AppUpgradePolicySpec) {
			s.Targets[0] = v1alpha1.TargetReference{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"a/b/c": "d"}}}
		},
	} {
		f.policy(name, edit, "one")
		f.says(name, v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.InvalidSpecReason)
		f.says(name, v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.InvalidSpecReason)
		f.delete(name, &v1alpha1.AppUpgradePolicy{})
		f.gone(name, &v1alpha1.AppUpgradePolicy{})
	}
	f.policy("charts", nil, "one", "differs")
	f.says("charts", v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.ChartsDifferReason)
	change(f, "differs", &appv1alpha1.App{}, false, func(a *appv1alpha1.App) { a.Spec.Name = "hello" })
	f.says("charts", v1alpha1.ReconcilingCondition, metav1.ConditionTrue, v1alpha1.ScanPendingReason)
}

func withTemplate(text string) *v1alpha1.Git {
	return &v1alpha1.Git{Commit: &v1alpha1.Commit{MessageTemplate: text}}
}

func (e *environment) testSuspended(t *testing.T) {
	f := e.newFleet(t)
	f.app("one", "1.0.0", nil)
	f.policy("policy", func(s *v1alpha1.AppUpgradePolicySpec) { s.Suspend = true }, "one")
	f.scanned()
	f.selects("policy", "1.5.0")
	f.says("policy", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.SuspendedReason)
	f.intends("one", func(i pin.Intent) error {
		if i.Mark || i.Want != "" {
			t.Fatalf("intent is %+v", i)
		}
		return nil
	})
	change(f, "policy", &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) { p.Spec.Suspend = false })
	f.remembers("one", marked("1.0.0"))
	f.wants("one", "1.5.0")
	change(f, "policy", &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) { p.Spec.Suspend = true })
	f.wants("one", "")
}

func (e *environment) testPrompt(t *testing.T) {
	f := e.converged(t)
	change(f, "one", &appv1alpha1.App{}, false, func(a *appv1alpha1.App) { a.Spec.Version = "1.0.1" })
	first := f.prompts("")
	f.attempted("main@sha1:2")
	second := f.prompts(first)
	change(f, "policy", &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) {
		p.Annotations = map[string]string{v1alpha1.ReconcileRequestAnnotation: "now"}
	})
	f.prompts(second)
	f.remembers("one", marked("1.0.1"))
	f.intends("one", func(i pin.Intent) error {
		if i.Prompt != "" {
			return wrong("prompts although Git was read")
		}
		return nil
	})
}

// prompts waits for a prompt that is another than the one before.
func (f *fleet) prompts(before string) string {
	f.t.Helper()
	prompt := ""
	f.intends("one", func(i pin.Intent) error {
		if i.Prompt == "" || i.Prompt == before {
			return wrong("prompt is still %q", i.Prompt)
		}
		prompt = i.Prompt
		return nil
	})
	return prompt
}

// warned waits for an event about a policy that has all the words.
func (f *fleet) warned(policy, reason string, words ...string) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		events, err := f.events(policy, reason)
		if err != nil {
			return err
		}
		for _, note := range events {
			missing := false
			for _, word := range words {
				missing = missing || !strings.Contains(note, word)
			}
			if !missing {
				return nil
			}
		}
		return wrong("no event %s with %q: %q", reason, words, events)
	})
}
