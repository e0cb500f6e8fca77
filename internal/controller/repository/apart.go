package repository

import (
	"context"
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/placement"
)

// ready makes sure that Flux can sign, and that the push branch may be written. If it may not, the lines say why; one that has nothing
// but what was proposed once is deleted, and then all is to be looked at again.
func (r *Reconciler) ready(ctx context.Context, s *scope, pins []placement.Pin, l *look) (bool, error) {
	if _, err := r.signer(ctx, s.key, batch.SignerOf(pins[0].Pin)); err != nil {
		return false, err
	}
	standing, err := r.standing(ctx, s, l)
	if gitops.ReasonOf(err) == gitops.ReasonBranchMoved {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if standing.Superfluous {
		if standing.Barred, err = r.clear(ctx, l); standing.Barred == "" {
			return false, err
		}
	}
	for key, line := range l.reading.Lines {
		line.Barred = standing.Barred
		l.reading.Lines[key] = line
	}
	return true, nil
}

// standing judges the push branch by what it has and the checkout branch lacks. Most often it is seen at once that nothing is wrong.
func (r *Reconciler) standing(ctx context.Context, s *scope, l *look) (standing batch.Standing, err error) {
	branch := l.remote.Branch
	if l.pushed == nil || batch.Made(s.Pins, branch)[l.head.Hash] && (l.hasCheckout() || batch.Proposes(s.Pins, branch)) {
		return standing, nil
	}
	found, err := r.Git.Apart(ctx, l.remote.On(l.branch), l.clone, branch, depth)
	if err != nil {
		return standing, err
	}
	defer func() { _ = found.Close() }()
	apart := batch.Apart{Branch: branch, Head: commitOf(l.head), Known: found.Known, Behind: found.Behind}
	for _, commit := range found.Commits {
		apart.Commits = append(apart.Commits, commitOf(commit))
	}
	if apart.Known && apart.Behind {
		admitted := batch.Ours(s.Pins, apart)
		apart.Others, err = found.Others(ctx, func(c gitops.FileChange) bool {
			return markers.SetOnly(c.Path, c.Before, c.After, func(ref markers.Ref, value string) bool {
				return admitted(c.Path, batch.Key{Namespace: ref.Namespace, Name: ref.Policy}, value)
			})
		})
	}
	return batch.Judge(s.Pins, l.reading.Lines, apart), err
}

// clear deletes the push branch, so that Flux makes it anew. What the server says if it does not let that be done is for the lines: other
// pins need the repository meanwhile.
func (r *Reconciler) clear(ctx context.Context, l *look) (barred string, err error) {
	deleted, err := r.Git.DeleteBranch(ctx, l.remote, l.pushed)
	switch gitops.ReasonOf(err) {
	case gitops.ReasonPushRejected, gitops.ReasonReadOnly:
		return fmt.Sprintf("branch %s has no proposal any more, lacks the newest commit of branch %s, and cannot be deleted: %s",
			l.remote.Branch, l.branch, err.Error()), nil
	}
	if deleted {
		log.FromContext(ctx).Info("Deleted a push branch that is behind and has no proposal", "branch", l.remote.Branch, "commit", l.head.Hash)
	}
	return "", err
}

// hasCheckout: the push branch is seen at once to have the newest commit of the checkout branch.
func (l *look) hasCheckout() bool {
	return l.head.Hash == l.checkout.Hash || slices.Contains(l.head.Parents, l.checkout.Hash)
}

func commitOf(c gitops.Commit) batch.Commit {
	return batch.Commit{Hash: c.Hash, Message: c.Message, Parents: c.Parents}
}
