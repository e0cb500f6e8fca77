package process_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/giantswarm/app-upgrade-operator/hack/local/process"
)

// shell runs a script as a process.
func shell(t *testing.T, name, script string) process.Config {
	t.Helper()
	return process.Config{Name: name, Path: "/bin/sh", Args: []string{"-c", script}, LogDir: t.TempDir()}
}

func fileExists(path string) func(context.Context) error {
	return func(context.Context) error { _, err := os.Stat(path); return err }
}

func start(t *testing.T, config process.Config) *process.Process {
	t.Helper()
	p, err := process.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	return p
}

func TestStartFails(t *testing.T) {
	tests := map[string]struct {
		script string
		ready  error
		wait   time.Duration
		want   []string
	}{
		"dies before it is ready": {
			script: "echo no such flag >&2; exit 3", ready: errors.New("connection refused"), wait: time.Minute,
			want: []string{"server ended by itself (exit status 3)", "no such flag"},
		},
		"does not get ready in time": {
			script: "echo still thinking; exec sleep 600", ready: errors.New("connection refused"), wait: 300 * time.Millisecond,
			want: []string{"server was not ready in time", "connection refused"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config := shell(t, "server", test.script)
			config.Ready = func(context.Context) error { return test.ready }
			config.ReadyTimeout = test.wait
			_, err := process.Start(t.Context(), config)
			if err == nil {
				t.Fatal("Start succeeded")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error lacks %q: %v", want, err)
				}
			}
		})
	}
}

func TestStop(t *testing.T) {
	tests := map[string]struct {
		script string
		wait   time.Duration
	}{
		"ends when asked":                {script: "trap 'echo bye; exit 0' TERM; touch ready; while :; do sleep 0.01; done", wait: time.Minute},
		"is killed when it ignores that": {script: "trap '' TERM; touch ready; while :; do sleep 0.01; done", wait: 100 * time.Millisecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config := shell(t, "server", test.script)
			config.Ready = fileExists(filepath.Join(config.LogDir, "ready"))
			config.StopTimeout = test.wait
			p := start(t, config)
			for range 2 { // the second time it is gone already
				if err := p.Stop(); err != nil {
					t.Fatal(err)
				}
			}
			if p.Running() {
				t.Error("it still runs")
			}
			if err := p.Err(); err != nil {
				t.Errorf("a process that was stopped did not end by itself: %v", err)
			}
		})
	}
}

func TestErrTellsThatItEnded(t *testing.T) {
	p := start(t, shell(t, "server", "echo last words; exit 0"))
	<-p.Exited()
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "last words") {
		t.Errorf("Err() = %v, want the end of the log", err)
	}
}

func TestKillReachesGrandchildren(t *testing.T) {
	config := shell(t, "server", "sleep 600 & echo $! > child; mv child ready; wait")
	ready := filepath.Join(config.LogDir, "ready")
	config.Ready = fileExists(ready)
	p := start(t, config)
	pid := readPID(t, ready)
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	waitGone(t, pid)
}

// TestChildrenDieWithUs starts this test binary as a parent, which starts a child, and kills the parent hard.
func TestChildrenDieWithUs(t *testing.T) {
	dir := t.TempDir()
	parent := exec.Command(os.Args[0], "-test.run=^TestHelperParent$")
	parent.Env = append(os.Environ(), "PROCESS_TEST_DIR="+dir)
	parent.Stdout, parent.Stderr = os.Stderr, os.Stderr
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = parent.Wait() }()
	defer func() { _ = parent.Process.Kill() }()
	ready := filepath.Join(dir, "ready")
	started := func(ctx context.Context) (bool, error) { return fileExists(ready)(ctx) == nil, nil }
	if err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, started); err != nil {
		t.Fatalf("the parent did not start its child: %v", err)
	}
	pid := readPID(t, ready)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	waitGone(t, pid)
}

// TestHelperParent is the parent of TestChildrenDieWithUs when that runs it, and does nothing otherwise.
func TestHelperParent(t *testing.T) {
	dir := os.Getenv("PROCESS_TEST_DIR")
	if dir == "" {
		return
	}
	config := process.Config{Name: "child", Path: "/bin/sh", Args: []string{"-c", "echo $$ > pid; mv pid ready; exec sleep 600"}, LogDir: dir}
	p, err := process.Start(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Exited()
}

func TestFreeAddresses(t *testing.T) {
	addresses, err := process.FreeAddresses(50)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, address := range addresses {
		if seen[address] {
			t.Errorf("%s was given twice", address)
		}
		seen[address] = true
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Errorf("%s is not free: %v", address, err)
			continue
		}
		_ = listener.Close()
	}
}

func readPID(t *testing.T, path string) int {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// waitGone waits until a process has ended, even if nobody has collected its exit code.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	gone := func(context.Context) (bool, error) {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid), nil
	}
	if err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, 30*time.Second, true, gone); err != nil {
		t.Errorf("process %d still runs: %v", pid, err)
	}
}

func zombie(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, state, ok := strings.Cut(string(stat), ") ")
	return ok && strings.HasPrefix(state, "Z")
}
