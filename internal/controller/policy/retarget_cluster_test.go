package policy

import (
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func (e *environment) testRetarget(t *testing.T) {
	t.Run("marked", func(t *testing.T) {
		f := e.converged(t)
		before, _, err := f.pin("one")
		must(t, err)
		moved := f.moves()
		f.freesRemoval("one")
		after, intent, err := f.pin("one")
		must(t, err)
		if after.UID != before.UID || after.Labels[pin.RepositoryLabel] != before.Labels[pin.RepositoryLabel] || intent.Source.Repository.Name != "fleet" {
			t.Errorf("the pin does not leave where it is: %+v, %+v", after.Labels, intent)
		}
		f.says("policy", v1alpha1.MarkersPlacedCondition, metav1.ConditionFalse, v1alpha1.ProgressingReason)
		// The repository controller deletes the pin after its marker.
		f.delete("pin.app.one", &imagev1.ImagePolicy{})
		f.standsIn("one", moved)
	})
	t.Run("in a batch", func(t *testing.T) {
		f := e.unmarked(t)
		change(f, "pin.app.one", &imagev1.ImagePolicy{}, false, func(p *imagev1.ImagePolicy) { p.Labels[pin.BatchLabel] = "batch" })
		moved := f.moves()
		f.freesRemoval("one")
		change(f, "pin.app.one", &imagev1.ImagePolicy{}, false, func(p *imagev1.ImagePolicy) { delete(p.Labels, pin.BatchLabel) })
		f.standsIn("one", moved)
	})
	t.Run("not marked", func(t *testing.T) {
		f := e.unmarked(t)
		before, _, err := f.pin("one")
		must(t, err)
		after := f.standsIn("one", f.moves())
		if after.UID != before.UID {
			t.Error("the pin was made anew")
		}
	})
	t.Run("suspended", func(t *testing.T) {
		f := e.converged(t)
		before, _, err := f.pin("one")
		must(t, err)
		change(f, "policy", &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) { p.Spec.Suspend = true })
		f.moves()
		f.says("policy", v1alpha1.MarkersPlacedCondition, metav1.ConditionFalse, v1alpha1.SuspendedReason)
		after, intent, err := f.pin("one")
		must(t, err)
		if intent.Remove || after.Labels[pin.RepositoryLabel] != before.Labels[pin.RepositoryLabel] {
			t.Errorf("a suspended policy gives up a marker: %+v", intent)
		}
		change(f, "policy", &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) { p.Spec.Suspend = false })
		f.freesRemoval("one")
	})
}

// unmarked makes a fleet whose one pin has no marker yet.
func (e *environment) unmarked(t *testing.T) *fleet {
	t.Helper()
	f := e.newFleet(t)
	f.app("one", "1.0.0", nil)
	f.policy("policy", nil, "one")
	f.scanned()
	f.decided("policy", 1)
	return f
}

// moves lets the Kustomization apply from another repository, and returns that one's key.
func (f *fleet) moves() string {
	f.t.Helper()
	url := "https://git.example.com/other/" + f.namespace
	f.create(&sourcev1.GitRepository{
		ObjectMeta: f.named("other"),
		Spec: sourcev1.GitRepositorySpec{
			URL:       url,
			Interval:  metav1.Duration{Duration: time.Minute},
			Reference: &sourcev1.GitRepositoryRef{Branch: "main"},
		},
	})
	change(f, "apps", &kustomizev1.Kustomization{}, false, func(k *kustomizev1.Kustomization) { k.Spec.SourceRef.Name = "other" })
	return gitops.Key(url, "main")
}

// standsIn waits until the pin of an App is to be marked in another repository.
func (f *fleet) standsIn(app, repository string) *imagev1.ImagePolicy {
	f.t.Helper()
	var found *imagev1.ImagePolicy
	cluster.Eventually(f.t, func() error {
		object, intent, err := f.pin(app)
		if err != nil {
			return err
		}
		if object.Labels[pin.RepositoryLabel] != repository || intent.Source.Repository.Name != "other" || !intent.Mark || intent.Remove {
			return wrong("pin has %+v, %+v", object.Labels, intent)
		}
		found = object
		return nil
	})
	return found
}
