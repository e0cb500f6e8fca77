package gitops

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	extgogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
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
	// Redone: somebody made the commit of another one, as by an amendment or a rebase, so that its content may be theirs.
	Redone bool
}

func newCommit(c *object.Commit) Commit {
	commit := Commit{
		Hash:    c.Hash.String(),
		Message: c.Message,
		Author:  Author{Name: c.Author.Name, Email: c.Author.Email},
		When:    c.Committer.When,
		Redone:  c.Author.Name != c.Committer.Name || c.Author.Email != c.Committer.Email || !c.Author.When.Equal(c.Committer.When),
	}
	for _, parent := range c.ParentHashes {
		commit.Parents = append(commit.Parents, parent.String())
	}
	return commit
}

// Checkout is the newest commit of a branch, readable until it is closed.
type Checkout struct {
	*download
	head   *object.Commit
	files  *treeFS
	beside map[string]*Checkout
	unread map[string]error
	closed sync.Once
}

// download is what was fetched, of one branch or more.
type download struct {
	dir   string
	store *limitedStorage
	repo  *extgogit.Repository

	// inUse is held by a push, which may outlive the call that started it.
	inUse sync.Mutex
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
		for _, other := range c.beside {
			other.files.close()
		}
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

func (d *download) remove() error {
	return errors.Join(d.store.Close(), os.RemoveAll(d.dir))
}

// Clone fetches the newest commit of the branch. Close the Checkout.
func (c *Client) Clone(ctx context.Context, remote Remote) (*Checkout, error) {
	checkout, err := c.fetch(ctx, remote, 1)
	if err != nil {
		return nil, remote.failure(operationClone, err, "")
	}
	return checkout, nil
}

// fetchAll clones the last depth generations of the branch and of all that are beside it.
func (c *Client) fetchAll(ctx context.Context, remote Remote, depth int) (*Checkout, error) {
	conn, err := remote.connection()
	if err != nil {
		return nil, err
	}
	c.opts.OnOperation(operationClone)
	ctx, cancel := context.WithTimeout(ctx, c.timeoutOf(remote))
	defer cancel()
	return bounded(ctx, func() (*Checkout, error) {
		return c.clone(ctx, remote, conn.url, &extgogit.FetchOptions{
			RemoteName: extgogit.DefaultRemoteName, Auth: conn.method,
			CABundle: conn.auth.CAFile, ClientCert: conn.auth.ClientCert, ClientKey: conn.auth.ClientKey, ProxyOptions: remote.proxy,
			Tags: extgogit.NoTags, Depth: depth,
		})
	}, func(late *Checkout) { _ = late.Close() })
}

// clone downloads into a directory of its own, which it removes when it fails.
func (c *Client) clone(ctx context.Context, remote Remote, url string, options *extgogit.FetchOptions) (*Checkout, error) {
	dir, err := os.MkdirTemp(c.opts.Dir, clonePrefix)
	if err != nil {
		return nil, err
	}
	objects := cache.NewObjectLRU(objectCache)
	into := &download{dir: dir, store: &limitedStorage{
		Storage: filesystem.NewStorageWithOptions(osfs.New(dir, osfs.WithBoundOS()), objects,
			filesystem.Options{ExclusiveAccess: true, KeepDescriptors: true}),
		dir: dir, left: c.opts.MaxBytes, limits: c.opts.packLimits(),
	}}
	checkout, err := into.run(ctx, remote, url, options, c.opts)
	if err != nil {
		return nil, errors.Join(err, into.remove())
	}
	return checkout, nil
}

// run fetches the branch of a remote, and those beside it that are there. Of these each may be unreadable by itself.
func (d *download) run(ctx context.Context, remote Remote, url string, options *extgogit.FetchOptions, limits Options) (*Checkout, error) {
	var err error
	if d.repo, err = extgogit.Init(d.store, nil); err != nil {
		return nil, err
	}
	if _, err = d.repo.CreateRemote(&config.RemoteConfig{Name: options.RemoteName, URLs: []string{url}}); err != nil {
		return nil, err
	}
	beside, err := d.fetch(ctx, remote, options)
	if err != nil {
		return nil, err
	}
	checkout, err := d.checkout(remote.Branch, limits)
	if err != nil {
		return nil, err
	}
	checkout.beside, checkout.unread = map[string]*Checkout{}, map[string]error{}
	for _, branch := range beside {
		other, err := d.checkout(branch, limits)
		if err != nil {
			checkout.unread[branch] = remote.On(branch).branchUnread(err)
			continue
		}
		checkout.beside[branch] = other
	}
	return checkout, nil
}

// fetch takes all branches at once, and tells which of those beside the remote's are there. Git takes none if one is not there,
// and says which: so the others are asked for again.
func (d *download) fetch(ctx context.Context, remote Remote, options *extgogit.FetchOptions) (beside []string, err error) {
	beside = slices.Clone(remote.beside)
	for {
		options.RefSpecs = []config.RefSpec{refSpecOf(remote.Branch)}
		for _, branch := range beside {
			options.RefSpecs = append(options.RefSpecs, refSpecOf(branch))
		}
		err := d.repo.FetchContext(ctx, options)
		if !errors.Is(err, extgogit.NoMatchingRefSpecError{}) {
			return beside, err
		}
		missing := slices.IndexFunc(beside, func(branch string) bool {
			return strings.Contains(err.Error(), strconv.Quote(plumbing.NewBranchReferenceName(branch).String()))
		})
		if missing < 0 {
			return nil, err
		}
		beside = slices.Delete(beside, missing, missing+1)
	}
}

func refSpecOf(branch string) config.RefSpec {
	name := plumbing.NewBranchReferenceName(branch).String()
	return config.RefSpec("+" + name + ":" + name)
}

// checkout is the newest commit of a branch that was fetched.
func (d *download) checkout(branch string, limits Options) (*Checkout, error) {
	ref, err := d.repo.Reference(plumbing.NewBranchReferenceName(branch), true)
	if err != nil {
		return nil, err
	}
	head, err := d.repo.CommitObject(ref.Hash())
	if err != nil {
		return nil, err
	}
	files, err := newTreeFS(d.store, head, limits.MaxFiles, limits.MaxFileBytes)
	return &Checkout{download: d, head: head, files: files}, err
}
