package conformance

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

const mainBranch = gitserver.DefaultBranch

// repo is a Git repository whose failures fail the test.
type repo struct {
	*gitserver.Repository
	// url is how the controllers reach it.
	url string
}

func newGitServer(t *testing.T, dir string, users ...gitserver.User) *gitserver.Server {
	t.Helper()
	server, err := gitserver.Start(gitserver.Options{Dir: dir, Users: users})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func newRepo(t *testing.T, server *gitserver.Server, name string) *repo {
	t.Helper()
	created, err := server.Create(t.Context(), name, map[string]string{"README.md": "GitOps\n"})
	if err != nil {
		t.Fatal(err)
	}
	return &repo{Repository: created, url: created.URL()}
}

// commit adds a commit to a branch as a human would. A new branch starts at the head of the main branch.
func (r *repo) commit(t *testing.T, branch, message string, files map[string]string) (hash string) {
	t.Helper()
	hash, err := r.Commit(t.Context(), gitserver.Change{Branch: branch, Message: message, Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// head is the newest commit of a branch.
func (r *repo) head(t *testing.T, branch string) gitserver.Commit {
	t.Helper()
	return r.log(t, branch)[0]
}

// log has the commits of a branch, newest first.
func (r *repo) log(t *testing.T, branch string) []gitserver.Commit {
	t.Helper()
	commits, err := r.Log(t.Context(), branch)
	if err != nil {
		t.Fatal(err)
	}
	return commits
}

// read is the content of a file at the head of a branch.
func (r *repo) read(t *testing.T, branch, path string) string {
	t.Helper()
	content, err := r.File(t.Context(), branch, path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// looks is how often a client asked where the branches are.
func (r *repo) looks() int { return r.Counts().Lists }

// stallPushes holds every push back until the returned stall is released, which it also is when the test ends.
func (r *repo) stallPushes(t *testing.T) *gitserver.Stall {
	t.Helper()
	stall := r.StallPushes()
	t.Cleanup(stall.Release)
	return stall
}

// awaitHeld returns when a request is held back.
func awaitHeld(t *testing.T, stall *gitserver.Stall) {
	t.Helper()
	select {
	case <-stall.Reached():
	case <-time.After(patience):
		t.Fatalf("no push within %s", patience)
	}
}

// proxy puts a server of the test's making before the Git server: the new one decides who gets through.
func (r *repo) proxy(t *testing.T, start func(http.Handler) *httptest.Server, admits func(*http.Request) bool) *httptest.Server {
	t.Helper()
	address, err := url.Parse(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	behind := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: address.Scheme, Host: address.Host})
	server := start(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !admits(req) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		behind.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL + address.Path
	return server
}
