package resolve

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// The App Platform's admission controller overwrites the version of an App of these catalogs and this chart prefix if
// its values set global.release.version.
var clusterCatalogs = []string{"cluster", "cluster-test"}

const (
	clusterChartPrefix = "cluster-"
	// valuesKey is where an App's user values are in their ConfigMap.
	valuesKey = "values"
)

// checkVersion finds out whether the version is one that a marker can set.
func (r *Resolver) checkVersion(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, target *Target) (*pin.Finding, error) {
	release, err := r.versionFromValues(ctx, target.App)
	if err != nil {
		return nil, err
	}
	if release {
		return finding(v1alpha1.VersionFromValuesReason,
			"The version of App %s/%s is set by global.release.version in its values, so a version in spec.version has no effect: upgrade the release there",
			policy.Namespace, target.Name), nil
	}
	return versionFinding(policy.Namespace, target.Name, target.App.Spec.Version), nil
}

func versionFinding(namespace, name, version string) *pin.Finding {
	if version == "" {
		return finding(v1alpha1.VersionUnsupportedReason, "App %s/%s has an empty spec.version: set the version that it starts from", namespace, name)
	}
	parsed, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v"))
	if err != nil {
		return finding(v1alpha1.VersionUnsupportedReason,
			"App %s/%s has spec.version %q, which is no semantic version: set one with three parts, such as 1.2.3", namespace, name, version)
	}
	if parsed.Metadata() != "" {
		return finding(v1alpha1.VersionUnsupportedReason,
			"App %s/%s has spec.version %q with build metadata, which no OCI registry has: set a version without +%s", namespace, name, version, parsed.Metadata())
	}
	return nil
}

// versionFromValues says whether the values of a cluster's App set its version. The ConfigMap is not watched: a change is
// seen when something else asks for a look at the policy.
func (r *Resolver) versionFromValues(ctx context.Context, app *appv1alpha1.App) (bool, error) {
	if !slices.Contains(clusterCatalogs, app.Spec.Catalog) || !strings.HasPrefix(app.Spec.Name, clusterChartPrefix) {
		return false, nil
	}
	if app.Spec.UserConfig == nil || app.Spec.UserConfig.ConfigMap == nil {
		return false, nil
	}
	reference := *app.Spec.UserConfig.ConfigMap
	var values corev1.ConfigMap
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: reference.Namespace, Name: reference.Name}, &values)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read ConfigMap %s/%s: %w", reference.Namespace, reference.Name, err)
	}
	return setsRelease(values.Data[valuesKey]), nil
}

// setsRelease says whether values set global.release.version. Values that are no YAML set nothing.
func setsRelease(values string) bool {
	var parsed struct {
		Global struct {
			Release struct {
				Version any `json:"version"`
			} `json:"release"`
		} `json:"global"`
	}
	if yaml.Unmarshal([]byte(values), &parsed) != nil {
		return false
	}
	version := parsed.Global.Release.Version
	return version != nil && version != ""
}
