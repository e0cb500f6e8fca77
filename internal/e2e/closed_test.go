package e2e

import (
	"fmt"
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// A freeze begins while the operator is dead, which had decided on an upgrade that Git kept it from. When it starts again nobody
// takes the decision back, since the policy cannot be read any more: nothing is written all the same, although another policy's
// version is written to the same repository.
func TestFreezeAfterDecision(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	operator := startOperator(t, environment.OperatorOptions{})
	team := map[string]string{"team": f.namespace}
	f.policy("frozen", ">=1.0.0", []string{"one"}, func(p *v1alpha1.AppUpgradePolicy) { p.Labels = team })
	f.policy("open", ">=1.0.0", []string{"two"})
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
	eventually(t, "the repository is at rest", f.atRest)
	eventually(t, "Flux has applied the markers", func() error { return f.applied(f.log()[0].Hash) })

	stall := f.repo.StallFetches()
	t.Cleanup(stall.Release)
	f.release("1.1.0")
	f.scan()
	eventually(t, "both wait for Git", func() error { return f.inBatch(2) })
	must(t, operator.Kill())
	must(t, f.disarmed())
	freeze := &v1alpha1.MaintenanceSchedule{
		ObjectMeta: metav1.ObjectMeta{Name: "freeze-of-" + f.namespace},
		Spec: v1alpha1.MaintenanceScheduleSpec{
			Schedule:       v1alpha1.Schedule{Exclusions: []v1alpha1.TimeWindow{window("incident", time.Now().Add(-time.Minute))}},
			PolicySelector: &metav1.LabelSelector{MatchLabels: team},
		},
	}
	must(t, env.Client.Create(t.Context(), freeze))
	t.Cleanup(func() { _ = env.Client.Delete(cleanupContext(t), freeze) })
	f.ranges("frozen", "nonsense")
	stall.Release()

	startOperator(t, environment.OperatorOptions{Name: "operator-in-freeze"})
	eventually(t, "the policy is stalled", func() error {
		return f.condition("frozen", v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.InvalidSpecReason)
	})
	f.everyoneRuns("open", "1.1.0", "two")
	must(t, f.inGit("one", "1.0.0"))
	f.ranges("frozen", ">=1.0.0")
	f.holds("frozen", "1.1.0", v1alpha1.FrozenReason)
	eventually(t, "the repository is at rest", f.atRest)
	must(t, f.inGit("one", "1.0.0"))

	must(t, env.Client.Delete(t.Context(), freeze))
	f.everyoneRuns("frozen", "1.1.0", "one")
	if commits := f.upgrades(); len(commits) != 2 {
		t.Errorf("%d commits, want one for each policy", len(commits))
	}
	f.onlyMarkersAndUpgrades()
}

// inBatch complains unless some pins are in a batch, armed or not.
func (f *fleet) inBatch(pins int) error {
	var list imagev1.ImagePolicyList
	if err := env.Client.List(f.Context(), &list, client.InNamespace(f.namespace), client.HasLabels{pin.BatchLabel}); err != nil {
		return err
	}
	if len(list.Items) != pins {
		return fmt.Errorf("%d pins are in a batch, want %d", len(list.Items), pins)
	}
	return nil
}

// ranges changes the range of a policy.
func (f *fleet) ranges(policy, versions string) {
	f.Helper()
	must(f.T, env.Client.Patch(f.Context(), f.get(policy), mergePatch(`{"spec":{"versions":{"range":%q}}}`, versions)))
}
