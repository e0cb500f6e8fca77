package v1alpha1

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"
)

// kinds are the types under test and the definitions that say what the platform accepts.
var kinds = map[string]struct {
	file string
	new  func() runtime.Object
}{
	"App":     {file: "application.giantswarm.io_apps.yaml", new: func() runtime.Object { return &App{} }},
	"Catalog": {file: "application.giantswarm.io_catalogs.yaml", new: func() runtime.Object { return &Catalog{} }},
}

func TestEverythingThatTheSchemaAcceptsRoundTrips(t *testing.T) {
	for kind, tc := range kinds {
		t.Run(kind, func(t *testing.T) {
			schema := readSchema(t, tc.file)
			rapid.Check(t, func(t *rapid.T) {
				want := map[string]any{
					"apiVersion": GroupVersion.String(),
					"kind":       kind,
					"metadata":   map[string]any{"name": "hello", "namespace": "org-demo"},
				}
				for _, part := range []string{"spec", "status"} {
					if part == "spec" || rapid.Bool().Draw(t, "status") {
						want[part] = draw(t, part, schema.Properties[part])
					}
				}
				if diff := cmp.Diff(want, roundTrip(t, tc.new(), want)); diff != "" {
					t.Fatalf("changed by decoding and encoding (-before +after):\n%s", diff)
				}
			})
		})
	}
}

func TestNullIsAbsent(t *testing.T) {
	var app App
	text := `{"spec":{"catalog":"c","name":"n","namespace":"d","version":"1.0.0","kubeConfig":{"inCluster":true},` +
		`"catalogNamespace":null,"config":null,"extraConfigs":null,"namespaceConfig":{"labels":null}},` +
		`"status":{"appVersion":"","version":"","release":{"status":"","lastDeployed":null}}}`
	if err := json.Unmarshal([]byte(text), &app); err != nil {
		t.Fatal(err)
	}
	want := App{
		Spec: AppSpec{
			Catalog: "c", Name: "n", Namespace: "d", Version: "1.0.0",
			KubeConfig:      KubeConfig{InCluster: true},
			NamespaceConfig: &NamespaceConfig{},
		},
		Status: &AppStatus{},
	}
	if diff := cmp.Diff(want, app); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStatusAccessors(t *testing.T) {
	reason := "chart not found"
	cases := map[string]struct {
		app                     App
		version, status, reason string
	}{
		"no status": {},
		"deployed": {
			app:     App{Status: &AppStatus{Version: "1.0.0", Release: Release{Status: "deployed"}}},
			version: "1.0.0", status: "deployed",
		},
		"not found": {
			app:    App{Status: &AppStatus{Release: Release{Status: "app-version-not-found", Reason: &reason}}},
			status: "app-version-not-found", reason: reason,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			status, reason := tc.app.ReleaseStatus()
			if got := []string{tc.app.InstalledVersion(), status, reason}; !slices.Equal(got, []string{tc.version, tc.status, tc.reason}) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestAddToScheme(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for kind := range kinds {
		for _, name := range []string{kind, kind + "List"} {
			if !scheme.Recognizes(GroupVersion.WithKind(name)) {
				t.Errorf("%s is not registered", name)
			}
		}
	}
}

// roundTrip decodes into object what want encodes to, and encodes it again, both by JSON and by the converter that
// clients use for unstructured objects.
func roundTrip(t *rapid.T, object runtime.Object, want map[string]any) map[string]any {
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, object); err != nil {
		t.Fatalf("decode %s: %v", data, err)
	}
	unstructured, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if data, err = json.Marshal(object.DeepCopyObject()); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	// Numbers are float64 in one and int64 in the other: compare their text.
	a, _ := json.Marshal(unstructured)
	b, _ := json.Marshal(got)
	if diff := cmp.Diff(string(b), string(a)); diff != "" {
		t.Fatalf("the unstructured converter encodes differently (-json +converter):\n%s", diff)
	}
	return got
}

func readSchema(t *testing.T, file string) apiextensionsv1.JSONSchemaProps {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(data, &definition); err != nil {
		t.Fatal(err)
	}
	return *definition.Spec.Versions[0].Schema.OpenAPIV3Schema
}

// draw makes a value that the schema accepts, without nulls.
func draw(t *rapid.T, path string, schema apiextensionsv1.JSONSchemaProps) any {
	switch {
	case len(schema.Enum) > 0:
		var value any
		raw := rapid.SampledFrom(schema.Enum).Draw(t, path).Raw
		if err := json.Unmarshal(raw, &value); err != nil {
			t.Fatal(err)
		}
		return value
	case schema.Type == "object" && schema.AdditionalProperties != nil:
		values := rapid.MapOfN(rapid.StringMatching(`[a-z./-]{1,9}`), rapid.StringMatching(`[a-z ]{0,9}`), 0, 3).Draw(t, path)
		object := map[string]any{}
		for key, value := range values {
			object[key] = value
		}
		return object
	case schema.Type == "object":
		return drawObject(t, path, schema)
	case schema.Type == "array":
		least := 0
		if schema.MinItems != nil {
			least = int(*schema.MinItems)
		}
		items := []any{}
		for range rapid.IntRange(least, 3).Draw(t, path+" length") {
			items = append(items, draw(t, path+"[]", *schema.Items.Schema))
		}
		return items
	case schema.Type == "boolean":
		return rapid.Bool().Draw(t, path)
	case schema.Type == "integer":
		return float64(rapid.IntRange(int(*schema.Minimum), int(*schema.Maximum)).Draw(t, path))
	case schema.Format == "date-time":
		return rapid.SampledFrom([]string{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678901234Z", "2026-01-02T03:04:05+02:00"}).Draw(t, path)
	case schema.Pattern != "":
		return rapid.StringMatching(schema.Pattern).Draw(t, path)
	case schema.Type == "string":
		return rapid.StringMatching(`[a-zA-Z0-9 .:/"\\<>&-]{0,12}`).Draw(t, path)
	default:
		t.Fatalf("no values for %s of type %q", path, schema.Type)
		return nil
	}
}

func drawObject(t *rapid.T, path string, schema apiextensionsv1.JSONSchemaProps) map[string]any {
	object := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		child := path + "." + name
		if slices.Contains(schema.Required, name) || rapid.Bool().Draw(t, "set "+child) {
			object[name] = draw(t, child, schema.Properties[name])
		}
	}
	return object
}
