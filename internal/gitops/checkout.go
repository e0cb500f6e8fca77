package gitops

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	extgogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// objectCache bounds the unpacked Git objects that one clone keeps in memory, in bytes.
const objectCache = 16 * cache.MiByte

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

func newCommit(c *object.Commit) Commit {
	commit := Commit{
		Hash:    c.Hash.String(),
		Message: c.Message,
		Author:  Author{Name: c.Author.Name, Email: c.Author.Email},
		When:    c.Committer.When,
	}
	for _, parent := range c.ParentHashes {
		commit.Parents = append(commit.Parents, parent.String())
	}
	return commit
}

// Checkout is the newest commit of a branch, readable until it is closed.
type Checkout struct {
	dir   string
	store *limitedStorage
	repo  *extgogit.Repository
	head  *object.Commit
	files *treeFS

	// inUse is held by a push, which may outlive the call that started it.
	inUse  sync.Mutex
	closed sync.Once
}

// FS are the regular files of the commit, byte by byte as in Git. Symbolic links
// and submodules are not part of it, as they are not part of a Flux artifact. It
// is safe for concurrent use, and reads fail with fs.ErrClosed after Close.
func (c *Checkout) FS() fs.FS { return c.files }

// Head is the commit. Its parents are known although the clone is shallow.
func (c *Checkout) Head() Commit { return newCommit(c.head) }

// Close removes the clone from the disk. Calling it again does nothing.
func (c *Checkout) Close() error {
	var err error
	c.closed.Do(func() {
		c.files.close()
		if c.inUse.TryLock() {
			err = c.remove()
			return
		}
		go func() {
			c.inUse.Lock()
			_ = c.remove() // nobody is left to hear of it; RemoveLeftovers has another try
		}()
	})
	return err
}

func (c *Checkout) remove() error {
	return errors.Join(c.store.Close(), os.RemoveAll(c.dir))
}

// Clone fetches the newest commit of the branch. Close the Checkout.
func (c *Client) Clone(ctx context.Context, remote Remote) (*Checkout, error) {
	checkout, err := c.fetch(ctx, remote, 1)
	if err != nil {
		return nil, remote.failure(operationClone, err, "")
	}
	return checkout, nil
}

// fetch clones the last depth generations of the branch.
func (c *Client) fetch(ctx context.Context, remote Remote, depth int) (*Checkout, error) {
	conn, err := remote.connection()
	if err != nil {
		return nil, err
	}
	c.opts.OnOperation(operationClone)
	ctx, cancel := context.WithTimeout(ctx, c.timeoutOf(remote))
	defer cancel()
	return bounded(ctx, func() (*Checkout, error) {
		return c.clone(ctx, &extgogit.CloneOptions{
			URL: conn.url, Auth: conn.method,
			CABundle: conn.auth.CAFile, ClientCert: conn.auth.ClientCert, ClientKey: conn.auth.ClientKey, ProxyOptions: remote.proxy,
			ReferenceName: plumbing.NewBranchReferenceName(remote.Branch), SingleBranch: true, Tags: extgogit.NoTags,
			Depth: depth, NoCheckout: true,
		})
	}, func(late *Checkout) { _ = late.Close() })
}

// clone downloads into a directory of its own, which it removes when it fails.
func (c *Client) clone(ctx context.Context, options *extgogit.CloneOptions) (*Checkout, error) {
	dir, err := os.MkdirTemp(c.opts.Dir, clonePrefix)
	if err != nil {
		return nil, err
	}
	objects := cache.NewObjectLRU(objectCache)
	store := &limitedStorage{
		Storage: filesystem.NewStorageWithOptions(osfs.New(dir, osfs.WithBoundOS()), objects,
			filesystem.Options{ExclusiveAccess: true, KeepDescriptors: true}),
		dir: dir, left: c.opts.MaxBytes, limits: c.opts.packLimits(),
	}
	checkout := &Checkout{dir: dir, store: store}
	if err := checkout.download(ctx, options, c.opts); err != nil {
		return nil, errors.Join(err, checkout.remove())
	}
	return checkout, nil
}

func (c *Checkout) download(ctx context.Context, options *extgogit.CloneOptions, limits Options) error {
	var err error
	if c.repo, err = extgogit.CloneContext(ctx, c.store, nil, options); err != nil {
		return err
	}
	ref, err := c.repo.Reference(options.ReferenceName, true)
	if err != nil {
		return err
	}
	if c.head, err = c.repo.CommitObject(ref.Hash()); err != nil {
		return err
	}
	c.files, err = newTreeFS(c.store, c.head, limits.MaxFiles, limits.MaxFileBytes)
	return err
}
