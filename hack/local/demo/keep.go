package demo

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/hack/local/tools"
)

const keepText = `
It goes on running, and telling what happens, until Ctrl-C. In another terminal:

  export KUBECONFIG=%[1]s
  kubectl get aup,apps
  kubectl describe aup %[2]s

  git clone %[3]s

Publish a version of %[4]s newer than the one that the human left, which ends the hold:

  %[5]s package %[6]s --version %[7]s --destination %[8]s
  %[5]s push %[8]s/%[4]s-%[7]s.tgz %[9]s --plain-http

Logs and data: %[10]s
`

// keep says how to use what runs, and waits until the context ends or a server dies.
func (d *demo) keep(ctx context.Context) error {
	text, err := d.manual(ctx)
	if err != nil {
		return err
	}
	d.timeline.text(text)
	health := time.NewTicker(healthInterval)
	defer health.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-health.C:
			if err := d.watcher.health(); err != nil {
				return err
			}
		}
	}
}

// manual is keepText for this run. The chart is put into a folder, so that it can be packaged anew.
func (d *demo) manual(ctx context.Context) (string, error) {
	r, err := roleOf(reverted)
	if err != nil {
		return "", err
	}
	next, err := semver.NewVersion(r.wanted)
	if err != nil {
		return "", fmt.Errorf("version after %s: %w", r.wanted, err)
	}
	paths, err := tools.Ensure(ctx, io.Discard, tools.Helm)
	if err != nil {
		return "", err
	}
	charts := filepath.Join(d.environment.Dir(), "charts")
	if err := os.Mkdir(charts, 0o700); err != nil {
		return "", fmt.Errorf("make room for a chart: %w", err)
	}
	registry := d.environment.Registry.CatalogURL()
	_, err = d.environment.Helm(ctx, "pull", registry+r.app, "--version", r.wanted, "--plain-http", "--untar", "--destination", charts)
	if err != nil {
		return "", err
	}
	clone, err := url.Parse(d.repository.URL())
	if err != nil {
		return "", fmt.Errorf("address of the repository: %w", err)
	}
	clone.User = url.UserPassword(d.human.Name, d.human.Password)
	return fmt.Sprintf(keepText, d.environment.Kubeconfig(), d.policyOf(r.app), clone, r.app, paths[tools.Helm],
		filepath.Join(charts, r.app), next.IncPatch(), charts, registry, d.environment.Dir()), nil
}

// policyOf is the name of the policy of an App.
func (d *demo) policyOf(app string) string {
	for _, s := range d.samples {
		if slices.Contains(s.apps, app) {
			return s.policy.Name
		}
	}
	return ""
}
