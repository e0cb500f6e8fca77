package gitserver

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Change is a commit as a person would make it.
type Change struct {
	// Branch defaults to main. One that does not exist yet starts at main's head.
	Branch string
	// Author is `Name <email>`, by default a person called Human.
	Author  string
	Message string
	// Files maps paths to their new content.
	Files map[string]string
	// Remove names files that go.
	Remove []string
}

// Commit is one entry of a branch's history.
type Commit struct {
	Hash    string
	Parents []string
	// Author is `Name <email>`.
	Author  string
	When    time.Time
	Message string
}

// Human is who commits if nobody else is named.
const Human = "Human <human@example.com>"

// commitAttempts bounds how often Commit starts again because a push came between.
const commitAttempts = 10

// Commit adds a commit to a branch and returns its hash. When a push moves the branch meanwhile it starts again on the new head.
func (r *Repository) Commit(ctx context.Context, change Change) (string, error) {
	r.writeMu.Lock()
	defer r.writeMu.Unlock()
	if change.Branch == "" {
		change.Branch = DefaultBranch
	}
	if change.Author == "" {
		change.Author = Human
	}
	var err error
	for range commitAttempts {
		var hash string
		if hash, err = r.commitOnce(ctx, change); err == nil {
			return hash, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return "", fmt.Errorf("commit %q: %w", change.Message, err)
}

// commitOnce lets git fast-import write the commit, which refuses to move a branch that got another commit meanwhile.
func (r *Repository) commitOnce(ctx context.Context, change Change) (string, error) {
	parent, err := r.startingPoint(ctx, change.Branch)
	if err != nil {
		return "", err
	}
	stream, err := importStream(change, parent, time.Now())
	if err != nil {
		return "", err
	}
	hash, err := r.run(ctx, stream, "fast-import", "--quiet", "--date-format=raw")
	return strings.TrimSpace(hash), err
}

// startingPoint is the parent of the next commit on a branch: its tip, or main's for a new branch, or nothing.
func (r *Repository) startingPoint(ctx context.Context, branch string) (string, error) {
	tip, err := r.tip(ctx, branch)
	if err != nil || tip != "" || branch == DefaultBranch {
		return tip, err
	}
	return r.tip(ctx, DefaultBranch)
}

// importStream describes one commit in the language of git fast-import, which answers with its hash.
func importStream(change Change, parent string, when time.Time) ([]byte, error) {
	if !strings.HasSuffix(change.Author, ">") || !strings.Contains(change.Author, " <") {
		return nil, fmt.Errorf("author %q is not of the form `Name <email>`", change.Author)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "commit refs/heads/%s\nmark :1\n", change.Branch)
	fmt.Fprintf(&b, "author %s %d +0000\ncommitter %s %d +0000\n", change.Author, when.Unix(), change.Author, when.Unix())
	data(&b, change.Message+"\n")
	if parent != "" {
		fmt.Fprintf(&b, "from %s\n", parent)
	}
	for _, path := range change.Remove {
		fmt.Fprintf(&b, "D %s\n", strconv.Quote(path))
	}
	for _, path := range slices.Sorted(maps.Keys(change.Files)) {
		fmt.Fprintf(&b, "M 100644 inline %s\n", strconv.Quote(path))
		data(&b, change.Files[path])
	}
	b.WriteString("\nget-mark :1\n")
	return b.Bytes(), nil
}

func data(b *bytes.Buffer, content string) {
	fmt.Fprintf(b, "data %d\n%s\n", len(content), content)
}

// Head returns the hash of a branch's newest commit.
func (r *Repository) Head(ctx context.Context, branch string) (string, error) {
	hash, err := r.tip(ctx, branch)
	if err == nil && hash == "" {
		err = fmt.Errorf("repository %s has no branch %q", r.name, branch)
	}
	return hash, err
}

// Log returns the commits of a branch, newest first.
func (r *Repository) Log(ctx context.Context, branch string) ([]Commit, error) {
	const field, record = "\x1f", "\x1e"
	text, err := r.run(ctx, nil, "log", "--format=%H%x1f%P%x1f%an <%ae>%x1f%aI%x1f%B%x1e", "refs/heads/"+branch, "--")
	if err != nil {
		return nil, err
	}
	var commits []Commit
	for entry := range strings.SplitSeq(text, record) {
		fields := strings.SplitN(strings.TrimPrefix(entry, "\n"), field, 5)
		if len(fields) != 5 {
			continue // what follows the last one
		}
		when, err := time.Parse(time.RFC3339, fields[3])
		if err != nil {
			return nil, fmt.Errorf("date of commit %s: %w", fields[0], err)
		}
		commits = append(commits, Commit{
			Hash: fields[0], Parents: strings.Fields(fields[1]), Author: fields[2], When: when, Message: strings.TrimSuffix(fields[4], "\n"),
		})
	}
	return commits, nil
}

// File returns the content of a file at a branch's head or at a commit.
func (r *Repository) File(ctx context.Context, revision, path string) (string, error) {
	return r.run(ctx, nil, "cat-file", "blob", revision+":"+path)
}

// Files returns all files at a branch's head or at a commit, path → content.
func (r *Repository) Files(ctx context.Context, revision string) (map[string]string, error) {
	archive, err := r.run(ctx, nil, "archive", "--format=tar", revision)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	reader := tar.NewReader(strings.NewReader(archive))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the files of %s at %s: %w", r.name, revision, err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			return nil, fmt.Errorf("read the files of %s at %s: %w", r.name, revision, err)
		}
		files[header.Name] = string(content)
	}
}

// Diff returns what a commit changed, as a unified diff without context lines.
func (r *Repository) Diff(ctx context.Context, commit string) (string, error) {
	return r.run(ctx, nil, "show", "--format=", "--unified=0", commit)
}

// tip returns the hash of a branch's head, or nothing if there is no such branch.
func (r *Repository) tip(ctx context.Context, branch string) (string, error) {
	if branch == "" {
		return "", errors.New("a branch is needed")
	}
	hash, err := r.run(ctx, nil, "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch)
	return strings.TrimSpace(hash), err
}
