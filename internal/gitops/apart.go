package gitops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Apart is what a branch has that another one lacks. Close it.
type Apart struct {
	// Commits of the branch that the other one cannot reach, the newest first.
	Commits []Commit
	// Known: their history was read down to commits of the other branch. Else Commits may have some of the other's, and what they change
	// is not known.
	Known bool
	// Behind: the branch lacks the newest commit of the other one.
	Behind bool

	head, other, base *object.Commit
	// of is the branch as it was cloned, deep the clone if it was made for this.
	of, deep *Checkout
	limits   Options
}

// FileChange is a regular file that has another content on a branch than before.
type FileChange struct {
	Path          string
	Before, After []byte
}

// maxChanges bounds the files that are compared, more than a batch has pins.
const maxChanges = 5000

// maxOthers bounds the files that are named.
const maxOthers = 10

// Apart compares a branch that was cloned beside the remote's with that one, by limit generations of both if need be. The Error has
// the reason BranchMoved if one of the two has another commit by now, BranchUnread if what is compared is too large.
func (c *Client) Apart(ctx context.Context, remote Remote, checkout *Checkout, branch string, limit int) (*Apart, error) {
	there := checkout.Beside(branch)
	if there == nil {
		return nil, fmt.Errorf("branch %s was not cloned", branch)
	}
	if there.head.Hash == checkout.head.Hash || slices.Equal(there.head.ParentHashes, []plumbing.Hash{checkout.head.Hash}) {
		return there.apart(checkout, c.opts) // the clone has all that matters
	}
	deep, err := c.deepen(ctx, remote.On(remote.Branch).Beside(branch), branch, limit)
	if err != nil {
		return nil, err
	}
	now := deep.Beside(branch)
	if now == nil || now.head.Hash != there.head.Hash || deep.head.Hash != checkout.head.Hash {
		return nil, errors.Join(deep.Close(), proposalMoved(remote.On(branch)))
	}
	apart, err := now.apart(deep, c.opts)
	if err != nil {
		return nil, remote.failure(operationClone, errors.Join(err, deep.Close()), "")
	}
	apart.deep = deep
	return apart, nil
}

// deepen clones more of two branches whose newest commits could be cloned: what is too large then are their histories.
func (c *Client) deepen(ctx context.Context, remote Remote, branch string, limit int) (*Checkout, error) {
	deep, err := c.fetch(ctx, remote, limit)
	switch {
	case err != nil && ctx.Err() == nil && tooMuch(err):
		return nil, remote.On(branch).branchUnread(err)
	case err != nil:
		return nil, remote.failure(operationClone, err, "")
	case deep.Unread(branch) != nil:
		return nil, errors.Join(deep.Unread(branch), deep.Close())
	}
	return deep, nil
}

// Close removes what was fetched for the comparison.
func (a *Apart) Close() error {
	if a.deep == nil {
		return nil
	}
	return a.deep.Close()
}

// apart compares a branch with another one of the same clone, as far as that has their history.
func (c *Checkout) apart(other *Checkout, limits Options) (*Apart, error) {
	missing, err := c.beyondClone()
	if err != nil {
		return nil, err
	}
	a := &Apart{Known: true, head: c.head, other: other.head, of: c, limits: limits}
	reached := map[plumbing.Hash]bool{}
	err = object.NewCommitIterCTime(other.head, nil, missing).ForEach(func(commit *object.Commit) error {
		reached[commit.Hash] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	if reached[c.head.Hash] {
		a.base, a.Behind = c.head, c.head.Hash != other.head.Hash
		return a, nil
	}
	a.Behind = true
	err = object.NewCommitIterCTime(c.head, reached, missing).ForEach(func(commit *object.Commit) error {
		a.Commits = append(a.Commits, newCommit(commit))
		return a.follow(c, commit, reached)
	})
	a.Known = a.Known && a.base != nil
	return a, err
}

// follow looks at the parents of a commit that only the branch has: what both have begins there.
func (a *Apart) follow(c *Checkout, commit *object.Commit, reached map[plumbing.Hash]bool) error {
	for _, hash := range commit.ParentHashes {
		if hash == a.other.Hash {
			a.Behind = false
		}
		parent, err := c.repo.CommitObject(hash)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			a.Known = false
			continue
		}
		if err != nil {
			return err
		}
		if reached[hash] && (a.base == nil || parent.Committer.When.After(a.base.Committer.When)) {
			a.base = parent
		}
	}
	return nil
}

// Others are files, in their order, that the branch has otherwise than the newest commit that both have, but for changes that are ours
// and those that the other branch has, too. They are not all, if there are many.
func (a *Apart) Others(ctx context.Context, ours func(FileChange) bool) ([]string, error) {
	if !a.Known {
		return nil, errors.New("nothing is known of what the branches have in common")
	}
	if _, err := newTreeFS(a.of.store, a.base, a.limits.MaxFiles, a.limits.MaxFileBytes); err != nil { // the other two were checked
		return nil, err
	}
	var trees [3]*object.Tree
	for i, commit := range []*object.Commit{a.base, a.head, a.other} {
		var err error
		if trees[i], err = commit.Tree(); err != nil {
			return nil, err
		}
	}
	changes, err := object.DiffTreeContext(ctx, trees[0], trees[1])
	if err != nil {
		return nil, err
	}
	slices.SortFunc(changes, func(a, b *object.Change) int { return strings.Compare(nameOf(a), nameOf(b)) })
	var others []string
	for i, change := range changes {
		if len(others) == maxOthers {
			break
		}
		is := i < maxChanges
		if is {
			if is, err = a.explained(change, trees[2], ours); err != nil {
				return nil, err
			}
		}
		if !is {
			others = append(others, nameOf(change))
		}
	}
	return others, nil
}

func nameOf(change *object.Change) string {
	if change.To.Name != "" {
		return change.To.Name
	}
	return change.From.Name
}

// explained says whether a change is in the other branch, too, or ours.
func (a *Apart) explained(change *object.Change, other *object.Tree, ours func(FileChange) bool) (bool, error) {
	if merged, err := has(other, change.To, change.From.Name); merged || err != nil {
		return merged, err
	}
	mode := change.To.TreeEntry.Mode
	if mode != change.From.TreeEntry.Mode || mode != filemode.Regular && mode != filemode.Executable {
		return false, nil
	}
	before, err := a.content(change.From)
	if err != nil || before == nil {
		return false, err
	}
	after, err := a.content(change.To)
	if err != nil || after == nil {
		return false, err
	}
	return ours(FileChange{Path: change.To.Name, Before: before, After: after}), nil
}

// has says whether a tree has the entry as a change leaves it: as it is now or, if it is no more, not under its old name.
func has(tree *object.Tree, now object.ChangeEntry, old string) (bool, error) {
	name := now.Name
	if name == "" {
		name = old
	}
	entry, err := tree.FindEntry(name)
	if errors.Is(err, object.ErrEntryNotFound) || errors.Is(err, object.ErrDirectoryNotFound) {
		return now.Name == "", nil
	}
	if err != nil || now.Name == "" {
		return false, err
	}
	return entry.Hash == now.TreeEntry.Hash && entry.Mode == now.TreeEntry.Mode, nil
}

// content of a file; nil if it is larger than what is read.
func (a *Apart) content(of object.ChangeEntry) (content []byte, err error) {
	file, err := of.Tree.TreeEntryFile(&of.TreeEntry)
	if err != nil || file.Size > a.limits.MaxFileBytes {
		return nil, err
	}
	reader, err := file.Reader()
	if err != nil {
		return nil, err
	}
	content, err = io.ReadAll(io.LimitReader(reader, a.limits.MaxFileBytes))
	return content, errors.Join(err, reader.Close())
}
