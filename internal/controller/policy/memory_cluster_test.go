package policy

import (
	"testing"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func (e *environment) testLostStatus(t *testing.T) {
	f := e.converged(t)
	f.selects("policy", "1.5.0")
	f.wants("one", "1.5.0")
	object := f.tells("policy")
	ledger := f.ledger("policy")
	before, _, err := f.pin("one")
	must(t, err)
	must(t, f.client.Status().Patch(t.Context(), object, client.RawPatch("application/merge-patch+json", []byte(`{"status":null}`))))
	f.tells("policy")
	after, _, err := f.pin("one")
	must(t, err)
	if after.ResourceVersion != before.ResourceVersion || f.ledger("policy") != ledger {
		t.Errorf("something moved: %s, %s", ledger, f.ledger("policy"))
	}
}

// tells waits until the status of a policy has all that it remembers of an upgrade.
func (f *fleet) tells(policy string) *v1alpha1.AppUpgradePolicy {
	f.t.Helper()
	object := &v1alpha1.AppUpgradePolicy{}
	cluster.Eventually(f.t, func() error {
		must(f.t, f.get(policy, object))
		if len(object.Status.Seen) != 2 || len(object.Status.History) != 1 {
			return wrong("the status is %+v", object.Status)
		}
		return nil
	})
	return object
}

// looksAgain waits until a policy was looked at because of a token.
func (f *fleet) looksAgain(policy, token string) {
	f.t.Helper()
	cluster.Eventually(f.t, func() error {
		object := &v1alpha1.AppUpgradePolicy{}
		must(f.t, f.get(policy, object))
		if got := object.Status.LastHandledReconcileAt; got != token {
			return wrong("the token handled last is %q", got)
		}
		return nil
	})
}

func (f *fleet) ledger(policy string) string {
	f.t.Helper()
	candidate := &imagev1.ImagePolicy{}
	must(f.t, f.get(pin.CandidateName(policy), candidate))
	return candidate.Annotations[pin.LedgerAnnotation]
}

func (e *environment) testBrokenLedger(t *testing.T) {
	f := e.converged(t)
	whole := f.ledger("policy")
	remember := func(text string) {
		change(f, pin.CandidateName("policy"), &imagev1.ImagePolicy{}, false, func(p *imagev1.ImagePolicy) {
			p.Annotations[pin.LedgerAnnotation] = text
		})
	}
	for _, text := range []string{"{", `{"version":7}`} {
		remember(text)
		f.says("policy", v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.ForeignObjectReason)
		f.selects("policy", "1.5.0")
		f.annotates("policy", v1alpha1.ReconcileRequestAnnotation, text)
		f.looksAgain("policy", text)
		f.wants("one", "")
		if got := f.ledger("policy"); got != text {
			t.Fatalf("it was written over: %s", got)
		}
		f.selects("policy", "1.0.0")
		remember(whole)
		f.starts("policy")
	}
	f.selects("policy", "1.5.0")
	f.wants("one", "1.5.0")
}
