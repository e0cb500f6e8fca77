package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// wantErrors are the invalid samples, and what the API server says of each.
var wantErrors = map[string]string{
	"absolute-path":             "git.path must be relative and inside the repository",
	"author-without-email":      "spec.git.commit.author.email",
	"bad-exclusion":             "spec.versions.exclude",
	"bad-interval":              "spec.chart.interval",
	"endless-interval":          "chart.interval must be at most 24h",
	"chart-with-credentials":    "spec.chart.url",
	"chart-with-tag":            "spec.chart.url",
	"http-chart":                "spec.chart.url",
	"name-and-selector":         "set exactly one of name and selector",
	"name-too-long":             "metadata.name must have at most 63 characters",
	"neither-name-nor-selector": "set exactly one of name and selector",
	"no-range":                  "spec.versions.range",
	"no-targets":                "spec.targets",
	"path-outside":              "git.path must be relative and inside the repository",
	"path-without-source":       "git.path needs git.sourceRef",
	"secret-with-provider":      "chart.secretRef cannot be used with chart.provider",
	"unknown-field":             `unknown field "spec.schedule"`,
	"unknown-kind":              "spec.targets[0].kind",
	"unknown-marker-mode":       "spec.git.markers",
	"unknown-provider":          "spec.chart.provider",
}

// testSamples applies the samples as kubectl does: strictly.
func (e *environment) testSamples(t *testing.T) {
	valid, err := filepath.Glob(samples + "/*.yaml")
	must(t, err)
	if len(valid) == 0 {
		t.Error("there are no samples")
	}
	for _, path := range valid {
		if err := e.dryRun(t, path); err != nil {
			t.Errorf("%s is refused: %v", path, err)
		}
	}
	invalid, err := filepath.Glob(samples + "/invalid/*.yaml")
	must(t, err)
	if len(invalid) != len(wantErrors) {
		t.Errorf("there are %d invalid samples and %d expectations", len(invalid), len(wantErrors))
	}
	for name, want := range wantErrors {
		err := e.dryRun(t, filepath.Join(samples, "invalid", name+".yaml"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want an error with %q, got %v", name, want, err)
		}
	}
}

func (e *environment) dryRun(t *testing.T, path string) error {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	object := &unstructured.Unstructured{}
	must(t, yaml.UnmarshalStrict(data, &object.Object))
	return client.WithFieldValidation(e.client, metav1.FieldValidationStrict).Create(t.Context(), object, client.DryRunAll)
}
