package repository

import (
	"context"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/placement"
)

// look is what fresh clones show of the pins of one automation.
type look struct {
	reading batch.Reading
	// clone has both branches.
	clone *gitops.Checkout
	// remote is the branch that Flux wrote, or if that is not there the one that it is made from; head its newest commit.
	remote gitops.Remote
	head   gitops.Commit
	// pushed is the push branch; nil: there is none, or it is not there. checkout is the newest commit of the checkout branch.
	pushed   *gitops.Checkout
	checkout gitops.Commit
	// branch is the checkout branch.
	branch string
}

func (l *look) close() { _ = l.clone.Close() }

// look clones the repository of some pins, which share one automation, and reads their lines. Close it.
func (r *Reconciler) look(ctx context.Context, s *scope, pins []placement.Pin) (*look, error) {
	if len(pins) == 0 {
		return nil, errStale
	}
	repository := pins[0].Intent.Source.Repository
	remote, err := r.remote(ctx, s, repository, pins)
	if err != nil {
		return nil, err
	}
	remote.PushOptions = pins[0].Intent.Commit.Push.Options.Map()
	checkout, err := r.Git.Clone(ctx, remote)
	if err != nil {
		return nil, err
	}
	l := &look{clone: checkout, remote: remote, head: checkout.Head(), checkout: checkout.Head(), branch: remote.Branch}
	if err := l.read(remote, pins); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// read reads the lines of pins on the checkout branch, and on their push branch if they have one.
func (l *look) read(remote gitops.Remote, pins []placement.Pin) error {
	var err error
	l.reading, err = readLines(l.clone, pins)
	push := pins[0].Push
	if err != nil || push == "" {
		return err
	}
	lines := map[batch.Key]batch.Line{}
	if pushed := l.clone.Beside(push); pushed != nil {
		l.pushed, l.remote, l.head = pushed, remote.On(push), pushed.Head()
		reading, err := readLines(pushed, pins)
		if err != nil {
			return err
		}
		lines, l.reading.Revision = reading.Lines, reading.Revision
	}
	for _, p := range pins {
		var line *batch.Line
		if found, ok := lines[p.Key]; ok {
			line = &found
		}
		l.reading.Lines[p.Key] = batch.Proposed(p.Pin, l.reading.Lines[p.Key], line)
	}
	return nil
}

func readLines(checkout *gitops.Checkout, pins []placement.Pin) (batch.Reading, error) {
	return placement.NewReader(checkout.FS()).Lines(checkout.Head().Hash, pins)
}

// strange says whether the push branch has nothing that the operator had Flux write there: it is somebody else's.
func (r *Reconciler) strange(ctx context.Context, s *scope, l *look) (bool, error) {
	if l.pushed == nil {
		return false, nil
	}
	made := batch.Made(s.Pins, l.remote.Branch)
	if made[l.head.Hash] {
		return false, nil
	}
	_, found, err := r.Git.FindCommit(ctx, l.remote, depth, func(c gitops.Commit) bool { return made[c.Hash] })
	return !found, err
}

// ready makes sure that Flux can sign, and that the push branch may be written. One that is somebody else's is not, which the lines say; one that is
// behind is deleted, and then all is to be looked at again.
func (r *Reconciler) ready(ctx context.Context, s *scope, pins []placement.Pin, l *look) (bool, error) {
	if _, err := r.signer(ctx, s.key, batch.SignerOf(pins[0].Pin)); err != nil {
		return false, err
	}
	strange, err := r.strange(ctx, s, l)
	if err != nil {
		return false, err
	}
	if !strange {
		cleared, err := r.clear(ctx, s, l)
		return !cleared, err
	}
	for key, line := range l.reading.Lines {
		line.Strange = true
		l.reading.Lines[key] = line
	}
	return true, nil
}

// clear deletes a push branch on which no proposal stands and that is behind the checkout branch, so that Flux makes it anew.
func (r *Reconciler) clear(ctx context.Context, s *scope, l *look) (cleared bool, err error) {
	if l.pushed == nil || l.hasCheckout() || batch.Proposes(s.Pins, l.remote.Branch) {
		return false, nil
	}
	pushed, err := r.Git.History(ctx, l.remote, depth)
	if err != nil {
		return false, err
	}
	known, err := r.Git.History(ctx, l.remote.On(l.branch), depth)
	if err != nil {
		return false, err
	}
	if !batch.Superfluous(commits(pushed), commits(known)) {
		return false, nil
	}
	if cleared, err = r.Git.DeleteBranch(ctx, l.remote, l.pushed); cleared {
		log.FromContext(ctx).Info("Deleted a push branch that is behind and has no proposal", "branch", l.remote.Branch, "commit", l.head.Hash)
	}
	return cleared, err
}

// hasCheckout: the push branch is seen at once to have the newest commit of the checkout branch.
func (l *look) hasCheckout() bool {
	return l.head.Hash == l.checkout.Hash || slices.Contains(l.head.Parents, l.checkout.Hash)
}

func commits(of []gitops.Commit) []batch.Commit {
	out := make([]batch.Commit, 0, len(of))
	for _, c := range of {
		out = append(out, batch.Commit{Hash: c.Hash, Message: c.Message})
	}
	return out
}

// readPushed sets what the push branches of pins have, for those that are there.
func readPushed(checkout *gitops.Checkout, pins []placement.Pin) error {
	readers := map[string]*placement.Reader{}
	for i, p := range pins {
		pins[i].Pushed = nil
		pushed := checkout.Beside(p.Push)
		if pushed == nil {
			continue
		}
		if readers[p.Push] == nil {
			readers[p.Push] = placement.NewReader(pushed.FS())
		}
		location, problem, err := readers[p.Push].Locate(p)
		if err != nil {
			return err
		}
		if problem == nil {
			pins[i].Pushed = &batch.Line{File: location.File, Line: location.Line, Value: location.Value}
		}
	}
	return nil
}
