package batch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func TestRecallProposal(t *testing.T) {
	for name, tc := range map[string]struct {
		pin              func(*Pin)
		checkout, pushed string
		git, tag, upTo   string
	}{
		"nothing proposed":              {pin: toBranch, checkout: "1.0.0", git: "1.0.0"},
		"an old branch":                 {pin: toBranch, checkout: "1.0.0", pushed: "0.9.0", git: "1.0.0"},
		"a human's proposal":            {pin: toBranch, checkout: "1.0.0", pushed: "1.5.0", git: "1.0.0"},
		"stands":                        {pin: proposed, checkout: "1.0.0", pushed: "1.1.0", git: "1.1.0", tag: "1.1.0"},
		"stands, a human committed":     {pin: proposed, checkout: "1.0.5", pushed: "1.1.0", git: "1.1.0", tag: "1.1.0"},
		"merged":                        {pin: proposed, checkout: "1.1.0", pushed: "1.1.0", git: "1.1.0"},
		"merged, and the branch is off": {pin: proposed, checkout: "1.1.0", git: "1.1.0"},
		"refused":                       {pin: proposed, checkout: "1.0.0", git: "1.0.0", upTo: "1.1.0"},
		"taken away":                    {pin: proposed, checkout: "1.0.0", pushed: "1.0.0", git: "1.0.0", upTo: "1.1.0"},
		"replaced by an older one":      {pin: proposed, checkout: "1.0.0", pushed: "1.0.5", git: "1.0.0", upTo: "1.1.0"},
		"replaced by a newer one":       {pin: proposed, checkout: "1.0.0", pushed: "1.2.0", git: "1.0.0"},
		"overtaken":                     {pin: proposed, checkout: "1.2.0", pushed: "1.1.0", git: "1.1.0", tag: "1.1.0"},
		"overtaken, and refused":        {pin: proposed, checkout: "1.2.0", git: "1.2.0"},
		"reverted where it was merged": {
			pin: func(p *Pin) {
				proposed(p)
				p.Memory.Proposal = pin.Proposal{Branch: upgrades, Checkout: "1.1.0"}
			},
			checkout: "1.0.0", pushed: "1.1.0", git: "1.0.0", upTo: "1.1.0",
		},
		"a rollback that is merged": {
			pin: func(p *Pin) {
				proposed(p)
				p.Memory.From, p.Memory.Wanted = "1.0.0", "0.9.0"
				p.Memory.Git, p.Memory.Proposal = "0.9.0", pin.Proposal{Branch: upgrades, Checkout: "1.0.0", Tag: "0.9.0"}
			},
			checkout: "0.9.0", pushed: "0.9.0", git: "0.9.0",
		},
		"overtaken, and a human goes down to it": {
			pin: func(p *Pin) {
				proposed(p)
				p.Memory.Proposal.Checkout = "2.1.0"
			},
			checkout: "1.1.0", pushed: "1.1.0", git: "1.1.0", upTo: "2.1.0",
		},
		"another branch": {
			pin:      func(p *Pin) { proposed(p); p.Push = "next" },
			checkout: "1.0.0", git: "1.0.0",
		},
		"from now on": {pin: func(p *Pin) { p.Push = upgrades }, checkout: "1.0.0", git: "1.0.0"},
		"from now on, and a human reverted": {
			pin: func(p *Pin) { p.Push = upgrades }, checkout: "0.9.0", git: "0.9.0", upTo: "1.0.0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := placed("a", tc.pin)
			m := Recall(p.Memory, lines(p, tc.checkout, tc.pushed), "r1")
			upTo := ""
			if m.Hold != nil {
				upTo = m.Hold.UpTo
			}
			got := []string{m.Git, m.Proposal.Branch, m.Proposal.Checkout, m.Proposal.Tag, upTo}
			if diff := cmp.Diff([]string{tc.git, p.Push, tc.checkout, tc.tag, tc.upTo}, got); diff != "" {
				t.Errorf("Recall() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecallWithoutPushBranchAnyMore(t *testing.T) {
	p := placed("a", proposed, func(p *Pin) { p.Push = "" })
	m := Recall(p.Memory, lines(p, "1.0.0", ""), "r1")
	if m.Hold != nil || m.Git != "1.0.0" || m.Proposal != (pin.Proposal{}) {
		t.Errorf("Recall() = %+v", m)
	}
}

// A batch that takes a proposal back ends when the policy wants it again.
func TestWithdrawalEnds(t *testing.T) {
	p := placed("a", proposed, wanting(""))
	p.Memory = Begin(p.Memory, batchID, "1.0.0")
	if got := Verb([]Pin{p}); got != "Withdraw" {
		t.Errorf("Verb() = %q", got)
	}
	if got := Verb([]Pin{p, placed("b", wanting("1.1.0"))}); got != "Upgrade and withdraw" {
		t.Errorf("Verb() = %q", got)
	}
	wanting("1.1.0")(&p)
	if unwanted(p, main) == "" {
		t.Error("it goes on")
	}
}

func TestPinChangesBranch(t *testing.T) {
	p := placed("a", proposed, func(p *Pin) { p.Push = "next" })
	if diff := cmp.Diff(Action(Visit{Repository: source}), Next(observation([]Pin{p}, resting()))); diff != "" {
		t.Errorf("Next() (-want +got):\n%s", diff)
	}
}

// A batch does not go on to write a branch that the policy does not want any more, but for what takes a proposal back.
func TestBatchLeavesBranch(t *testing.T) {
	p := placed("a", toBranch, wanting("1.1.0"), leavingBranch)
	p.Memory = Begin(p.Memory, batchID, "1.1.0")
	if unwanted(p, main) == "" {
		t.Error("a new proposal goes on")
	}
	p = placed("a", proposed, leavingBranch)
	p.Memory = Begin(p.Memory, batchID, "1.0.0")
	if why := unwanted(p, main); why != "" {
		t.Errorf("the withdrawal ends: %s", why)
	}
}

// What failed on one branch keeps no pin from another one, nor from having none; what is wrong in the file does.
func TestFindingsLeaveBranches(t *testing.T) {
	for name, tc := range map[string]struct {
		finding, push string
		visits, ends  bool
	}{
		"a stale branch":             {finding: reasonStaleBranch, push: "next", visits: true, ends: true},
		"a push that was refused":    {finding: reasonGitUnwritable, push: "next", visits: true, ends: true},
		"a tag that is missing":      {finding: reasonTagMissing, push: "next", visits: true, ends: true},
		"a marker without an effect": {finding: reasonMarkerIneffective, push: "next", visits: true, ends: true},
		"no push branch any more":    {finding: reasonStaleBranch, push: "", visits: true, ends: true},
		"the same branch":            {finding: reasonStaleBranch, push: upgrades},
		"a file that is wrong":       {finding: reasonMarkerMissing, push: "next"},
	} {
		t.Run(name, func(t *testing.T) {
			p := placed("a", toBranch, wanting("1.1.0"), finding(tc.finding, noon.Add(time.Hour)), func(p *Pin) { p.Push = tc.push })
			p.Memory.Wanted = "1.1.0"
			_, visits := Next(observation([]Pin{p}, resting())).(Visit)
			if visits != tc.visits {
				t.Fatalf("it visits Git: %v", visits)
			}
			if !visits {
				return
			}
			p.Memory = Recall(p.Memory, lines(p, "1.0.0", ""), "r1")
			if ends := p.Memory.Finding == nil; ends != tc.ends {
				t.Errorf("the finding is %+v", p.Memory.Finding)
			}
			prepare, _ := Next(observation([]Pin{p}, resting())).(Prepare)
			if diff := cmp.Diff(map[Key]string{p.Key: "1.1.0"}, prepare.Wanted); diff != "" {
				t.Errorf("Prepare (-want +got):\n%s", diff)
			}
		})
	}
}
