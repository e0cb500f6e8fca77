package e2e

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/flux"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
)

const (
	chartDir          = "helm/app-upgrade-operator"
	operatorNamespace = "giantswarm"
	release           = "app-upgrade-operator"
)

// Users of the Git server: Flux's source-controller reads as one, the operator and Flux's automation work as another, so that
// a test can tell who did what.
var (
	reader   = gitserver.User{Name: "reader", Password: "reader-password", ReadOnly: true}
	upgrader = gitserver.User{Name: "upgrader", Password: "upgrader-password"}
)

// serviceAccount is the chart's.
var serviceAccount = types.NamespacedName{Namespace: operatorNamespace, Name: release}

// env is the environment of all tests; each has namespaces, repositories and charts of its own.
var env *environment.Environment

// kubeconfig has the rights of the chart's service account.
var kubeconfig string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := env.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	return m.Run()
}

func start(ctx context.Context) (err error) {
	env, err = environment.Start(ctx, environment.Options{
		FluxBinDir: os.Getenv(flux.BinDirVariable), GitUsers: []gitserver.User{reader, upgrader}, Progress: os.Stderr,
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "Flux's image controllers:", env.Flux.ImageControllers())
	if err := v1alpha1.AddToScheme(env.Client.Scheme()); err != nil {
		return err
	}
	if err := appv1alpha1.AddToScheme(env.Client.Scheme()); err != nil {
		return err
	}
	if err := env.InstallChart(ctx, chartDir, release, operatorNamespace); err != nil {
		return err
	}
	kubeconfig, err = env.KubeconfigFor(ctx, operatorNamespace, release)
	return err
}

// patience is how long a condition may take to come true. It is long: nothing is decided by time.
const patience = 2 * time.Minute

// eventually waits until check has no complaint.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		if err := env.Err(); err != nil {
			t.Fatalf("%s: a server of the environment ended: %v", what, err)
		}
		time.Sleep(100 * time.Millisecond) // between two looks, not for something to happen
	}
}

// startOperator runs the operator until the test ends, and shows its log if the test fails.
func startOperator(t *testing.T, options environment.OperatorOptions) *environment.Operator {
	t.Helper()
	if options.Kubeconfig == "" {
		options.Kubeconfig = kubeconfig
	}
	if options.Name == "" {
		options.Name = "operator-" + t.Name()
	}
	options.Args = append([]string{"--log-level=debug"}, options.Args...)
	operator, err := env.StartOperator(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := operator.Stop(); err != nil {
			t.Logf("the operator did not stop well: %v", err)
		}
		keepLog(t, operator, options.Name)
		if t.Failed() {
			t.Logf("the end of the log of %s:\n%s", options.Name, operator.LogTail())
		}
	})
	return operator
}

// logDirVariable names a folder that keeps the operators' whole logs, to look into a failure.
const logDirVariable = "E2E_LOG_DIR"

func keepLog(t *testing.T, operator *environment.Operator, name string) {
	t.Helper()
	dir := os.Getenv(logDirVariable)
	if dir == "" {
		return
	}
	log, err := os.ReadFile(operator.LogPath())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".log"), log, 0o600)
	}
	if err != nil {
		t.Logf("cannot keep the log of %s: %v", name, err)
	}
}
