package markers

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/sourceignore/gitignore"
)

// Bounds that keep a hostile repository from exhausting the operator.
const (
	// maxFileSize is the largest file that is read, in bytes. Kubernetes
	// objects end at 1.5 MiB, etcd's limit for a request.
	maxFileSize = 4 << 20
	// maxDocuments bounds the documents of a file: each costs a parser, which
	// is far more than its bytes.
	maxDocuments = 10_000
	// maxEntries bounds the files and folders that one walk visits.
	maxEntries = 500_000
	// minWork is how many bytes of a large file cost as much as a small file.
	minWork = 1 << 10
)

// repository reads a repository within bounds and follows no links.
type repository struct {
	fsys fs.FS
	// folders remembers those that were checked for links.
	folders map[string]bool
	// overlaid are contents that are tried in place of the files'.
	overlaid map[string][]byte
	// walked is the file that a walk visits: regular, and no link.
	walked string
	// ignores hides files that Flux does not have, those of the patterns own
	// too; nil: nothing is hidden.
	ignores *ignores
	own     []gitignore.Pattern
	// hidden counts the files that walks left out because of that.
	hidden int
	// work counts the bytes that were read, small files as minWork.
	work int
}

func newRepository(fsys fs.FS) *repository {
	return &repository{fsys: fsys, folders: map[string]bool{".": true}}
}

// seen is the repository as Flux's kustomize-controller gets it of a
// GitRepository with that spec.ignore.
func (r *repository) seen(through *ignores, ignore string) *repository {
	return &repository{fsys: r.fsys, folders: r.folders, ignores: through, own: ownPatterns(ignore)}
}

// visible returns an error for a file that Flux does not have.
func (r *repository) visible(name string) error {
	if r.ignores == nil {
		return nil
	}
	return r.ignores.file(name, r.own)
}

// cleanPath makes a slash path relative to the repository's root.
func cleanPath(name string) (string, *Problem) {
	cleaned := path.Clean("./" + strings.TrimPrefix(name, "./"))
	if strings.HasPrefix(name, "/") || !fs.ValidPath(cleaned) {
		return "", problem(OutsideRepository, "", 0, "the path %q leads out of the repository; use a path inside it", name)
	}
	return cleaned, nil
}

// FluxPath is the folder that a Flux Kustomization's spec.path names: Flux takes
// it from the root of the repository, and does not leave that by .. either.
func FluxPath(name string) string {
	return path.Clean("./" + path.Clean("/"+name))
}

// stat describes a file or folder; the error is a Problem if a part of its
// path is a symbolic link, and wraps fs.ErrNotExist if there is no such file.
func (r *repository) stat(name string) (fs.FileInfo, error) {
	if dir := path.Dir(name); !r.folders[dir] {
		if _, err := r.stat(dir); err != nil {
			return nil, err
		}
		r.folders[dir] = true
	}
	info, err := fs.Lstat(r.fsys, name)
	if err != nil {
		return nil, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return nil, problem(OutsideRepository, name, 0, "this is a symbolic link, and links are not followed; use the path that it points to")
	}
	if info.IsDir() {
		return info, nil
	}
	return info, r.visible(name)
}

// lfsPointer begins what Git has of a file that Git LFS keeps.
const lfsPointer = "version https://git-lfs.github.com/spec/"

// read returns a file's content, which must be in Git.
func (r *repository) read(name string) ([]byte, error) { return r.readInto(nil, name) }

// readInto is read, which may write over buffer and return that: to make room
// for every file of a tree costs as much as to read it.
func (r *repository) readInto(buffer []byte, name string) ([]byte, error) {
	content, err := r.content(buffer, name)
	if err == nil && bytes.HasPrefix(content, []byte(lfsPointer)) {
		return nil, problem(Unreadable, name, 0, "the file is kept in Git LFS, and neither Flux nor the operator reads such files; keep it in Git itself")
	}
	return content, err
}

// content returns what Git has of a file, maybe in buffer.
func (r *repository) content(buffer []byte, name string) ([]byte, error) {
	if content, ok := r.overlaid[name]; ok {
		return append(buffer[:0], content...), r.visible(name)
	}
	if name != r.walked {
		if err := r.fit(name); err != nil {
			return nil, err
		}
	}
	f, err := r.fsys.Open(name)
	if err != nil {
		return nil, cmp.Or(r.fit(name), err)
	}
	content, err := readAll(buffer, f)
	switch err := errors.Join(err, f.Close()); {
	case errors.Is(err, errTooLarge):
		return nil, tooLarge(name)
	case err != nil:
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	if p := checkSize(name, content); p != nil {
		return nil, p
	}
	r.work += max(len(content), minWork)
	return content, nil
}

// fit reports whether a file may be opened. Those that a walk visits may, but for their size.
func (r *repository) fit(name string) error {
	info, err := r.stat(name)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return problem(Unreadable, name, 0, "this is no regular file")
	case info.Size() > maxFileSize:
		return tooLarge(name)
	}
	return nil
}

var errTooLarge = errors.New("the file is larger than what is read")

// readAll reads a file, at most to one byte more than its bound.
func readAll(buffer []byte, f fs.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFileSize {
		return nil, errTooLarge
	}
	content := bytes.NewBuffer(slices.Grow(buffer[:0], int(info.Size())+bytes.MinRead))
	_, err = content.ReadFrom(io.LimitReader(f, maxFileSize+1)) // the size may have been a lie
	return content.Bytes(), err
}

func tooLarge(name string) *Problem {
	return problem(TooLarge, name, 0, "the file has more than %d MiB, and larger ones are not read; split it", maxFileSize>>20)
}

func checkSize(name string, content []byte) *Problem {
	if len(content) > maxFileSize {
		return tooLarge(name)
	}
	const separator = "\n---"
	if len(content) >= maxDocuments*len(separator) && bytes.Count(content, []byte(separator)) >= maxDocuments {
		return problem(TooLarge, name, 0, "the file has more than %d documents, and it is not read; split it", maxDocuments)
	}
	return nil
}

// walk visits the YAML files below dir in lexical order and follows no links.
// enter may refuse a folder with fs.SkipDir.
func (r *repository) walk(dir string, enter func(dir string) error, visit func(file string) error) error {
	if _, err := r.stat(dir); err != nil {
		return missing(dir, err)
	}
	entries := 0
	return fs.WalkDir(r.fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", name, err)
		}
		if entries++; entries > maxEntries {
			return problem(TooLarge, dir, 0, "the folder has more than %d files; use a smaller path", maxEntries)
		}
		switch {
		case entry.IsDir() && path.Base(name) == ".git":
			return fs.SkipDir
		case entry.IsDir() && name != dir:
			return enter(name)
		case entry.Type().IsRegular() && fluxReads(name):
			return r.visit(name, visit)
		}
		return nil
	})
}

// visit visits a file of a walk, unless Flux does not have it.
func (r *repository) visit(name string, visit func(file string) error) error {
	switch err := r.visible(name); {
	case errors.Is(err, errIgnored):
		r.hidden++
		return nil
	case err != nil:
		return err
	}
	r.walked = name
	return visit(name)
}

// missing turns "does not exist" into a Problem.
func missing(name string, err error) error {
	if errors.Is(err, errIgnored) {
		return problem(Unreadable, name, 0, ".sourceignore or spec.ignore of the GitRepository hides this file from Flux; correct that or the path")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return problem(Unreadable, name, 0, "there is no such file or folder in the repository; correct the path")
	}
	return err
}
