package e2e

import (
	"fmt"
	"strings"
	"testing"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
)

// The operator is killed right after each of its writes while it serves a policy for the first time: the markers are one
// commit all the same, and so is their removal, byte for byte.
func TestKilledAfterEachWriteOfMarking(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	before := map[string]string{"one": f.file("one"), "two": f.file("two")}
	proxy, config := throughProxy(t)
	operator := startOperator(t, environment.OperatorOptions{Kubeconfig: config})
	for n, done := 1, false; !done; n++ {
		name := fmt.Sprintf("marking-%d", n)
		commits := len(f.log())
		killed := killAfter(proxy, operator, n)
		policy := f.policy(name, ">=1.0.0", []string{"one", "two"})
		reached := func() error { return f.served(name, before, "one", "two") }
		if w, ok := killedOrReached(t, proxy, killed, reached); ok {
			t.Logf("killed after write %d: %s", n, w)
			proxy.AfterWrite(nil)
			operator = startOperator(t, environment.OperatorOptions{Kubeconfig: config, Name: fmt.Sprintf("marking-after-%d", n)})
		} else {
			done = true // there are fewer writes: each was tried
		}
		eventually(t, "both Apps are marked and all is at rest", reached)
		if got := len(f.log()) - commits; got != 1 {
			t.Fatalf("%d commits for the markers, after a kill after write %d", got, n)
		}
		must(t, env.Client.Delete(t.Context(), policy))
		eventually(t, "the policy is gone", func() error { return gone(t, policy) })
		must(t, f.unmarked(before, "one", "two"))
		eventually(t, "nothing is left that Flux could write", f.nothingToWrite)
		must(t, env.Client.DeleteAllOf(t.Context(), &imagev1.ImageRepository{}, client.InNamespace(f.namespace))) // the next one starts from nothing
	}
	f.onlyMarkersAndUpgrades()
}

// The operator is killed after the push of the markers, before it learns that it was done.
func TestKilledAfterMarkerPush(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	before := map[string]string{"one": f.file("one"), "two": f.file("two")}
	operator := startOperator(t, environment.OperatorOptions{})
	f.killAfterPush(operator, func() { f.policy("pushed", ">=1.0.0", []string{"one", "two"}) })
	startOperator(t, environment.OperatorOptions{Name: "operator-after-" + t.Name()})
	eventually(t, "both Apps are marked and all is at rest", func() error { return f.served("pushed", before, "one", "two") })
	if n := len(f.log()); n != 2 {
		t.Errorf("%d commits, want the first and the markers'", n)
	}
	f.release("1.1.0")
	f.scan()
	eventually(t, "the Apps are upgraded", func() error { return f.upgraded("1.1.0", "one", "two") })
}

// served complains unless Apps' files are as before but for the marker, their policy has nothing left to do for them, and the
// repository is at rest.
func (f *fleet) served(policy string, before map[string]string, apps ...string) error {
	for _, app := range apps {
		want := strings.Replace(before[app], "version: 1.0.0", "version: 1.0.0"+f.marker(app), 1)
		if got := f.file(app); got != want {
			return fmt.Errorf("%s is\n%s\nwant\n%s", path(app), got, want)
		}
		if err := f.target(policy, app, settled); err != nil {
			return err
		}
	}
	if n := len(f.automations()); n != 1 {
		return fmt.Errorf("%d automations", n)
	}
	return f.atRest()
}
