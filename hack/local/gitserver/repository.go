package gitserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// rejectionVariable carries the message of a rejected push into the hook.
const rejectionVariable = "GITSERVER_REJECT"

// protectionVariable carries the protected branch into the hook.
const protectionVariable = "GITSERVER_PROTECT"

// optionsFile is where the hook writes the options of each push, one a line.
const optionsFile = "push-options"

// hook refuses a push when the server says so, and notes the options of those that it takes.
const hook = `#!/bin/sh
if [ -n "$` + rejectionVariable + `" ]; then
	echo "$` + rejectionVariable + `" >&2
	exit 1
fi
while read -r old new ref; do
	if [ -n "$` + protectionVariable + `" ] && [ "$ref" = "refs/heads/$` + protectionVariable + `" ]; then
		echo "branch $` + protectionVariable + ` is protected" >&2
		exit 1
	fi
done
i=0
while [ "$i" -lt "${GIT_PUSH_OPTION_COUNT:-0}" ]; do
	eval "printf '%s\\n' \"\$GIT_PUSH_OPTION_$i\"" >> ` + optionsFile + `
	i=$((i + 1))
done
`

// DefaultBranch is the branch that Create makes.
const DefaultBranch = "main"

// Counts are the requests that a repository got.
type Counts struct {
	// Lists asked which branches there are, Fetches took objects (a clone is one), Pushes gave some, also if rejected.
	Lists, Fetches, Pushes int
}

// Repository is a bare repository of the server. Its methods work on its files and are not counted, stalled or rejected.
type Repository struct {
	name, dir, url, git string
	faults              faults

	countMu sync.Mutex
	counts  map[string]Counts // by user
	writeMu sync.Mutex        // one Commit at a time; pushes may still come between
}

// URL returns the address to clone from and push to.
func (r *Repository) URL() string { return r.url }

// Dir returns the folder of the bare repository, for use with the git command.
func (r *Repository) Dir() string { return r.dir }

// Counts returns how many requests came since the start or the last ResetCounts, of all users or of the named ones.
func (r *Repository) Counts(users ...string) Counts {
	r.countMu.Lock()
	defer r.countMu.Unlock()
	if len(users) == 0 {
		users = slices.Collect(maps.Keys(r.counts))
	}
	var sum Counts
	for _, user := range users {
		c := r.counts[user]
		sum.Lists, sum.Fetches, sum.Pushes = sum.Lists+c.Lists, sum.Fetches+c.Fetches, sum.Pushes+c.Pushes
	}
	return sum
}

// PushOptions are those of all pushes that were taken, in their order.
func (r *Repository) PushOptions() ([]string, error) {
	text, err := os.ReadFile(filepath.Join(r.dir, optionsFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n"), err
}

// ResetCounts starts to count from zero.
func (r *Repository) ResetCounts() {
	r.countMu.Lock()
	defer r.countMu.Unlock()
	r.counts = map[string]Counts{}
}

func (r *Repository) count(op operation, user string) {
	r.countMu.Lock()
	defer r.countMu.Unlock()
	c := r.counts[user]
	switch op {
	case list:
		c.Lists++
	case fetch:
		c.Fetches++
	case push:
		c.Pushes++
	}
	r.counts[user] = c
}

func (r *Repository) init(ctx context.Context) error {
	r.counts = map[string]Counts{}
	r.faults = faults{stalls: map[operation]*Stall{}, shutdown: make(chan struct{})}
	if _, err := r.run(ctx, nil, "init", "--quiet", "--bare", "--initial-branch="+DefaultBranch, "."); err != nil {
		return err
	}
	if _, err := r.run(ctx, nil, "config", "receive.advertisePushOptions", "true"); err != nil {
		return err
	}
	path := filepath.Join(r.dir, "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make room for the hook of %s: %w", r.name, err)
	}
	if err := os.WriteFile(path, []byte(hook), 0o755); err != nil { //nolint:gosec // git runs only hooks that may be run
		return fmt.Errorf("write the hook of %s: %w", r.name, err)
	}
	return nil
}

// run executes git in the repository and returns what it prints.
func (r *Repository) run(ctx context.Context, input []byte, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, r.git, args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), gitEnvironment()...)
	cmd.Stdin = bytes.NewReader(input)
	output, err := cmd.Output()
	if err == nil {
		return string(output), nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("git %s in %s: %w: %s", args[0], r.name, err, strings.TrimSpace(string(exit.Stderr)))
	}
	return "", fmt.Errorf("git %s in %s: %w", args[0], r.name, err)
}

// gitEnvironment keeps the machine's own Git settings and questions to a person out.
func gitEnvironment() []string {
	return []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0"}
}
