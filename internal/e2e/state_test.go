package e2e

import (
	"errors"
	"fmt"
	"strings"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// deployed complains unless an App runs a version.
func (f *fleet) deployed(name, version string) error {
	app := &appv1alpha1.App{}
	if err := env.Client.Get(f.Context(), client.ObjectKey{Namespace: f.namespace, Name: name}, app); err != nil {
		return err
	}
	if status, _ := app.ReleaseStatus(); app.InstalledVersion() != strings.TrimPrefix(version, "v") || status != "deployed" {
		return fmt.Errorf("App %s has version %q installed (%s), want %s", name, app.InstalledVersion(), status, version)
	}
	return nil
}

// atRest complains if anything could be written: an automation that selects a batch, a token that is not handled, a pin in a batch.
func (f *fleet) atRest() error {
	if err := f.disarmed(); err != nil {
		return err
	}
	if err := f.handled(); err != nil {
		return err
	}
	var pins imagev1.ImagePolicyList
	if err := env.Client.List(f.Context(), &pins, client.InNamespace(f.namespace), client.HasLabels{pin.BatchLabel}); err != nil {
		return err
	}
	if len(pins.Items) > 0 {
		return fmt.Errorf("pin %s is in batch %s", pins.Items[0].Name, pins.Items[0].Labels[pin.BatchLabel])
	}
	return nil
}

// disarmed complains if an automation selects a batch, armed if none does.
func (f *fleet) disarmed() error {
	for _, a := range f.automations() {
		if batch := a.Spec.PolicySelector.MatchLabels[pin.BatchLabel]; batch != pin.AtRest {
			return fmt.Errorf("ImageUpdateAutomation %s selects batch %q", a.Name, batch)
		}
	}
	return nil
}

func (f *fleet) armed() error {
	if f.disarmed() == nil {
		return errors.New("no automation is armed")
	}
	return nil
}

// handled complains unless Flux has handled every token.
func (f *fleet) handled() error {
	for _, a := range f.automations() {
		if token := a.Annotations[fluxmeta.ReconcileRequestAnnotation]; token != a.Status.LastHandledReconcileAt {
			return fmt.Errorf("ImageUpdateAutomation %s has not handled token %s", a.Name, token)
		}
		if a.Generation != a.Status.ObservedGeneration {
			return fmt.Errorf("ImageUpdateAutomation %s has not observed its generation", a.Name)
		}
	}
	return nil
}

func (f *fleet) automations() []automationv1.ImageUpdateAutomation {
	f.Helper()
	var list automationv1.ImageUpdateAutomationList
	must(f.T, env.Client.List(f.Context(), &list, client.InNamespace(f.namespace), client.MatchingLabels{pin.ManagedByLabel: pin.ManagedBy}))
	return list.Items
}

// target complains unless a policy's status has a target in a state with a reason.
func (f *fleet) target(policy, app string, check func(v1alpha1.TargetStatus) error) error {
	for _, target := range f.get(policy).Status.Targets {
		if target.Name == app {
			return check(target)
		}
	}
	return fmt.Errorf("AppUpgradePolicy %s has no target %s in its status", policy, app)
}

func inState(state v1alpha1.TargetState) func(v1alpha1.TargetStatus) error {
	return func(t v1alpha1.TargetStatus) error {
		if t.State != state {
			return fmt.Errorf("%s is %s, want %s (finding %+v)", t.Name, t.State, state, t.Finding)
		}
		return nil
	}
}

func withFinding(reason string) func(v1alpha1.TargetStatus) error {
	return func(t v1alpha1.TargetStatus) error {
		if t.Finding == nil || t.Finding.Reason != reason {
			return fmt.Errorf("%s has finding %+v, want %s", t.Name, t.Finding, reason)
		}
		return nil
	}
}

// settled: nothing is left to do for a target.
func settled(t v1alpha1.TargetStatus) error {
	if t.State != v1alpha1.TargetCurrent && t.State != v1alpha1.TargetDeployed {
		return fmt.Errorf("%s is %s (finding %+v)", t.Name, t.State, t.Finding)
	}
	return nil
}
