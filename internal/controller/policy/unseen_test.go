package policy

import (
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// TestUnseen: what the API server has and the cache has not is not written as if it were new.
func TestUnseen(t *testing.T) {
	policy := testPolicy()
	object := func(name, role string) client.Object {
		return &imagev1.ImagePolicy{ObjectMeta: metav1.ObjectMeta{
			Namespace: policy.Namespace, Name: name,
			Labels: map[string]string{pin.ManagedByLabel: pin.ManagedBy, pin.RoleLabel: role, pin.PolicyLabel: policy.Name},
		}}
	}
	one := pinOfOne("repository", "", pin.Memory{})
	one.object.Spec.ImageRepositoryRef.Name = "scan"
	candidate := pin.CandidateName(policy.Name)
	for name, test := range map[string]struct {
		there     []client.Object
		candidate *imagev1.ImagePolicy
		live      livePin
		conflict  bool
	}{
		"all is new":            {},
		"the pin is there":      {there: []client.Object{object("pin.app.one", pin.RolePin)}, candidate: one.object, conflict: true},
		"another pin is there":  {there: []client.Object{object("pin.app.two", pin.RolePin)}, candidate: one.object},
		"the pin is known":      {there: []client.Object{object("pin.app.one", pin.RolePin)}, candidate: one.object, live: one},
		"a candidate is there":  {there: []client.Object{object(candidate, pin.RoleCandidate)}, live: one, conflict: true},
		"no candidate is there": {live: one},
	} {
		t.Run(name, func(t *testing.T) {
			scheme := runtime.NewScheme()
			must(t, imagev1.AddToScheme(scheme))
			r := &Reconciler{live: fake.NewClientBuilder().WithScheme(scheme).WithObjects(test.there...).Build()}
			s := scope{policy: policy, chart: fluxobjects.Chart{}, candidate: test.candidate, pins: map[string]livePin{"pin.app.one": one}}
			err := r.unseen(t.Context(), s, []plan{{live: test.live, intent: one.intent}})
			if apierrors.IsConflict(err) != test.conflict || !test.conflict && err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestFinalizeUnseen: a deleted policy waits for a pin that the API server has and the cache has not. It would go with its policy,
// and its marker would stay in Git.
func TestFinalizeUnseen(t *testing.T) {
	policy := testPolicy()
	policy.Finalizers = []string{v1alpha1.Finalizer}
	policy.DeletionTimestamp = &metav1.Time{Time: time.Now()}
	scheme := runtime.NewScheme()
	must(t, imagev1.AddToScheme(scheme))
	must(t, v1alpha1.AddToScheme(scheme))
	made := &imagev1.ImagePolicy{ObjectMeta: metav1.ObjectMeta{
		Namespace: policy.Namespace, Name: "pin.app.one",
		Labels: map[string]string{pin.ManagedByLabel: pin.ManagedBy, pin.RoleLabel: pin.RolePin, pin.PolicyLabel: policy.Name},
	}}
	cache := fake.NewClientBuilder().WithScheme(scheme).WithObjects(policy).
		WithIndex(&imagev1.ImagePolicy{}, pinIndex, roleKeys(pin.RolePin)).Build()
	server := fake.NewClientBuilder().WithScheme(scheme).WithObjects(made).Build()
	r := &Reconciler{client: cache, live: server}

	if _, err := r.finalize(t.Context(), policy.DeepCopy(), missing{}); !apierrors.IsConflict(err) {
		t.Errorf("got %v with a pin that nobody has seen, want a conflict", err)
	}
	must(t, cache.Get(t.Context(), client.ObjectKeyFromObject(policy), &v1alpha1.AppUpgradePolicy{}))

	must(t, server.Delete(t.Context(), made))
	must(t, cache.Get(t.Context(), client.ObjectKeyFromObject(policy), policy))
	_, err := r.finalize(t.Context(), policy, missing{})
	must(t, err)
	if err := cache.Get(t.Context(), client.ObjectKeyFromObject(policy), policy); !apierrors.IsNotFound(err) {
		t.Errorf("got %v, want the policy gone", err)
	}
}
