// Package gitserver serves Git repositories over HTTP on loopback with git's own http-backend. It takes pushes, asks for
// users if wanted, counts what clients do, and can stall, reject or drop it on demand. It needs the git command.
package gitserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"time"
)

// User may use the server by HTTP basic authentication.
type User struct {
	Name, Password string
	// ReadOnly users may clone but not push.
	ReadOnly bool
}

// Options say how to serve.
type Options struct {
	// Dir is an existing folder for the repositories. Whoever made it removes it after Stop.
	Dir string
	// Users who may use the server; none means everybody may do everything.
	Users []User
}

// Server is a running Git server.
type Server struct {
	dir     string
	url     string
	gitPath string
	users   map[string]User
	http    *http.Server
	served  chan struct{} // closed when http has ended

	mu           sync.Mutex
	repositories map[string]*Repository
}

var repositoryName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Start serves on a free loopback port.
func Start(options Options) (*Server, error) {
	gitPath, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("the local Git server needs the git command: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the local Git server: %w", err)
	}
	s := &Server{
		dir:          options.Dir,
		gitPath:      gitPath,
		users:        make(map[string]User, len(options.Users)),
		served:       make(chan struct{}),
		repositories: map[string]*Repository{},
	}
	for _, user := range options.Users {
		s.users[user.Name] = user
	}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	s.url = "http://" + listener.Addr().String()
	go func() {
		defer close(s.served)
		_ = s.http.Serve(listener) // ends when Stop closes the listener
	}()
	return s, nil
}

// URL returns the server's address without a path.
func (s *Server) URL() string { return s.url }

// Stop ends the server and whatever it holds back at once.
func (s *Server) Stop() error {
	s.mu.Lock()
	for _, r := range s.repositories {
		r.faults.releaseAll()
	}
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second) // requests in flight may finish
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	<-s.served
	if err != nil {
		return fmt.Errorf("stop the local Git server: %w", err)
	}
	return nil
}

// Create makes a repository whose branch main has one commit with the given files (path → content).
func (s *Server) Create(ctx context.Context, name string, files map[string]string) (*Repository, error) {
	if !repositoryName.MatchString(name) {
		return nil, fmt.Errorf("%q cannot name a repository; use lower-case letters, digits and dashes", name)
	}
	dir := filepath.Join(s.dir, name+".git")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create repository %s: %w", name, err)
	}
	r := &Repository{name: name, dir: dir, url: s.url + "/" + name + ".git", git: s.gitPath}
	if err := r.init(ctx); err != nil {
		return nil, err
	}
	if _, err := r.Commit(ctx, Change{Message: "Start the repository", Files: files}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repositories[name] = r
	return r, nil
}

func (s *Server) repository(name string) (*Repository, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.repositories[name]
	return r, ok
}
