package conformance

import (
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	reflectorv1 "github.com/fluxcd/image-reflector-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/hack/local/crds"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/hack/local/process"
	"github.com/giantswarm/app-upgrade-operator/hack/local/tools"
)

const (
	reflectorBinary  = "image-reflector-controller"
	automationBinary = "image-automation-controller"
)

// cases are all tests of the suite. Each runs in a namespace of its own, beside the others.
var cases = []map[string]func(*testing.T, *world){
	repositoryCases, policyCases, triggerCases, batchCases, failureCases, commitCases, sourceCases,
}

// parallelCases is how many cases run at once: they mostly wait, for requeues and back-offs.
const parallelCases = "8"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", parallelCases); err != nil {
		log.Fatal(err)
	}
	ctrl.SetLogger(logr.Discard()) // The client warns if it has no logger.
	os.Exit(m.Run())
}

func TestStandIn(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "fluxstandin")
	root, err := tools.Root()
	if err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./hack/local/fluxstandin")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the stand-in: %v\n%s", err, output)
	}
	runSuite(t, binary)
}

func TestFlux(t *testing.T) {
	dir := os.Getenv("FLUX_BIN_DIR")
	if dir == "" {
		t.Log("FLUX_BIN_DIR is not set: the suite runs on the stand-in only")
		return
	}
	runSuite(t, filepath.Join(dir, reflectorBinary), filepath.Join(dir, automationBinary))
}

// runSuite runs all cases on controllers that share an API server, a Git server and a registry of their own.
func runSuite(t *testing.T, binaries ...string) {
	s := newSuite(t)
	for _, binary := range binaries {
		s.start(t, binary)
	}
	t.Run("cases", func(t *testing.T) {
		for _, group := range cases {
			for name, test := range group {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, s.newWorld(t))
				})
			}
		}
	})
}

// suite is what the cases share.
type suite struct {
	client     client.Client
	kubeconfig string
	cluster    *cluster.Cluster
	gitDir     string
	git        *gitserver.Server
	registry   *registry
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	s := &suite{
		cluster:    cluster.ForTest(t),
		kubeconfig: filepath.Join(t.TempDir(), "kubeconfig"),
		gitDir:     t.TempDir(),
		registry:   newRegistry(t),
	}
	s.git = newGitServer(t, s.gitDir)
	dirs, err := crds.Dirs()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cluster.InstallCRDs(t.Context(), dirs...); err != nil {
		t.Fatal(err)
	}
	if err := s.cluster.WriteKubeconfig(s.kubeconfig); err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	err = errors.Join(clientgoscheme.AddToScheme(scheme), reflectorv1.AddToScheme(scheme),
		automationv1.AddToScheme(scheme), sourcev1.AddToScheme(scheme))
	if err != nil {
		t.Fatal(err)
	}
	if s.client, err = client.New(s.cluster.Config(), client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	return s
}

// start runs a controller until the test ends, and shows the end of its log if the test failed.
func (s *suite) start(t *testing.T, binary string) {
	t.Helper()
	addresses, err := process.FreeAddresses(2)
	if err != nil {
		t.Fatal(err)
	}
	metrics, health := addresses[0], addresses[1]
	arguments := []string{"--metrics-addr=" + metrics, "--health-addr=" + health}
	if filepath.Base(binary) != automationBinary {
		arguments = append(arguments, "--storage-path="+t.TempDir())
	}
	controller, err := process.Start(t.Context(), process.Config{
		Name:   filepath.Base(binary),
		Path:   binary,
		Args:   arguments,
		Env:    []string{"KUBECONFIG=" + s.kubeconfig, "TMPDIR=" + t.TempDir()},
		LogDir: t.TempDir(),
		Ready:  process.HTTPReady(http.DefaultClient, "http://"+health+"/readyz", http.StatusOK),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Log of %s ends with:\n%s", filepath.Base(binary), controller.LogTail())
		}
		if err := errors.Join(controller.Err(), controller.Stop()); err != nil {
			t.Error(err)
		}
	})
}
