package gitops

import (
	"context"
	"errors"
	"fmt"
	"maps"

	extgogit "github.com/go-git/go-git/v5"
)

// Beside is the newest commit of another branch that was fetched with this one, see Remote.Beside; nil: there is no such branch, or
// it could not be read, see Unread. It is readable until this one is closed.
func (c *Checkout) Beside(branch string) *Checkout { return c.beside[branch] }

// Unread is why another branch that was asked for could not be read although the remote's own could; nil: it could, or it is not
// there. It is an *Error with the reason BranchUnread.
func (c *Checkout) Unread(branch string) error { return c.unread[branch] }

// fetch clones the last depth generations of the branch and of those beside it. Of what is too much together the branch is taken
// alone, and then with those beside it that can be cloned by themselves, each within the limits and the time of one clone.
func (c *Client) fetch(ctx context.Context, remote Remote, depth int) (*Checkout, error) {
	checkout, err := c.fetchAll(ctx, remote, depth)
	if err == nil || len(remote.beside) == 0 || ctx.Err() != nil || !tooMuch(err) {
		return checkout, err
	}
	failed := err
	alone, err := c.fetchAll(ctx, remote.On(remote.Branch), depth)
	if err != nil {
		return nil, err
	}
	best, err := c.fetchFitting(ctx, remote, alone, failed, depth)
	if best != alone {
		_ = alone.Close() // RemoveLeftovers has another try
	}
	return best, err
}

// fetchFitting looks which of the branches beside the remote's are too much by themselves, and clones the others with it. If none can
// be, it is alone that is left. What is wrong with the rest is noted in what it returns.
func (c *Client) fetchFitting(ctx context.Context, remote Remote, alone *Checkout, failed error, depth int) (*Checkout, error) {
	fitting, single := remote.On(remote.Branch), len(remote.beside) == 1
	for _, branch := range remote.beside {
		err := failed
		if !single {
			err = c.probe(ctx, remote.On(branch), depth)
		}
		switch {
		case err == nil:
			fitting = fitting.Beside(branch)
		case ctx.Err() != nil || !tooMuch(err):
			return nil, err
		default:
			alone.unread[branch] = remote.On(branch).branchUnread(err)
		}
	}
	if len(fitting.beside) == 0 {
		return alone, nil
	}
	together, err := c.fetchAll(ctx, fitting, depth)
	switch {
	case err == nil:
		maps.Copy(together.unread, alone.unread)
		return together, nil
	case ctx.Err() != nil || !tooMuch(err):
		return nil, err
	}
	for _, branch := range fitting.beside {
		alone.unread[branch] = remote.On(branch).branchUnread(err)
	}
	return alone, nil
}

// probe clones a branch by itself, and keeps nothing. One that is not there is not too much.
func (c *Client) probe(ctx context.Context, remote Remote, depth int) error {
	checkout, err := c.fetchAll(ctx, remote, depth)
	if errors.Is(err, extgogit.NoMatchingRefSpecError{}) {
		return nil
	}
	if err != nil {
		return err
	}
	return checkout.Close()
}

// tooMuch says whether a clone failed by what it was to take, so that less of it may be taken.
func tooMuch(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	reason := classify(operationClone, err).reason
	return reason == ReasonTooLarge || reason == ReasonLocalFailure
}

// branchUnread says that a branch cannot be read that is not the one that counts.
func (r Remote) branchUnread(err error) *Error {
	failure := r.failure(operationClone, err, "")
	failure.Reason, failure.cause = ReasonBranchUnread, nil
	failure.Detail = r.shown(fmt.Sprintf("The branch cannot be read beside the tracked one. %s", failure.Detail))
	failure.Next = "take what is large out of it, or delete it; the tracked branch is read without it"
	return failure
}
