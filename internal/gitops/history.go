package gitops

import (
	"context"
	"errors"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// FindCommit gives the newest commit of the branch for which match is true, among
// the last limit ones by committer time. It clones as many generations as that.
func (c *Client) FindCommit(ctx context.Context, remote Remote, limit int, match func(Commit) bool) (Commit, bool, error) {
	if limit <= 0 {
		return Commit{}, false, nil
	}
	checkout, err := c.fetch(ctx, remote, limit)
	if err != nil {
		return Commit{}, false, remote.failure(operationClone, err, "")
	}
	found, ok, err := checkout.find(limit, match)
	if err = errors.Join(err, checkout.Close()); err != nil {
		return Commit{}, false, remote.failure(operationClone, err, "")
	}
	return found, ok, nil
}

// find walks the history that the clone has.
func (c *Checkout) find(limit int, match func(Commit) bool) (Commit, bool, error) {
	missing, err := c.beyondClone()
	if err != nil {
		return Commit{}, false, err
	}
	commits := object.NewCommitIterCTime(c.head, nil, missing)
	for range limit {
		next, err := commits.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Commit{}, false, err
		}
		if commit := newCommit(next); match(commit) {
			return commit, true, nil
		}
	}
	return Commit{}, false, nil
}

// beyondClone are the parents of the oldest commits of a shallow clone, but for those that it has by another way. (The storage's own
// HasEncodedObject finds nothing in packs if access is exclusive.)
func (c *Checkout) beyondClone() ([]plumbing.Hash, error) {
	oldest, err := c.store.Shallow()
	if err != nil {
		return nil, err
	}
	var missing []plumbing.Hash
	for _, hash := range oldest {
		commit, err := c.repo.CommitObject(hash)
		if err != nil {
			return nil, err
		}
		for _, parent := range commit.ParentHashes {
			if _, err := c.repo.CommitObject(parent); errors.Is(err, plumbing.ErrObjectNotFound) {
				missing = append(missing, parent)
			} else if err != nil {
				return nil, err
			}
		}
	}
	return missing, nil
}
