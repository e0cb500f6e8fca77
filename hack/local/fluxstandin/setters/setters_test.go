package setters_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/setters"
)

// recordedPass is one setter pass recorded on the real image-automation-controller.
type recordedPass struct {
	Name     string
	Policies map[string]imagev1.ImageRef
	Before   map[string]string
	After    map[string]string
	Error    string
}

func TestApplyMatchesRecordedFlux(t *testing.T) {
	for _, recorded := range readPasses(t) {
		t.Run(recorded.Name, func(t *testing.T) {
			dir := writeFiles(t, recorded.Before)

			_, err := setters.Apply(dir, policies(t, recorded.Policies))

			if recorded.Error == "" && err != nil {
				t.Errorf("failed with %v, Flux does not", err)
			}
			if recorded.Error != "" && (err == nil || !strings.Contains(err.Error(), recorded.Error)) {
				t.Errorf("error %v, Flux says %q", err, recorded.Error)
			}
			if diff := cmp.Diff(recorded.After, readFiles(t, dir)); diff != "" {
				t.Errorf("files differ from Flux's (-Flux +stand-in):\n%s", diff)
			}
		})
	}
}

func TestApplyReportsChanges(t *testing.T) {
	app := func(name, version, marker string) string {
		return "apiVersion: v1\nkind: App\nmetadata:\n  name: " + name +
			"\nspec:\n  version: " + version + " # {\"$imagepolicy\": \"" + marker + "\"}\n"
	}
	dir := writeFiles(t, map[string]string{
		"a.yaml": app("one", "1.0.0", "org:pin:tag") + "---\n" + app("two", "1.1.0", "org:pin:tag"),
		"b.yaml": app("three", "1.0.0", "org:pin:tag"),
		"c.yaml": app("four", "2.0.0", "org:pin:tag"),
	})
	result, err := setters.Apply(dir, policies(t, map[string]imagev1.ImageRef{"org:pin": {Name: "r/chart", Tag: "2.0.0"}}))
	if err != nil {
		t.Fatal(err)
	}

	want := []setters.Change{
		{OldValue: "1.0.0", NewValue: "2.0.0", Setter: "org:pin:tag"},
		{OldValue: "1.1.0", NewValue: "2.0.0", Setter: "org:pin:tag"},
	}
	byOldValue := cmpopts.SortSlices(func(a, b setters.Change) bool { return a.OldValue < b.OldValue })
	if diff := cmp.Diff(want, result.Changes(), byOldValue); diff != "" {
		t.Errorf("Changes() (-want +got):\n%s", diff)
	}
	if got := len(result.FileChanges); got != 2 {
		t.Errorf("%d files changed, want a.yaml and b.yaml", got)
	}
	if got := len(result.Objects()); got != 3 {
		t.Errorf("%d objects changed, want 3", got)
	}
}

func TestApplyFollowsNoLink(t *testing.T) {
	outside := writeFiles(t, map[string]string{"app.yaml": "version: 1.0.0 # {\"$imagepolicy\": \"org:pin:tag\"}\n"})
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(outside, "app.yaml"), filepath.Join(dir, "app.yaml")); err != nil {
		t.Fatal(err)
	}
	before := readFiles(t, outside)

	result, err := setters.Apply(dir, policies(t, map[string]imagev1.ImageRef{"org:pin": {Name: "r/chart", Tag: "2.0.0"}}))
	if err != nil {
		t.Fatal(err)
	}
	if len(result.FileChanges) != 0 {
		t.Errorf("changed %v through a link", result.FileChanges)
	}
	if diff := cmp.Diff(before, readFiles(t, outside)); diff != "" {
		t.Errorf("the link's target changed:\n%s", diff)
	}
}

func policies(t *testing.T, refs map[string]imagev1.ImageRef) []imagev1.ImagePolicy {
	t.Helper()
	var list []imagev1.ImagePolicy
	for key, ref := range refs {
		namespace, name, ok := strings.Cut(key, ":")
		if !ok {
			t.Fatalf("policy %q is not namespace:name", key)
		}
		list = append(list, imagev1.ImagePolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
			Status:     imagev1.ImagePolicyStatus{LatestRef: &ref},
		})
	}
	return list
}

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for path, content := range files {
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func readFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	tree := os.DirFS(dir)
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(tree, path)
		files[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readPasses(t *testing.T) []recordedPass {
	t.Helper()
	content, err := os.ReadFile("testdata/flux-setters.json")
	if err != nil {
		t.Fatal(err)
	}
	var passes []recordedPass
	if err := json.Unmarshal(content, &passes); err != nil {
		t.Fatal(err)
	}
	if len(passes) == 0 {
		t.Fatal("testdata/flux-setters.json holds no case")
	}
	return passes
}
