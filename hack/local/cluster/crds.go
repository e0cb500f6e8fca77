package cluster

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// InstallCRDs creates or updates the CustomResourceDefinitions of the given files and folders, and waits until the API
// server serves them.
func (c *Cluster) InstallCRDs(ctx context.Context, paths ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	options := envtest.CRDInstallOptions{
		Paths:              paths,
		ErrorIfPathMissing: true,
		MaxTime:            30 * time.Second,
		PollInterval:       50 * time.Millisecond,
	}
	if _, err := envtest.InstallCRDs(c.config, options); err != nil {
		return fmt.Errorf("install the CRDs of %v: %w", paths, err)
	}
	return nil
}
