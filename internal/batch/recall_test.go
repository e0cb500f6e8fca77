package batch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// A pin that leaves takes its proposal back first, unless something keeps Flux from it: then only its marker goes.
func TestRecalls(t *testing.T) {
	removed := func(p *Pin) { p.Intent.Remove, p.Intent.Want = true, "" }
	orphaned := func(p *Pin) { p.Orphaned, p.Decided = true, false }
	finds := func(reason string) func(*Pin) {
		return func(p *Pin) { p.Memory.Finding = &pin.Finding{Reason: reason, Message: "x"} }
	}
	for name, tc := range map[string]struct {
		pin        []func(*Pin)
		automation func(*Automation)
		// failing: the repository could not be read, and is due.
		failing bool
		want    bool
	}{
		"a target that goes":               {pin: []func(*Pin){proposed, removed}, want: true},
		"though it is wanted":              {pin: []func(*Pin){proposed, removed, wanting("1.1.0")}, want: true},
		"a policy that goes":               {pin: []func(*Pin){proposed, orphaned}, want: true},
		"a policy that goes suspended":     {pin: []func(*Pin){proposed, removed, suspended}, want: true},
		"one that stays":                   {pin: []func(*Pin){proposed, wanting("")}},
		"before all is decided":            {pin: []func(*Pin){proposed, removed, func(p *Pin) { p.Decided = false }}},
		"nothing is proposed":              {pin: []func(*Pin){toBranch, removed}},
		"a follower":                       {pin: []func(*Pin){proposed, removed, func(p *Pin) { p.Memory.Leader = "pin.app.z" }}},
		"no marker":                        {pin: []func(*Pin){proposed, removed, func(p *Pin) { p.Memory.Marked = false }}},
		"on another branch":                {pin: []func(*Pin){proposed, removed, func(p *Pin) { p.Push = "next" }}},
		"nothing may be pushed there":      {pin: []func(*Pin){proposed, removed, func(p *Pin) { p.Forbidden = &pin.Finding{} }}},
		"another automation would do it":   {pin: []func(*Pin){proposed, removed, func(p *Pin) { p.Foreign = "x" }}},
		"the tag is gone":                  {pin: []func(*Pin){proposed, removed, finds(reasonTagMissing)}},
		"the branch is another's":          {pin: []func(*Pin){proposed, removed, finds(reasonStaleBranch)}},
		"its push branch cannot be read":   {pin: []func(*Pin){proposed, removed, finds(reasonGitUnreadable)}},
		"Git cannot be read":               {pin: []func(*Pin){proposed, removed, finds(reasonGitUnreadable)}, failing: true, want: true},
		"the automation is suspended":      {pin: []func(*Pin){proposed, removed}, automation: func(a *Automation) { a.Suspended = true }},
		"the automation has failed":        {pin: []func(*Pin){proposed, removed}, automation: func(a *Automation) { a.Memory.RetryAt = noon.Add(time.Second) }},
		"the automation is being deleted":  {pin: []func(*Pin){proposed, removed}, automation: func(a *Automation) { *a = Automation{} }},
		"the automation is to be made yet": {pin: []func(*Pin){proposed, removed}, automation: func(a *Automation) { a.Exists = false }, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			p, a := placed("a", tc.pin...), resting()
			if tc.automation != nil {
				tc.automation(&a)
			}
			o := observation([]Pin{p}, a)
			if tc.failing {
				o.GitRetryAt[source] = noon
			}
			if a.Key == (Key{}) {
				o.Automations = nil
			}
			visited := p.Orphaned || Leaves(p) && p.Decided
			got := []bool{Recalls(o, p), movers(o, a)[p.Key] == "1.0.0", Visitors(o)[p.Key]}
			if diff := cmp.Diff([]bool{tc.want, tc.want, visited && !tc.want}, got); diff != "" && Leaves(p) {
				t.Errorf("recalls, moves back, is visited (-want +got):\n%s", diff)
			}
			if !Leaves(p) && got[0] {
				t.Error("it does not leave")
			}
		})
	}
}

// A batch that takes the proposal of a pin back goes on when the pin leaves; one that upgrades it does not.
func TestBatchOfLeaving(t *testing.T) {
	removed := func(p *Pin) { p.Intent.Remove, p.Intent.Want, p.Suspended = true, "", true }
	p := placed("a", proposed, removed)
	p.Memory = Begin(p.Memory, batchID, "1.0.0")
	if why := unwanted(p, main); why != "" {
		t.Errorf("the withdrawal ends: %s", why)
	}
	p.Memory.Wanted = "1.2.0"
	if unwanted(p, main) == "" {
		t.Error("the upgrade goes on")
	}
}

// A proposal that may not be pushed any more is a human's to close.
func TestFrozenProposal(t *testing.T) {
	forbidden := func(p *Pin) { p.Forbidden = &pin.Finding{Reason: reasonPushForbidden, Message: "not granted"} }
	for name, tc := range map[string]struct {
		pin  func(*Pin)
		want string
	}{
		"nothing proposed": {toBranch, "not granted"},
		"a proposal": {proposed,
			"not granted. Meanwhile nobody takes 1.1.0 back from branch upgrades: close its pull request, or merge it"},
	} {
		t.Run(name, func(t *testing.T) {
			p := placed("a", tc.pin, forbidden)
			if got := barred(observation([]Pin{p}, resting()), p); got == nil || got.Message != tc.want || got.Reason != reasonPushForbidden {
				t.Errorf("barred() = %+v, want %q", got, tc.want)
			}
		})
	}
}

// What a missing tag means for a withdrawal is not what it means for an upgrade.
func TestTagOfWithdrawalIsGone(t *testing.T) {
	p := placed("a", proposed, wanting(""))
	p.Memory = Begin(p.Memory, batchID, "1.0.0")
	want := "tag 1.0.0, which the checkout branch has, is not in the registry, so Flux cannot take 1.1.0 back from branch upgrades; " +
		"close its pull request and delete the branch, or push the tag again"
	if got := tagMissing(p); got.Reason != reasonTagMissing || got.Message != want {
		t.Errorf("got %+v, want %q", got, want)
	}
}
