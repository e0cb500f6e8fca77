package registry_test

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/giantswarm/app-upgrade-operator/hack/local/registry"
)

func TestRegistry(t *testing.T) {
	tests := map[string]struct{ username, password string }{
		"open":     {},
		"with key": {username: "puller", password: "not-to-be-logged"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := registry.Start(t.Context(), registry.Options{
				Dir: t.TempDir(), Username: test.username, Password: test.password, Progress: os.Stderr,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := r.Stop(); err != nil {
					t.Error(err)
				}
			})
			testPushAndDelete(t, r)
			testRestart(t, r)
			if test.username != "" {
				testRefusesStrangers(t, r)
			}
		})
	}
}

func testPushAndDelete(t *testing.T, r *registry.Registry) {
	t.Helper()
	err := r.Push(t.Context(),
		registry.Chart{Name: "hello-world", Version: "1.0.0"},
		registry.Chart{Name: "hello-world", Version: "1.1.0-rc.1", AppVersion: "9.9"},
	)
	if err != nil {
		t.Fatal(err)
	}
	wantTags(t, r, "1.0.0", "1.1.0-rc.1")
	if err := r.DeleteTag(t.Context(), "hello-world", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	wantTags(t, r, "1.1.0-rc.1")
}

func testRestart(t *testing.T, r *registry.Registry) {
	t.Helper()
	if err := r.Process().Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Tags(t.Context(), "hello-world"); err == nil {
		t.Error("a killed registry answers")
	}
	if err := r.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantTags(t, r, "1.1.0-rc.1")
}

func testRefusesStrangers(t *testing.T, r *registry.Registry) {
	t.Helper()
	repository, err := name.NewRepository(r.ChartImage("hello-world"), name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.List(repository, remote.WithContext(t.Context())); err == nil {
		t.Error("a stranger lists tags")
	}
}

func wantTags(t *testing.T, r *registry.Registry, want ...string) {
	t.Helper()
	tags, err := r.Tags(t.Context(), "hello-world")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(tags)
	if diff := cmp.Diff(want, tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}
