package apps_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/hack/local/apps"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/hack/local/crds"
	"github.com/giantswarm/app-upgrade-operator/hack/local/registry"
)

const namespace = "default"

type suite struct {
	client   client.Client
	operator *apps.Operator
	registry *registry.Registry
}

// got is what an App's status says.
type got struct{ Version, AppVersion, Status string }

func TestOperator(t *testing.T) {
	s := newSuite(t)
	s.createCatalog(t, "oci", s.registry.CatalogURL())
	s.createCatalog(t, "http", "https://charts.invalid/")
	must(t, s.registry.Push(t.Context(),
		registry.Chart{Name: "hello", Version: "1.0.0", AppVersion: "7.0"},
		registry.Chart{Name: "hello", Version: "1.1.0"},
		registry.Chart{Name: "hello", Version: "2.0.0"},
	))
	s.operator.Fail("hello", "2.0.0", true)

	tests := map[string]struct {
		catalog, version string
		annotations      map[string]string
		want             got
	}{
		"deployed":        {catalog: "oci", version: "1.0.0", want: got{"1.0.0", "7.0", "deployed"}},
		"with a v":        {catalog: "oci", version: "v1.1.0", want: got{"1.1.0", "1.1.0", "deployed"}},
		"fails":           {catalog: "oci", version: "2.0.0", want: got{"2.0.0", "2.0.0", "failed"}},
		"missing":         {catalog: "oci", version: "9.0.0", want: got{"", "", "app-version-not-found"}},
		"impossible":      {catalog: "oci", version: "1.0.0+build", want: got{"", "", "app-version-not-found"}},
		"unknown catalog": {catalog: "nope", version: "1.0.0", want: got{"", "", "app-not-found"}},
		"http catalog":    {catalog: "http", version: "1.0.0", want: got{"", "", "index-not-found"}},
		"cordoned": {catalog: "oci", version: "1.0.0", annotations: map[string]string{
			"app-operator.giantswarm.io/cordon-until": "2099-01-01",
		}, want: got{"", "", "cordoned"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			app := s.createApp(t, test.catalog, test.version, test.annotations)
			s.wantStatus(t, app, test.want)
		})
	}

	t.Run("follows the spec, the registry and Fail", func(t *testing.T) {
		app := s.createApp(t, "oci", "1.0.0", nil)
		s.wantStatus(t, app, got{"1.0.0", "7.0", "deployed"})
		s.setVersion(t, app, "1.2.0")
		s.wantStatus(t, app, got{"", "", "app-version-not-found"})
		must(t, s.registry.Push(t.Context(), registry.Chart{Name: "hello", Version: "1.2.0"}))
		s.wantStatus(t, app, got{"1.2.0", "1.2.0", "deployed"})
		s.setVersion(t, app, "2.0.0")
		s.wantStatus(t, app, got{"2.0.0", "2.0.0", "failed"})
		s.operator.Fail("hello", "2.0.0", false)
		s.wantStatus(t, app, got{"2.0.0", "2.0.0", "deployed"})
	})

	t.Run("follows FailApp", func(t *testing.T) {
		app, other := s.createApp(t, "oci", "1.0.0", nil), s.createApp(t, "oci", "1.0.0", nil)
		s.wantStatus(t, app, got{"1.0.0", "7.0", "deployed"})
		s.wantStatus(t, other, got{"1.0.0", "7.0", "deployed"})
		s.operator.FailApp(namespace, app.GetName(), true)
		s.wantStatus(t, app, got{"1.0.0", "7.0", "failed"})
		s.setVersion(t, app, "1.1.0")
		s.wantStatus(t, app, got{"1.1.0", "1.1.0", "failed"})
		s.operator.FailApp(namespace, app.GetName(), false)
		s.wantStatus(t, app, got{"1.1.0", "1.1.0", "deployed"})
		s.wantStatus(t, other, got{"1.0.0", "7.0", "deployed"})
	})

	t.Run("does nothing while paused", func(t *testing.T) {
		s.operator.Pause(true)
		app := s.createApp(t, "oci", "1.0.0", nil)
		other := s.createApp(t, "oci", "1.1.0", map[string]string{"app-operator.giantswarm.io/paused": "true"})
		s.operator.Pause(false)
		s.wantStatus(t, app, got{"1.0.0", "7.0", "deployed"}) // which comes after it would have seen the other
		if diff := cmp.Diff(got{}, s.status(t, other)); diff != "" {
			t.Errorf("status of a paused App (-want +got):\n%s", diff)
		}
	})
}

func TestDelay(t *testing.T) {
	s := newSuiteWith(t, apps.Options{Delay: 3 * time.Second})
	s.createCatalog(t, "oci", s.registry.CatalogURL())
	must(t, s.registry.Push(t.Context(), registry.Chart{Name: "hello", Version: "1.0.0"}, registry.Chart{Name: "hello", Version: "1.1.0"}))
	app := s.createApp(t, "oci", "1.0.0", nil)
	s.wantStatus(t, app, got{"", "", "pending-install"})
	s.wantStatus(t, app, got{"1.0.0", "1.0.0", "deployed"})
	s.setVersion(t, app, "1.1.0")
	s.wantStatus(t, app, got{"1.0.0", "1.0.0", "pending-upgrade"})
	s.wantStatus(t, app, got{"1.1.0", "1.1.0", "deployed"})
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	return newSuiteWith(t, apps.Options{})
}

func newSuiteWith(t *testing.T, options apps.Options) *suite {
	t.Helper()
	c := cluster.ForTest(t)
	dirs, err := crds.Dirs()
	must(t, err)
	must(t, c.InstallCRDs(t.Context(), dirs...))
	r, err := registry.Start(t.Context(), registry.Options{Dir: t.TempDir(), Progress: os.Stderr})
	must(t, err)
	t.Cleanup(func() { must(t, r.Stop()) })
	operator, err := apps.Start(t.Context(), c.Config(), options)
	must(t, err)
	t.Cleanup(func() { must(t, operator.Stop()) })
	k8s, err := client.New(c.Config(), client.Options{})
	must(t, err)
	return &suite{client: k8s, operator: operator, registry: r}
}

func (s *suite) createCatalog(t *testing.T, name, url string) {
	t.Helper()
	must(t, s.client.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "application.giantswarm.io/v1alpha1", "kind": "Catalog",
		"metadata": map[string]any{"name": name, "namespace": namespace},
		"spec": map[string]any{
			"title": name, "description": name, "logoURL": "",
			"storage":      map[string]any{"type": "helm", "URL": "https://charts.invalid/"},
			"repositories": []any{map[string]any{"type": "helm", "URL": url}},
		},
	}}))
}

func (s *suite) createApp(t *testing.T, catalog, version string, annotations map[string]string) *unstructured.Unstructured {
	t.Helper()
	app := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "application.giantswarm.io/v1alpha1", "kind": "App",
		"metadata": map[string]any{"generateName": "hello-", "namespace": namespace},
		"spec": map[string]any{
			"catalog": catalog, "name": "hello", "namespace": "hello", "version": version,
			"kubeConfig": map[string]any{"inCluster": true},
		},
	}}
	app.SetAnnotations(annotations)
	must(t, s.client.Create(t.Context(), app))
	return app
}

func (s *suite) setVersion(t *testing.T, app *unstructured.Unstructured, version string) {
	t.Helper()
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"version":"`+version+`"}}`))
	must(t, s.client.Patch(t.Context(), app.DeepCopy(), patch))
}

func (s *suite) status(t *testing.T, app *unstructured.Unstructured) got {
	t.Helper()
	latest := app.DeepCopy()
	must(t, s.client.Get(t.Context(), client.ObjectKeyFromObject(app), latest))
	text := func(fields ...string) string {
		value, _, err := unstructured.NestedString(latest.Object, append([]string{"status"}, fields...)...)
		must(t, err)
		return value
	}
	return got{Version: text("version"), AppVersion: text("appVersion"), Status: text("release", "status")}
}

func (s *suite) wantStatus(t *testing.T, app *unstructured.Unstructured, want got) {
	t.Helper()
	var last got
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		last = s.status(t, app)
		return last == want, nil
	})
	if err != nil {
		t.Errorf("%v; status (-want +got):\n%s", err, cmp.Diff(want, last))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
