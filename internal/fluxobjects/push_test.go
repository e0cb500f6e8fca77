package fluxobjects

import (
	"testing"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func TestAutomationPushes(t *testing.T) {
	options := map[string]string{"ci.skip": ""}
	for name, tc := range map[string]struct {
		push pin.Push
		want automationv1.PushSpec
	}{
		"to the checkout branch":    {pin.Push{}, automationv1.PushSpec{Branch: "main"}},
		"to another branch":         {pin.Push{Branch: "upgrades"}, automationv1.PushSpec{Branch: "upgrades"}},
		"with options":              {pin.Push{Options: pin.OptionsOf(options)}, automationv1.PushSpec{Branch: "main", Options: options}},
		"to another branch so, too": {pin.Push{Branch: "upgrades", Options: pin.OptionsOf(options)}, automationv1.PushSpec{Branch: "upgrades", Options: options}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := Automation(AutomationSettings{Branch: "main", Commit: pin.Commit{Push: tc.push}}).Spec.GitSpec
			if diff := cmp.Diff(tc.want, *spec.Push); diff != "" || spec.Checkout.Reference.Branch != "main" {
				t.Errorf("it checks out %s and pushes (-want +got):\n%s", spec.Checkout.Reference.Branch, diff)
			}
		})
	}
}

// Automations that push in different ways are different ones. That of a policy without push settings keeps its name.
func TestAutomationNameTellsPushSettings(t *testing.T) {
	name := func(push pin.Push) string {
		return AutomationName("org", "key", pin.NamespacedName{Namespace: "flux", Name: "gitops"}, pin.Commit{AuthorName: "Bot", Push: push})
	}
	if got, want := name(pin.Push{}), "gitops-2c107e5cd720ebed"; got != want {
		t.Errorf("AutomationName() = %s, want %s", got, want)
	}
	names := map[string]bool{}
	for _, push := range []pin.Push{{}, {Branch: "upgrades"}, {Branch: "next"}, {Options: "a=b"}, {Options: "a=c"}} {
		names[name(push)] = true
	}
	if len(names) != 5 {
		t.Errorf("five settings have the names %v", names)
	}
}
