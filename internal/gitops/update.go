package gitops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	extgogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"k8s.io/apimachinery/pkg/util/wait"
)

// maxProgress bounds, in bytes, what is kept of a server's words during a push.
const maxProgress = 8 << 10

// maxBackoff bounds the pause between two attempts of an Update.
const maxBackoff = 10 * time.Second

// Update reads the branch, asks change what to write, and pushes that as one
// commit. When somebody else commits in between it starts again with a fresh
// clone, asks anew, and never overwrites the other commit. It gives the head of the branch
// afterwards: ours, or the one it found when there is nothing to change.
//
// Whether a push worked is asked of the server, so that an answer lost on the
// way causes no second commit. A process that dies after its push only has to call
// Update again, as long as change finds nothing left to do in what it has done.
//
// An error of change is returned as it is, and ends the update.
func (c *Client) Update(ctx context.Context, remote Remote, author Author, change func(*Checkout) (Change, error)) (Commit, error) {
	backoff := wait.Backoff{Duration: c.opts.Backoff, Factor: 2, Jitter: 0.5, Steps: c.opts.Attempts, Cap: maxBackoff}
	for range c.opts.Attempts {
		head, moved, err := c.try(ctx, remote, author, change)
		if err != nil || !moved {
			return head, err
		}
		if err := pause(ctx, backoff.Step()); err != nil {
			return Commit{}, remote.failure(operationPush, err, "")
		}
	}
	return Commit{}, &Error{
		Reason: ReasonBranchMoved, URL: shownURL(remote.URL), Branch: remote.Branch,
		Detail: fmt.Sprintf("Others committed to the branch during each of %d attempts to push", c.opts.Attempts),
		Next:   "nothing needs to be done; it is tried again later",
	}
}

// try is one round of Update; moved asks for another one.
func (c *Client) try(ctx context.Context, remote Remote, author Author, change func(*Checkout) (Change, error)) (head Commit, moved bool, err error) {
	checkout, err := c.Clone(ctx, remote)
	if err != nil {
		return Commit{}, false, err
	}
	defer func() {
		if closeErr := checkout.Close(); err == nil && closeErr != nil {
			err = remote.failure(operationClone, closeErr, "")
		}
	}()

	wanted, err := change(checkout)
	if err != nil {
		return Commit{}, false, err
	}
	commit, changed, err := checkout.commit(author, time.Now(), wanted)
	if err != nil {
		return Commit{}, false, remote.commitFailure(err)
	}
	if !changed {
		return checkout.Head(), false, nil
	}
	if moved, err = c.push(ctx, remote, checkout, commit); moved || err != nil {
		return Commit{}, moved, err
	}
	return newCommit(commit), false, nil
}

// push offers the commit, then asks the server what became of the branch.
func (c *Client) push(ctx context.Context, remote Remote, checkout *Checkout, commit *object.Commit) (moved bool, err error) {
	words, pushErr := c.send(ctx, remote, checkout, commit)
	now, listErr := c.list(ctx, remote)
	switch {
	case listErr == nil && now == commit.Hash:
		return false, nil
	case listErr == nil && now != checkout.head.Hash, lostRace(pushErr):
		return true, nil
	case errors.Is(listErr, errNoBranch):
		return false, remote.failure(operationList, listErr, "")
	case pushErr != nil:
		return false, remote.failure(operationPush, pushErr, words)
	case listErr != nil:
		return false, remote.failure(operationList, listErr, "")
	default:
		return false, &Error{
			Reason: ReasonPushRejected, URL: shownURL(remote.URL), Branch: remote.Branch,
			Detail: remote.shown("The server took the commit but did not move the branch. " + words),
			Next:   "check that the credentials may write to the branch",
		}
	}
}

// lostRace recognises a server that gave the branch to another push at the same moment.
func lostRace(err error) bool {
	if err == nil {
		return false
	}
	for _, sign := range []string{"failed to update ref", "cannot lock ref", "non-fast-forward", "fetch first"} {
		if strings.Contains(err.Error(), sign) {
			return true
		}
	}
	return false
}

// send pushes the commit, never by force, and gives what the server said meanwhile.
func (c *Client) send(ctx context.Context, remote Remote, checkout *Checkout, commit *object.Commit) (string, error) {
	branch := plumbing.NewBranchReferenceName(remote.Branch)
	if err := checkout.store.SetReference(plumbing.NewHashReference(branch, commit.Hash)); err != nil {
		return "", err
	}
	// Without what is required a branch that somebody deleted meanwhile would be created again.
	return c.sendRefs(ctx, remote, checkout, config.RefSpec(branch+":"+branch), config.RefSpec(checkout.head.Hash.String()+":"+branch.String()))
}

// sendRefs pushes one reference if the server's references are as required, and gives what the server said meanwhile.
func (c *Client) sendRefs(ctx context.Context, remote Remote, checkout *Checkout, ref config.RefSpec, required ...config.RefSpec) (string, error) {
	conn, err := remote.connection()
	if err != nil {
		return "", err
	}
	c.opts.OnOperation(operationPush)
	ctx, cancel := context.WithTimeout(ctx, c.timeoutOf(remote))
	defer cancel()
	return bounded(ctx, func() (string, error) {
		checkout.inUse.Lock()
		defer checkout.inUse.Unlock()
		var progress limitedBuffer
		err := checkout.repo.PushContext(ctx, &extgogit.PushOptions{
			RemoteName:        extgogit.DefaultRemoteName,
			RefSpecs:          []config.RefSpec{ref},
			RequireRemoteRefs: required,
			Options:           remote.PushOptions,
			Auth:              conn.method, CABundle: conn.auth.CAFile, ClientCert: conn.auth.ClientCert, ClientKey: conn.auth.ClientKey,
			ProxyOptions: remote.proxy,
			Progress:     &progress,
		})
		return spoken(progress.String()), err
	}, func(string) {})
}

// commitFailure tells a path that may not be written from a clone that cannot be.
func (r Remote) commitFailure(err error) *Error {
	failure := r.failure(operationPush, err, "")
	failure.Reason, failure.Detail = ReasonLocalFailure, r.shown("The commit could not be made: "+err.Error())
	if _, ok := errors.AsType[*refusedPath](err); ok {
		failure.Reason, failure.Next = ReasonPathRefused, "name an existing regular file of the repository"
	}
	return failure
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// limitedBuffer keeps the first maxProgress bytes that are written to it.
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if room := maxProgress - b.Len(); room > 0 {
		_, _ = b.Buffer.Write(p[:min(room, len(p))]) // a bytes.Buffer never fails
	}
	return len(p), nil
}
