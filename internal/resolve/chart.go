package resolve

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// catalogNamespaces are where the App Platform looks for a Catalog whose namespace an App does not name.
var catalogNamespaces = []string{"default", "giantswarm"}

// findChart finds the address of a target's chart: the policy's, else the one of the target's catalog.
func (r *Resolver) findChart(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, target *Target) (*pin.Finding, error) {
	if url := explicitChart(policy); url != "" {
		target.Chart = url
		return nil, nil
	}
	catalog, err := r.catalogOf(ctx, target.App)
	if err != nil {
		return nil, err
	}
	if catalog == nil {
		return finding(v1alpha1.CatalogMissingReason, "There is no Catalog %s in namespace %s, which App %s/%s names: create it, or set chart.url in the policy",
			target.App.Spec.Catalog, strings.Join(namespacesOf(target.App), " or "), policy.Namespace, target.Name), nil
	}
	base, found := ociBase(catalog)
	if !found {
		return finding(v1alpha1.CatalogNotOCIReason,
			"Catalog %s/%s has no repository whose URL begins with %s: add one to its spec.repositories, or set chart.url in the policy",
			catalog.Namespace, catalog.Name, fluxobjects.OCIScheme), nil
	}
	target.Chart = strings.TrimRight(base, "/") + "/" + target.App.Spec.Name
	return nil, nil
}

func explicitChart(policy *v1alpha1.AppUpgradePolicy) string {
	if policy.Spec.Chart == nil {
		return ""
	}
	return strings.TrimRight(policy.Spec.Chart.URL, "/")
}

func namespacesOf(app *appv1alpha1.App) []string {
	if app.Spec.CatalogNamespace != nil && *app.Spec.CatalogNamespace != "" {
		return []string{*app.Spec.CatalogNamespace}
	}
	return catalogNamespaces
}

// catalogOf is the Catalog of an App, or nil if there is none.
func (r *Resolver) catalogOf(ctx context.Context, app *appv1alpha1.App) (*appv1alpha1.Catalog, error) {
	for _, namespace := range namespacesOf(app) {
		catalog := &appv1alpha1.Catalog{}
		err := r.Cached.Get(ctx, client.ObjectKey{Namespace: namespace, Name: app.Spec.Catalog}, catalog)
		if err == nil {
			return catalog, nil
		}
		if !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("read Catalog %s/%s: %w", namespace, app.Spec.Catalog, err)
		}
	}
	return nil, nil
}

// ociBase is the address under which a Catalog has its charts: the first OCI one of its repositories, else its storage.
// The scheme alone decides: what the author calls the type is no proof.
func ociBase(catalog *appv1alpha1.Catalog) (string, bool) {
	for _, repository := range slices.Concat(catalog.Spec.Repositories, []appv1alpha1.Repository{catalog.Spec.Storage}) {
		if strings.HasPrefix(repository.URL, fluxobjects.OCIScheme) {
			return repository.URL, true
		}
	}
	return "", false
}

// commonChart is the chart of all targets, or the problem that they differ.
func commonChart(policy *v1alpha1.AppUpgradePolicy, targets []Target) (string, *pin.Finding) {
	first := Target{Chart: explicitChart(policy)}
	for _, target := range targets {
		if first.Chart == "" {
			first = target
		}
		if target.Chart != "" && target.Chart != first.Chart {
			return "", finding(v1alpha1.ChartsDifferReason, "%s %s has chart %s and %s %s has %s: one policy upgrades one chart, so make a policy for each",
				first.Kind, first.Name, first.Chart, target.Kind, target.Name, target.Chart)
		}
	}
	return first.Chart, nil
}
