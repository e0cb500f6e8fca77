package gitops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	// The package makes go-git offer the capabilities without which Azure DevOps
	// and AWS CodeCommit refuse a clone.
	_ "github.com/fluxcd/pkg/git/gogit"
	extgogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/storage/memory"
)

// Options bound what a Client may use. Zero values mean the defaults.
type Options struct {
	// Dir is where clones live for as long as they are open; the system's temporary directory by default.
	Dir string
	// MaxBytes bounds the pack that a clone downloads; 512 MiB by default. It may unpack to four times as much.
	MaxBytes int64
	// MaxObjectBytes bounds a single file of the branch, read or not, and any other Git object; 100 MiB by default, as
	// GitHub's own limit for files.
	MaxObjectBytes int64
	// MaxFiles bounds the entries of a branch's tree; 500,000 by default.
	MaxFiles int
	// MaxFileBytes bounds a single file that is read; 16 MiB by default.
	MaxFileBytes int64
	// Timeout bounds one network operation of a Remote that brings none; 60 s by default, as Flux's.
	Timeout time.Duration
	// Attempts is how often Update tries when the branch moves under it; 5 by default.
	Attempts int
	// Backoff is the pause before Update's second attempt, doubled for each further one; 200 ms by default.
	Backoff time.Duration
	// OnOperation is told each network operation as it starts: "clone", "push" or "list".
	OnOperation func(operation string)
}

const (
	operationClone = "clone"
	operationPush  = "push"
	operationList  = "list"

	// clonePrefix begins the name of each clone's directory.
	clonePrefix = "app-upgrade-clone-"
)

// Client clones and pushes. It is safe for concurrent use.
type Client struct{ opts Options }

// New makes a Client.
func New(opts Options) *Client {
	opts.Dir = cmp.Or(opts.Dir, os.TempDir())
	opts.MaxBytes = cmp.Or(opts.MaxBytes, 512<<20)
	opts.MaxObjectBytes = cmp.Or(opts.MaxObjectBytes, 100<<20)
	opts.MaxFiles = cmp.Or(opts.MaxFiles, 500_000)
	opts.MaxFileBytes = cmp.Or(opts.MaxFileBytes, 16<<20)
	opts.Timeout = cmp.Or(opts.Timeout, time.Minute)
	opts.Attempts = cmp.Or(opts.Attempts, 5)
	opts.Backoff = cmp.Or(opts.Backoff, 200*time.Millisecond)
	if opts.OnOperation == nil {
		opts.OnOperation = func(string) {}
	}
	return &Client{opts: opts}
}

// packLimits are those of one clone. Beside the files a pack has their folders and commits, and old versions of files where it
// has several commits.
func (o Options) packLimits() packLimits {
	return packLimits{objects: uint32(min(2*o.MaxFiles, math.MaxUint32)), object: o.MaxObjectBytes, total: inflation * o.MaxBytes} //nolint:gosec // bounded
}

// RemoveLeftovers deletes the clones that a killed process left in Options.Dir.
// Call it once at the start, and only when no other process uses that directory.
func (c *Client) RemoveLeftovers() error {
	left, err := filepath.Glob(filepath.Join(c.opts.Dir, clonePrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// list asks the server for the hash of the branch's newest commit, without a clone.
func (c *Client) list(ctx context.Context, remote Remote) (plumbing.Hash, error) {
	conn, err := remote.connection()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	c.opts.OnOperation(operationList)
	ctx, cancel := context.WithTimeout(ctx, c.timeoutOf(remote))
	defer cancel()
	return bounded(ctx, func() (plumbing.Hash, error) {
		origin := extgogit.NewRemote(memory.NewStorage(), &config.RemoteConfig{Name: extgogit.DefaultRemoteName, URLs: []string{conn.url}})
		refs, err := origin.ListContext(ctx, &extgogit.ListOptions{
			Auth: conn.method, CABundle: conn.auth.CAFile, ClientCert: conn.auth.ClientCert, ClientKey: conn.auth.ClientKey, ProxyOptions: remote.proxy,
		})
		if err != nil {
			return plumbing.ZeroHash, err
		}
		for _, ref := range refs {
			if ref.Name() == plumbing.NewBranchReferenceName(remote.Branch) {
				return ref.Hash(), nil
			}
		}
		return plumbing.ZeroHash, errNoBranch
	}, func(plumbing.Hash) {})
}

// errNoBranch is for repositories without the remote's branch.
var errNoBranch = errors.New("no such branch")

func (c *Client) timeoutOf(remote Remote) time.Duration {
	return cmp.Or(remote.timeout, c.opts.Timeout)
}

// bounded runs an operation that may not heed its context, as go-git does not
// during an SSH handshake. When ctx ends first, the operation goes on by itself and
// discard gets what it still yields. When ctx has ended already, nothing is begun.
func bounded[T any](ctx context.Context, operation func() (T, error), discard func(T)) (T, error) {
	if err := ctx.Err(); err != nil {
		var none T
		return none, err
	}
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			// What a server sends has made go-git panic before, and nobody above this goroutine would recover.
			if r := recover(); r != nil {
				o.err = fmt.Errorf("go-git panicked: %v", r)
			}
			done <- o
		}()
		o.value, o.err = operation()
	}()
	select {
	case o := <-done:
		if o.err != nil && ctx.Err() != nil {
			return o.value, ctx.Err()
		}
		return o.value, o.err
	case <-ctx.Done():
		go func() {
			if o := <-done; o.err == nil {
				discard(o.value)
			}
		}()
		var none T
		return none, ctx.Err()
	}
}
