package conformance

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fluxcd/pkg/gittestserver"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

const mainBranch = "main"

// gitHost serves repositories over HTTP, and can fail in the ways that tests ask for.
type gitHost struct {
	root    string
	address string

	mu    sync.Mutex
	repos map[string]*repo
}

// repo is one bare repository of the host.
type repo struct {
	dir string
	url string

	mu            *sync.Mutex
	counts        counts
	authorization string
	pushGate      chan struct{}
	pushWaiting   chan struct{}
	pushRefused   bool
}

// counts says what clients asked of a repository.
type counts struct{ looks, clones, pushes int }

func newGitHost(t *testing.T) *gitHost {
	t.Helper()
	host := &gitHost{root: t.TempDir(), repos: map[string]*repo{}}
	server := gittestserver.NewGitServer(host.root)
	server.AddHTTPMiddlewares(host.intercept)
	if err := server.StartHTTP(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.StopHTTP)
	host.address = server.HTTPAddress()
	return host
}

// newRepo makes a repository with one commit of the files on the main branch.
func (h *gitHost) newRepo(t *testing.T, name string, files map[string]string) *repo {
	t.Helper()
	r := &repo{
		dir: filepath.Join(h.root, name+".git"), url: h.address + "/" + name + ".git",
		mu: &h.mu, pushWaiting: make(chan struct{}, 1),
	}
	bare, err := git.PlainInit(r.dir, true)
	if err != nil {
		t.Fatal(err)
	}
	head := plumbing.NewSymbolicReference(plumbing.HEAD, plumbing.NewBranchReferenceName(mainBranch))
	if err := bare.Storer.SetReference(head); err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	h.repos[name] = r
	h.mu.Unlock()

	work, err := git.PlainInit(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := work.Storer.SetReference(head); err != nil {
		t.Fatal(err)
	}
	if _, err := work.CreateRemote(&config.RemoteConfig{Name: "origin", URLs: []string{r.dir}}); err != nil {
		t.Fatal(err)
	}
	commitAndPush(t, work, "Start", files)
	return r
}

// commit adds a commit to a branch, as a human would.
func (r *repo) commit(t *testing.T, branch, message string, files map[string]string) {
	t.Helper()
	work, err := git.PlainCloneContext(t.Context(), t.TempDir(), false, &git.CloneOptions{
		URL: r.dir, ReferenceName: plumbing.NewBranchReferenceName(branch), SingleBranch: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	commitAndPush(t, work, message, files)
}

func commitAndPush(t *testing.T, work *git.Repository, message string, files map[string]string) {
	t.Helper()
	tree, err := work.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range files {
		full := filepath.Join(tree.Filesystem.Root(), path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := tree.Add(path); err != nil {
			t.Fatal(err)
		}
	}
	human := &object.Signature{Name: "Human", Email: "human@example.com", When: time.Now()}
	if _, err := tree.Commit(message, &git.CommitOptions{Author: human}); err != nil {
		t.Fatal(err)
	}
	if err := work.PushContext(t.Context(), &git.PushOptions{}); err != nil {
		t.Fatal(err)
	}
}

// createBranch starts a branch at the head of the main branch.
func (r *repo) createBranch(t *testing.T, branch string) {
	t.Helper()
	reference := plumbing.NewHashReference(plumbing.NewBranchReferenceName(branch), r.head(t, mainBranch).Hash)
	if err := r.open(t).Storer.SetReference(reference); err != nil {
		t.Fatal(err)
	}
}

// head is the newest commit of a branch.
func (r *repo) head(t *testing.T, branch string) *object.Commit {
	t.Helper()
	bare := r.open(t)
	reference, err := bare.Reference(plumbing.NewBranchReferenceName(branch), true)
	if err != nil {
		t.Fatalf("branch %s: %v", branch, err)
	}
	commit, err := bare.CommitObject(reference.Hash())
	if err != nil {
		t.Fatal(err)
	}
	return commit
}

// commits is how many commits a branch has.
func (r *repo) commits(t *testing.T, branch string) int {
	t.Helper()
	count := 0
	history := object.NewCommitPreorderIter(r.head(t, branch), nil, nil)
	err := history.ForEach(func(*object.Commit) error {
		count++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// read is the content of a file at the head of a branch.
func (r *repo) read(t *testing.T, branch, path string) string {
	t.Helper()
	file, err := r.head(t, branch).File(path)
	if err != nil {
		t.Fatalf("%s on %s: %v", path, branch, err)
	}
	content, err := file.Contents()
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// open reads the repository anew: go-git caches what it has seen.
func (r *repo) open(t *testing.T) *git.Repository {
	t.Helper()
	bare, err := git.PlainOpen(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	return bare
}

// asked is what clients asked so far.
func (r *repo) asked() counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// requireAuthorization lets only requests with this Authorization header in.
func (r *repo) requireAuthorization(header string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.authorization = header
}

// refusePushes answers pushes with 403, as for a read-only token.
func (r *repo) refusePushes(refuse bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pushRefused = refuse
}

// rejectPushes installs a hook on the server that rejects every update with a message, until the returned function
// removes it.
func (r *repo) rejectPushes(t *testing.T, message string) (allow func()) {
	t.Helper()
	hook := filepath.Join(r.dir, "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\necho '%s' >&2\nexit 1\n", message)
	if err := os.WriteFile(hook, []byte(script), 0o700); err != nil { //nolint:gosec // A hook must be executable.
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(hook); err != nil {
			t.Error(err)
		}
	}
}

// stallPushes holds every push back until the returned function is called, which it also is when the test ends.
func (r *repo) stallPushes(t *testing.T) (release func()) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	gate := make(chan struct{})
	r.pushGate = gate
	release = sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.pushGate = nil
		close(gate)
	})
	t.Cleanup(release)
	return release
}

// awaitStalledPush returns when a push is held back.
func (r *repo) awaitStalledPush(t *testing.T) {
	t.Helper()
	select {
	case <-r.pushWaiting:
	case <-time.After(patience):
		t.Fatalf("no push within %s", patience)
	}
}

// intercept counts requests and makes those fail that must.
func (h *gitHost) intercept(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), ".git/")
		h.mu.Lock()
		r, ok := h.repos[name]
		h.mu.Unlock()
		if !ok {
			http.NotFound(w, req)
			return
		}
		if status := r.admit(req); status != http.StatusOK {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(status)
			return
		}
		next.ServeHTTP(w, req)
	})
}

// admit counts a request, holds it back if it must wait, and returns the status to answer with.
func (r *repo) admit(req *http.Request) int {
	isPush := strings.HasSuffix(req.URL.Path, "/git-receive-pack")
	isPushLook := req.URL.Query().Get("service") == "git-receive-pack"
	r.mu.Lock()
	if r.authorization != "" && req.Header.Get("Authorization") != r.authorization {
		r.mu.Unlock()
		return http.StatusUnauthorized
	}
	switch {
	case isPush:
		r.counts.pushes++
	case strings.HasSuffix(req.URL.Path, "/git-upload-pack"):
		r.counts.clones++
	case !isPushLook:
		r.counts.looks++
	}
	gate, refused := r.pushGate, r.pushRefused
	r.mu.Unlock()

	if refused && (isPush || isPushLook) {
		return http.StatusForbidden
	}
	if isPush && gate != nil {
		select {
		case r.pushWaiting <- struct{}{}:
		default:
		}
		select {
		case <-gate:
		case <-req.Context().Done():
		}
	}
	return http.StatusOK
}
