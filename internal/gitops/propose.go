package gitops

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// proposalDepth is how many generations back a proposal is compared with the branch that it is for.
const proposalDepth = 200

// standing is how a branch with proposals relates to the one that they are for.
type standing int

const (
	// absent: there is no such branch.
	absent standing = iota
	// current: it has the newest commit of the other, and besides only our own.
	current
	// behind: it lacks that, and has only our own.
	behind
	// strange: it has commits that are not in the other and not ours, or may have some.
	strange
)

// Propose asks change what to write, and pushes that as one commit to another branch than the remote's, for somebody to merge. A
// branch that has nothing but our own proposals on top of the remote's newest commit gets one commit more. One that is behind has
// to have the files as they are to be, or is replaced by one commit on the remote's newest one; if nothing is to be written there,
// change is asked about the branch as it is, to take back what is proposed. It is an *Error to write one that has commits of
// others, or gets one meanwhile: these are never lost.
//
// An error of change is returned as it is.
func (c *Client) Propose(ctx context.Context, remote Remote, branch string, own func(Commit) bool, author Author, change func(*Checkout) (Change, error)) (pushed bool, err error) {
	checkout, err := c.Clone(ctx, remote.Beside(branch))
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, checkout.Close()) }()
	if problem := checkout.Unread(branch); problem != nil {
		return false, problem
	}
	there := checkout.Beside(branch)
	stands, err := c.standing(ctx, remote, branch, checkout, own)
	if err != nil {
		return false, err
	}
	base, wanted, err := changed(checkout, there, stands, change)
	switch {
	case err != nil:
		return false, err
	case stands != absent && there.has(wanted.Files):
		return false, nil
	case stands == strange:
		return false, &Error{
			Reason: ReasonPushRejected, URL: shownURL(remote.URL), Branch: branch,
			Detail: "The branch has commits that are not the operator's", Next: "merge it or close its pull request, and delete it",
		}
	}
	commit, differs, err := base.commit(author, time.Now(), wanted)
	if err != nil {
		return false, remote.commitFailure(err)
	}
	if !differs {
		return false, nil
	}
	err = c.pushProposal(ctx, remote.On(branch), base, there, commit)
	return err == nil, err
}

// changed asks change what to write, and gives the checkout to write it on. Of a branch that is behind, what is to be as it is on
// the other one is taken back where it stands.
func changed(checkout, there *Checkout, stands standing, change func(*Checkout) (Change, error)) (*Checkout, Change, error) {
	if stands != current {
		wanted, err := change(checkout)
		if err != nil || stands != behind || len(wanted.Files) > 0 {
			return checkout, wanted, err
		}
	}
	wanted, err := change(there)
	return there, wanted, err
}

// pushProposal pushes a commit that was made on base, in the place of what is there, or of nothing.
func (c *Client) pushProposal(ctx context.Context, target Remote, base, there *Checkout, commit *object.Commit) error {
	ref := plumbing.NewBranchReferenceName(target.Branch)
	if err := base.store.SetReference(plumbing.NewHashReference(ref, commit.Hash)); err != nil {
		return target.commitFailure(err)
	}
	spec, before := ref+":"+ref, plumbing.ZeroHash
	var required []config.RefSpec
	if there != nil {
		before = there.head.Hash
		required = append(required, config.RefSpec(before.String()+":"+ref.String()))
		if base != there {
			spec = "+" + spec
		}
	}
	words, pushErr := c.sendRefs(ctx, target, base, config.RefSpec(spec), required...)
	if pushErr == nil {
		return nil
	}
	now, err := c.list(ctx, target)
	switch {
	case err == nil && now == commit.Hash:
		return nil
	case err == nil && now != before, errors.Is(err, errNoBranch) && there != nil:
		return proposalMoved(target)
	}
	return target.failure(operationPush, pushErr, words)
}

func proposalMoved(target Remote) error {
	return &Error{
		Reason: ReasonBranchMoved, URL: shownURL(target.URL), Branch: target.Branch,
		Detail: "Others changed the branch meanwhile", Next: "nothing needs to be done; it is tried again later",
	}
}

// has says whether files are as they are to be.
func (c *Checkout) has(files map[string][]byte) bool {
	for name, content := range files {
		if have, err := fs.ReadFile(c.FS(), name); err != nil || !bytes.Equal(have, content) {
			return false
		}
	}
	return true
}

// standing of a branch that was fetched beside the remote's.
func (c *Client) standing(ctx context.Context, remote Remote, branch string, checkout *Checkout, own func(Commit) bool) (standing, error) {
	if checkout.Beside(branch) == nil {
		return absent, nil
	}
	apart, err := c.Apart(ctx, remote, checkout, branch, proposalDepth)
	if err != nil {
		return strange, err
	}
	if err := apart.Close(); err != nil {
		return strange, remote.failure(operationClone, err, "")
	}
	switch {
	case !apart.Known, slices.ContainsFunc(apart.Commits, func(c Commit) bool { return !own(c) }):
		return strange, nil
	case apart.Behind:
		return behind, nil
	}
	return current, nil
}
