package policy

import (
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func (e *environment) testOrder(t *testing.T) {
	f := e.newFleet(t)
	f.app("one", "1.0.0", nil)
	f.policy("policy", nil, "one")
	f.says("policy", v1alpha1.ReconcilingCondition, metav1.ConditionTrue, v1alpha1.ScanPendingReason)
	if _, _, err := f.pin("one"); !apierrors.IsNotFound(err) {
		t.Errorf("there is a pin before the scan: %v", err)
	}
	if err := f.get("policy.candidate", &imagev1.ImagePolicy{}); !apierrors.IsNotFound(err) {
		t.Errorf("there is a candidate before the scan: %v", err)
	}
	scan, err := f.theScan()
	must(t, err)
	if scan.Spec.Image != "registry.example.com/charts/hello" || scan.Spec.Interval.Duration != 10*time.Minute || len(scan.OwnerReferences) != 0 {
		t.Errorf("ImageRepository is %+v", scan)
	}

	f.scanned()
	f.intends("one", func(i pin.Intent) error {
		want := pin.Source{
			Repository:    pin.NamespacedName{Namespace: f.namespace, Name: "fleet"},
			Kustomization: pin.NamespacedName{Namespace: f.namespace, Name: "apps"},
		}
		if i.Source != want || !i.Mark || i.Remove || i.Want != "" || i.Prompt == "" {
			return wrong("intent is %+v", i)
		}
		return nil
	})
	object, _, err := f.pin("one")
	must(t, err)
	if object.Spec.FilterTags != nil || object.Spec.ImageRepositoryRef.Name != scan.Name || object.Labels[pin.PolicyLabel] != "policy" {
		t.Errorf("pin is %+v", object)
	}
}

func (e *environment) testRest(t *testing.T) {
	f := e.converged(t)
	r := e.reconciler(testclock.NewFakePassiveClock(time.Now()))
	request := request(f.namespace, "policy")
	scan, err := f.theScan()
	must(t, err)
	cluster.Eventually(t, func() error {
		before := len(e.writes.in(f.namespace))
		_, err := r.Reconcile(t.Context(), request)
		must(t, err)
		if len(e.writes.in(f.namespace)) != before {
			return wrong("not at rest yet")
		}
		return nil
	})
	before := e.writes.in(f.namespace)
	// None of this is about the policy, whoever looks at it because of it.
	f.attempted("main@sha1:2")
	change(f, "one", &appv1alpha1.App{}, false, func(a *appv1alpha1.App) { a.Labels["unrelated"] = "label" })
	must(t, f.client.Status().Patch(t.Context(), scan, client.RawPatch("application/merge-patch+json", []byte(`{"status":{"lastScanResult":{"tagCount":2}}}`))))
	cluster.Eventually(t, func() error {
		cached := &kustomizev1.Kustomization{}
		must(t, e.mgr.GetClient().Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: "apps"}, cached))
		if cached.Status.LastAttemptedRevision != "main@sha1:2" {
			return wrong("the cache is behind")
		}
		return nil
	})
	for range 3 {
		result, err := r.Reconcile(t.Context(), request)
		must(t, err)
		if !result.IsZero() {
			t.Errorf("comes back: %+v", result)
		}
	}
	sr := &scanReconciler{client: r.client, flux: r.flux, options: r.options}
	_, err = sr.Reconcile(t.Context(), itself(t.Context(), scan)[0])
	must(t, err)
	if after := e.writes.in(f.namespace); len(after) != len(before) {
		t.Errorf("writes at rest: %v", after[len(before):])
	}
}

func (e *environment) testRecreate(t *testing.T) {
	f := e.converged(t)
	scan, err := f.theScan()
	must(t, err)
	uids := map[string]string{}
	for name, object := range map[string]client.Object{
		scan.Name: &imagev1.ImageRepository{}, "policy.candidate": &imagev1.ImagePolicy{}, "pin.app.one": &imagev1.ImagePolicy{},
	} {
		must(t, f.get(name, object))
		uids[name] = string(object.GetUID())
	}
	for _, name := range []string{"policy.candidate", "pin.app.one"} {
		f.delete(name, &imagev1.ImagePolicy{})
		f.madeAgain(name, &imagev1.ImagePolicy{}, uids[name])
	}
	f.delete(scan.Name, &imagev1.ImageRepository{})
	f.madeAgain(scan.Name, &imagev1.ImageRepository{}, uids[scan.Name])
}

func (f *fleet) madeAgain(name string, object client.Object, uid string) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		if err := f.get(name, object); err != nil {
			return err
		}
		if string(object.GetUID()) == uid {
			return wrong("%s is still the old one", name)
		}
		return nil
	})
}

func (e *environment) testForeign(t *testing.T) {
	f := e.newFleet(t)
	f.app("one", "1.0.0", nil)
	foreign := &imagev1.ImagePolicy{ObjectMeta: f.named("pin.app.one")}
	foreign.Spec.ImageRepositoryRef.Name = "theirs"
	foreign.Spec.Policy.Alphabetical = &imagev1.AlphabeticalPolicy{Order: "asc"}
	f.create(foreign)
	f.policy("policy", nil, "one")
	f.scanned()
	f.finds("policy", "one", v1alpha1.ForeignObjectReason)
	must(t, f.get("pin.app.one", foreign))
	if foreign.Spec.ImageRepositoryRef.Name != "theirs" || len(foreign.Labels) != 0 {
		t.Errorf("a foreign object was changed: %+v", foreign)
	}
	f.delete("pin.app.one", foreign)
	f.garbled("one")

	candidate := &imagev1.ImagePolicy{ObjectMeta: f.named("second.candidate"), Spec: foreign.Spec}
	f.create(candidate)
	f.app("two", "1.0.0", nil)
	f.policy("second", nil, "two")
	f.says("second", v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.ForeignObjectReason)
	f.delete("second.candidate", candidate)
	f.decided("second", 1)
}

// garbled waits for a pin, breaks what it remembers, and mends it.
func (f *fleet) garbled(app string) {
	f.t.Helper()
	f.intends(app, func(i pin.Intent) error {
		if !i.Mark {
			return wrong("not marked")
		}
		return nil
	})
	name := pin.Name(appv1alpha1.AppKind, app)
	remember := func(text string) {
		change(f, name, &imagev1.ImagePolicy{}, false, func(p *imagev1.ImagePolicy) { p.Annotations[pin.MemoryAnnotation] = text })
	}
	remember("{")
	f.finds("policy", app, v1alpha1.ForeignObjectReason)
	remember("{}")
	f.says("policy", v1alpha1.ReconcilingCondition, metav1.ConditionTrue, v1alpha1.ScanPendingReason)
}

func (e *environment) testScan(t *testing.T) {
	f := e.newFleet(t)
	f.app("one", "1.0.0", nil)
	f.policy("policy", nil, "one")
	f.says("policy", v1alpha1.ReconcilingCondition, metav1.ConditionTrue, v1alpha1.ScanPendingReason)
	scan, err := f.theScan()
	must(t, err)
	change(f, scan.Name, scan, true, func(s *imagev1.ImageRepository) {
		apimeta.SetStatusCondition(&s.Status.Conditions, metav1.Condition{
			Type: meta.ReadyCondition, Status: metav1.ConditionFalse, Reason: "ReadOperationFailed", Message: "the registry says no", ObservedGeneration: s.Generation,
		})
	})
	cluster.Eventually(t, func() error {
		object := &v1alpha1.AppUpgradePolicy{}
		must(t, f.get("policy", object))
		ready := apimeta.FindStatusCondition(object.Status.Conditions, v1alpha1.ReadyCondition)
		if ready == nil || ready.Reason != v1alpha1.ScanFailedReason {
			return wrong("Ready is %+v", ready)
		}
		return nil
	})
}

func (e *environment) testSharedScan(t *testing.T) {
	f := e.newFleet(t)
	f.app("one", "1.0.0", nil)
	f.app("two", "1.0.0", nil)
	f.policy("lazy", nil, "one")
	f.scansEvery(10 * time.Minute)
	f.policy("eager", func(s *v1alpha1.AppUpgradePolicySpec) {
		s.Chart = &v1alpha1.Chart{Interval: &metav1.Duration{Duration: time.Minute}}
	}, "two")
	f.scansEvery(time.Minute)
	f.delete("eager", &v1alpha1.AppUpgradePolicy{})
	f.scansEvery(10 * time.Minute)
	scan, err := f.theScan()
	must(t, err)
	f.delete("lazy", &v1alpha1.AppUpgradePolicy{})
	f.gone(scan.Name, &imagev1.ImageRepository{})
}

func (f *fleet) scansEvery(interval time.Duration) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		scan, err := f.theScan()
		if err != nil {
			return err
		}
		if scan.Spec.Interval.Duration != interval {
			return wrong("scans every %s", scan.Spec.Interval.Duration)
		}
		return nil
	})
}
