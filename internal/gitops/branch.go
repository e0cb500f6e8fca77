package gitops

import (
	"context"
	"errors"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
)

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
