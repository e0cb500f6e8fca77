package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/apiproxy"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

// At rest the operator writes nothing and touches no repository, whatever others commit.
func TestAtRest(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	proxy, config := throughProxy(t)
	startOperator(t, environment.OperatorOptions{Kubeconfig: config})
	f.policy("rest", ">=1.0.0", []string{"one"})
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	eventually(t, "the repository is at rest, with an automation", func() error {
		if n := len(f.automations()); n != 1 {
			return fmt.Errorf("%d automations", n)
		}
		return f.isDone("rest", "one")
	})

	f.nothingHappens(proxy, 100)
}

// So it is when a rollout is over: neither waves nor a soak, an age, windows or a schedule of the cluster make it write.
func TestAtRestAfterRollout(t *testing.T) {
	f := newStagedFleet(t, map[string]string{"canary": "1.0.0", "production": "1.0.0"})
	proxy, config := throughProxy(t)
	startOperator(t, environment.OperatorOptions{Kubeconfig: config})
	open := v1alpha1.Schedule{Windows: []v1alpha1.TimeWindow{window("all-day", time.Now().Add(-time.Minute))}}
	maintenance := &v1alpha1.MaintenanceSchedule{
		ObjectMeta: metav1.ObjectMeta{Name: f.namespace},
		Spec: v1alpha1.MaintenanceScheduleSpec{
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: f.namespace}},
			Schedule:          open,
		},
	}
	must(t, env.Client.Create(t.Context(), maintenance))
	t.Cleanup(func() { _ = env.Client.Delete(cleanupContext(t), maintenance) })
	f.policy("over", ">=1.0.0", nil, inWaves(time.Second), ofAllApps, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Schedule = &open
		rollout(p).MinAge = &metav1.Duration{Duration: time.Second}
	})
	eventually(t, "the Apps are marked", func() error { return f.marked("canary", "production") })
	f.release("1.1.0")
	f.scan()
	f.everyoneRuns("over", "1.1.0", "canary", "production")
	for _, wave := range []string{canary, production} {
		f.ends("over", wave, "1.1.0", false, v1alpha1.ResultSucceeded)
		f.wave("over", wave, "is up to date", func(w v1alpha1.WaveStatus) bool {
			return w.State == v1alpha1.WaveUpToDate && w.Version == "1.1.0" && w.Healthy == 1
		})
	}
	eventually(t, "the schedule is open", func() error {
		must(t, env.Client.Get(t.Context(), client.ObjectKeyFromObject(maintenance), maintenance))
		if maintenance.Status.State != v1alpha1.ScheduleOpen {
			return fmt.Errorf("it is %+v", maintenance.Status)
		}
		return nil
	})
	f.nothingHappens(proxy, 3)
	env.Apps.FailApp(f.namespace, "canary", true)
	eventually(t, "the canary is not well", func() error {
		if err := f.deployed("canary", "1.1.0"); err == nil {
			return errors.New("it is deployed")
		}
		return nil
	})
	env.Apps.FailApp(f.namespace, "canary", false)
	f.everyoneRuns("over", "1.1.0", "canary", "production")
	for _, wave := range []string{canary, production} {
		f.wave("over", wave, "is well", func(w v1alpha1.WaveStatus) bool { return w.Healthy == 1 })
	}
	f.nothingHappens(proxy, 3)
}

// So it is where versions are proposed: before there is one, and once it is merged.
func TestAtRestWithoutProposal(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	proxy, config := throughProxy(t)
	startOperator(t, environment.OperatorOptions{Kubeconfig: config})
	f.policy("proposed", ">=1.0.0", []string{"one"}, proposing)
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	eventually(t, "there is nothing to propose", func() error { return f.isDone("proposed", "one") })
	f.nothingHappens(proxy, 5)

	f.proposes("proposed", "1.1.0", "one")
	f.git("update-ref", "refs/heads/main", "refs/heads/"+upgrades)
	f.everyoneRuns("proposed", "1.1.0", "one")
	eventually(t, "there is nothing to propose", func() error { return f.isDone("proposed", "one") })
	f.nothingHappens(proxy, 5)
}

// isDone complains if a policy has anything left to do for its App.
func (f *fleet) isDone(policy, app string) error {
	if err := f.target(policy, app, settled); err != nil {
		return err
	}
	if !meta.IsStatusConditionTrue(f.get(policy).Status.Conditions, v1alpha1.ReadyCondition) {
		return errors.New("the policy is not ready")
	}
	return f.atRest()
}

// nothingHappens lets others commit so many times, and fails the test if the operator writes anything or touches the repository.
func (f *fleet) nothingHappens(proxy *apiproxy.Proxy, commits int) {
	f.Helper()
	eventually(f.T, "Flux has applied what is in Git", func() error { return f.applied(f.log()[0].Hash) })
	proxy.AfterWrite(nil)
	f.repo.ResetCounts()
	for i := range commits {
		head, err := f.repo.Commit(f.Context(), gitserver.Change{
			Message: "Somebody else's work", Files: map[string]string{"README.md": fmt.Sprintf("# Edition %d\n", i)},
		})
		must(f.T, err)
		eventually(f.T, "Flux has applied it", func() error { return f.applied(head) })
	}
	for _, write := range proxy.Writes() {
		if strings.Contains(write.Path+"/", "/"+f.namespace+"/") { // others are what earlier tests left
			f.Errorf("the operator wrote at rest: %v", write)
		}
	}
	// Flux's source-controller fetches each commit once; nobody else does.
	if counts := f.repo.Counts(); counts.Fetches > commits || counts.Pushes > 0 {
		f.Errorf("the repository was touched at rest: %+v", counts)
	}
}

// applied complains unless Flux has applied a commit.
func (f *fleet) applied(head string) error {
	kustomization := &kustomizev1.Kustomization{}
	if err := env.Client.Get(f.Context(), client.ObjectKey{Namespace: f.namespace, Name: "gitops"}, kustomization); err != nil {
		return err
	}
	if got := kustomization.Status.LastAppliedRevision; got != f.branch+"@sha1:"+head {
		return fmt.Errorf("Flux has applied %s, want %s", got, head)
	}
	return nil
}
