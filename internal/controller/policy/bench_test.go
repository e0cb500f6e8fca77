package policy

import (
	"fmt"
	"testing"
	"time"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/crds"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// BenchmarkRest looks at a thousand converged policies of one namespace and one chart, as an operator does that was
// restarted. It fails if anything is written.
func BenchmarkRest(b *testing.B) {
	const policies = 1000
	e := startEnvironment(b)
	dirs, err := crds.Dirs()
	must(b, err)
	must(b, e.cluster.InstallCRDs(b.Context(), dirs...))
	f := e.newFleet(b)
	started := time.Now()
	f.many(policies)
	b.Logf("%d policies converged after %s", policies, time.Since(started).Round(time.Second))

	r := e.reconciler(testclock.NewFakePassiveClock(time.Now()))
	look := func() {
		for i := range policies {
			_, err := r.Reconcile(b.Context(), request(f.namespace, policyName(i)))
			must(b, err)
		}
	}
	look() // the first may still find what the cache did not have
	before := len(e.writes.in(f.namespace))
	for b.Loop() {
		look()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/policies, "µs/policy")
	if after := e.writes.in(f.namespace); len(after) != before {
		b.Errorf("writes at rest: %v", after[before:])
	}
}

func policyName(i int) string { return fmt.Sprintf("policy-%d", i) }

// many makes policies, each with an App of its own, that have nothing left to do.
func (f *fleet) many(count int) {
	f.t.Helper()
	change(f, "apps", &kustomizev1.Kustomization{}, true, func(k *kustomizev1.Kustomization) {
		k.Status.Inventory = &kustomizev1.ResourceInventory{}
		for i := range count {
			k.Status.Inventory.Entries = append(k.Status.Inventory.Entries, f.entry(policyName(i)))
		}
	})
	for i := range count {
		f.create(f.newApp(policyName(i), "1.0.0", nil))
		f.policy(policyName(i), func(s *v1alpha1.AppUpgradePolicySpec) { s.Versions.Range = ">=1.0.0" }, policyName(i))
	}
	f.scanned()
	for i := range count {
		f.remembers(policyName(i), marked("1.0.0"))
		f.selects(policyName(i), "1.0.0")
	}
	for i := range count {
		f.says(policyName(i), v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.SucceededReason)
		f.intends(policyName(i), func(intent pin.Intent) error {
			if intent.Prompt != "" {
				return wrong("%s is not settled", policyName(i))
			}
			return nil
		})
	}
}
