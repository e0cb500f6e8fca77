package kinds

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// Annotations by which a human tells app-operator to leave an App alone.
const (
	PausedAnnotation       = "app-operator.giantswarm.io/paused"
	CordonReasonAnnotation = "app-operator.giantswarm.io/cordon-reason"
	CordonUntilAnnotation  = "app-operator.giantswarm.io/cordon-until"
)

const (
	// statusCordoned is the release status of a cordoned App; chart-operator writes it in capitals.
	statusCordoned = "cordoned"
	// catalogField is an index of Apps by the name of their Catalog.
	catalogField = "app.catalog"
	// clusterChartPrefix and clusterCatalogs: the App Platform's admission controller overwrites the version of an App of these
	// catalogs and this chart prefix if its values set global.release.version.
	clusterChartPrefix = "cluster-"
	// valuesKey is where an App's user values are in their ConfigMap.
	valuesKey = "values"
)

var (
	clusterCatalogs = []string{"cluster", "cluster-test"}
	// catalogNamespaces are where the App Platform looks for a Catalog whose namespace an App does not name.
	catalogNamespaces = []string{"default", "giantswarm"}
)

// Words of App.status.release.status, from app-operator and chart-operator. Helm's own words are those of rollout.
var (
	// refusals are those that no time mends, because the chart itself is refused: with the version that the spec has, Helm or
	// the platform will say the same again.
	refusals = []string{"invalid-manifest", "validation-failed", "values-schema-violation"}
	// troubles are those that something else may mend before the time is over: a registry that is away, a missing Secret.
	troubles = []string{
		"not-installed", "chart-pull-failed", "already-exists", "unknown-error", "app-not-found", "app-version-not-found",
		"catalog-empty", "index-not-found", "configmap-merge-failed", "secret-merge-failed", "resource-not-found", "cordon-failed",
	}
)

// +kubebuilder:rbac:groups=application.giantswarm.io,resources=apps;catalogs,verbs=get;list;watch

// app is Giant Swarm's App.
type app struct{}

func (app) GroupVersionKind() schema.GroupVersionKind {
	return appv1alpha1.GroupVersion.WithKind(appv1alpha1.AppKind)
}

func (app) Needs() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{appv1alpha1.GroupVersion.WithKind(appv1alpha1.CatalogKind)}
}

func (app) Installs() string                    { return "Giant Swarm's App Platform" }
func (app) AddToScheme(s *runtime.Scheme) error { return appv1alpha1.AddToScheme(s) }
func (app) New() client.Object                  { return &appv1alpha1.App{} }
func (app) NewList() client.ObjectList          { return &appv1alpha1.AppList{} }
func (app) Changed(before, after client.Object) bool {
	was, ok := before.(*appv1alpha1.App)
	is, okToo := after.(*appv1alpha1.App)
	return !ok || !okToo || excusedApp(was) != excusedApp(is) ||
		!reflect.DeepEqual(was.Spec, is.Spec) || !reflect.DeepEqual(was.Status, is.Status)
}

func (app) Watches() []Watch {
	return []Watch{{
		Object: &appv1alpha1.Catalog{}, Field: catalogField, Keys: catalogKeys, Changed: generationChanged,
		KeysOf: func(object client.Object) []string { return []string{object.GetName()} },
	}}
}

func generationChanged(before, after client.Object) bool {
	return before.GetGeneration() != after.GetGeneration()
}

func catalogKeys(object client.Object) []string {
	if app, ok := object.(*appv1alpha1.App); ok {
		return []string{app.Spec.Catalog}
	}
	return nil
}

// Look finds the chart through the App's Catalog.
func (a app) Look(ctx context.Context, reader Reader, query Query, object client.Object) (Facts, error) {
	app, ok := object.(*appv1alpha1.App)
	if !ok {
		return Facts{}, fmt.Errorf("%T is no App", object)
	}
	facts := Facts{
		Version:   app.Spec.Version,
		Written:   Written{Kind: a.GroupVersionKind(), Object: app, Field: []string{"spec", "version"}},
		Chart:     query.Chart,
		Installed: app.InstalledVersion(),
		Excused:   excusedApp(app),
	}
	facts.ReleaseStatus, facts.ReleaseReason = app.ReleaseStatus()
	facts.Trouble = troubleOfApp(facts.ReleaseStatus)
	release, err := versionFromValues(ctx, reader, app)
	if err != nil {
		return facts, err
	}
	facts.Finding = checkVersion(facts.Written, app.Spec.Version, query.Filter)
	if release {
		facts.Finding = finding(v1alpha1.VersionFromValuesReason,
			"The version of App %s/%s is set by global.release.version in its values, so a version in spec.version has no effect: upgrade the release there",
			app.Namespace, app.Name)
	}
	if query.Chart != "" {
		return facts, nil
	}
	chart, problem, err := chartOfApp(ctx, reader, app)
	facts.Chart = chart
	if facts.Finding == nil {
		facts.Finding = problem
	}
	return facts, err
}

func troubleOfApp(status string) rollout.Trouble {
	switch {
	case slices.Contains(refusals, status):
		return rollout.TroubleLasting
	case slices.Contains(troubles, status):
		return rollout.TroublePassing
	default:
		return ""
	}
}

// excusedApp says why nothing can be told of a version by what becomes of an App now; empty: it can.
func excusedApp(app *appv1alpha1.App) string {
	status, _ := app.ReleaseStatus()
	_, reason := app.Annotations[CordonReasonAnnotation]
	_, until := app.Annotations[CordonUntilAnnotation]
	switch paused, ok := app.Annotations[PausedAnnotation]; {
	case !app.DeletionTimestamp.IsZero():
		return excusedDeleting
	case ok && paused != "false":
		return excusedPaused
	case reason || until || strings.EqualFold(status, statusCordoned):
		return "cordoned"
	default:
		return ""
	}
}

// chartOfApp is the address of an App's chart, or why it is not known.
func chartOfApp(ctx context.Context, reader Reader, app *appv1alpha1.App) (string, *pin.Finding, error) {
	catalog, err := catalogOf(ctx, reader.Cached, app)
	if err != nil {
		return "", nil, err
	}
	if catalog == nil {
		return "", finding(v1alpha1.CatalogMissingReason, "There is no Catalog %s in namespace %s, which App %s/%s names: create it, or set chart.url in the policy",
			app.Spec.Catalog, strings.Join(catalogNamespacesOf(app), " or "), app.Namespace, app.Name), nil
	}
	base, found := ociBase(catalog)
	if !found {
		return "", finding(v1alpha1.CatalogNotOCIReason,
			"Catalog %s/%s has no repository whose URL begins with %s: add one to its spec.repositories, or set chart.url in the policy",
			catalog.Namespace, catalog.Name, fluxobjects.OCIScheme), nil
	}
	return strings.TrimRight(base, "/") + "/" + app.Spec.Name, nil, nil
}

func catalogNamespacesOf(app *appv1alpha1.App) []string {
	if app.Spec.CatalogNamespace != nil && *app.Spec.CatalogNamespace != "" {
		return []string{*app.Spec.CatalogNamespace}
	}
	return catalogNamespaces
}

// catalogOf is the Catalog of an App, or nil if there is none.
func catalogOf(ctx context.Context, reader client.Reader, app *appv1alpha1.App) (*appv1alpha1.Catalog, error) {
	for _, namespace := range catalogNamespacesOf(app) {
		catalog := &appv1alpha1.Catalog{}
		err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: app.Spec.Catalog}, catalog)
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

// versionFromValues says whether the values of a cluster's App set its version. The ConfigMaps are not watched: a change is seen
// when something else asks for a look at the policy. Secrets are not read.
func versionFromValues(ctx context.Context, reader Reader, app *appv1alpha1.App) (bool, error) {
	if !slices.Contains(clusterCatalogs, app.Spec.Catalog) || !strings.HasPrefix(app.Spec.Name, clusterChartPrefix) {
		return false, nil
	}
	for _, key := range valuesOf(app) {
		var values corev1.ConfigMap
		err := reader.Live.Get(ctx, key, &values)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("read ConfigMap %s: %w", key, err)
		}
		if setsRelease(values.Data[valuesKey]) {
			return true, nil
		}
	}
	return false, nil
}

// valuesOf are the ConfigMaps of which the App Platform merges an App's values, but for its Catalog's.
func valuesOf(app *appv1alpha1.App) []client.ObjectKey {
	var keys []client.ObjectKey
	for _, config := range []*appv1alpha1.Config{app.Spec.Config, app.Spec.UserConfig} {
		if config != nil && config.ConfigMap != nil {
			keys = append(keys, client.ObjectKey{Namespace: config.ConfigMap.Namespace, Name: config.ConfigMap.Name})
		}
	}
	for _, extra := range app.Spec.ExtraConfigs {
		if extra.Kind != "secret" {
			keys = append(keys, client.ObjectKey{Namespace: cmp.Or(extra.Namespace, app.Namespace), Name: extra.Name})
		}
	}
	return slices.DeleteFunc(keys, func(key client.ObjectKey) bool { return key.Name == "" })
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
