package gitops

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// node is a file or a directory; its name is the last element of its path.
type node struct {
	tree     *treeFS
	name     string
	mode     filemode.FileMode
	hash     plumbing.Hash
	children []fs.DirEntry
}

func (n *node) Name() string { return n.name }
func (n *node) IsDir() bool  { return n.mode == filemode.Dir }

func (n *node) Type() fs.FileMode {
	if n.IsDir() {
		return fs.ModeDir
	}
	return 0
}

// Info reads the file's size.
func (n *node) Info() (fs.FileInfo, error) {
	info := fileInfo{node: n}
	if n.IsDir() {
		return info, nil
	}
	var err error
	info.size, err = n.tree.size(n)
	return info, err
}

// fileInfo is a node with its size in bytes.
type fileInfo struct {
	*node
	size int64
}

func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) ModTime() time.Time { return i.tree.when }
func (i fileInfo) Sys() any           { return nil }

func (i fileInfo) Mode() fs.FileMode {
	switch {
	case i.IsDir():
		return fs.ModeDir | 0o555
	case i.mode == filemode.Executable:
		return 0o555
	default:
		return 0o444
	}
}

// openFile is a file that was read as a whole.
type openFile struct {
	*bytes.Reader
	node *node
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.node.Info() }
func (f *openFile) Close() error               { return nil }

// openDir lists a directory step by step.
type openDir struct {
	node *node
	path string
	next int
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.node.Info() }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.path, Err: errors.New("is a directory")}
}

// ReadDir gives the next n entries, or all when n is not positive.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	rest := d.node.children[d.next:]
	if n > 0 && len(rest) == 0 {
		return nil, io.EOF
	}
	if n > 0 && len(rest) > n {
		rest = rest[:n]
	}
	d.next += len(rest)
	return slices.Clone(rest), nil
}
