package markers

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/fluxcd/pkg/sourceignore"
	"github.com/fluxcd/pkg/sourceignore/gitignore"
)

const (
	// maxIgnoreFile is the largest .sourceignore that is read, in bytes.
	maxIgnoreFile = 64 << 10
	// maxMatches bounds how often paths are compared with patterns: files and
	// patterns multiply.
	maxMatches = 50_000_000
)

// errIgnored is for files that Flux does not have.
var errIgnored = fmt.Errorf("%w: .sourceignore or spec.ignore of the GitRepository hides it from Flux", fs.ErrNotExist)

// ignores tells the files that Flux's source-controller leaves out of what it
// hands to its other controllers: those that .sourceignore files name, each for
// its folder, and spec.ignore of the GitRepository for all. The last pattern
// that fits counts, and spec.ignore comes last. Some files are left out if
// there is no pattern at all (reconcileArtifact in source-controller's
// gitrepository_controller.go, SourceIgnoreFilter in fluxcd/pkg/artifact).
// Those of Git itself, which it leaves out too, are no manifests.
type ignores struct {
	repo *repository
	// folders are the patterns of .sourceignore files for what is in a folder.
	folders map[string]patterns
	// usual is what is left out if there is no pattern, and unusual the
	// folders in which it says so.
	usual   gitignore.Matcher
	unusual map[string]bool
	// some is set if any .sourceignore has a pattern, once that is known.
	some *bool
	// left are the comparisons that may still be made.
	left int
}

// patterns are those that count in a folder, or why nobody can tell.
type patterns struct {
	list []gitignore.Pattern
	err  error
}

func newIgnores(repo *repository) *ignores {
	return &ignores{
		repo: repo, folders: map[string]patterns{}, left: maxMatches,
		usual: sourceignore.NewMatcher(sourceignore.DefaultPatterns(nil)), unusual: map[string]bool{".": false},
	}
}

// ownPatterns are those of spec.ignore.
func ownPatterns(text string) []gitignore.Pattern {
	return sourceignore.ReadPatterns(strings.NewReader(text), nil)
}

// file returns errIgnored for a file that Flux does not have, own being the
// patterns of spec.ignore; an error that is a Problem says why that cannot be
// told.
func (i *ignores) file(name string, own []gitignore.Pattern) error {
	above := i.above(path.Dir(name))
	if above.err != nil {
		return above.err
	}
	count := len(above.list) + len(own)
	if count == 0 {
		return i.usually(name)
	}
	if i.left -= count; i.left < 0 {
		return problem(TooLarge, name, 0, "too many patterns of .sourceignore files and spec.ignore fit too many files; use fewer patterns")
	}
	parts := strings.Split(name, "/")
	for _, list := range [][]gitignore.Pattern{own, above.list} {
		for n := len(list) - 1; n >= 0; n-- {
			switch list[n].Match(parts, false) {
			case gitignore.Exclude:
				return errIgnored
			case gitignore.Include:
				return nil
			}
		}
	}
	return nil
}

// above are the patterns of a folder and of those that it is in, these first.
func (i *ignores) above(dir string) patterns {
	if known, ok := i.folders[dir]; ok {
		return known
	}
	var all patterns
	if dir != "." {
		all = i.above(path.Dir(dir))
	}
	if all.err == nil {
		var more []gitignore.Pattern
		more, all.err = i.read(dir)
		all.list = append(all.list[:len(all.list):len(all.list)], more...)
	}
	i.folders[dir] = all
	return all
}

// read returns the patterns of a folder's .sourceignore file.
func (i *ignores) read(dir string) ([]gitignore.Pattern, error) {
	name := path.Join(dir, sourceignore.IgnoreFile)
	info, err := i.repo.stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, nil
	case info.Size() > maxIgnoreFile:
		return nil, problem(TooLarge, name, 0, "the file has more than %d KiB, and larger ones are not read; use fewer patterns", maxIgnoreFile>>10)
	}
	content, err := i.repo.content(nil, name)
	if err != nil {
		return nil, err
	}
	var domain []string
	if dir != "." {
		domain = strings.Split(dir, "/")
	}
	return sourceignore.ReadPatterns(bytes.NewReader(content), domain), nil
}

// usually returns errIgnored for a file that is left out if there is no
// pattern at all.
func (i *ignores) usually(name string) error {
	// No usual pattern is about more than one part of a path.
	if !i.unusually(path.Dir(name)) && !i.usual.Match([]string{path.Base(name)}, false) {
		return nil
	}
	some, err := i.anyPattern()
	if err != nil || some {
		return err
	}
	return errIgnored
}

// unusually reports whether a folder is one that is left out, or in one.
func (i *ignores) unusually(dir string) bool {
	out, known := i.unusual[dir]
	if !known {
		out = i.unusually(path.Dir(dir)) || i.usual.Match([]string{path.Base(dir)}, true)
		i.unusual[dir] = out
	}
	return out
}

// anyPattern reports whether the repository has any pattern.
func (i *ignores) anyPattern() (bool, error) {
	if i.some != nil {
		return *i.some, nil
	}
	some, entries := false, 0
	err := fs.WalkDir(i.repo.fsys, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", name, err)
		}
		if entries++; entries > maxEntries {
			return problem(TooLarge, ".", 0, "the repository has more than %d files; use a smaller one", maxEntries)
		}
		if path.Base(name) != sourceignore.IgnoreFile {
			return nil
		}
		above := i.above(path.Dir(name))
		if some = len(above.list) > 0; some {
			return fs.SkipAll
		}
		return above.err
	})
	if err == nil {
		i.some = &some
	}
	return some, err
}
