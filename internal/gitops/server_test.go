package gitops

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/gittestserver"
)

const (
	testRepo     = "org/gitops.git"
	testUser     = "flux"
	testPassword = "correct-horse-battery-staple"
)

// server is a Git server in this process with one repository, and a work tree that
// plays the human who commits beside us.
type server struct {
	*gittestserver.GitServer
	t     testing.TB
	human string
}

// newServer makes a server whose repository holds files on branch main. Start it yourself.
func newServer(t testing.TB, files map[string]string) *server {
	t.Helper()
	s := &server{GitServer: gittestserver.NewGitServer(t.TempDir()), t: t, human: t.TempDir()}
	bare := filepath.Join(s.Root(), testRepo)
	s.git(s.human, "init", "-q", "--bare", "-b", "main", bare)
	s.git(s.human, "init", "-q", "-b", "main", ".")
	s.git(s.human, "remote", "add", "origin", bare)
	s.commit("First commit", files)
	return s
}

// newHTTPServer is a started server that asks for testUser and testPassword.
func newHTTPServer(t testing.TB, files map[string]string, middlewares ...gittestserver.HTTPMiddleware) *server {
	t.Helper()
	s := newServer(t, files)
	s.Auth(testUser, testPassword)
	s.AddHTTPMiddlewares(middlewares...)
	if err := s.StartHTTP(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.StopHTTP)
	return s
}

// remote reaches the server as testUser.
func (s *server) remote() Remote {
	s.t.Helper()
	return remoteWith(s.t, s.HTTPAddress()+"/"+testRepo, map[string][]byte{"username": []byte(testUser), "password": []byte(testPassword)})
}

// commit pushes files as the human; contents that begin with "-> " become symbolic links.
func (s *server) commit(message string, files map[string]string) string {
	s.t.Helper()
	for name, content := range files {
		file := filepath.Join(s.human, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			s.t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(target, file)
		} else {
			err = os.WriteFile(file, []byte(content), 0o644)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	s.git(s.human, "add", "-A")
	s.git(s.human, "commit", "-q", "--allow-empty", "-m", message)
	s.git(s.human, "push", "-q", "origin", "HEAD:main")
	return s.git(s.human, "rev-parse", "HEAD")
}

// bare runs git in the server's repository.
func (s *server) bare(args ...string) string {
	s.t.Helper()
	return s.git(filepath.Join(s.Root(), testRepo), args...)
}

func (s *server) head() string { return s.bare("rev-parse", "refs/heads/main") }

func (s *server) hook(name, script string) {
	s.t.Helper()
	file := filepath.Join(s.Root(), testRepo, "hooks", name)
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) git(dir string, args ...string) string {
	s.t.Helper()
	return strings.TrimSpace(s.run(dir, nil, args...))
}

// raw is what git in the server's repository prints, byte by byte.
func (s *server) raw(args ...string) string {
	s.t.Helper()
	return s.run(filepath.Join(s.Root(), testRepo), nil, args...)
}

func (s *server) run(dir string, env []string, args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=Human", "GIT_AUTHOR_EMAIL=human@example.com", "GIT_COMMITTER_NAME=Human", "GIT_COMMITTER_EMAIL=human@example.com")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func hasCommand(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// answer makes a middleware that answers each request for which it gives a status.
func answer(status func(*http.Request) (int, string)) gittestserver.HTTPMiddleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if code, body := status(r); code != 0 {
				http.Error(w, body, code)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// isPush recognises the requests of a push.
func isPush(r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, "/git-receive-pack") || r.URL.Query().Get("service") == "git-receive-pack"
}
