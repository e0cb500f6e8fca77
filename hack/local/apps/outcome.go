package apps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Values of status.release.status.
const (
	deployed        = "deployed"
	failed          = "failed"
	pendingInstall  = "pending-install"
	pendingUpgrade  = "pending-upgrade"
	versionNotFound = "app-version-not-found"
	appNotFound     = "app-not-found"
	indexNotFound   = "index-not-found"
	cordoned        = "cordoned"
)

// status is an App's status as far as it says what happened.
type status struct {
	version, appVersion, release, reason string
}

func readStatus(app *unstructured.Unstructured) status {
	return status{
		version:    text(app, "status", "version"),
		appVersion: text(app, "status", "appVersion"),
		release:    text(app, "status", "release", "status"),
		reason:     text(app, "status", "release", "reason"),
	}
}

// outcome returns the status that an App should have now and when to look again, zero for not before it changes.
func (o *Operator) outcome(ctx context.Context, app *unstructured.Unstructured) (status, time.Duration, error) {
	if until, ok := app.GetAnnotations()[cordonAnnotation]; ok {
		return status{release: cordoned, reason: "cordoned until " + until}, retry, nil
	}
	catalog, err := o.catalog(ctx, app)
	if err != nil {
		return status{}, 0, err
	}
	if catalog == nil {
		return status{release: appNotFound, reason: fmt.Sprintf("catalog %q not found", text(app, "spec", "catalog"))}, retry, nil
	}
	base, ok := strings.CutPrefix(catalogURL(catalog), "oci://")
	if !ok {
		return status{release: indexNotFound, reason: "only OCI catalogs exist in the local environment"}, retry, nil
	}
	chart, version := text(app, "spec", "name"), strings.TrimPrefix(text(app, "spec", "version"), "v")
	appVersion, found, err := o.readChart(ctx, strings.TrimSuffix(base, "/")+"/"+chart, version)
	if err != nil {
		return status{}, 0, err
	}
	if !found {
		return status{release: versionNotFound, reason: fmt.Sprintf("no chart %s %q in the catalog", chart, version)}, retry, nil
	}
	if o.fails(app, release{chart, version}) {
		return status{version: version, appVersion: appVersion, release: failed, reason: "it was told to fail"}, retry, nil
	}
	want := status{version: version, appVersion: appVersion, release: deployed}
	now, pending := o.pendingFirst(readStatus(app), want, app)
	if pending > 0 {
		return now, pending, nil
	}
	return want, 0, nil
}

// pendingFirst returns the status while Helm seems to work, and how long that still takes; zero when it is done.
func (o *Operator) pendingFirst(now, want status, app *unstructured.Unstructured) (status, time.Duration) {
	if o.options.Delay == 0 || now == want {
		return want, 0
	}
	if now.release != pendingInstall && now.release != pendingUpgrade || now.reason != want.version {
		state := pendingUpgrade
		if now.version == "" {
			state = pendingInstall
		}
		return status{version: now.version, appVersion: now.appVersion, release: state, reason: want.version}, o.options.Delay
	}
	began, err := time.Parse(time.RFC3339, text(app, "status", "release", "lastDeployed"))
	if err != nil {
		return want, 0
	}
	return now, max(0, time.Until(began.Add(o.options.Delay)))
}

// catalogURL returns the address of a Catalog's charts: its first repository, else its storage.
func catalogURL(catalog *unstructured.Unstructured) string {
	repositories, _, _ := unstructured.NestedSlice(catalog.Object, "spec", "repositories")
	if len(repositories) == 0 {
		return text(catalog, "spec", "storage", "URL")
	}
	first, _ := repositories[0].(map[string]any)
	url, _ := first["URL"].(string)
	return url
}

// readChart returns the appVersion of a chart in a registry, and whether it is there.
func (o *Operator) readChart(ctx context.Context, repository, version string) (appVersion string, found bool, err error) {
	tag, err := name.NewTag(repository + ":" + version)
	if err != nil {
		return "", false, nil //nolint:nilerr // what cannot be a tag is not there
	}
	image, err := remote.Image(tag, remote.WithContext(ctx), remote.WithAuth(o.options.Auth))
	var refused *transport.Error
	if errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read chart %s: %w", tag, err)
	}
	config, err := image.RawConfigFile()
	if err != nil {
		return "", false, fmt.Errorf("read chart %s: %w", tag, err)
	}
	var metadata struct {
		AppVersion string `json:"appVersion"`
	}
	if err := json.Unmarshal(config, &metadata); err != nil {
		return "", false, fmt.Errorf("read chart %s: %w", tag, err)
	}
	return metadata.AppVersion, true, nil
}
