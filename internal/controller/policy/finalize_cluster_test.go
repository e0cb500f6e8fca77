package policy

import (
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// events are the notes of the events with a reason about a policy.
func (f *fleet) events(policy, reason string) ([]string, error) {
	var list eventsv1.EventList
	if err := f.client.List(f.t.Context(), &list, client.InNamespace(f.namespace)); err != nil {
		return nil, err
	}
	var notes []string
	for _, event := range list.Items {
		if event.Regarding.Name == policy && event.Reason == reason {
			notes = append(notes, event.Note)
		}
	}
	return notes, nil
}

func (e *environment) testFinalizer(t *testing.T) {
	f := e.converged(t)
	scan, err := f.theScan()
	must(t, err)
	f.delete("policy", &v1alpha1.AppUpgradePolicy{})
	f.removes("one")
	f.says("policy", v1alpha1.ReconcilingCondition, metav1.ConditionTrue, v1alpha1.ProgressingReason)
	must(t, f.get("policy.candidate", &imagev1.ImagePolicy{}))
	// The repository controller deletes the pin after its marker.
	f.delete("pin.app.one", &imagev1.ImagePolicy{})
	f.gone("policy", &v1alpha1.AppUpgradePolicy{})
	f.gone("policy.candidate", &imagev1.ImagePolicy{})
	f.gone(scan.Name, &imagev1.ImageRepository{})
}

func (e *environment) testFinalizerObstacles(t *testing.T) {
	t.Run("repository", func(t *testing.T) {
		f := e.converged(t)
		f.delete("fleet", &sourcev1.GitRepository{})
		f.delete("policy", &v1alpha1.AppUpgradePolicy{})
		f.gone("policy", &v1alpha1.AppUpgradePolicy{})
		f.warned("policy", v1alpha1.MarkerLeftReason, "apps/hello.yaml:7", "is gone")
	})
	t.Run("secret", func(t *testing.T) {
		f := e.converged(t)
		change(f, "fleet", &sourcev1.GitRepository{}, false, func(r *sourcev1.GitRepository) {
			r.Spec.SecretRef = &meta.LocalObjectReference{Name: "credentials"}
		})
		f.delete("policy", &v1alpha1.AppUpgradePolicy{})
		f.gone("policy", &v1alpha1.AppUpgradePolicy{})
		f.warned("policy", v1alpha1.MarkerLeftReason, "credentials")
	})
	t.Run("namespace", func(t *testing.T) {
		f := e.converged(t)
		must(t, f.client.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: f.namespace}}))
		f.delete("policy", &v1alpha1.AppUpgradePolicy{}) // there is no namespace controller in this cluster
		f.gone("policy", &v1alpha1.AppUpgradePolicy{})
	})
	t.Run("unmanaged", func(t *testing.T) {
		f := e.converged(t)
		change(f, "policy", &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) {
			p.Spec.Git = &v1alpha1.Git{Markers: v1alpha1.MarkersUnmanaged}
		})
		f.intends("one", func(i pin.Intent) error {
			if !i.Unmanaged || i.Mark {
				return wrong("intent is %+v", i)
			}
			return nil
		})
		f.delete("policy", &v1alpha1.AppUpgradePolicy{})
		f.gone("policy", &v1alpha1.AppUpgradePolicy{})
		f.warned("policy", v1alpha1.MarkerLeftReason, "Unmanaged")
	})
}

// A pin whose intent is gone cannot ask for its marker to be removed: it must keep neither the policy nor its deletion.
func (e *environment) testLostIntent(t *testing.T) {
	for name, lose := range map[string]func(*imagev1.ImagePolicy){
		"removed": func(p *imagev1.ImagePolicy) { delete(p.Annotations, pin.IntentAnnotation) },
		"garbled": func(p *imagev1.ImagePolicy) { p.Annotations[pin.IntentAnnotation] = "{" },
		"renamed": func(p *imagev1.ImagePolicy) {
			p.Annotations[pin.IntentAnnotation] = pin.Intent{Target: pin.Target{Kind: "App", Name: "other"}, Remove: true}.Encode()
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := e.converged(t)
			f.app("two", "1.0.0", nil)
			change(f, "policy", &v1alpha1.AppUpgradePolicy{}, false, func(p *v1alpha1.AppUpgradePolicy) {
				p.Spec.Targets = []v1alpha1.TargetReference{{Name: "two"}}
			})
			f.removes("one")
			change(f, "pin.app.one", &imagev1.ImagePolicy{}, false, lose)
			f.gone("pin.app.one", &imagev1.ImagePolicy{})
			f.warned("policy", v1alpha1.MarkerLeftReason, "pin.app.one", "apps/hello.yaml:7", pin.IntentAnnotation)

			f.remembers("two", marked("1.0.0"))
			f.says("policy", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.SucceededReason)
			f.delete("policy", &v1alpha1.AppUpgradePolicy{})
			f.removes("two")
			change(f, "pin.app.two", &imagev1.ImagePolicy{}, false, lose)
			f.gone("policy", &v1alpha1.AppUpgradePolicy{})
			f.gone("pin.app.two", &imagev1.ImagePolicy{})
			f.warned("policy", v1alpha1.MarkerLeftReason, "pin.app.two", pin.IntentAnnotation)
		})
	}
}

func (e *environment) testFinalizerTimeout(t *testing.T) {
	f := e.converged(t)
	f.delete("policy", &v1alpha1.AppUpgradePolicy{})
	f.removes("one")
	clock := testclock.NewFakePassiveClock(time.Now().Add(DefaultFinalizerTimeout - time.Minute))
	r := e.reconciler(clock)
	cluster.Eventually(t, func() error { // until the cache has the deletion
		result, err := r.Reconcile(t.Context(), request(f.namespace, "policy"))
		if err != nil || result.RequeueAfter <= 0 || result.RequeueAfter > time.Minute {
			return wrong("comes back: %+v, %v", result, err)
		}
		return nil
	})
	must(t, f.get("policy", &v1alpha1.AppUpgradePolicy{}))
	clock.SetTime(time.Now().Add(DefaultFinalizerTimeout + time.Second))
	cluster.Eventually(t, func() error {
		_, err := r.Reconcile(t.Context(), request(f.namespace, "policy"))
		return err
	})
	f.gone("policy", &v1alpha1.AppUpgradePolicy{})
	f.gone("pin.app.one", &imagev1.ImagePolicy{})
	f.warned("policy", v1alpha1.MarkerLeftReason, "apps/hello.yaml", "not removed within 10m0s")
}

func (e *environment) testFinalizerUnmarked(t *testing.T) {
	f := e.newFleet(t)
	f.app("one", "1.0.0", nil)
	f.policy("policy", func(s *v1alpha1.AppUpgradePolicySpec) { s.Suspend = true }, "one")
	f.scanned()
	f.intends("one", func(pin.Intent) error { return nil })
	f.delete("policy", &v1alpha1.AppUpgradePolicy{})
	f.gone("policy", &v1alpha1.AppUpgradePolicy{})
	f.gone("pin.app.one", &imagev1.ImagePolicy{})
}

func (e *environment) testFinalizerHandOver(t *testing.T) {
	f := e.converged(t)
	before, _, err := f.pin("one")
	must(t, err)
	// A policy that is renamed in Git: the new one comes, the old one goes.
	f.policy("renamed", nil, "one")
	f.delete("policy", &v1alpha1.AppUpgradePolicy{})
	f.inherits("one", "renamed", before)
	f.gone("policy", &v1alpha1.AppUpgradePolicy{})
}
