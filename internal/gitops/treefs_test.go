package gitops

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
)

// store puts an object into a repository in memory, without the checks of a Git client.
func store(t *testing.T, objects *memory.Storage, kind plumbing.ObjectType, content string) plumbing.Hash {
	t.Helper()
	encoded := objects.NewEncodedObject()
	encoded.SetType(kind)
	w, err := encoded.Writer()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	hash, err := objects.SetEncodedObject(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// entry is one raw line of a tree.
func entry(mode filemode.FileMode, name string, hash plumbing.Hash) string {
	return strings.TrimPrefix(mode.String(), "0") + " " + name + "\x00" + string(hash[:])
}

func TestMaliciousNamesAreLeftOut(t *testing.T) {
	objects := memory.NewStorage()
	blob := store(t, objects, plumbing.BlobObject, "a: 1\n")
	var tree, below strings.Builder
	for _, name := range []string{"..", ".", ".git", ".GIT", "a/b", "../x", "/etc", "good.yaml"} {
		below.WriteString(entry(filemode.Regular, name, blob))
	}
	sub := store(t, objects, plumbing.TreeObject, below.String())
	for _, name := range []string{"..", ".git", "good"} {
		tree.WriteString(entry(filemode.Dir, name, sub))
	}
	tree.WriteString(entry(filemode.Submodule, "module", blob))
	commit := &object.Commit{TreeHash: store(t, objects, plumbing.TreeObject, tree.String())}

	files, err := newTreeFS(objects, commit, 100, 100)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	if err := fs.WalkDir(files, ".", func(path string, _ fs.DirEntry, err error) error {
		seen = append(seen, path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{".", "good", "good/good.yaml"}; !slices.Equal(seen, want) {
		t.Errorf("listed %q, want %q", seen, want)
	}
	if _, err := fs.ReadFile(files, "module/a.yaml"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "submodule") {
		t.Errorf("ReadFile() in a submodule = %v", err)
	}
}

// A few objects unfold to 10^12 files, or to one path of a million names.
func TestTreeBombs(t *testing.T) {
	objects := memory.NewStorage()
	wide := store(t, objects, plumbing.BlobObject, "a: 1\n")
	mode := filemode.Regular
	for range 12 {
		var tree strings.Builder
		for _, name := range "0123456789" {
			tree.WriteString(entry(mode, string(name), wide))
		}
		wide, mode = store(t, objects, plumbing.TreeObject, tree.String()), filemode.Dir
	}
	if _, err := newTreeFS(objects, &object.Commit{TreeHash: wide}, 1000, 100); !errors.Is(err, errTooManyFiles) {
		t.Errorf("wide tree: %v, want %v", err, errTooManyFiles)
	}
	deep := store(t, objects, plumbing.TreeObject, "")
	for range maxPath {
		deep = store(t, objects, plumbing.TreeObject, entry(filemode.Dir, "d", deep))
	}
	if _, err := newTreeFS(objects, &object.Commit{TreeHash: deep}, 1_000_000, 100); !errors.Is(err, errPathTooLong) {
		t.Errorf("deep tree: %v, want %v", err, errPathTooLong)
	}
}
