package environment

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/giantswarm/app-upgrade-operator/hack/local/process"
	"github.com/giantswarm/app-upgrade-operator/hack/local/tools"
)

// operatorPackage is the operator's main package.
const operatorPackage = "./cmd/app-upgrade-operator"

// OperatorOptions say how one replica of the operator runs.
type OperatorOptions struct {
	// Name names the process and its log; default: operator. Replicas that run at once need different ones.
	Name string
	// Kubeconfig decides what it may do; default: the administrator's.
	Kubeconfig string
	// Args are added to the addresses that it listens on.
	Args []string
	// Env entries are added to its environment.
	Env []string
	// WithoutReady does not wait for readiness, for a replica that is no leader.
	WithoutReady bool
}

// Operator is a replica of the operator: a process with addresses.
type Operator struct {
	*process.Process
	// MetricsURL serves its metrics over HTTP.
	MetricsURL string
}

// StartOperator builds the operator from this checkout and starts a replica, which Stop of the environment ends.
func (e *Environment) StartOperator(ctx context.Context, options OperatorOptions) (*Operator, error) {
	path, err := e.buildOperator(ctx)
	if err != nil {
		return nil, err
	}
	addresses, err := process.FreeAddresses(2)
	if err != nil {
		return nil, err
	}
	if options.Name == "" {
		options.Name = "operator"
	}
	if options.Kubeconfig == "" {
		options.Kubeconfig = e.Kubeconfig()
	}
	config := process.Config{
		Name:        options.Name,
		Path:        path,
		Args:        append([]string{"--metrics-bind-address=" + addresses[0], "--health-probe-bind-address=" + addresses[1]}, options.Args...),
		Env:         append([]string{"KUBECONFIG=" + options.Kubeconfig}, options.Env...),
		LogDir:      e.dir.path,
		StopTimeout: 30 * time.Second, // it disarms what it armed
	}
	if !options.WithoutReady {
		config.Ready = process.HTTPReady(http.DefaultClient, "http://"+addresses[1]+"/readyz", http.StatusOK)
	}
	p, err := process.Start(ctx, config)
	if err != nil {
		return nil, err
	}
	e.operatorMu.Lock()
	defer e.operatorMu.Unlock()
	e.operators = append(e.operators, p)
	return &Operator{Process: p, MetricsURL: "http://" + addresses[0] + "/metrics"}, nil
}

// buildOperator builds the operator once for the life of the environment.
func (e *Environment) buildOperator(ctx context.Context) (string, error) {
	e.operatorMu.Lock()
	defer e.operatorMu.Unlock()
	if e.operatorPath != "" {
		return e.operatorPath, nil
	}
	path, err := tools.Build(ctx, operatorPackage, e.dir.path)
	if err == nil {
		e.operatorPath = path
	}
	return path, err
}

// InstallChart installs or upgrades a Helm chart from a folder of the project, with values as `key=value`. Nothing runs its
// pods: the point is its CRDs, its RBAC, and that the API server accepts its objects.
func (e *Environment) InstallChart(ctx context.Context, dir, release, namespace string, values ...string) error {
	root, err := tools.Root()
	if err != nil {
		return err
	}
	args := []string{"upgrade", "--install", release, filepath.Join(root, dir), "--namespace", namespace, "--create-namespace"}
	for _, value := range values {
		args = append(args, "--set", value)
	}
	_, err = e.Helm(ctx, args...)
	return err
}

// Helm runs Helm against the cluster with the administrator's rights and returns what it prints.
func (e *Environment) Helm(ctx context.Context, args ...string) (string, error) {
	paths, err := tools.Ensure(ctx, e.progress, tools.Helm)
	if err != nil {
		return "", err
	}
	home := filepath.Join(e.dir.path, "helm")
	cmd := exec.CommandContext(ctx, paths[tools.Helm], args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+e.Kubeconfig(), "HELM_CONFIG_HOME="+home, "HELM_CACHE_HOME="+home, "HELM_DATA_HOME="+home)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("helm %s: %w\n%s", args[0], err, output)
	}
	return string(output), nil
}

// KubeconfigFor returns the path of a kubeconfig with the rights of a service account, such as the chart's.
func (e *Environment) KubeconfigFor(ctx context.Context, namespace, serviceAccount string) (string, error) {
	return e.Cluster.KubeconfigFor(ctx, types.NamespacedName{Namespace: namespace, Name: serviceAccount})
}
