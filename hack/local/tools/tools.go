// Package tools builds the servers and tools that hack/tools pins, and keeps the binaries in the user's cache directory.
//
// A binary is keyed by everything that it is made of (go.mod, go.sum, Go's version, how it is built), so that a clean
// checkout with a warm cache builds nothing. A lock file for each binary lets processes that want the same one build it once.
package tools

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const (
	// lockPoll is how often a process that waits for another's build looks whether it is done.
	lockPoll = 100 * time.Millisecond
	// progressInterval is how often a running build says that it still runs.
	progressInterval = 15 * time.Second
)

// Paths maps a tool's name to the absolute path of its binary.
type Paths map[string]string

// Ensure returns the paths of the named tools and builds those that the cache lacks, in the given order and one at a
// time. What it builds and how long that takes is written to progress. An error carries the end of the build's output.
func Ensure(ctx context.Context, progress io.Writer, names ...string) (Paths, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	paths := make(Paths, len(names))
	for _, name := range names {
		t, err := lookup(name)
		if err != nil {
			return nil, err
		}
		path, err := cachedPath(root, name, t)
		if err != nil {
			return nil, err
		}
		if err := ensure(ctx, progress, root, name, t, path); err != nil {
			return nil, err
		}
		paths[name] = path
	}
	return paths, nil
}

// Build compiles a main package of the project itself, given as a path from its root such as ./cmd/app-upgrade-operator,
// into the folder dir, which is made if needed, and returns the binary's path. Go's own build cache makes a repeated build cheap.
func Build(ctx context.Context, pkg, dir string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, filepath.Base(pkg))
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, pkg)
	cmd.Dir = root
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, errors.Join(err, ctx.Err()), tail(output))
	}
	return out, nil
}

// cachedPath returns where the tool's binary is kept.
func cachedPath(root, name string, t tool) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory for built tools: %w", err)
	}
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.Version(), runtime.GOOS, runtime.GOARCH, buildArgs(t, ""))
	for _, file := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(root, "hack", "tools", t.module, file))
		if err != nil {
			return "", fmt.Errorf("read what pins %s: %w", name, err)
		}
		hash.Write(content)
	}
	key := fmt.Sprintf("%s-%x", name, hash.Sum(nil)[:8])
	return filepath.Join(cache, "app-upgrade-operator", "tools", key, name), nil
}

func ensure(ctx context.Context, progress io.Writer, root, name string, t tool, path string) error {
	if exists(path) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make room for %s: %w", name, err)
	}
	unlock, err := lock(ctx, progress, name, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if exists(path) { // another process built it while this one waited
		return nil
	}
	return build(ctx, progress, filepath.Join(root, "hack", "tools", t.module), name, t, path)
}

func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func lock(ctx context.Context, progress io.Writer, name, file string) (unlock func(), err error) {
	l := flock.New(file)
	ok, err := l.TryLock()
	if err == nil && !ok {
		fmt.Fprintf(progress, "waiting for another process that builds %s\n", name)
		ok, err = l.TryLockContext(ctx, lockPoll)
	}
	if err != nil || !ok {
		return nil, fmt.Errorf("lock %s to build %s: %w", file, name, errors.Join(err, ctx.Err()))
	}
	return func() { _ = l.Unlock() }, nil // the file stays: removing it would let two builders in
}

// build compiles into a temporary file beside path and renames it, so that a binary is there as a whole or not at all.
func build(ctx context.Context, progress io.Writer, module, name string, t tool, path string) error {
	partial := path + ".partial"
	defer os.Remove(partial) //nolint:errcheck // gone after the rename; a leftover is overwritten by the next build

	cmd := exec.CommandContext(ctx, "go", buildArgs(t, partial)...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	start := time.Now()
	fmt.Fprintf(progress, "building %s (about %s with an empty build cache)...\n", name, t.cold)
	stop := report(progress, name, start)
	output, err := cmd.CombinedOutput()
	stop()
	if err != nil {
		return fmt.Errorf("build %s in %s: %w\n%s", name, module, errors.Join(err, ctx.Err()), tail(output))
	}
	if err := os.Rename(partial, path); err != nil {
		return fmt.Errorf("keep the built %s: %w", name, err)
	}
	fmt.Fprintf(progress, "built %s in %s\n", name, time.Since(start).Round(time.Second))
	return nil
}

func buildArgs(t tool, out string) []string {
	ldflags := strings.TrimSpace("-s -w " + t.ldflags)
	return []string{"build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", out, t.pkg}
}

// report writes a line for a build that still runs every progressInterval, until stop is called.
func report(progress io.Writer, name string, start time.Time) (stop func()) {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(progressInterval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				fmt.Fprintf(progress, "building %s... %s\n", name, time.Since(start).Round(time.Second))
			}
		}
	}()
	return func() { close(done); <-stopped }
}

// tail returns the last lines of a build's output: the errors stand there.
func tail(output []byte) string {
	const maxBytes = 4 << 10
	if len(output) > maxBytes {
		output = output[len(output)-maxBytes:]
	}
	return strings.TrimSpace(string(output))
}
