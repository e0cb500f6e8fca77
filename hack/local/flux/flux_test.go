package flux_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/hack/local/crds"
	"github.com/giantswarm/app-upgrade-operator/hack/local/flux"
)

func TestStartRefusesAnEmptyBinDir(t *testing.T) {
	_, err := flux.Start(t.Context(), flux.Options{Dir: t.TempDir(), BinDir: t.TempDir(), ImageOnly: true})
	if err == nil || !strings.Contains(err.Error(), flux.BinDirVariable) {
		t.Errorf("Start() = %v, want an error that names %s", err, flux.BinDirVariable)
	}
}

func TestImageControllersDieAndComeBack(t *testing.T) {
	c := cluster.ForTest(t)
	dirs, err := crds.Dirs()
	must(t, err)
	must(t, c.InstallCRDs(t.Context(), dirs...))
	dir := t.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	must(t, c.WriteKubeconfig(kubeconfig))

	binDir := os.Getenv(flux.BinDirVariable)
	f, err := flux.Start(t.Context(), flux.Options{Dir: dir, Kubeconfig: kubeconfig, BinDir: binDir, ImageOnly: true, Progress: os.Stderr})
	must(t, err)
	t.Cleanup(func() { must(t, f.Stop()) })
	if f.IsStandIn() != (binDir == "") {
		t.Errorf("stand-in runs: %v, with %s=%q", f.IsStandIn(), flux.BinDirVariable, binDir)
	}
	running := func() (names []string) {
		for _, name := range f.ImageControllers() {
			if p := f.Process(name); p != nil && p.Running() {
				names = append(names, name)
			}
		}
		return names
	}
	for _, name := range f.ImageControllers() {
		must(t, f.Process(name).Kill())
	}
	if left := running(); len(left) > 0 {
		t.Errorf("killed, but running: %v", left)
	}
	for _, name := range f.ImageControllers() {
		must(t, f.Restart(t.Context(), name))
	}
	if diff := cmp.Diff(f.ImageControllers(), running()); diff != "" {
		t.Errorf("running after the restart (-want +got):\n%s", diff)
	}
	must(t, f.Err())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
