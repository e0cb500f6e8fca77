package repository

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/placement"
)

// A push branch is named by a policy, and may be too large to be read. That is said of the pins that name it, which wait; all others go
// on without it.

// pushBranch is a push branch as it is reached through a GitRepository.
type pushBranch struct {
	repository pin.NamespacedName
	branch     string
}

func pushBranchOf(p batch.Pin) pushBranch {
	return pushBranch{p.Intent.Source.Repository, p.Push}
}

// unread: what failed is a push branch, and not the repository.
func unread(err error) bool { return gitops.ReasonOf(err) == gitops.ReasonBranchUnread }

// failing is a memory with what failed, and when it is tried again.
func failing(m pin.Memory, finding *pin.Finding, retryAt time.Time) pin.Memory {
	m.Finding, m.RetryAt = finding, retryAt.UTC().Format(time.RFC3339)
	return m
}

// spare leaves push branches out that could not be read a while ago, unless a pin is about to be read that does not say so yet, or of
// which the time has come: it says so of another branch.
func (r *Reconciler) spare(key string, pins []placement.Pin) {
	waiting, unaware := r.unread.times(key), map[string]bool{}
	for _, p := range pins {
		f := p.Memory.Finding
		if !batch.Leaves(p.Pin) && (f == nil || f.Reason != v1alpha1.GitUnreadableReason || isPast(p.Memory.RetryAt, r.Now())) {
			unaware[p.Push] = true
		}
	}
	for i, p := range pins {
		if !unaware[p.Push] && waiting[pushBranchOf(p.Pin)].After(r.Now()) {
			pins[i].Unread = &p.Memory
		}
	}
}

// isPast reports whether a time that a pin remembers has come.
func isPast(text string, now time.Time) bool {
	at, err := time.Parse(time.RFC3339, text)
	return err == nil && !at.After(now)
}

// noteUnread sets what pins remember whose push branches a checkout lacks since they cannot be read. These are tried again later.
func (r *Reconciler) noteUnread(key string, checkout *gitops.Checkout, pins []placement.Pin) {
	retryAt := map[string]time.Time{}
	for i, p := range pins {
		if p.Push == "" || p.Unread != nil {
			continue
		}
		err := checkout.Unread(p.Push)
		if err == nil {
			r.unread.forget(key, pushBranchOf(p.Pin))
			continue
		}
		if retryAt[p.Push].IsZero() {
			at, count := r.unread.backOff(key, pushBranchOf(p.Pin), r.Now())
			retryAt[p.Push] = at
			count()
		}
		memory := failing(p.Memory, gitFinding(err), retryAt[p.Push])
		pins[i].Unread = &memory
	}
}

// leaveUnread ends a batch of which nobody can tell what it may write, or wrote, since the push branch cannot be read. When it can again,
// what stands there is found as after any other change.
func (r *Reconciler) leaveUnread(ctx context.Context, s *scope, pins []batch.Pin, err error) error {
	retryAt, count := r.unread.backOff(s.key, pushBranchOf(pins[0]), r.Now())
	log.FromContext(ctx).Info("Cannot read the push branch of a batch, and will try again", "branch", pins[0].Push, "error", err.Error())
	return r.giveUp(ctx, s, pins, gitFinding(err), retryAt, count)
}
