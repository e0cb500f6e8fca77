package tools

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// lockedBuffer takes lines of several builds at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newProject makes a project with one tool, whose main package has the given body, and a cache of its own.
func newProject(t *testing.T, body string) (root string, greeter tool) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	root = t.TempDir()
	dir := filepath.Join(root, "hack", "tools", "greeter")
	must(t, os.MkdirAll(dir, 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/greeter\n\ngo 1.26.0\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "go.sum"), nil, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() { "+body+" }\n"), 0o600))
	return root, tool{module: "greeter", pkg: "example.com/greeter"}
}

// shareBuildCache keeps Go's own build cache, which would move with XDG_CACHE_HOME and start empty.
func shareBuildCache(t *testing.T) {
	t.Helper()
	output, err := exec.Command("go", "env", "GOCACHE").Output()
	must(t, err)
	t.Setenv("GOCACHE", strings.TrimSpace(string(output)))
}

func TestEnsureBuildsOnce(t *testing.T) {
	shareBuildCache(t)
	root, greeter := newProject(t, `println("hello")`)
	path, err := cachedPath(root, "greeter", greeter)
	must(t, err)

	var progress lockedBuffer
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			if err := ensure(t.Context(), &progress, root, "greeter", greeter, path); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := strings.Count(progress.String(), "built greeter"); got != 1 {
		t.Errorf("built %d times, want once:\n%s", got, progress.String())
	}
	output, err := exec.Command(path).CombinedOutput()
	if err != nil || string(output) != "hello\n" {
		t.Errorf("the binary prints %q, %v", output, err)
	}
	wantEntries(t, filepath.Dir(path), "greeter", "greeter.lock")
}

func TestFailedBuildLeavesNothing(t *testing.T) {
	shareBuildCache(t)
	root, greeter := newProject(t, `undefinedFunction()`)
	path, err := cachedPath(root, "greeter", greeter)
	must(t, err)
	err = ensure(t.Context(), &lockedBuffer{}, root, "greeter", greeter, path)
	if err == nil || !strings.Contains(err.Error(), "undefined: undefinedFunction") {
		t.Errorf("error does not say what the compiler said: %v", err)
	}
	wantEntries(t, filepath.Dir(path), "greeter.lock")
}

func TestCancelledBuild(t *testing.T) {
	shareBuildCache(t)
	root, greeter := newProject(t, ``)
	path, err := cachedPath(root, "greeter", greeter)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ensure(ctx, &lockedBuffer{}, root, "greeter", greeter, path); err == nil {
		t.Error("a cancelled build succeeded")
	}
}

func TestCachedPathFollowsContent(t *testing.T) {
	root, greeter := newProject(t, ``)
	before, err := cachedPath(root, "greeter", greeter)
	must(t, err)
	same, err := cachedPath(root, "greeter", greeter)
	must(t, err)
	if before != same {
		t.Errorf("the same content gave %s and %s", before, same)
	}
	changes := map[string]func(){
		"go.sum": func() {
			must(t, os.WriteFile(filepath.Join(root, "hack", "tools", "greeter", "go.sum"), []byte("x"), 0o600))
		},
		"ldflags": func() { greeter.ldflags = "-X main.version=1" },
	}
	for name, change := range changes {
		change()
		after, err := cachedPath(root, "greeter", greeter)
		must(t, err)
		if after == before {
			t.Errorf("a changed %s gave the same path", name)
		}
		before = after
	}
}

func TestCatalogMatchesModules(t *testing.T) {
	root, err := Root()
	must(t, err)
	for name, tool := range catalog {
		content, err := os.ReadFile(filepath.Join(root, "hack", "tools", tool.module, "go.mod"))
		must(t, err)
		if !strings.Contains(string(content), tool.pkg+"\n") {
			t.Errorf("the go.mod of %s has no tool line for %s", name, tool.pkg)
		}
		if tool.module == "kubernetes" && !strings.Contains(string(content), "k8s.io/kubernetes "+kubernetesVersion+" ") {
			t.Errorf("%s would report %s, which is not what its go.mod pins", name, kubernetesVersion)
		}
	}
	modules, err := filepath.Glob(filepath.Join(root, "hack", "tools", "*", "go.mod"))
	must(t, err)
	known := map[string]bool{}
	for _, tool := range catalog {
		known[tool.module] = true
	}
	for _, module := range modules {
		if name := filepath.Base(filepath.Dir(module)); !known[name] {
			t.Errorf("hack/tools/%s is in no catalog: nothing builds it", name)
		}
	}
}

func TestEnsureRefusesUnknownTools(t *testing.T) {
	_, err := Ensure(t.Context(), &lockedBuffer{}, "hammer")
	if err == nil || !strings.Contains(err.Error(), "kube-apiserver") {
		t.Errorf("Ensure() = %v, want an error that lists the tools", err)
	}
}

func TestRootOutsideOfTheProject(t *testing.T) {
	t.Chdir(t.TempDir())
	if root, err := Root(); err == nil {
		t.Errorf("Root() = %s outside of a checkout", root)
	}
}

func wantEntries(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %v, want %v", dir, names, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
