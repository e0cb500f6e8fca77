package policy

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
)

// fleet is a namespace with a Catalog, a repository, a Kustomization, and what the tests add.
type fleet struct {
	*environment
	t         testing.TB
	namespace string
}

func (e *environment) newFleet(t testing.TB) *fleet {
	t.Helper()
	f := &fleet{environment: e, t: t, namespace: e.cluster.Namespace(t)}
	f.create(&appv1alpha1.Catalog{
		ObjectMeta: f.named("catalog"),
		Spec: appv1alpha1.CatalogSpec{
			Repositories: []appv1alpha1.Repository{{URL: "oci://registry.example.com/charts/", Type: "oci"}},
			Storage:      appv1alpha1.Repository{URL: "https://charts.example.com", Type: "helm"},
		},
	})
	f.create(&sourcev1.GitRepository{
		ObjectMeta: f.named("fleet"),
		Spec: sourcev1.GitRepositorySpec{
			URL:       "https://git.example.com/" + f.namespace,
			Interval:  metav1.Duration{Duration: time.Minute},
			Reference: &sourcev1.GitRepositoryRef{Branch: "main"},
		},
	})
	f.create(&kustomizev1.Kustomization{
		ObjectMeta: f.named("apps"),
		Spec: kustomizev1.KustomizationSpec{
			Interval:  metav1.Duration{Duration: time.Minute},
			Path:      "./apps",
			Prune:     true,
			SourceRef: kustomizev1.CrossNamespaceSourceReference{Kind: sourcev1.GitRepositoryKind, Name: "fleet"},
		},
	})
	f.attempted("main@sha1:1")
	return f
}

func (f *fleet) named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: f.namespace, Name: name}
}

func (f *fleet) create(object client.Object) {
	f.t.Helper()
	must(f.t, f.client.Create(f.t.Context(), object))
}

func (f *fleet) get(name string, object client.Object) error {
	return f.client.Get(f.t.Context(), client.ObjectKey{Namespace: f.namespace, Name: name}, object)
}

// change reads an object, changes it, and writes it as a merge patch; status says whether its status.
func change[T client.Object](f *fleet, name string, object T, status bool, edit func(T)) {
	f.t.Helper()
	must(f.t, f.get(name, object))
	before := object.DeepCopyObject().(client.Object)
	edit(object)
	if status {
		must(f.t, f.client.Status().Patch(f.t.Context(), object, client.MergeFrom(before)))
		return
	}
	must(f.t, f.client.Patch(f.t.Context(), object, client.MergeFrom(before)))
}

// app creates an App that the Kustomization applied.
func (f *fleet) app(name, version string, labels map[string]string) {
	f.t.Helper()
	f.create(f.newApp(name, version, labels))
	change(f, "apps", &kustomizev1.Kustomization{}, true, func(k *kustomizev1.Kustomization) {
		if k.Status.Inventory == nil {
			k.Status.Inventory = &kustomizev1.ResourceInventory{}
		}
		k.Status.Inventory.Entries = append(k.Status.Inventory.Entries, f.entry(name))
	})
}

func (f *fleet) newApp(name, version string, labels map[string]string) *appv1alpha1.App {
	all := map[string]string{resolve.KustomizationNameLabel: "apps", resolve.KustomizationNamespaceLabel: f.namespace}
	maps.Copy(all, labels)
	app := &appv1alpha1.App{ObjectMeta: f.named(name), Spec: appv1alpha1.AppSpec{
		Catalog: "catalog", CatalogNamespace: &f.namespace, Name: "hello", Namespace: "hello", Version: version,
		KubeConfig: appv1alpha1.KubeConfig{InCluster: true},
	}}
	app.Labels = all
	return app
}

func (f *fleet) entry(app string) kustomizev1.ResourceRef {
	return kustomizev1.ResourceRef{ID: fmt.Sprintf("%s_%s_application.giantswarm.io_App", f.namespace, app), Version: "v1alpha1"}
}

func (f *fleet) attempted(revision string) {
	f.t.Helper()
	change(f, "apps", &kustomizev1.Kustomization{}, true, func(k *kustomizev1.Kustomization) { k.Status.LastAttemptedRevision = revision })
}

// policy creates a policy for the named targets.
func (f *fleet) policy(name string, edit func(*v1alpha1.AppUpgradePolicySpec), targets ...string) {
	f.t.Helper()
	policy := &v1alpha1.AppUpgradePolicy{ObjectMeta: f.named(name)}
	policy.Spec.Versions.Range = ">=1.0.0 <2.0.0"
	for _, target := range targets {
		policy.Spec.Targets = append(policy.Spec.Targets, v1alpha1.TargetReference{Name: target})
	}
	if edit != nil {
		edit(&policy.Spec)
	}
	f.create(policy)
}

// theScan is the one ImageRepository of the fleet.
func (f *fleet) theScan() (*imagev1.ImageRepository, error) {
	var list imagev1.ImageRepositoryList
	if err := f.client.List(f.t.Context(), &list, client.InNamespace(f.namespace)); err != nil {
		return nil, err
	}
	if len(list.Items) != 1 {
		return nil, wrong("there are %d ImageRepositories", len(list.Items))
	}
	return &list.Items[0], nil
}

// scanned plays image-reflector-controller after a scan.
func (f *fleet) scanned() {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		scan, err := f.theScan()
		if err != nil {
			return err
		}
		before := scan.DeepCopy()
		scan.Status.LastScanResult = &imagev1.ScanResult{TagCount: 1, ScanTime: metav1.Now()}
		return f.client.Status().Patch(f.t.Context(), scan, client.MergeFrom(before))
	})
}

// selects plays image-reflector-controller that selects a tag for a policy's candidate.
func (f *fleet) selects(policy, tag string) {
	f.t.Helper()
	name := pin.CandidateName(policy)
	cluster.Eventually(f.t, func() error { return f.get(name, &imagev1.ImagePolicy{}) })
	change(f, name, &imagev1.ImagePolicy{}, true, func(p *imagev1.ImagePolicy) {
		p.Status.ObservedGeneration = p.Generation
		p.Status.LatestRef = &imagev1.ImageRef{Name: "registry.example.com/charts/hello", Tag: tag}
		apimeta.SetStatusCondition(&p.Status.Conditions, metav1.Condition{
			Type: meta.ReadyCondition, Status: metav1.ConditionTrue, Reason: meta.SucceededReason, ObservedGeneration: p.Generation,
		})
	})
}

// remembers plays the repository controller.
func (f *fleet) remembers(app string, memory pin.Memory) {
	f.t.Helper()
	name := pin.Name(appv1alpha1.AppKind, app)
	cluster.Eventually(f.t, func() error { return f.get(name, &imagev1.ImagePolicy{}) })
	change(f, name, &imagev1.ImagePolicy{}, false, func(p *imagev1.ImagePolicy) {
		p.Annotations[pin.MemoryAnnotation] = memory.Encode()
	})
}

func marked(version string) pin.Memory {
	return pin.Memory{File: "apps/hello.yaml", Line: 7, Git: version, Revision: "1", Marked: true}
}

// pin reads a pin and its intent.
func (f *fleet) pin(app string) (*imagev1.ImagePolicy, pin.Intent, error) {
	object := &imagev1.ImagePolicy{}
	if err := f.get(pin.Name(appv1alpha1.AppKind, app), object); err != nil {
		return nil, pin.Intent{}, err
	}
	intent, err := pin.IntentOf(object)
	return object, intent, err
}

// intends waits until the intent of a pin is as wanted.
func (f *fleet) intends(app string, check func(pin.Intent) error) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		_, intent, err := f.pin(app)
		if err != nil {
			return err
		}
		return check(intent)
	})
}

func (f *fleet) wants(app, tag string) {
	f.t.Helper()
	f.intends(app, func(i pin.Intent) error {
		if i.Want != tag {
			return wrong("pin of %s wants %q and not %q", app, i.Want, tag)
		}
		return nil
	})
}

// gone waits until an object is gone.
func (f *fleet) gone(name string, object client.Object) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		if err := f.get(name, object); !apierrors.IsNotFound(err) {
			return wrong("%T %s is still there (%v)", object, name, err)
		}
		return nil
	})
}

// says waits until a condition of a policy has a status and reason.
func (f *fleet) says(policy, condition string, status metav1.ConditionStatus, reason string) *metav1.Condition {
	f.t.Helper()
	var found *metav1.Condition
	cluster.Eventually(f.t, func() error {
		object := &v1alpha1.AppUpgradePolicy{}
		if err := f.get(policy, object); err != nil {
			return err
		}
		found = apimeta.FindStatusCondition(object.Status.Conditions, condition)
		if found == nil || found.Status != status || found.Reason != reason || found.ObservedGeneration != object.Generation {
			return wrong("condition %s is %+v", condition, found)
		}
		return nil
	})
	return found
}

// finds waits until a target of a policy has a finding.
func (f *fleet) finds(policy, app, reason string) {
	f.t.Helper()
	f.target(policy, app, func(target v1alpha1.TargetStatus) bool {
		return target.Finding != nil && target.Finding.Reason == reason
	})
}

// target waits until the status that a policy gives of a target is as wanted.
func (f *fleet) target(policy, name string, wanted func(v1alpha1.TargetStatus) bool) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		object := &v1alpha1.AppUpgradePolicy{}
		if err := f.get(policy, object); err != nil {
			return err
		}
		for _, target := range object.Status.Targets {
			if target.Name == name && wanted(target) {
				return nil
			}
		}
		return wrong("target %s of policy %s is not as wanted: %+v", name, policy, object.Status.Targets)
	})
}

// converged makes a fleet in which nothing is left to do: an App at 1.0.0, a policy, and 1.0.0 as the newest version.
func (e *environment) converged(t testing.TB) *fleet {
	t.Helper()
	f := e.newFleet(t)
	f.app("one", "1.0.0", nil)
	f.policy("policy", nil, "one")
	f.scanned()
	f.remembers("one", marked("1.0.0"))
	f.selects("policy", "1.0.0")
	f.says("policy", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.SucceededReason)
	f.intends("one", func(i pin.Intent) error {
		if i.Prompt != "" {
			return wrong("pin still prompts")
		}
		return nil
	})
	return f
}

func (f *fleet) delete(name string, object client.Object) {
	f.t.Helper()
	must(f.t, f.get(name, object))
	must(f.t, client.IgnoreNotFound(f.client.Delete(context.WithoutCancel(f.t.Context()), object)))
}
