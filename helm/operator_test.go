package helm_test

import (
	"context"
	"fmt"
	"os/exec"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/hack/local/process"
	"github.com/giantswarm/app-upgrade-operator/hack/local/tools"
)

// lease is what the chart lets the operator's replicas agree on.
const lease = "app-upgrade-operator.upgrades.giantswarm.io"

func operator(t *testing.T) string {
	t.Helper()
	path, err := tools.Build(t.Context(), "./cmd/app-upgrade-operator", t.TempDir())
	must(t, err)
	return path
}

func operatorArgs(t *testing.T, args ...string) []string {
	t.Helper()
	deployment := as[appsv1.Deployment](t, find(t, render(t, args...), "Deployment", release))
	return deployment.Spec.Template.Spec.Containers[0].Args
}

// Flags are read in order: those before --help must exist and have a value that can be read.
func TestFlagsExist(t *testing.T) {
	path := operator(t)
	for name, values := range map[string][]string{
		"default values": nil,
		"all values":     {"--values", fullValues},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(operatorArgs(t, values...), "--help")
			if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s", args, err, out)
			}
		})
	}
	if err := exec.CommandContext(t.Context(), path, "--no-such-flag", "--help").Run(); err == nil {
		t.Error("an unknown flag before --help is accepted: this test proves nothing")
	}
}

// checkOperatorRuns runs the operator as its pod would, with the rights of the chart's ServiceAccount, until it leads.
func checkOperatorRuns(t *testing.T, c *cluster.Cluster, api client.Client) {
	t.Helper()
	kubeconfig, err := c.KubeconfigFor(t.Context(), types.NamespacedName{Namespace: namespace, Name: release})
	must(t, err)
	leads := func(ctx context.Context) error {
		held := &coordinationv1.Lease{}
		if err := api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: lease}, held); err != nil {
			return err
		}
		if held.Spec.HolderIdentity == nil || *held.Spec.HolderIdentity == "" {
			return fmt.Errorf("nobody holds the lease %s", lease)
		}
		return nil
	}
	// A later flag wins: addresses that are free here, and the namespace that a pod would know.
	args := append(operatorArgs(t), "--metrics-bind-address=0", "--health-probe-bind-address=0",
		"--leader-election-namespace="+namespace)
	p, err := process.Start(t.Context(), process.Config{
		Name: "operator", Path: operator(t), Args: args, Env: []string{"KUBECONFIG=" + kubeconfig}, LogDir: t.TempDir(),
		Ready: leads, StopTimeout: time.Minute,
	})
	must(t, err)
	must(t, p.Stop())
}
