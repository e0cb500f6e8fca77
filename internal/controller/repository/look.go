package repository

import (
	"context"
	"errors"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
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
	if err := checkout.Unread(pins[0].Push); err != nil {
		return nil, errors.Join(err, checkout.Close())
	}
	l := &look{clone: checkout, remote: remote, head: checkout.Head(), checkout: checkout.Head(), branch: remote.Branch}
	applied, err := r.applied(ctx, s)
	if err == nil {
		err = l.read(remote, pins, applied)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// read reads the lines of pins on the checkout branch, and on their push branch if they have one.
func (l *look) read(remote gitops.Remote, pins []placement.Pin, applied []markers.Source) error {
	var err error
	l.reading, err = readLines(l.clone, pins, applied)
	push := pins[0].Push
	if err != nil || push == "" {
		return err
	}
	lines := map[batch.Key]batch.Line{}
	if pushed := l.clone.Beside(push); pushed != nil {
		l.pushed, l.remote, l.head = pushed, remote.On(push), pushed.Head()
		reading, err := readLines(pushed, pins, applied)
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

func readLines(checkout *gitops.Checkout, pins []placement.Pin, applied []markers.Source) (batch.Reading, error) {
	return placement.NewReader(checkout.FS(), applied).Lines(checkout.Head().Hash, pins)
}

// readPushed sets what the push branches of pins have, for those that are there.
func readPushed(checkout *gitops.Checkout, pins []placement.Pin, applied []markers.Source) error {
	readers := map[string]*placement.Reader{}
	for i, p := range pins {
		pins[i].Pushed = nil
		pushed := checkout.Beside(p.Push)
		if pushed == nil {
			continue
		}
		if readers[p.Push] == nil {
			readers[p.Push] = placement.NewReader(pushed.FS(), applied)
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
