// Package crds holds the CustomResourceDefinitions of others that the local environment installs: Flux's, generated from its
// API modules, and Giant Swarm's App Platform's, as published.
package crds

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/hack/local/tools"
)

// fluxAPIs are the packages of the modules in go.mod that define the kinds of Flux that its controllers need here.
var fluxAPIs = []string{
	"github.com/fluxcd/source-controller/api/v1",
	"github.com/fluxcd/kustomize-controller/api/v1",
	"github.com/fluxcd/image-reflector-controller/api/v1",
	"github.com/fluxcd/image-automation-controller/api/v1",
	"github.com/fluxcd/helm-controller/api/v2",
}

// Dirs returns the folders with CRDs, for cluster.InstallCRDs and envtest.
func Dirs() ([]string, error) {
	dir, err := dir()
	if err != nil {
		return nil, err
	}
	return []string{filepath.Join(dir, "flux"), filepath.Join(dir, "giantswarm")}, nil
}

// GenerateFlux writes Flux's CRDs anew from its API modules into the project, with the pinned controller-gen.
func GenerateFlux(ctx context.Context, progress io.Writer) error {
	dir, err := dir()
	if err != nil {
		return err
	}
	paths, err := tools.Ensure(ctx, progress, tools.ControllerGen)
	if err != nil {
		return err
	}
	out := filepath.Join(dir, "flux")
	if err := removeYAML(out); err != nil { // kinds that a new version of Flux no longer has
		return err
	}
	cmd := exec.CommandContext(ctx, paths[tools.ControllerGen],
		"crd", "paths="+strings.Join(fluxAPIs, ";"), "output:crd:dir="+out)
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("generate Flux's CRDs: %w\n%s", err, output)
	}
	return nil
}

func dir() (string, error) {
	root, err := tools.Root()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "hack", "local", "crds"), nil
}

func removeYAML(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return fmt.Errorf("list generated CRDs: %w", err)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("remove an old generated CRD: %w", err)
		}
	}
	return nil
}
