// Package cluster runs a Kubernetes control plane on loopback: etcd, kube-apiserver with RBAC and, if wanted,
// kube-controller-manager for garbage collection, namespaces, and aggregated roles. There are no nodes and no pods.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"

	"github.com/giantswarm/app-upgrade-operator/hack/local/process"
	"github.com/giantswarm/app-upgrade-operator/hack/local/tools"
)

// Options say what to start.
type Options struct {
	// Dir is an existing folder for data, credentials and logs. Whoever made it removes it after Stop.
	Dir string
	// ControllerManager also starts kube-controller-manager.
	ControllerManager bool
	// Progress receives lines about what is built and started; default: nowhere.
	Progress io.Writer
}

// Cluster is a running control plane.
type Cluster struct {
	dir       string
	config    *rest.Config
	etcd      *process.Process
	apiServer *process.Process
	manager   *process.Process // nil without Options.ControllerManager

	apiServerConfig process.Config
}

// Start builds what is missing, starts the control plane, and returns when it serves. On an error nothing is left running.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	if options.Progress == nil {
		options.Progress = io.Discard
	}
	names := []string{tools.Etcd, tools.KubeAPIServer}
	if options.ControllerManager {
		names = append(names, tools.KubeControllerManager)
	}
	paths, err := tools.Ensure(ctx, options.Progress, names...)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	c := &Cluster{dir: options.Dir}
	if err := c.start(ctx, paths, options.ControllerManager); err != nil {
		return nil, errors.Join(fmt.Errorf("start a local control plane: %w", err), c.Stop())
	}
	fmt.Fprintf(options.Progress, "Kubernetes API server is ready at %s after %s\n", c.config.Host, time.Since(began).Round(100*time.Millisecond))
	return c, nil
}

func (c *Cluster) start(ctx context.Context, paths tools.Paths, controllerManager bool) error {
	for _, dir := range []string{"etcd", "logs"} {
		if err := os.MkdirAll(filepath.Join(c.dir, dir), 0o700); err != nil {
			return fmt.Errorf("make room for the control plane: %w", err)
		}
	}
	addresses, err := process.FreeAddresses(4)
	if err != nil {
		return err
	}
	etcdURL, peerURL := "http://"+addresses[0], "http://"+addresses[1]
	credentials, err := createCredentials(c.dir)
	if err != nil {
		return err
	}
	c.config = credentials.adminConfig("https://" + addresses[2])

	if c.etcd, err = process.Start(ctx, etcdProcess(paths[tools.Etcd], c.dir, etcdURL, peerURL)); err != nil {
		return err
	}
	c.apiServerConfig, err = apiServerProcess(paths[tools.KubeAPIServer], c.dir, etcdURL, addresses[2], credentials, c.config)
	if err != nil {
		return err
	}
	if c.apiServer, err = process.Start(ctx, c.apiServerConfig); err != nil {
		return err
	}
	if !controllerManager {
		return nil
	}
	kubeconfig := filepath.Join(c.dir, "controller-manager.kubeconfig")
	if err := c.WriteKubeconfig(kubeconfig); err != nil {
		return err
	}
	c.manager, err = process.Start(ctx, managerProcess(paths[tools.KubeControllerManager], c.dir, addresses[3], kubeconfig, credentials))
	return err
}

// Config returns a copy of the administrator's client configuration, without client-side rate limits.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// APIServer returns the API server's process, for tests that take it away.
func (c *Cluster) APIServer() *process.Process { return c.apiServer }

// RestartAPIServer starts the API server again at its old address after it was stopped or killed.
func (c *Cluster) RestartAPIServer(ctx context.Context) error {
	if err := c.apiServer.Stop(); err != nil {
		return err
	}
	apiServer, err := process.Start(ctx, c.apiServerConfig)
	if err != nil {
		return err
	}
	c.apiServer = apiServer
	return nil
}

// Stop ends all processes of the control plane. It may be called more than once.
func (c *Cluster) Stop() error {
	var errs []error
	for _, p := range []*process.Process{c.manager, c.apiServer, c.etcd} {
		if p != nil {
			errs = append(errs, p.Stop())
		}
	}
	return errors.Join(errs...)
}

// Err returns why one of the processes ended by itself, or nil.
func (c *Cluster) Err() error {
	var errs []error
	for _, p := range []*process.Process{c.manager, c.apiServer, c.etcd} {
		if p != nil {
			errs = append(errs, p.Err())
		}
	}
	return errors.Join(errs...)
}
