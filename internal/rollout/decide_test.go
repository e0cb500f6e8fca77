package rollout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// noon is when tests begin.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// inputBuilder makes the input of a policy for `>=1.0.0 <2.0.0` whose candidate is 1.5.0.
type inputBuilder struct{ in Input }

func makeInput(targets ...Target) *inputBuilder {
	return &inputBuilder{in: Input{
		Now: noon,
		Policy: Policy{
			Namespace: "org-demo", Name: "hello", Range: ">=1.0.0 <2.0.0", Waves: []Wave{{}}, Health: Health{Timeout: 30 * time.Minute},
		},
		Candidate: Candidate{Tag: "1.5.0"},
		Targets:   targets,
	}}
}

func (b *inputBuilder) candidate(tag string) *inputBuilder { b.in.Candidate.Tag = tag; return b }
func (b *inputBuilder) suspended() *inputBuilder           { b.in.Policy.Suspended = true; return b }
func (b *inputBuilder) deleting() *inputBuilder            { b.in.Policy.Deleting = true; return b }
func (b *inputBuilder) exclude(v ...string) *inputBuilder  { b.in.Policy.Exclude = v; return b }
func (b *inputBuilder) filter(pattern, extract string) *inputBuilder {
	b.in.Policy.FilterPattern, b.in.Policy.FilterExtract = pattern, extract
	return b
}

// placedTarget has its marker at a version of Git, and was given want before.
func placedTarget(name, git, want string) Target {
	return Target{Kind: "App", Name: name, Waves: []int{0}, Pin: &Pin{
		Name:   pin.Name("App", name),
		Intent: pin.Intent{Want: want, Mark: true},
		Memory: pin.Memory{File: "apps/" + name + ".yaml", Line: 9, Git: git, Marked: true},
	}}
}

func changed(t Target, change func(*Target)) Target {
	change(&t)
	return t
}

func TestDecide(t *testing.T) {
	finding := &pin.Finding{Reason: "TargetMissing", Message: "no such App"}
	follower := func(git string) Target {
		return changed(placedTarget("follower", git, ""), func(t *Target) {
			t.Pin.Memory.Marked, t.Pin.Memory.Leader = false, "pin.app.a"
		})
	}
	heldUpTo := func(upTo string) func(*Target) {
		return func(t *Target) { t.Pin.Memory.Hold = &pin.Hold{Reason: "ManualHold", UpTo: upTo} }
	}
	cases := map[string]struct {
		in    *inputBuilder
		wants []string
		holds []string // reasons of the first target
	}{
		"all move together":             {in: makeInput(placedTarget("a", "1.4.0", ""), placedTarget("b", "1.3.0", "")), wants: []string{"1.5.0", "1.5.0"}},
		"one marker is missing":         {in: makeInput(placedTarget("a", "1.4.0", ""), Target{Kind: "App", Name: "b", Pin: &Pin{}}), wants: []string{"", ""}},
		"one pin is missing":            {in: makeInput(placedTarget("a", "1.4.0", ""), Target{Kind: "App", Name: "b"}), wants: []string{"", ""}},
		"a new target stops no upgrade": {in: makeInput(placedTarget("a", "1.4.0", "1.5.0"), Target{Kind: "App", Name: "b"}), wants: []string{"1.5.0", ""}},
		"one target has a finding":      {in: makeInput(placedTarget("a", "1.4.0", ""), Target{Kind: "App", Name: "b", Finding: finding}), wants: []string{"1.5.0", ""}},
		"one pin has a finding before its marker": {
			in: makeInput(placedTarget("a", "1.4.0", ""), Target{Kind: "App", Name: "b", Pin: &Pin{Memory: pin.Memory{
				Git: "1.4.0", Finding: &pin.Finding{Reason: "MarkerUnmanaged"}}}}),
			wants: []string{"1.5.0", ""},
		},
		"a finding about moving keeps what was wanted": {
			in:    makeInput(changed(placedTarget("a", "1.4.0", "1.5.0"), func(t *Target) { t.Pin.Memory.Finding = &pin.Finding{Reason: "TagMissing"} })),
			wants: []string{"1.5.0"},
		},
		"a finding of the target withdraws":    {in: makeInput(changed(placedTarget("a", "1.4.0", "1.5.0"), func(t *Target) { t.Finding = finding })), wants: []string{""}},
		"follower waits for its leader":        {in: makeInput(placedTarget("a", "1.4.0", ""), follower("1.4.0")), wants: []string{"1.5.0", ""}},
		"follower that was not read":           {in: makeInput(placedTarget("a", "1.4.0", ""), follower("")), wants: []string{"", ""}},
		"upgraded before: nothing changes":     {in: makeInput(placedTarget("a", "1.5.0", "1.5.0")), wants: []string{"1.5.0"}},
		"up to date from the start":            {in: makeInput(placedTarget("a", "1.5.0", "")), wants: []string{""}},
		"text with v":                          {in: makeInput(placedTarget("a", "v1.4.0", "")), wants: []string{"1.5.0"}},
		"same version with v":                  {in: makeInput(placedTarget("a", "v1.5.0", "")), wants: []string{""}},
		"tag with v is pulled without":         {in: makeInput(placedTarget("a", "1.4.0", "")).candidate("v1.5.0"), wants: []string{"1.5.0"}},
		"suspended":                            {in: makeInput(placedTarget("a", "1.4.0", "")).suspended(), wants: []string{""}, holds: []string{"Suspended"}},
		"suspended on the way":                 {in: makeInput(placedTarget("a", "1.4.0", "1.5.0")).suspended(), wants: []string{""}, holds: []string{"Suspended"}},
		"suspended at rest":                    {in: makeInput(placedTarget("a", "1.5.0", "1.5.0")).suspended(), wants: []string{"1.5.0"}},
		"suspended at rest, newer version":     {in: makeInput(placedTarget("a", "1.4.0", "1.4.0")).suspended(), wants: []string{"1.4.0"}, holds: []string{"Suspended"}},
		"deleting":                             {in: makeInput(placedTarget("a", "1.4.0", "1.5.0")).deleting(), wants: []string{""}},
		"no candidate":                         {in: makeInput(placedTarget("a", "1.4.0", "1.5.0")).candidate(""), wants: []string{""}},
		"no candidate at rest":                 {in: makeInput(placedTarget("a", "1.4.0", "1.4.0")).candidate(""), wants: []string{"1.4.0"}},
		"candidate outside of the range":       {in: makeInput(placedTarget("a", "1.4.0", "")).candidate("2.0.0"), wants: []string{""}},
		"candidate that is excluded":           {in: makeInput(placedTarget("a", "1.4.0", "")).exclude("v1.5.0"), wants: []string{""}},
		"candidate that the filter leaves out": {in: makeInput(placedTarget("a", "1.4.0", "")).filter("^v", ""), wants: []string{""}},
		"invalid filter":                       {in: makeInput(placedTarget("a", "1.4.0", "")).filter("(", ""), wants: []string{""}},
		"Git is newer":                         {in: makeInput(placedTarget("a", "1.6.0", "")), wants: []string{""}, holds: []string{"NotNewer"}},
		"Git is newer than what was wanted":    {in: makeInput(placedTarget("a", "1.6.0", "1.5.0")), wants: []string{""}, holds: []string{"NotNewer"}},
		"Git has no version":                   {in: makeInput(placedTarget("a", "latest", "")), wants: []string{""}, holds: []string{"VersionUnsupported"}},
		"a human reverted": {
			in:    makeInput(changed(placedTarget("a", "1.4.0", "1.5.0"), heldUpTo("1.5.0")), placedTarget("b", "1.5.0", "1.5.0")),
			wants: []string{"", "1.5.0"}, holds: []string{"ManualHold"},
		},
		"a human holds one of two": {
			in:    makeInput(placedTarget("b", "1.4.0", ""), changed(placedTarget("a", "1.4.0", ""), heldUpTo("1.5.0"))),
			wants: []string{"1.5.0", ""},
		},
		"newer than what a human left": {in: makeInput(changed(placedTarget("a", "1.3.0", ""), heldUpTo("1.4.0"))), wants: []string{"1.5.0"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			decision := Decide(tc.in.in)
			var wants []string
			for _, target := range decision.Targets {
				wants = append(wants, target.Want)
			}
			if diff := cmp.Diff(tc.wants, wants); diff != "" {
				t.Errorf("wants (-want +got):\n%s", diff)
			}
			var holds []string
			for _, hold := range decision.Targets[0].Holds {
				holds = append(holds, hold.Reason)
			}
			if diff := cmp.Diff(tc.holds, holds); diff != "" {
				t.Errorf("holds (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecideTakesTheVersionOutOfTheTag(t *testing.T) {
	in := makeInput(changed(placedTarget("a", "1.4.0-stable.7", ""), func(t *Target) {
		t.Pin.Memory.Hold = &pin.Hold{Reason: "ManualHold", UpTo: "1.4.1-stable.8"}
	})).candidate("1.5.0-stable.9").filter(`^(?P<v>.*)-stable\.\d+$`, "$v").in
	decision := Decide(in)
	if got := decision.Targets[0].Want; got != "1.5.0-stable.9" {
		t.Errorf("wants %q, want the original tag", got)
	}
	if decision.Available != "1.5.0-stable.9" {
		t.Errorf("available is %q", decision.Available)
	}
}

// TestFollowersAreNotOverridden: a follower's line may be read later than its leader's, and then has another text for a while.
func TestFollowersAreNotOverridden(t *testing.T) {
	leader := placedTarget("a", "1.4.0", "")
	follower := changed(placedTarget("follower", "1.3.0", ""), func(t *Target) { t.Pin.Memory.Marked, t.Pin.Memory.Leader = false, "pin.app.a" })
	in := makeInput(leader, follower).in
	in = written(in, Decide(in))
	if got := Decide(in).Targets[1].Upgrade; got.To != "1.5.0" || !got.Running() {
		t.Errorf("the follower's upgrade is %+v", got)
	}
}
