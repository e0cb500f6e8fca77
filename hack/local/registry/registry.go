// Package registry runs an OCI registry (distribution) on loopback, and pushes small real charts to it with Helm.
package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/giantswarm/app-upgrade-operator/hack/local/process"
	"github.com/giantswarm/app-upgrade-operator/hack/local/tools"
)

// chartsPath is where charts are kept, as in Giant Swarm's registry.
const chartsPath = "charts/giantswarm"

// Options say how to serve.
type Options struct {
	// Dir is an existing folder for data, settings and logs. Whoever made it removes it after Stop.
	Dir string
	// Username and Password, if set, are asked of everybody.
	Username, Password string
	// Progress receives lines about what is built; default: nowhere.
	Progress io.Writer
}

// Registry is a running registry.
type Registry struct {
	dir                string
	host               string
	username, password string
	helm               string
	config             process.Config
	process            *process.Process
}

// Start builds what is missing and starts a registry.
func Start(ctx context.Context, options Options) (*Registry, error) {
	if options.Progress == nil {
		options.Progress = io.Discard
	}
	paths, err := tools.Ensure(ctx, options.Progress, tools.Registry, tools.Helm)
	if err != nil {
		return nil, err
	}
	host, err := process.FreeAddress()
	if err != nil {
		return nil, err
	}
	r := &Registry{dir: options.Dir, host: host, username: options.Username, password: options.Password, helm: paths[tools.Helm]}
	configFile, err := r.writeSettings()
	if err != nil {
		return nil, err
	}
	r.config = process.Config{
		Name:        "registry",
		Path:        paths[tools.Registry],
		Args:        []string{"serve", configFile},
		Env:         []string{"OTEL_TRACES_EXPORTER=none"},
		LogDir:      r.dir,
		Ready:       process.HTTPReady(http.DefaultClient, "http://"+host+"/v2/", http.StatusOK, http.StatusUnauthorized),
		StopTimeout: 3 * time.Second,
	}
	if r.process, err = process.Start(ctx, r.config); err != nil {
		return nil, fmt.Errorf("start the local registry: %w", err)
	}
	return r, nil
}

// Host returns host:port.
func (r *Registry) Host() string { return r.host }

// CatalogURL returns the address of all charts, for a Catalog's repositories.
func (r *Registry) CatalogURL() string { return "oci://" + r.host + "/" + chartsPath + "/" }

// ChartImage returns a chart's address as an ImageRepository wants it: without a scheme.
func (r *Registry) ChartImage(chart string) string { return r.host + "/" + chartsPath + "/" + chart }

// Process returns the registry's process, for tests that take it away.
func (r *Registry) Process() *process.Process { return r.process }

// Restart starts the registry again at its old address, with its old content, after it was stopped or killed.
func (r *Registry) Restart(ctx context.Context) error {
	if err := r.process.Stop(); err != nil {
		return err
	}
	restarted, err := process.Start(ctx, r.config)
	if err != nil {
		return err
	}
	r.process = restarted
	return nil
}

// Stop ends the registry. It may be called more than once.
func (r *Registry) Stop() error { return r.process.Stop() }

// Tags returns the tags of a chart.
func (r *Registry) Tags(ctx context.Context, chart string) ([]string, error) {
	repository, err := name.NewRepository(r.ChartImage(chart), name.Insecure)
	if err != nil {
		return nil, fmt.Errorf("tags of chart %s: %w", chart, err)
	}
	tags, err := remote.List(repository, r.remoteOptions(ctx)...)
	if err != nil {
		return nil, fmt.Errorf("tags of chart %s: %w", chart, err)
	}
	return tags, nil
}

// DeleteTag removes one version of a chart.
func (r *Registry) DeleteTag(ctx context.Context, chart, tag string) error {
	reference, err := name.NewTag(r.ChartImage(chart)+":"+tag, name.Insecure)
	if err != nil {
		return fmt.Errorf("delete tag %s of chart %s: %w", tag, chart, err)
	}
	if err := remote.Delete(reference, r.remoteOptions(ctx)...); err != nil {
		return fmt.Errorf("delete tag %s of chart %s: %w", tag, chart, err)
	}
	return nil
}

// DockerConfig returns the content of a pull secret (key .dockerconfigjson) that lets its holder in.
func (r *Registry) DockerConfig() ([]byte, error) {
	auths := map[string]any{}
	if r.username != "" {
		auths[r.host] = map[string]string{"username": r.username, "password": r.password}
	}
	content, err := json.Marshal(map[string]any{"auths": auths})
	if err != nil {
		return nil, fmt.Errorf("write the registry's credentials: %w", err)
	}
	return content, nil
}

// PullSecret returns a Secret that lets its holder in.
func (r *Registry) PullSecret(namespace, name string) (*corev1.Secret, error) {
	content, err := r.DockerConfig()
	if err != nil {
		return nil, err
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Type:       corev1.SecretTypeDockerConfigJson,
		Data:       map[string][]byte{corev1.DockerConfigJsonKey: content},
	}, nil
}

// Auth returns the credentials for a client from go-containerregistry.
func (r *Registry) Auth() authn.Authenticator {
	if r.username == "" {
		return authn.Anonymous
	}
	return &authn.Basic{Username: r.username, Password: r.password}
}

func (r *Registry) remoteOptions(ctx context.Context) []remote.Option {
	return []remote.Option{remote.WithContext(ctx), remote.WithAuth(r.Auth())}
}

// writeSettings writes distribution's settings, and for Helm a file with credentials.
func (r *Registry) writeSettings() (string, error) {
	settings := map[string]any{
		"version": "0.1",
		"log":     map[string]any{"level": "warn", "accesslog": map[string]any{"disabled": true}},
		"storage": map[string]any{
			"filesystem": map[string]any{"rootdirectory": filepath.Join(r.dir, "data")},
			"delete":     map[string]any{"enabled": true},
		},
		"http": map[string]any{"addr": r.host},
	}
	if r.username != "" {
		hash, err := bcrypt.GenerateFromPassword([]byte(r.password), bcrypt.MinCost)
		if err != nil {
			return "", fmt.Errorf("hash the registry's password: %w", err)
		}
		users := filepath.Join(r.dir, "htpasswd")
		if err := os.WriteFile(users, []byte(r.username+":"+string(hash)+"\n"), 0o600); err != nil {
			return "", fmt.Errorf("write the registry's users: %w", err)
		}
		settings["auth"] = map[string]any{"htpasswd": map[string]any{"realm": "local", "path": users}}
	}
	content, err := yaml.Marshal(settings)
	if err != nil {
		return "", fmt.Errorf("write the registry's settings: %w", err)
	}
	credentials, err := r.DockerConfig()
	if err != nil {
		return "", err
	}
	file := filepath.Join(r.dir, "registry.yaml")
	err = errors.Join(os.WriteFile(file, content, 0o600), os.WriteFile(r.helmCredentials(), credentials, 0o600))
	if err != nil {
		return "", fmt.Errorf("write the registry's settings: %w", err)
	}
	return file, nil
}

func (r *Registry) helmCredentials() string { return filepath.Join(r.dir, "helm-registry.json") }
