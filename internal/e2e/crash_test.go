package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/hack/local/apiproxy"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
)

// The operator is killed right after each of its writes of an upgrade, before it learns that the write was done, and started
// again: each change is one commit all the same, and the repository ends at rest.
func TestKilledAfterEachWrite(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	proxy, config := throughProxy(t)
	operator := startOperator(t, environment.OperatorOptions{Kubeconfig: config})
	f.policy("crash", ">=1.0.0", []string{"one", "two"})
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
	eventually(t, "the repository is at rest", f.atRest)

	for n, done := 1, false; !done; n++ {
		version := fmt.Sprintf("1.%d.0", n)
		killed := killAfter(proxy, operator, n)
		f.release(version)
		f.scan()
		reached := func() error { return f.upgraded(version, "one", "two") }
		if w, ok := killedOrReached(t, proxy, killed, reached); ok {
			t.Logf("killed after write %d of %s: %s", n, version, w)
			proxy.AfterWrite(nil)
			operator = startOperator(t, environment.OperatorOptions{Kubeconfig: config, Name: fmt.Sprintf("operator-after-%d", n)})
		} else {
			done = true // an upgrade has fewer writes: each was tried
		}
		eventually(t, version+" is deployed and all is at rest", reached)
		if commits := f.upgrades(); len(commits) != n {
			t.Fatalf("%d commits for %d upgrades, after a kill after write %d", len(commits), n, n)
		}
	}
	f.onlyMarkersAndUpgrades()
}

// killAfter kills the operator right after its nth write from now on.
func killAfter(proxy *apiproxy.Proxy, operator *environment.Operator, n int) <-chan apiproxy.Write {
	killed := make(chan apiproxy.Write, 1)
	proxy.AfterWrite(func(i int, w apiproxy.Write) {
		if i == n {
			_ = operator.Kill()
			killed <- w
		}
	})
	return killed
}

// killedOrReached waits for the kill, or for the upgrade to come to its end without one. Then none comes any more.
func killedOrReached(t *testing.T, proxy *apiproxy.Proxy, killed <-chan apiproxy.Write, reached func() error) (apiproxy.Write, bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case w := <-killed:
			return w, true
		case <-deadline:
			t.Fatalf("neither killed nor upgraded: %v", reached())
		case <-time.After(200 * time.Millisecond):
			if reached() != nil {
				continue
			}
			proxy.AfterWrite(nil)
			select {
			case w := <-killed: // by a last write, such as that of a status
				return w, true
			default:
				return apiproxy.Write{}, false
			}
		}
	}
}

// throughProxy gives a kubeconfig of the chart's service account that leads through a proxy.
func throughProxy(t *testing.T) (*apiproxy.Proxy, string) {
	t.Helper()
	config, err := env.Cluster.ConfigFor(t.Context(), serviceAccount)
	must(t, err)
	proxy, err := apiproxy.Start(config)
	must(t, err)
	t.Cleanup(func() { _ = proxy.Stop() })
	path := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, proxy.WriteKubeconfig(path))
	return proxy, path
}

// A stopped operator leaves nothing that Flux may write.
func TestStopDisarms(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	operator := startOperator(t, environment.OperatorOptions{})
	f.policy("stop", ">=1.0.0", []string{"one"})
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	eventually(t, "the repository is at rest", f.atRest)

	f.repo.RejectPushes("no pushes during the test")
	f.release("1.1.0")
	f.scan()
	eventually(t, "the automation is armed", f.armed)
	must(t, operator.Stop())
	must(t, f.disarmed())
	eventually(t, "Flux has handled it: no run is in flight", f.handled)
	f.repo.RejectPushes("")
	must(t, f.inGit("one", "1.0.0"))
	startOperator(t, environment.OperatorOptions{Name: "operator-again"})
	eventually(t, "the next start goes on", func() error { return f.deployed("one", "1.1.0") })
}

func reached(t *testing.T, ch <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-ch:
	case <-ctx.Done():
		t.Fatal("nothing was held back in time")
	}
}
