package resolve

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
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
	return versionFinding(policy, target.App), nil
}

// versionFinding is a finding unless the version in an App's spec can be compared with those of the registry.
func versionFinding(policy *v1alpha1.AppUpgradePolicy, app *appv1alpha1.App) *pin.Finding {
	text := app.Spec.Version
	if text == "" {
		return finding(v1alpha1.VersionUnsupportedReason, "App %s/%s has an empty spec.version: set the version that it starts from", app.Namespace, app.Name)
	}
	if versions.HasBuildMetadata(text) {
		return finding(v1alpha1.VersionUnsupportedReason,
			"App %s/%s has spec.version %q with build metadata, which no OCI registry has: set a version without +", app.Namespace, app.Name, text)
	}
	if _, err := versions.Parse(FilterOf(policy).VersionOf(text)); err != nil {
		return finding(v1alpha1.VersionUnsupportedReason,
			"App %s/%s has spec.version %q, which is no semantic version: set one with three parts, such as 1.2.3", app.Namespace, app.Name, text)
	}
	return nil
}

// FilterOf takes the version out of a longer tag, if the policy, whose pattern is valid, says how.
func FilterOf(policy *v1alpha1.AppUpgradePolicy) versions.Filter {
	tags := policy.Spec.Versions.FilterTags
	if tags == nil {
		return versions.Filter{}
	}
	filter, err := versions.NewFilter(tags.Pattern, tags.Extract)
	if err != nil {
		return versions.Filter{}
	}
	return filter
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
