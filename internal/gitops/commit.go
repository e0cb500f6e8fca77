package gitops

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Change is what one commit changes: new contents by path, relative to the
// repository's root with slashes. Each path must be an existing regular file.
type Change struct {
	Message string
	Files   map[string][]byte
	// Signer signs the commit; nil: it is not signed.
	Signer Signer
}

// refusedPath is a path of a Change that may not be written.
type refusedPath struct {
	path string
	err  error
}

func (e *refusedPath) Error() string {
	return fmt.Sprintf("file %q may not be written: %v", e.path, e.err)
}
func (e *refusedPath) Unwrap() error { return e.err }

// commit stores a commit on top of the head, and tells whether the change changes anything.
func (c *Checkout) commit(author Author, when time.Time, change Change) (*object.Commit, bool, error) {
	blobs := map[string]plumbing.Hash{}
	for _, name := range slices.Sorted(maps.Keys(change.Files)) {
		content := change.Files[name]
		n, err := c.files.find("write", name)
		if err == nil && n.IsDir() {
			err = errors.New("is a directory")
		}
		if err != nil {
			return nil, false, &refusedPath{path: name, err: err}
		}
		if plumbing.ComputeHash(plumbing.BlobObject, content) == n.hash {
			continue
		}
		if blobs[name], err = c.storeBlob(content); err != nil {
			return nil, false, err
		}
	}
	if len(blobs) == 0 {
		return nil, false, nil
	}
	tree, err := c.rewrite(".", c.head.TreeHash, parentsOf(blobs), blobs)
	if err != nil {
		return nil, false, err
	}
	made, err := c.storeCommit(author, when, change, tree)
	return made, err == nil, err
}

// parentsOf are all directories above the files.
func parentsOf(files map[string]plumbing.Hash) map[string]bool {
	dirs := map[string]bool{}
	for name := range files {
		for dir := path.Dir(name); !dirs[dir]; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	return dirs
}

// rewrite stores a directory's tree anew with the changed files, and only the trees above them.
func (c *Checkout) rewrite(dir string, hash plumbing.Hash, dirs map[string]bool, blobs map[string]plumbing.Hash) (plumbing.Hash, error) {
	old, err := object.GetTree(c.store, hash)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("read directory %s: %w", dir, err)
	}
	tree := object.Tree{Entries: slices.Clone(old.Entries)}
	for i, entry := range tree.Entries {
		name := path.Join(dir, entry.Name)
		if blob, ok := blobs[name]; ok && entry.Mode.IsFile() {
			tree.Entries[i].Hash = blob
		}
		if dirs[name] && !entry.Mode.IsFile() {
			if tree.Entries[i].Hash, err = c.rewrite(name, entry.Hash, dirs, blobs); err != nil {
				return plumbing.ZeroHash, err
			}
		}
	}
	return c.storeEncoded(&tree)
}

func (c *Checkout) storeCommit(author Author, when time.Time, change Change, tree plumbing.Hash) (*object.Commit, error) {
	signature := object.Signature{Name: headerText(author.Name), Email: headerText(author.Email), When: when}
	commit := &object.Commit{
		Author: signature, Committer: signature,
		Message:      strings.TrimRight(change.Message, "\n") + "\n",
		TreeHash:     tree,
		ParentHashes: []plumbing.Hash{c.head.Hash},
	}
	if err := sign(commit, change.Signer); err != nil {
		return nil, err
	}
	hash, err := c.storeEncoded(commit)
	if err != nil {
		return nil, err
	}
	return object.GetCommit(c.store, hash)
}

// headerText keeps a name from ending a commit's header line early.
func headerText(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\n", " ", "\r", " ", "\x00", "", "<", "", ">", "").Replace(s))
}

func (c *Checkout) storeEncoded(o interface {
	Encode(plumbing.EncodedObject) error
}) (plumbing.Hash, error) {
	encoded := c.store.NewEncodedObject()
	if err := o.Encode(encoded); err != nil {
		return plumbing.ZeroHash, err
	}
	return c.store.SetEncodedObject(encoded)
}

func (c *Checkout) storeBlob(content []byte) (plumbing.Hash, error) {
	encoded := &plumbing.MemoryObject{}
	encoded.SetType(plumbing.BlobObject)
	if _, err := bytes.NewReader(content).WriteTo(encoded); err != nil {
		return plumbing.ZeroHash, err
	}
	return c.store.SetEncodedObject(encoded)
}
