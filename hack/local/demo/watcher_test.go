package demo

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

func newTestWatcher(t *testing.T) *watcher {
	t.Helper()
	server, err := gitserver.Start(gitserver.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	repository, err := server.Create(t.Context(), "gitops", map[string]string{"apps/a.yaml": "  version: 1.0.0\n"})
	if err != nil {
		t.Fatal(err)
	}
	return &watcher{
		timeline: newTimeline(io.Discard), repository: repository, world: newWorld(nil), changed: make(chan struct{}),
		health: func() error { return nil },
	}
}

// Commits are heard of before the object whose change they caused, each once and in order.
func TestFollow(t *testing.T) {
	w := newTestWatcher(t)
	ctx, cancel := context.WithCancel(t.Context())
	objects := make(chan client.Object)
	w.cancel = cancel
	w.done.Go(func() { w.follow(ctx, objects) })
	t.Cleanup(w.stop)

	objects <- app("1.4.0", "", "")
	for _, version := range []string{"1.1.0", "1.2.0"} {
		_, err := w.repository.Commit(t.Context(), gitserver.Change{Message: version, Files: map[string]string{"apps/a.yaml": "  version: " + version + "\n"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	objects <- app("1.5.2", "1.5.2", "deployed")
	objects <- app("1.5.2", "1.5.2", "deployed")
	var got []line
	err := w.await(t.Context(), "the App runs 1.5.2", func(seen *world) error {
		got = nil
		for _, c := range seen.commits {
			got = append(got, c.lines...)
		}
		return seen.runs("ingress", "1.5.2")
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []line{
		{"apps/a.yaml", "", "  version: 1.0.0"}, {"apps/a.yaml", "  version: 1.0.0", "  version: 1.1.0"},
		{"apps/a.yaml", "  version: 1.1.0", "  version: 1.2.0"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(line{})); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestAwaitGivesUp(t *testing.T) {
	never := func(*world) error { return errors.New("not yet") }
	t.Run("when the context ends", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := newTestWatcher(t).await(ctx, "never", never); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("when a server dies", func(t *testing.T) {
		w := newTestWatcher(t)
		w.health = func() error { return errors.New("etcd ended by itself") }
		if err := w.await(t.Context(), "never", never); err == nil || !strings.Contains(err.Error(), "etcd") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("when the watch ended", func(t *testing.T) {
		w := newTestWatcher(t)
		w.fail(errors.New("git is gone"))
		if err := w.await(t.Context(), "never", never); err == nil || !strings.Contains(err.Error(), "git is gone") {
			t.Errorf("error is %v", err)
		}
	})
}
