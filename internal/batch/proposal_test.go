package batch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

const upgrades = "upgrades"

// toBranch is a pin whose versions are pushed to a branch that has none of them yet.
func toBranch(p *Pin) {
	p.Push = upgrades
	p.Memory.Proposal = pin.Proposal{Branch: upgrades, Checkout: "1.0.0"}
}

// proposed is one whose 1.1.0 stands there.
func proposed(p *Pin) {
	toBranch(p)
	p.Memory.Git, p.Memory.Wanted, p.Memory.From, p.Memory.Commit = "1.1.0", "1.1.0", "1.0.0", "c1"
	p.Memory.Proposal.Tag = "1.1.0"
	p.Filter = pin.Filter("1.0.0")
	p.Intent.Want = "1.1.0"
}

func leavingBranch(p *Pin) { p.Leaving = true }

func wanting(version string) func(*Pin) { return func(p *Pin) { p.Intent.Want = version } }

// lines is what the checkout branch and the push branch have; empty: there is no push branch.
func lines(p Pin, checkout, pushed string) Line {
	line := Line{File: "a.yaml", Line: 8, Value: checkout}
	if pushed == "" {
		return Proposed(p, line, nil)
	}
	return Proposed(p, line, &Line{File: "a.yaml", Line: 8, Value: pushed})
}

func TestProposalsMove(t *testing.T) {
	for name, tc := range map[string]struct {
		pin  func(*Pin)
		with []func(*Pin)
		want string
	}{
		"a first one":                                   {pin: toBranch, with: []func(*Pin){wanting("1.1.0")}, want: "1.1.0"},
		"stands":                                        {pin: proposed},
		"stands while schedules are closed":             {pin: proposed, with: []func(*Pin){closed}},
		"replaced":                                      {pin: proposed, with: []func(*Pin){wanting("1.2.0")}, want: "1.2.0"},
		"not replaced while closed":                     {pin: proposed, with: []func(*Pin){wanting("1.2.0"), closed}},
		"withdrawn":                                     {pin: proposed, with: []func(*Pin){wanting("")}, want: "1.0.0"},
		"withdrawn while closed":                        {pin: proposed, with: []func(*Pin){wanting(""), closed}, want: "1.0.0"},
		"withdrawn for an older one":                    {pin: proposed, with: []func(*Pin){wanting("1.0.5")}, want: "1.0.0"},
		"not while it is suspended":                     {pin: proposed, with: []func(*Pin){wanting(""), suspended}},
		"not before all is decided":                     {pin: proposed, with: []func(*Pin){wanting(""), func(p *Pin) { p.Decided = false }}},
		"not on another branch":                         {pin: proposed, with: []func(*Pin){wanting(""), func(p *Pin) { p.Push, p.Intent.Prompt = "next", "" }}},
		"withdrawn from a branch that it leaves":        {pin: proposed, with: []func(*Pin){leavingBranch}, want: "1.0.0"},
		"not replaced on a branch that it leaves":       {pin: proposed, with: []func(*Pin){leavingBranch, wanting("1.2.0")}, want: "1.0.0"},
		"nothing new is proposed on one that it leaves": {pin: toBranch, with: []func(*Pin){leavingBranch, wanting("1.1.0")}},
		"overtaken": {
			pin: proposed, with: []func(*Pin){wanting(""), func(p *Pin) { p.Memory.Proposal.Checkout = "1.2.0" }}, want: "1.2.0",
		},
		"overtaken by what is wanted": {
			pin: proposed, with: []func(*Pin){wanting("1.2.0"), func(p *Pin) { p.Memory.Proposal.Checkout = "1.2.0" }}, want: "1.2.0",
		},
		"merged, and an old branch is left": {
			pin: toBranch, with: []func(*Pin){wanting("1.1.0"), func(p *Pin) { p.Memory.Proposal.Checkout = "1.1.0" }},
		},
		"a rollback with a proposal on the branch": {
			pin: proposed, with: []func(*Pin){func(p *Pin) { p.Intent.Want, p.Intent.Back = "0.9.0", "1.0.0" }}, want: "1.0.0",
		},
		"a rollback": {pin: toBranch, with: []func(*Pin){wantsBack}, want: "0.9.0"},
		"a rollback that was refused": {pin: toBranch, with: []func(*Pin){wantsBack, func(p *Pin) {
			p.Memory.Wanted, p.Memory.Commit = "0.9.0", "c1"
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := placed("a", append([]func(*Pin){tc.pin}, tc.with...)...)
			want := map[Key]string{}
			if tc.want != "" {
				want[p.Key] = tc.want
			}
			if diff := cmp.Diff(want, movers(observation([]Pin{p}), resting())); diff != "" {
				t.Errorf("movers() (-want +got):\n%s", diff)
			}
			if tc.want == "" {
				return
			}
			p.Memory = Begin(p.Memory, batchID, tc.want)
			if why := unwanted(p, main); why != "" {
				t.Errorf("in a batch it is not wanted: %s", why)
			}
		})
	}
}

func TestCheckProposals(t *testing.T) {
	human := &pin.Finding{Reason: reasonMarkerMissing, Message: "gone"}
	for name, tc := range map[string]struct {
		pin              func(*Pin)
		wanted           string
		checkout, pushed string
		problem          *pin.Finding
		armed, stale     bool
		tag, upTo        string
	}{
		"no branch yet":                {pin: toBranch, wanted: "1.1.0", checkout: "1.0.0", armed: true},
		"a branch like the other one":  {pin: toBranch, wanted: "1.1.0", checkout: "1.0.0", pushed: "1.0.0", armed: true},
		"replaces a proposal":          {pin: proposed, wanted: "1.2.0", checkout: "1.0.0", pushed: "1.1.0", armed: true},
		"withdraws one":                {pin: proposed, wanted: "1.0.0", checkout: "1.0.0", pushed: "1.1.0", armed: true},
		"a branch with something else": {pin: toBranch, wanted: "1.1.0", checkout: "1.0.0", pushed: "1.0.5", stale: true},
		"a branch without the marker":  {pin: toBranch, wanted: "1.1.0", checkout: "1.0.0", pushed: "1.0.0", problem: human, stale: true},
		"the marker is gone under a proposal": {
			pin: proposed, wanted: "1.2.0", checkout: "1.0.0", pushed: "1.1.0", problem: human, tag: "1.1.0",
		},
		"somebody was faster": {pin: toBranch, wanted: "1.1.0", checkout: "1.0.0", pushed: "1.1.0", tag: "1.1.0"},
		"merged meanwhile":    {pin: toBranch, wanted: "1.1.0", checkout: "1.1.0", pushed: "1.1.0"},
		"refused meanwhile":   {pin: proposed, wanted: "1.2.0", checkout: "1.0.0", upTo: "1.1.0"},
		"refused while it is withdrawn": {
			pin: proposed, wanted: "1.0.0", checkout: "1.0.0", upTo: "1.1.0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := placed("a", tc.pin)
			p.Memory = Begin(p.Memory, batchID, tc.wanted)
			line := Line{File: "a.yaml", Line: 8, Value: tc.checkout}
			var pushed *Line
			if tc.pushed != "" {
				pushed = &Line{File: "a.yaml", Line: 8, Value: tc.pushed, Problem: tc.problem}
			}
			r := Reading{Revision: "r1", Lines: map[Key]Line{p.Key: Proposed(p, line, pushed)}}
			stale := Stale(noon, []Pin{p}, r)
			if got := len(stale) > 0; got != tc.stale {
				t.Fatalf("Stale() = %v, want %v", stale, tc.stale)
			}
			if tc.stale {
				if m := stale[p.Key]; m.Finding.Reason != reasonStaleBranch || m.RetryAt == "" {
					t.Errorf("Stale() = %+v", m)
				}
				return
			}
			armed, out := Check([]Pin{p}, r)
			if got := len(armed) == 1; got != tc.armed {
				t.Fatalf("Check() arms %v, want %v", got, tc.armed)
			}
			m, upTo := out[p.Key], ""
			if m.Hold != nil {
				upTo = m.Hold.UpTo
			}
			if diff := cmp.Diff([]string{tc.tag, tc.upTo}, []string{m.Proposal.Tag, upTo}); diff != "" {
				t.Errorf("tag and hold (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSettleProposals(t *testing.T) {
	wrote := func(from, to string) *Trailer {
		return &Trailer{Changes: []Change{{Pin: key("a"), File: "a.yaml", Object: "App a", Old: from, New: to, Commit: "c2"}}}
	}
	for name, tc := range map[string]struct {
		pin              func(*Pin)
		wanted           string
		checkout, pushed string
		commit           *Trailer
		git, tag, upTo   string
	}{
		"proposed":                 {pin: toBranch, wanted: "1.1.0", checkout: "1.0.0", pushed: "1.1.0", commit: wrote("1.0.0", "1.1.0"), git: "1.1.0", tag: "1.1.0"},
		"proposed and merged":      {pin: toBranch, wanted: "1.1.0", checkout: "1.1.0", pushed: "1.1.0", commit: wrote("1.0.0", "1.1.0"), git: "1.1.0"},
		"proposed and refused":     {pin: toBranch, wanted: "1.1.0", checkout: "1.0.0", commit: wrote("1.0.0", "1.1.0"), git: "1.0.0", upTo: "1.1.0"},
		"replaced":                 {pin: proposed, wanted: "1.2.0", checkout: "1.0.0", pushed: "1.2.0", commit: wrote("1.1.0", "1.2.0"), git: "1.2.0", tag: "1.2.0"},
		"withdrawn":                {pin: proposed, wanted: "1.0.0", checkout: "1.0.0", pushed: "1.0.0", commit: wrote("1.1.0", "1.0.0"), git: "1.0.0"},
		"refused before withdrawn": {pin: proposed, wanted: "1.0.0", checkout: "1.0.0", git: "1.0.0", upTo: "1.1.0"},
		"withdrawn, but merged before": {
			pin: proposed, wanted: "1.0.0", checkout: "1.1.0", pushed: "1.0.0", commit: wrote("1.1.0", "1.0.0"), git: "1.0.0", tag: "1.0.0",
		},
		"proposed over a human's": {
			pin: toBranch, wanted: "1.1.0", checkout: "1.0.0", pushed: "1.1.0", commit: wrote("1.5.0", "1.1.0"), git: "1.1.0", tag: "1.1.0",
		},
		"replaces what a human took away": {
			pin: proposed, wanted: "1.2.0", checkout: "1.0.0", pushed: "1.2.0", commit: wrote("1.0.0", "1.2.0"), git: "1.2.0", tag: "1.2.0", upTo: "1.1.0",
		},
		"withdrawn upward, and held": {
			pin: func(p *Pin) {
				proposed(p)
				p.Memory.Proposal.Checkout, p.Memory.Hold = "1.5.0", holdUpTo("2.1.0")
			},
			wanted: "1.5.0", checkout: "1.5.0", pushed: "1.5.0", commit: wrote("1.1.0", "1.5.0"), git: "1.5.0", upTo: "2.1.0",
		},
		"not written":  {pin: toBranch, wanted: "1.1.0", checkout: "1.0.0", git: "1.0.0"},
		"not replaced": {pin: proposed, wanted: "1.2.0", checkout: "1.0.0", pushed: "1.1.0", git: "1.1.0", tag: "1.1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			p := placed("a", tc.pin)
			p.Memory = Begin(p.Memory, batchID, tc.wanted)
			r := Reading{Revision: "r1", Lines: map[Key]Line{p.Key: lines(p, tc.checkout, tc.pushed)}}
			m, upTo := Settle(noon, []Pin{p}, AutomationMemory{Outcome: Withdrawn}, r, tc.commit)[p.Key], ""
			if m.Hold != nil {
				upTo = m.Hold.UpTo
			}
			if diff := cmp.Diff([]string{tc.git, tc.tag, tc.upTo, ""}, []string{m.Git, m.Proposal.Tag, upTo, m.Restore}); diff != "" {
				t.Errorf("git, tag, hold and what is given back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProposalsAreRemembered(t *testing.T) {
	p := placed("a", toBranch)
	p.Memory = Begin(p.Memory, batchID, "1.1.0")
	wrote := &Trailer{Changes: []Change{{Pin: p.Key, File: "a.yaml", Object: "App a", Old: "1.0.0", New: "1.1.0", Commit: "c1"}}}
	r := Reading{Revision: "c1", Lines: map[Key]Line{p.Key: lines(p, "1.0.0", "1.1.0")}}
	p.Memory = Settle(noon, []Pin{p}, AutomationMemory{Outcome: Observed}, r, wrote)[p.Key]
	p.Memory = Recall(p.Memory, lines(p, "1.1.0", "1.1.0"), "r2")
	if p.Memory.Proposal.Commit != "c1" {
		t.Errorf("it is forgotten: %+v", p.Memory.Proposal)
	}
	p.Push = "next"
	if m := Recall(p.Memory, lines(p, "1.1.0", ""), "r3"); m.Proposal.Commit != "" {
		t.Errorf("it is remembered of another branch: %+v", m.Proposal)
	}
}

// Whatever humans do to the two branches, a proposal stands only if the push branch has it and the checkout branch does not, and
// the next move never goes from a value that neither branch has.
func TestProposalsFollowTheBranches(t *testing.T) {
	versions := []string{"0.9.0", "1.0.0", "1.1.0", "1.2.0"}
	rapid.Check(t, func(t *rapid.T) {
		p := placed("a", toBranch)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			checkout := rapid.SampledFrom(versions).Draw(t, "checkout")
			pushed := rapid.SampledFrom(append([]string{""}, versions...)).Draw(t, "pushed")
			line := lines(p, checkout, pushed)
			if rapid.Bool().Draw(t, "batch") {
				p.Memory = Begin(p.Memory, batchID, rapid.SampledFrom(versions).Draw(t, "wanted"))
				r := Reading{Revision: "r", Lines: map[Key]Line{p.Key: line}}
				p.Memory = Settle(noon.Add(time.Minute), []Pin{p}, AutomationMemory{Outcome: Observed}, r, nil)[p.Key]
			} else {
				p.Memory = Recall(p.Memory, line, "r")
			}
			m := p.Memory
			if m.Proposal.Checkout != checkout || m.Git != checkout && (m.Git != pushed || m.Proposal.Tag != pushed) {
				t.Fatalf("%q and %q are remembered as %+v", checkout, pushed, m)
			}
			if m.Proposal.Tag != "" && (m.Proposal.Tag != pushed || pushed == checkout) {
				t.Fatalf("%q stands with %q and %q", m.Proposal.Tag, checkout, pushed)
			}
		}
	})
}

// A pin selects what is proposed only while a batch moves it: another automation must not find it there.
func TestProposalIsNotSelectedAtRest(t *testing.T) {
	old := placed("a", proposed, func(p *Pin) { p.Filter = pin.Filter("1.1.0") })
	if diff := cmp.Diff(Action(Relax{Pins: []Key{old.Key}}), Next(observation([]Pin{old}, resting()))); diff != "" {
		t.Errorf("Next() (-want +got):\n%s", diff)
	}
	if action := Next(observation([]Pin{placed("a", proposed)}, resting())); action != (Wait{}) {
		t.Errorf("Next() = %+v", action)
	}
}

// A pin stays with the branch of its batch and of its proposal until both have ended, and then gets the one that its policy wants.
func TestPushNow(t *testing.T) {
	stands := pin.Proposal{Branch: upgrades, Checkout: "1.0.0", Tag: "1.1.0"}
	read := pin.Proposal{Branch: upgrades, Checkout: "1.0.0"}
	for name, tc := range map[string]struct {
		wanted, inBatch string
		proposal        pin.Proposal
		push            string
		leaving         bool
	}{
		"the same":                        {wanted: upgrades, inBatch: batchID, proposal: stands, push: upgrades},
		"another one":                     {wanted: "next", proposal: read, push: "next"},
		"another one, in a batch":         {wanted: "next", inBatch: batchID, proposal: read, push: upgrades, leaving: true},
		"another one, a proposal stands":  {wanted: "next", proposal: stands, push: upgrades, leaving: true},
		"none any more":                   {wanted: "", proposal: read, push: ""},
		"none any more, a proposal stand": {wanted: "", proposal: stands, push: upgrades, leaving: true},
		"the first":                       {wanted: upgrades, push: upgrades},
		"the first, in a batch":           {wanted: upgrades, inBatch: batchID, push: "", leaving: true},
	} {
		t.Run(name, func(t *testing.T) {
			push, leaving := PushNow(tc.wanted, tc.inBatch, pin.Memory{Proposal: tc.proposal})
			if push != tc.push || leaving != tc.leaving {
				t.Errorf("PushNow() = %q, %v", push, leaving)
			}
		})
	}
}
