package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/flux"
)

// Names of the chart's release here, which are also those of its service account.
const (
	chartDir          = "helm/app-upgrade-operator"
	releaseName       = "app-upgrade-operator"
	operatorNamespace = "app-upgrade-operator"
)

const upText = `
The local environment runs until Ctrl-C.

  export KUBECONFIG=%[1]s
  Git server       %[2]s
  OCI registry     %[3]s
  image automation %[4]s
  logs             %[5]s
`

// up starts everything and waits until the context ends or a server dies.
func up(ctx context.Context) (err error) {
	e, err := environment.Start(ctx, environment.Options{FluxBinDir: os.Getenv(flux.BinDirVariable), Progress: os.Stderr})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Stop()) }()
	if err := e.InstallChart(ctx, chartDir, releaseName, operatorNamespace); err != nil {
		return err
	}
	kubeconfig, err := e.KubeconfigFor(ctx, operatorNamespace, releaseName)
	if err != nil {
		return err
	}
	operator, err := e.StartOperator(ctx, environment.OperatorOptions{Kubeconfig: kubeconfig})
	if err != nil {
		return err
	}
	if err := e.CreateCatalog(ctx, "default", "local"); err != nil {
		return err
	}
	fmt.Printf(upText, e.Kubeconfig(), e.Git.URL(), e.Registry.CatalogURL(), e.Flux.Description(), e.Dir())
	select {
	case <-ctx.Done():
		return nil
	case <-operator.Exited():
		return operator.Err()
	}
}
