package gitops

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

var (
	// errSymlink and errSubmodule say why an entry of the tree is no file here.
	errSymlink   = fmt.Errorf("%w: a symbolic link, which is not followed", fs.ErrNotExist)
	errSubmodule = fmt.Errorf("%w: a submodule, which is another repository", fs.ErrNotExist)
	// errFileTooLarge is for files over Options.MaxFileBytes.
	errFileTooLarge = errors.New("the file is larger than what is read")
	// errTooManyFiles is for trees over Options.MaxFiles.
	errTooManyFiles = errors.New("too many files")
	// errPathTooLong is for trees so deep that naming their files would fill the memory.
	errPathTooLong = errors.New("a path is too long")
)

// maxPath bounds the path of a file, in bytes, as Linux does (PATH_MAX).
const maxPath = 4096

// treeFS shows the regular files and directories of one commit's tree. Symbolic
// links and submodules are left out, as Flux's source-controller leaves them out
// of its artifacts. No path reaches the operating system. It is safe for
// concurrent use until it is closed; afterwards reads fail with fs.ErrClosed.
type treeFS struct {
	when         time.Time
	maxFileBytes int64
	nodes        map[string]*node
	refused      map[string]error

	mu      sync.Mutex // go-git's object storage is not safe for concurrent use
	objects storer.EncodedObjectStorer
}

var (
	_ fs.ReadFileFS = (*treeFS)(nil)
	_ fs.ReadDirFS  = (*treeFS)(nil)
	_ fs.StatFS     = (*treeFS)(nil)
)

// newTreeFS reads all trees of the commit. A tree may name the same subtree many
// times, so that a small pack can unfold without end: maxFiles bounds it.
func newTreeFS(objects storer.EncodedObjectStorer, commit *object.Commit, maxFiles int, maxFileBytes int64) (*treeFS, error) {
	t := &treeFS{
		when: commit.Committer.When, maxFileBytes: maxFileBytes, objects: objects,
		nodes: map[string]*node{}, refused: map[string]error{},
	}
	root := &node{tree: t, name: ".", mode: filemode.Dir, hash: commit.TreeHash}
	t.nodes["."] = root
	left := maxFiles
	return t, t.fill(root, ".", &left)
}

// fill adds what is below a directory.
func (t *treeFS) fill(dir *node, dirPath string, left *int) error {
	tree, err := object.GetTree(t.objects, dir.hash)
	if err != nil {
		return fmt.Errorf("read directory %s: %w", dirPath, err)
	}
	for _, entry := range tree.Entries {
		if *left--; *left < 0 {
			return errTooManyFiles
		}
		if !plainName(entry.Name) {
			continue
		}
		child := &node{tree: t, name: entry.Name, mode: entry.Mode, hash: entry.Hash}
		childPath := path.Join(dirPath, entry.Name)
		if len(childPath) > maxPath {
			return errPathTooLong
		}
		switch entry.Mode {
		case filemode.Symlink:
			t.refused[childPath] = errSymlink
			continue
		case filemode.Submodule:
			t.refused[childPath] = errSubmodule
			continue
		case filemode.Dir:
			if err := t.fill(child, childPath, left); err != nil {
				return err
			}
		}
		t.nodes[childPath] = child
		dir.children = append(dir.children, child)
	}
	slices.SortFunc(dir.children, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return nil
}

// plainName is false for names that Git itself refuses to check out.
func plainName(name string) bool {
	return name != "." && name != ".." && fs.ValidPath(name) && !strings.Contains(name, "/") && !strings.EqualFold(name, ".git")
}

func (t *treeFS) find(operation, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: operation, Path: name, Err: fs.ErrInvalid}
	}
	if n, ok := t.nodes[name]; ok {
		return n, nil
	}
	for p := name; p != "."; p = path.Dir(p) {
		if err, ok := t.refused[p]; ok {
			return nil, &fs.PathError{Op: operation, Path: name, Err: err}
		}
	}
	return nil, &fs.PathError{Op: operation, Path: name, Err: fs.ErrNotExist}
}

// Open gives the file or directory.
func (t *treeFS) Open(name string) (fs.File, error) {
	n, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if n.IsDir() {
		return &openDir{node: n, path: name}, nil
	}
	content, err := t.read(n)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{Reader: bytes.NewReader(content), node: n}, nil
}

// ReadFile gives the file's bytes as they stand in Git.
func (t *treeFS) ReadFile(name string) ([]byte, error) {
	n, err := t.find("read", name)
	if err == nil && n.IsDir() {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	if err != nil {
		return nil, err
	}
	content, err := t.read(n)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return content, nil
}

// ReadDir lists a directory, sorted by name.
func (t *treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !n.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	return slices.Clone(n.children), nil
}

// Stat describes a file or directory.
func (t *treeFS) Stat(name string) (fs.FileInfo, error) {
	n, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return n.Info()
}

// close makes later reads fail.
func (t *treeFS) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.objects = nil
}

func (t *treeFS) size(n *node) (int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.objects == nil {
		return 0, fs.ErrClosed
	}
	return t.objects.EncodedObjectSize(n.hash)
}

func (t *treeFS) read(n *node) ([]byte, error) {
	size, err := t.size(n)
	if err != nil {
		return nil, err
	}
	if size > t.maxFileBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errFileTooLarge, size, t.maxFileBytes)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.objects == nil {
		return nil, fs.ErrClosed
	}
	blob, err := object.GetBlob(t.objects, n.hash)
	if err != nil {
		return nil, err
	}
	r, err := blob.Reader()
	if err != nil {
		return nil, err
	}
	content := make([]byte, size)
	_, err = io.ReadFull(r, content)
	return content, errors.Join(err, r.Close())
}
