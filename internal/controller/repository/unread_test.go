package repository

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/events"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/placement"
)

// A push branch that cannot be read delays nothing but itself, and is forgotten when it can.
func TestUnreadPushBranchDelaysOnlyItself(t *testing.T) {
	for name, does := range map[string]func(context.Context, *Reconciler, *scope) error{
		"arm": func(ctx context.Context, r *Reconciler, s *scope) error {
			return r.arm(ctx, s, batch.Arm{ID: "b1", Automation: s.Pins[0].Automation, Pins: []batch.Key{s.Pins[0].Key}})
		},
		"conclude": func(ctx context.Context, r *Reconciler, s *scope) error {
			return r.conclude(ctx, s, batch.Conclude{ID: "b1", Automation: s.Pins[0].Automation})
		},
		"visit": func(ctx context.Context, r *Reconciler, s *scope) error {
			return r.visit(ctx, s, batch.Visit{Repository: apps})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, s, branch := armable(t, map[string]string{"apps.yaml": "apps: 1\n"}, func() time.Time { return noon })
			s.Pins[0].Push = "upgrades"
			_, err := branch.Commit(t.Context(), gitserver.Change{
				Branch: "upgrades", Message: "A film", Files: map[string]string{"film.bin": strings.Repeat("\x00", 2<<20)},
			})
			must(t, err)
			if err := does(t.Context(), r, s); err != nil && !errors.Is(err, errStale) {
				t.Fatal(err)
			}
			if times := r.retries.times("key"); len(times) > 0 {
				t.Errorf("the whole repository is delayed: %v", times)
			}
			if at := r.unread.times("key")[pushBranch{apps, "upgrades"}]; !at.Equal(noon.Add(15 * time.Second)) {
				t.Errorf("the branch is tried again at %s", at)
			}
			must(t, exec.CommandContext(t.Context(), "git", "-C", branch.Dir(), "branch", "-f", "upgrades", gitserver.DefaultBranch).Run())
			if err := does(t.Context(), r, s); err != nil && !errors.Is(err, errStale) {
				t.Fatal(err)
			}
			if times := r.unread.times("key"); len(times) > 0 {
				t.Errorf("it is still remembered: %v", times)
			}
		})
	}
}

// While a push branch waits it is not asked for, unless a pin does not say so yet.
func TestSpare(t *testing.T) {
	unreadable := &pin.Finding{Reason: v1alpha1.GitUnreadableReason}
	for name, tc := range map[string]struct {
		push   string
		change func(*placement.Pin)
		spared bool
	}{
		"knows":                {push: "huge", change: func(p *placement.Pin) { p.Memory.Finding = unreadable }, spared: true},
		"waits":                {push: "huge", change: func(p *placement.Pin) { p.Memory = failing(p.Memory, unreadable, noon.Add(time.Second)) }, spared: true},
		"waited for another":   {push: "huge", change: func(p *placement.Pin) { p.Memory = failing(p.Memory, unreadable, noon) }},
		"leaves":               {push: "huge", change: func(p *placement.Pin) { p.Intent.Remove = true }, spared: true},
		"is new":               {push: "huge", change: func(*placement.Pin) {}},
		"says something else":  {push: "huge", change: func(p *placement.Pin) { p.Memory.Finding = &pin.Finding{Reason: "Else"} }},
		"another branch":       {push: "good", change: func(p *placement.Pin) { p.Memory.Finding = unreadable }},
		"none":                 {change: func(p *placement.Pin) { p.Memory.Finding = unreadable }},
		"its time has come":    {push: "past", change: func(p *placement.Pin) { p.Memory.Finding = unreadable }},
		"another's repository": {push: "huge", change: func(p *placement.Pin) { p.Memory.Finding, p.Intent.Source.Repository.Name = unreadable, "else" }},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Reconciler{Options: Options{Now: func() time.Time { return noon }}}
			r.unread.failed("key", pushBranch{apps, "huge"}, noon.Add(time.Second))
			r.unread.failed("key", pushBranch{apps, "past"}, noon)
			pins := []placement.Pin{{Pin: batch.Pin{Push: tc.push}}}
			pins[0].Intent.Source.Repository = apps
			tc.change(&pins[0])
			r.spare("key", pins)
			if got := pins[0].Unread != nil; got != tc.spared {
				t.Errorf("spared: %v", got)
			}
		})
	}
}

// A branch for markers that cannot be read delays only the pins whose markers are proposed there, and all if one of them is to go, or
// says something else: that one would be looked at without end.
func TestUnreadMarkersBranchDelaysOnlyItself(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*batch.Pin)
		delays bool
	}{
		"new":    {change: func(*batch.Pin) {}},
		"leaves": {func(p *batch.Pin) { p.Orphaned = true }, true},
		"comes back": {func(p *batch.Pin) {
			p.Memory.File, p.Memory.Astray, p.Memory.Finding = "new.yaml", "old.yaml", &pin.Finding{Reason: v1alpha1.MarkerMissingReason}
			p.Memory.Proposal.Branch, p.Intent.Mark, p.Decided = "upgrades", true, true
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r, s, branch := armable(t, map[string]string{"apps.yaml": "apps: 1\n"}, func() time.Time { return noon })
			r.Events = events.NewFakeRecorder(10)
			s.Pins[0].Push = "upgrades"
			tc.change(&s.Pins[0])
			_, err := branch.Commit(t.Context(), gitserver.Change{
				Branch: "main-markers", Message: "A film", Files: map[string]string{"film.bin": strings.Repeat("\x00", 2<<20)},
			})
			must(t, err)
			pins := s.placementPins(func(batch.Pin) bool { return true })
			remote, err := r.remote(t.Context(), s, apps, pins)
			must(t, err)
			refused := func() error {
				return r.refused(t.Context(), s, batch.Visit{Repository: apps}, remote, pins, placement.Plan{}, errors.New("refused"))
			}
			must(t, refused())
			at, want := map[bool]time.Time{}, noon.Add(15*time.Second)
			at[false], at[true] = r.unread.times("key")[pushBranch{apps, "main-markers"}], r.retries.times("key")[apps]
			if !at[tc.delays].Equal(want) || !at[!tc.delays].IsZero() {
				t.Errorf("the branch is tried again at %s, the repository at %s", at[false], at[true])
			}
			must(t, exec.CommandContext(t.Context(), "git", "-C", branch.Dir(), "branch", "-D", "main-markers").Run())
			must(t, refused())
			if branches, all := r.unread.times("key"), r.retries.times("key"); len(branches)+len(all) > 0 {
				t.Errorf("it is still remembered: %v, %v", branches, all)
			}
		})
	}
}
