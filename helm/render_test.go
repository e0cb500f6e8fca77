package helm_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/giantswarm/app-upgrade-operator/hack/local/tools"
)

const (
	chart      = "app-upgrade-operator"
	fullValues = chart + "/ci/full-values.yaml"
	release    = "upgrades"
	namespace  = "upgrade-system"
)

// helm runs the pinned Helm client in a home of its own and returns what it prints.
func helm(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	paths, err := tools.Ensure(t.Context(), os.Stderr, tools.Helm)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), paths[tools.Helm], args...)
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	return out.String(), errOut.String(), err
}

// render returns the objects that the chart makes, and fails the test if it makes none.
func render(t *testing.T, args ...string) []unstructured.Unstructured {
	t.Helper()
	args = append([]string{"template", release, chart, "--namespace", namespace}, args...)
	out, errOut, err := helm(t, args...)
	if err != nil {
		t.Fatalf("helm %v: %v\n%s", args, err, errOut)
	}
	objects := decode(t, out)
	if len(objects) == 0 {
		t.Fatal("the chart makes no object")
	}
	return objects
}

func decode(t *testing.T, manifests string) []unstructured.Unstructured {
	t.Helper()
	var objects []unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewBufferString(manifests), 4096)
	for {
		var object unstructured.Unstructured
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// readObject reads a file with one object.
func readObject(t *testing.T, path ...string) unstructured.Unstructured {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	objects := decode(t, string(content))
	if len(objects) != 1 {
		t.Fatalf("%s has %d objects, want 1", filepath.Join(path...), len(objects))
	}
	return objects[0]
}

// find returns the one object of a kind and a name.
func find(t *testing.T, objects []unstructured.Unstructured, kind, name string) unstructured.Unstructured {
	t.Helper()
	for _, object := range objects {
		if object.GetKind() == kind && object.GetName() == name {
			return object
		}
	}
	t.Fatalf("the chart makes no %s %s", kind, name)
	return unstructured.Unstructured{}
}

// as converts an object to its type; a field that the type does not have fails the test.
func as[T any](t *testing.T, object unstructured.Unstructured) T {
	t.Helper()
	var typed T
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &typed, true); err != nil {
		t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
	}
	return typed
}
