package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"k8s.io/apimachinery/pkg/api/meta"
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
		if err := f.target("rest", "one", settled); err != nil {
			return err
		}
		if !meta.IsStatusConditionTrue(f.get("rest").Status.Conditions, v1alpha1.ReadyCondition) {
			return errors.New("the policy is not ready")
		}
		return f.atRest()
	})

	f.nothingHappens(proxy)
}

// nothingHappens lets others commit, and fails the test if the operator writes anything or touches the repository.
func (f *fleet) nothingHappens(proxy *apiproxy.Proxy) {
	f.Helper()
	eventually(f.T, "Flux has applied what is in Git", func() error { return f.applied(f.log()[0].Hash) })
	proxy.AfterWrite(nil)
	f.repo.ResetCounts()
	for i := range 3 {
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
	if counts := f.repo.Counts(); counts.Fetches > 3 || counts.Pushes > 0 {
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
