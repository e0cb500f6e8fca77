// Package process runs the servers of the local environment as supervised child processes: each in a process group of its
// own, with a log file, a ready check, and a cause to show when it dies. On Linux the kernel kills them when we die.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// readyPoll is how often a starting process is asked whether it is ready.
	readyPoll = 50 * time.Millisecond
	// defaultReadyTimeout is long because several servers start at once on few cores.
	defaultReadyTimeout = 90 * time.Second
	// defaultStopTimeout is how long a process may take to end by itself.
	defaultStopTimeout = 10 * time.Second
)

// Config says what to run.
type Config struct {
	// Name is used in errors and names the log file.
	Name string
	// Path of the binary, and its arguments.
	Path string
	Args []string
	// Env entries are added to the environment of this process.
	Env []string
	// Dir is the working directory; default: LogDir.
	Dir string
	// LogDir is the folder that the log file <name>.log is appended to.
	LogDir string
	// Ready is asked until it returns nil. Without it a process is ready as soon as it runs.
	Ready func(ctx context.Context) error
	// ReadyTimeout is how long that may take, 90 s by default.
	ReadyTimeout time.Duration
	// StopTimeout is how long Stop waits before it kills, 10 s by default.
	StopTimeout time.Duration
}

// Process is a child process that was started and became ready.
type Process struct {
	config   Config
	pid      int
	exited   chan struct{}
	err      error // how it ended; valid once exited is closed
	stopping atomic.Bool
}

// Start runs a process and waits until it is ready. ctx bounds only the start. If the process dies or does not become ready
// in time it is killed, and the error ends with the tail of its log.
func Start(ctx context.Context, config Config) (*Process, error) {
	p, err := run(config)
	if err != nil {
		return nil, err
	}
	if err := p.waitReady(ctx); err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	return p, nil
}

func run(config Config) (*Process, error) {
	logFile, err := os.OpenFile(logPath(config), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", config.Name, err)
	}
	cmd := exec.Command(config.Path, config.Args...)
	cmd.Env = append(os.Environ(), config.Env...)
	cmd.Dir = config.Dir
	if cmd.Dir == "" {
		cmd.Dir = config.LogDir
	}
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = attributes()

	p := &Process{config: config, exited: make(chan struct{})}
	started := make(chan error, 1)
	go p.supervise(cmd, logFile, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", config.Name, err)
	}
	return p, nil
}

// supervise starts the child and waits for it on one locked thread: the kernel's parent-death signal is sent when the
// thread that started the child ends, not when the whole process does.
func (p *Process) supervise(cmd *exec.Cmd, logFile *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer logFile.Close() //nolint:errcheck // the child wrote it, we did not

	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	p.pid = cmd.Process.Pid
	started <- nil
	p.err = cmd.Wait()
	close(p.exited)
}

func (p *Process) waitReady(ctx context.Context) error {
	if p.config.Ready == nil {
		return nil
	}
	timeout := p.config.ReadyTimeout
	if timeout == 0 {
		timeout = defaultReadyTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ticker := time.NewTicker(readyPoll)
	defer ticker.Stop()
	for {
		notReady := p.config.Ready(ctx)
		if notReady == nil {
			return nil
		}
		select {
		case <-p.exited:
			return p.Err()
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready in time: %w\n%s", p.config.Name, errors.Join(notReady, ctx.Err()), p.LogTail())
		case <-ticker.C:
		}
	}
}

// Name returns the name that the process was given.
func (p *Process) Name() string { return p.config.Name }

// PID returns the process id.
func (p *Process) PID() int { return p.pid }

// Exited is closed when the process has ended, whatever the reason.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Running reports whether the process has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// Err tells how the process ended, with the tail of its log, and nil while it runs or when it was stopped or killed by us.
func (p *Process) Err() error {
	if p.Running() || p.stopping.Load() {
		return nil
	}
	reason := "with exit code 0"
	if p.err != nil {
		reason = p.err.Error()
	}
	return fmt.Errorf("%s ended by itself (%s)\n%s", p.config.Name, reason, p.LogTail())
}

// Signal sends a signal to the process. A process that has ended already is no error.
func (p *Process) Signal(signal syscall.Signal) error {
	return p.signal(p.pid, signal)
}

// Stop asks the process to end (SIGTERM), waits, and kills its whole process group if it does not end in time.
func (p *Process) Stop() error {
	p.stopping.Store(true)
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return errors.Join(err, p.Kill())
	}
	timeout := p.config.StopTimeout
	if timeout == 0 {
		timeout = defaultStopTimeout
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(timeout):
		return p.Kill()
	}
}

// Kill ends the process and all that it started at once (SIGKILL) and waits until it is gone.
func (p *Process) Kill() error {
	p.stopping.Store(true)
	if err := p.signal(-p.pid, syscall.SIGKILL); err != nil {
		return err
	}
	<-p.exited
	return nil
}

func (p *Process) signal(pid int, signal syscall.Signal) error {
	if !p.Running() {
		return nil // its id may belong to another process by now
	}
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %s to %s: %w", signal, p.config.Name, err)
	}
	return nil
}

// LogPath returns the file that holds the output of the process.
func (p *Process) LogPath() string { return logPath(p.config) }

// LogTail returns the last lines of the output.
func (p *Process) LogTail() string {
	const maxBytes, maxLines = 16 << 10, 30
	file, err := os.Open(p.LogPath())
	if err != nil {
		return "(no log: " + err.Error() + ")"
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return "(no log: " + err.Error() + ")"
	}
	buffer := make([]byte, min(info.Size(), maxBytes))
	n, _ := file.ReadAt(buffer, info.Size()-int64(len(buffer))) // a short read shows less, which is fine for a message
	lines := strings.Split(strings.TrimSpace(string(buffer[:n])), "\n")
	if len(lines) > maxLines {
		lines = lines[len(lines)-maxLines:]
	}
	return "the end of " + p.LogPath() + ":\n" + strings.Join(lines, "\n")
}

func logPath(config Config) string {
	return filepath.Join(config.LogDir, strings.ReplaceAll(config.Name, "/", "_")+".log") // subtests have slashes in their names
}
