package environment_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	imageautomationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagereflectorv1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/flux"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/hack/local/registry"
)

const appFile = `apiVersion: application.giantswarm.io/v1alpha1
kind: App
metadata:
  name: hello
  namespace: default
spec:
  catalog: charts
  kubeConfig:
    inCluster: true
  name: hello-world
  namespace: hello
  version: 1.0.0 # {"$imagepolicy": "default:hello:tag"}
`

// TestUpgradeByFlux lets a new chart travel the whole way: registry, image controllers, Git, source-controller,
// kustomize-controller, App, status. The operator is not needed for a version that everybody wants.
func TestUpgradeByFlux(t *testing.T) {
	ctx := t.Context()
	user := gitserver.User{Name: "flux", Password: "f"}
	e, err := environment.Start(ctx, environment.Options{
		FluxBinDir:       os.Getenv(flux.BinDirVariable),
		RegistryUsername: "puller", RegistryPassword: "p", GitUsers: []gitserver.User{user}, Progress: os.Stderr,
	})
	must(t, err)
	t.Cleanup(func() { must(t, errors.Join(e.Err(), e.Stop())) })

	must(t, e.Registry.Push(ctx, registry.Chart{Name: "hello-world", Version: "1.0.0"}))
	must(t, e.CreateCatalog(ctx, "default", "charts"))
	repository, err := e.Git.Create(ctx, "gitops", map[string]string{"apps/hello.yaml": appFile})
	must(t, err)
	source, _, err := e.Sync(ctx, environment.GitOps{Name: "gitops", Namespace: "default", Repository: repository, User: user, Path: "./apps"})
	must(t, err)
	waitDeployed(t, e, "1.0.0")

	automate(t, e, source)
	must(t, e.Registry.Push(ctx, registry.Chart{Name: "hello-world", Version: "1.1.0"}))
	waitDeployed(t, e, "1.1.0")
	log, err := repository.Log(ctx, gitserver.DefaultBranch)
	must(t, err)
	if len(log) != 2 || !strings.Contains(log[0].Author, "fluxbot") {
		t.Errorf("history is %+v, want one commit of Flux on top", log)
	}
	if counts := repository.Counts("flux"); counts.Pushes != 1 || counts.Fetches == 0 {
		t.Errorf("requests are %+v, want one push and some fetches", counts)
	}
}

// automate creates what the operator would: a scan, a policy, and an automation.
func automate(t *testing.T, e *environment.Environment, source *sourcev1.GitRepository) {
	t.Helper()
	secret, err := e.Registry.PullSecret("default", "pull")
	must(t, err)
	metadata := metav1.ObjectMeta{Namespace: "default", Name: "hello"}
	for _, object := range []client.Object{
		secret,
		&imagereflectorv1.ImageRepository{ObjectMeta: metadata, Spec: imagereflectorv1.ImageRepositorySpec{
			Image: e.Registry.ChartImage("hello-world"), Interval: metav1.Duration{Duration: time.Second}, Insecure: true,
			SecretRef: &meta.LocalObjectReference{Name: "pull"},
		}},
		&imagereflectorv1.ImagePolicy{ObjectMeta: metadata, Spec: imagereflectorv1.ImagePolicySpec{
			ImageRepositoryRef: meta.NamespacedObjectReference{Name: "hello"},
			Policy:             imagereflectorv1.ImagePolicyChoice{SemVer: &imagereflectorv1.SemVerPolicy{Range: ">=1.0.0"}},
		}},
		&imageautomationv1.ImageUpdateAutomation{ObjectMeta: metadata, Spec: imageautomationv1.ImageUpdateAutomationSpec{
			SourceRef: imageautomationv1.CrossNamespaceSourceReference{Kind: sourcev1.GitRepositoryKind, Name: source.Name},
			Interval:  metav1.Duration{Duration: time.Hour},
			Update:    &imageautomationv1.UpdateStrategy{Path: "./apps", Strategy: imageautomationv1.UpdateStrategySetters},
			GitSpec: &imageautomationv1.GitSpec{Commit: imageautomationv1.CommitSpec{
				Author: imageautomationv1.CommitUser{Name: "fluxbot", Email: "fluxbot@example.com"},
			}},
		}},
	} {
		must(t, e.Client.Create(t.Context(), object))
	}
}

func waitDeployed(t *testing.T, e *environment.Environment, version string) {
	t.Helper()
	app := &unstructured.Unstructured{}
	app.SetAPIVersion("application.giantswarm.io/v1alpha1")
	app.SetKind("App")
	deployed := func(ctx context.Context) (bool, error) {
		if err := e.Err(); err != nil {
			return false, err
		}
		if err := e.Client.Get(ctx, client.ObjectKey{Namespace: "default", Name: "hello"}, app); err != nil {
			return false, client.IgnoreNotFound(err)
		}
		installed, _, _ := unstructured.NestedString(app.Object, "status", "version")
		state, _, _ := unstructured.NestedString(app.Object, "status", "release", "status")
		return installed == version && state == "deployed", nil
	}
	if err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 2*time.Minute, true, deployed); err != nil {
		t.Fatalf("version %s was not deployed: %v\nthe App is %v", version, err, app.Object)
	}
}

// cancelWhen ends a context as soon as a line of progress contains a text.
type cancelWhen struct {
	text   string
	cancel context.CancelFunc
}

func (c cancelWhen) Write(line []byte) (int, error) {
	if strings.Contains(string(line), c.text) {
		c.cancel()
	}
	return os.Stderr.Write(line)
}

func TestInterruptedStartLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := environment.Start(ctx, environment.Options{Progress: cancelWhen{"API server is ready", cancel}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Start() = %v, want that it was cancelled", err)
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	must(t, err)
	if len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
	if processes := processesIn(t, os.TempDir()); len(processes) > 0 {
		t.Errorf("processes are left: %v", processes)
	}
}

func TestFolderOfAKilledEnvironmentIsRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	abandoned := filepath.Join(os.TempDir(), "app-upgrade-operator-local-1")
	must(t, os.Mkdir(abandoned, 0o700))
	must(t, os.WriteFile(filepath.Join(abandoned, "lock"), nil, 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := environment.Start(ctx, environment.Options{Progress: os.Stderr})
	if err == nil {
		t.Fatal("it started although its context had ended")
	}
	if _, err := os.Stat(abandoned); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

// processesIn returns the command lines of the processes that mention a folder. Only Linux has /proc; elsewhere there are none.
func processesIn(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	must(t, err)
	var found []string
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(content), dir) {
			found = append(found, strings.ReplaceAll(string(content), "\x00", " "))
		}
	}
	return found
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
