package gitops

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
)

// History gives the newest commits of the branch by committer time, at most limit. It clones as many generations as that.
func (c *Client) History(ctx context.Context, remote Remote, limit int) ([]Commit, error) {
	var commits []Commit
	_, _, err := c.FindCommit(ctx, remote, limit, func(commit Commit) bool {
		commits = append(commits, commit)
		return false
	})
	return commits, err
}

// DeleteBranch deletes the branch of a checkout, unless it has another commit by now: then it does nothing, and says so.
func (c *Client) DeleteBranch(ctx context.Context, remote Remote, checkout *Checkout) (deleted bool, err error) {
	branch := plumbing.NewBranchReferenceName(remote.Branch)
	words, pushErr := c.sendRefs(ctx, remote, checkout, config.RefSpec(":"+branch.String()), config.RefSpec(checkout.head.Hash.String()+":"+branch.String()))
	now, listErr := c.list(ctx, remote)
	switch {
	case errors.Is(listErr, errNoBranch):
		return true, nil
	case listErr == nil && now != checkout.head.Hash:
		return false, nil
	case pushErr != nil:
		return false, remote.failure(operationPush, pushErr, words)
	case listErr != nil:
		return false, remote.failure(operationList, listErr, "")
	}
	return false, &Error{
		Reason: ReasonPushRejected, URL: shownURL(remote.URL), Branch: remote.Branch,
		Detail: remote.shown("The server did not delete the branch. " + words),
		Next:   "delete it yourself, or let these credentials delete it",
	}
}

// Propose asks change what to write to the branch, and pushes that as one commit on its newest one to another branch. That
// branch is made, or replaced if its newest commit is our own, unless the files to write are there as they should be. What others
// commit to it is never lost: then it fails.
//
// An error of change is returned as it is.
func (c *Client) Propose(ctx context.Context, remote Remote, branch string, own func(Commit) bool, author Author, change func(*Checkout) (Change, error)) (pushed bool, err error) {
	checkout, err := c.Clone(ctx, remote)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, checkout.Close()) }()
	wanted, err := change(checkout)
	if err != nil {
		return false, err
	}
	target := remote.On(branch)
	required, same, err := c.proposed(ctx, target, own, wanted)
	if err != nil || same {
		return false, err
	}
	commit, changed, err := checkout.commit(author, time.Now(), wanted)
	if err != nil {
		return false, remote.commitFailure(err)
	}
	if !changed {
		return false, nil
	}
	ref := plumbing.NewBranchReferenceName(branch)
	if err := checkout.store.SetReference(plumbing.NewHashReference(ref, commit.Hash)); err != nil {
		return false, remote.commitFailure(err)
	}
	words, pushErr := c.sendRefs(ctx, target, checkout, config.RefSpec("+"+ref+":"+ref), required...)
	if pushErr == nil {
		return true, nil
	}
	if now, err := c.list(ctx, target); err == nil && now == commit.Hash {
		return true, nil
	}
	return false, target.failure(operationPush, pushErr, words)
}

// proposed says whether a branch has the files as they are wanted, and else what it must be at to be replaced.
func (c *Client) proposed(ctx context.Context, target Remote, own func(Commit) bool, wanted Change) (required []config.RefSpec, same bool, err error) {
	there, err := c.Clone(ctx, target)
	if ReasonOf(err) == ReasonBranchNotFound {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, there.Close()) }()
	same = true
	for file, content := range wanted.Files {
		have, err := fs.ReadFile(there.FS(), file)
		same = same && err == nil && bytes.Equal(have, content)
	}
	if !same && !own(there.Head()) {
		return nil, false, &Error{
			Reason: ReasonPushRejected, URL: shownURL(target.URL), Branch: target.Branch,
			Detail: "The branch has a commit of somebody else", Next: "merge it, and delete it",
		}
	}
	ref := plumbing.NewBranchReferenceName(target.Branch)
	return []config.RefSpec{config.RefSpec(there.head.Hash.String() + ":" + ref.String())}, same, nil
}
