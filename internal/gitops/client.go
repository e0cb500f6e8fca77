package gitops

import (
	"context"
	"io/fs"
	"time"
)

// Options bound what a Client may use. Zero values mean the defaults.
type Options struct {
	// Dir is where clones live for as long as they are open; the system's temporary directory by default.
	Dir string
	// MaxBytes bounds the pack that a clone downloads; 512 MiB by default.
	MaxBytes int64
	// MaxFiles bounds the entries of a branch's tree; 500,000 by default.
	MaxFiles int
	// MaxFileBytes bounds a single file that is read; 16 MiB by default.
	MaxFileBytes int64
	// Timeout bounds one network operation of a Remote that brings none; 60 s by default.
	Timeout time.Duration
	// Attempts is how often Update starts again when the branch moved; 5 by default.
	Attempts int
	// OnOperation is told each network operation as it starts: "clone", "push" or "list".
	OnOperation func(operation string)
}

// Client clones and pushes. It is safe for concurrent use.
type Client struct{ opts Options }

// New makes a Client.
func New(opts Options) *Client { return &Client{opts: opts} }

// Author signs a commit with a name and an e-mail address.
type Author struct{ Name, Email string }

// Commit is one commit of a branch.
type Commit struct {
	// Hash is the commit's full hexadecimal SHA-1, Parents those of its parents.
	Hash    string
	Parents []string
	Message string
	Author  Author
	// When is the committer's time.
	When time.Time
}

// Change is what one commit changes: new contents by path, relative to the
// repository's root. Each path must be an existing regular file.
type Change struct {
	Message string
	Files   map[string][]byte
}

// Checkout is the newest commit of a branch, readable until it is closed.
type Checkout struct{}

// FS are the regular files of the commit; symbolic links and submodules are not part of it.
func (*Checkout) FS() fs.FS { return nil }

// Head is the commit. Its parents are known.
func (*Checkout) Head() Commit { return Commit{} }

// Close removes the clone from the disk.
func (*Checkout) Close() error { return nil }

// Clone fetches the newest commit of the branch.
func (c *Client) Clone(ctx context.Context, remote Remote) (*Checkout, error) { return nil, nil }

// FindCommit gives the newest of the last limit commits for which match is true.
func (c *Client) FindCommit(ctx context.Context, remote Remote, limit int, match func(Commit) bool) (Commit, bool, error) {
	return Commit{}, false, nil
}

// Update changes files of the branch by one commit and gives the branch's head afterwards.
func (c *Client) Update(ctx context.Context, remote Remote, author Author, change func(*Checkout) (Change, error)) (Commit, error) {
	return Commit{}, nil
}
