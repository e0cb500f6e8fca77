package registry

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// Chart is a small chart that installs one ConfigMap.
type Chart struct {
	Name string
	// Version is the chart's version and its tag.
	Version string
	// AppVersion defaults to Version.
	AppVersion string
}

const configMapTemplate = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  version: {{ .Chart.AppVersion | quote }}
`

// Push packages charts and pushes them, with Helm as a person would.
func (r *Registry) Push(ctx context.Context, charts ...Chart) error {
	dir, err := os.MkdirTemp(r.dir, "charts-")
	if err != nil {
		return fmt.Errorf("make room for charts: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // below the registry's own temporary folder
	for _, chart := range charts {
		if err := r.push(ctx, dir, chart); err != nil {
			return fmt.Errorf("push chart %s %s: %w", chart.Name, chart.Version, err)
		}
	}
	return nil
}

func (r *Registry) push(ctx context.Context, dir string, chart Chart) error {
	source := filepath.Join(dir, chart.Name)
	if err := writeChart(source, chart); err != nil {
		return err
	}
	if err := r.runHelm(ctx, "package", source, "--destination", dir); err != nil {
		return err
	}
	archive := filepath.Join(dir, chart.Name+"-"+chart.Version+".tgz")
	return r.runHelm(ctx, "push", archive, "oci://"+r.host+"/"+chartsPath, "--plain-http", "--registry-config", r.helmCredentials())
}

func writeChart(dir string, chart Chart) error {
	if chart.AppVersion == "" {
		chart.AppVersion = chart.Version
	}
	metadata, err := yaml.Marshal(map[string]string{
		"apiVersion":  "v2",
		"name":        chart.Name,
		"version":     chart.Version,
		"appVersion":  chart.AppVersion,
		"description": "A chart of the local environment",
	})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "templates"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "Chart.yaml"), metadata, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "templates", "configmap.yaml"), []byte(configMapTemplate), 0o600)
}

func (r *Registry) runHelm(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, r.helm, args...)
	// Helm's own folders would be read and written in the user's home otherwise.
	cmd.Env = append(os.Environ(), "HELM_CONFIG_HOME="+r.dir, "HELM_CACHE_HOME="+r.dir, "HELM_DATA_HOME="+r.dir)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("helm %s: %w\n%s", args[0], err, output)
	}
	return nil
}
