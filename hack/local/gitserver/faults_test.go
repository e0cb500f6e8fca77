package gitserver_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

func TestStall(t *testing.T) {
	tests := map[string]struct {
		stall   func(*gitserver.Repository) *gitserver.Stall
		command func(r *gitserver.Repository, work string) []string
	}{
		"fetches": {(*gitserver.Repository).StallFetches, func(r *gitserver.Repository, work string) []string {
			return []string{"clone", "--quiet", r.URL(), filepath.Join(work, "again")}
		}},
		"pushes": {(*gitserver.Repository).StallPushes, func(*gitserver.Repository, string) []string {
			return []string{"push", "--quiet", "origin", "HEAD:main"}
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t)
			work := cloneAndCommit(t, r.URL())
			stall := test.stall(r)
			done := make(chan error, 1)
			go func() {
				_, err := git(t.Context(), work, test.command(r, work)...)
				done <- err
			}()
			awaitStall(t, stall)
			select {
			case err := <-done:
				t.Fatalf("it went through while stalled: %v", err)
			default:
			}
			if diff := cmp.Diff([]string{"Start the repository"}, subjects(t, r)); diff != "" {
				t.Error("a stalled push wrote", diff)
			}
			stall.Release()
			if err := <-done; err != nil {
				t.Errorf("after the release: %v", err)
			}
		})
	}
}

func TestStopEndsAStall(t *testing.T) {
	server, err := gitserver.Start(gitserver.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	r, err := server.Create(t.Context(), "gitops", map[string]string{"a": "b"})
	if err != nil {
		t.Fatal(err)
	}
	stall := r.StallFetches()
	dir, done := t.TempDir(), make(chan error, 1)
	go func() { _, err := git(t.Context(), dir, "clone", "--quiet", r.URL(), "work"); done <- err }()
	awaitStall(t, stall)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil {
		t.Error("a clone succeeded on a server that was stopped")
	}
}

func awaitStall(t *testing.T, stall *gitserver.Stall) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case <-stall.Reached():
	case <-ctx.Done():
		t.Fatal("no request reached the stall")
	}
}

func TestRejectedPush(t *testing.T) {
	r := newRepository(t)
	work := cloneAndCommit(t, r.URL())
	r.RejectPushes("branch main is protected")
	output, err := git(t.Context(), work, "push", "origin", "HEAD:main")
	if err == nil || !strings.Contains(output, "remote: branch main is protected") {
		t.Errorf("push: %v %s", err, output)
	}
	r.RejectPushes("")
	mustGit(t, work, "push", "--quiet", "origin", "HEAD:main")
	if diff := cmp.Diff([]string{"Pushed", "Start the repository"}, subjects(t, r)); diff != "" {
		t.Error(diff)
	}
}

func TestProtectedBranch(t *testing.T) {
	r := newRepository(t)
	work := cloneAndCommit(t, r.URL())
	r.Protect("main")
	output, err := git(t.Context(), work, "push", "origin", "HEAD:main")
	if err == nil || !strings.Contains(output, "branch main is protected") {
		t.Errorf("push: %v %s", err, output)
	}
	mustGit(t, work, "push", "--quiet", "-o", "ci.skip", "-o", "title=$(id) a b", "origin", "HEAD:topic")
	options, err := r.PushOptions()
	if diff := cmp.Diff([]string{"ci.skip", "title=$(id) a b"}, options); diff != "" || err != nil {
		t.Error(diff, err)
	}
	r.Protect("")
	mustGit(t, work, "push", "--quiet", "origin", "HEAD:main")
}

func TestLostPushLands(t *testing.T) {
	r := newRepository(t)
	work := cloneAndCommit(t, r.URL())
	r.LosePushes(true)
	if output, err := git(t.Context(), work, "push", "origin", "HEAD:main"); err == nil {
		t.Errorf("the client heard of its push: %s", output)
	}
	if diff := cmp.Diff([]string{"Pushed", "Start the repository"}, subjects(t, r)); diff != "" {
		t.Error(diff)
	}
}

func TestDisconnect(t *testing.T) {
	r := newRepository(t)
	r.Disconnect(true)
	if output, err := git(t.Context(), "", "ls-remote", r.URL()); err == nil {
		t.Errorf("a disconnected repository answers: %s", output)
	}
	r.Disconnect(false)
	mustGit(t, "", "ls-remote", r.URL())
}
