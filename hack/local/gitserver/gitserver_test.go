package gitserver_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

var (
	writer = gitserver.User{Name: "writer", Password: "w"}
	reader = gitserver.User{Name: "reader", Password: "r", ReadOnly: true}
)

func newRepository(t *testing.T, users ...gitserver.User) *gitserver.Repository {
	t.Helper()
	server, err := gitserver.Start(gitserver.Options{Dir: t.TempDir(), Users: users})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	repository, err := server.Create(t.Context(), "gitops", map[string]string{"apps/hello.yaml": "version: 1.0.0\n", "README.md": "hi\n"})
	if err != nil {
		t.Fatal(err)
	}
	return repository
}

// urlFor puts a user into the repository's address.
func urlFor(r *gitserver.Repository, user gitserver.User) string {
	return strings.Replace(r.URL(), "://", "://"+user.Name+":"+user.Password+"@", 1)
}

// git runs the client in dir and returns its output.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	output, err := cmd.CombinedOutput()
	return string(output), err
}

func mustGit(t *testing.T, dir string, args ...string) {
	t.Helper()
	if output, err := git(t.Context(), dir, args...); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, output)
	}
}

// clone returns a work tree with one commit that is not pushed yet.
func cloneAndCommit(t *testing.T, url string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "work")
	mustGit(t, "", "clone", "--quiet", url, dir)
	if err := os.WriteFile(filepath.Join(dir, "pushed"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustGit(t, dir, "add", "pushed")
	mustGit(t, dir, "commit", "--quiet", "-m", "Pushed")
	return dir
}

func subjects(t *testing.T, r *gitserver.Repository) []string {
	t.Helper()
	log, err := r.Log(t.Context(), gitserver.DefaultBranch)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, commit := range log {
		lines = append(lines, commit.Message)
	}
	return lines
}

func TestHistory(t *testing.T) {
	r := newRepository(t)
	ctx := t.Context()
	hash, err := r.Commit(ctx, gitserver.Change{
		Message: "Upgrade\n\nBecause.", Files: map[string]string{"apps/hello.yaml": "version: 1.1.0\n", "apps/with space ä.yaml": ""},
		Remove: []string{"README.md"},
	})
	if err != nil {
		t.Fatal(err)
	}
	head, err := r.Head(ctx, "main")
	if err != nil || head != hash {
		t.Errorf("Head() = %s, %v, want %s", head, err, hash)
	}
	files, err := r.Files(ctx, "main")
	if diff := cmp.Diff(map[string]string{"apps/hello.yaml": "version: 1.1.0\n", "apps/with space ä.yaml": ""}, files); diff != "" || err != nil {
		t.Errorf("files: %v %s", err, diff)
	}
	log, err := r.Log(ctx, "main")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Upgrade\n\nBecause.", "Start the repository"}, subjects(t, r)); diff != "" {
		t.Error(diff)
	}
	if log[0].Author != gitserver.Human || log[0].Hash != hash || !cmp.Equal(log[0].Parents, []string{log[1].Hash}) {
		t.Errorf("newest commit is %+v", log[0])
	}
	patch, err := r.Diff(ctx, hash)
	if err != nil || !strings.Contains(patch, "-version: 1.0.0\n+version: 1.1.0\n") {
		t.Errorf("Diff() = %q, %v", patch, err)
	}
	old, err := r.File(ctx, log[1].Hash, "apps/hello.yaml")
	if err != nil || old != "version: 1.0.0\n" {
		t.Errorf("File() = %q, %v", old, err)
	}
	if _, err := r.Head(ctx, "nope"); err == nil {
		t.Error("a branch that is not there has a head")
	}
}

func TestCommitOnNewBranch(t *testing.T) {
	r := newRepository(t)
	if _, err := r.Commit(t.Context(), gitserver.Change{Branch: "topic", Message: "m", Author: "Bot <bot@example.com>", Files: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	log, err := r.Log(t.Context(), "topic")
	if err != nil || len(log) != 2 || log[0].Author != "Bot <bot@example.com>" {
		t.Errorf("Log() = %v, %v", log, err)
	}
	if diff := cmp.Diff([]string{"Start the repository"}, subjects(t, r)); diff != "" {
		t.Error("main changed", diff)
	}
}

func TestNoCommitIsLostWhilePushesCome(t *testing.T) {
	r := newRepository(t)
	dir := filepath.Join(t.TempDir(), "work")
	mustGit(t, "", "clone", "--quiet", r.URL(), dir)
	const commits = 10
	var group sync.WaitGroup
	group.Go(func() {
		for i := range commits {
			if _, err := r.Commit(t.Context(), gitserver.Change{Message: "direct", Files: map[string]string{"direct": string(rune('a' + i))}}); err != nil {
				t.Error(err)
			}
		}
	})
	for range commits {
		mustGit(t, dir, "commit", "--quiet", "--allow-empty", "-m", "pushed")
		for {
			if _, err := git(t.Context(), dir, "push", "--quiet", "origin", "HEAD:main"); err == nil {
				break
			}
			mustGit(t, dir, "pull", "--quiet", "--rebase", "origin", "main")
		}
	}
	group.Wait()
	if got, want := len(subjects(t, r)), 2*commits+1; got != want {
		t.Errorf("%d commits, want %d", got, want)
	}
}

func TestUsers(t *testing.T) {
	tests := map[string]struct {
		user               gitserver.User
		clone, push        bool
		wantPushSaysReason string
	}{
		"writer":         {user: writer, clone: true, push: true},
		"reader":         {user: reader, clone: true, wantPushSaysReason: "403"},
		"wrong password": {user: gitserver.User{Name: "writer", Password: "x"}},
		"stranger":       {user: gitserver.User{Name: "stranger", Password: "x"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t, writer, reader)
			work := cloneAndCommit(t, urlFor(r, writer))
			_, err := git(t.Context(), t.TempDir(), "clone", "--quiet", urlFor(r, test.user), "work")
			if (err == nil) != test.clone {
				t.Errorf("clone: %v, want success %v", err, test.clone)
			}
			output, err := git(t.Context(), work, "push", "--quiet", urlFor(r, test.user), "HEAD:main")
			if (err == nil) != test.push || !strings.Contains(output, test.wantPushSaysReason) {
				t.Errorf("push: %v %s, want success %v", err, output, test.push)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	r := newRepository(t, writer, reader)
	work := cloneAndCommit(t, urlFor(r, writer))
	if got := r.Counts(); got.Fetches != 1 || got.Pushes != 0 || got.Lists == 0 {
		t.Errorf("after a clone: %+v", got)
	}
	r.ResetCounts()
	mustGit(t, "", "ls-remote", urlFor(r, reader))
	if got := r.Counts(); got.Fetches != 0 || got.Pushes != 0 || got.Lists == 0 {
		t.Errorf("after ls-remote: %+v", got)
	}
	if got := r.Counts("writer"); got != (gitserver.Counts{}) {
		t.Errorf("the writer did nothing, but %+v", got)
	}
	mustGit(t, work, "push", "--quiet", "origin", "HEAD:main")
	if _, err := r.Commit(t.Context(), gitserver.Change{Message: "m", Files: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	if got := r.Counts("writer"); got.Pushes != 1 || got.Fetches != 0 {
		t.Errorf("after one push: %+v", got)
	}
}

func TestCreateRefusesPaths(t *testing.T) {
	server, err := gitserver.Start(gitserver.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	for _, name := range []string{"", "../up", "a/b", ".git", "UPPER"} {
		if _, err := server.Create(t.Context(), name, nil); err == nil {
			t.Errorf("a repository %q was made", name)
		}
	}
}
