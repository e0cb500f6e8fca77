package rollout

import (
	application "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Decide says which tag each target should have. The rules:
//
//   - A target gets the candidate's tag when the candidate is in the range and not excluded, every gate is open, and all
//     targets of the policy are resolved: one commit moves them together. A target that was given the candidate before
//     keeps it while gates are open, even if another target is not resolved any more.
//   - Else a target keeps the tag that it was given if Git has it, so that a decision that came true stays as it is and
//     nothing is written at rest; any other tag is withdrawn.
//   - A follower gets no tag: its version stands on the line of another target, which moves it.
//
// The same input gives the same decision, and so does an input in which the decision came true.
func Decide(in Input) Decision {
	offer := newOffer(in)
	resolved := allResolved(in.Targets)
	decision := Decision{Available: offer.tag, Targets: make([]TargetDecision, 0, len(in.Targets))}
	for _, target := range in.Targets {
		decision.Targets = append(decision.Targets, decideTarget(in.Policy, offer, resolved, target))
	}
	return decision
}

func decideTarget(policy Policy, offer offer, resolved bool, target Target) TargetDecision {
	decision := TargetDecision{Kind: target.Kind, Name: target.Name}
	if policy.Deleting || target.Pin == nil || target.Pin.Memory.Leader != "" {
		return decision
	}
	decision.Want = settled(*target.Pin)
	if target.Finding != nil || !placed(*target.Pin) || offer.tag == "" || offer.reached(*target.Pin) {
		return decision
	}
	want := offer.tagFor(target.Kind)
	decision.Holds = gate.All().Evaluate(gateInput(policy, offer, target, want))
	if len(decision.Holds) > 0 {
		return decision
	}
	if resolved || target.Pin.Intent.Want == want {
		decision.Want = want
	}
	return decision
}

func gateInput(policy Policy, offer offer, target Target, want string) gate.Input {
	memory := target.Pin.Memory
	in := gate.Input{
		Kind:       target.Kind,
		Suspended:  policy.Suspended,
		Tag:        want,
		Version:    offer.version,
		Git:        memory.Git,
		GitVersion: offer.filter.VersionOf(memory.Git),
		File:       memory.File,
		Line:       memory.Line,
		Hold:       memory.Hold,
	}
	if memory.Hold != nil {
		in.HoldVersion = offer.filter.VersionOf(memory.Hold.UpTo)
	}
	return in
}

// settled is the tag that the pin was given, if Git has it.
func settled(pin Pin) string {
	want, git := pin.Intent.Want, pin.Memory.Git
	if want == git || want == versions.Tag(git) {
		return want
	}
	return ""
}

// placed says whether the target's own marker stands in Git at a known version.
func placed(pin Pin) bool { return pin.Memory.Marked && pin.Memory.Git != "" }

// allResolved says whether each target either is ready to move or has a finding that keeps it out.
func allResolved(targets []Target) bool {
	for _, target := range targets {
		if !resolved(target) {
			return false
		}
	}
	return true
}

func resolved(target Target) bool {
	switch {
	case target.Finding != nil:
		return true
	case target.Pin == nil:
		return false
	case target.Pin.Memory.Finding != nil:
		return true
	case target.Pin.Memory.Leader != "":
		return target.Pin.Memory.Git != ""
	default:
		return placed(*target.Pin)
	}
}

// offer is the candidate after it was compared with the policy's versions. Its tag is empty if there is none.
type offer struct {
	tag, version string
	filter       versions.Filter
}

// newOffer trusts nobody with the range: Flux keeps showing a candidate that the range does not contain any more.
func newOffer(in Input) offer {
	filter, err := versions.NewFilter(in.Policy.FilterPattern, in.Policy.FilterExtract)
	if err != nil {
		return offer{}
	}
	none := offer{filter: filter}
	version, ok := filter.Version(in.Candidate.Tag)
	if in.Candidate.Tag == "" || !ok {
		return none
	}
	allowed, err := versions.ParseRange(in.Policy.Range)
	if err != nil || !allowed.Contains(version) || versions.Excluded(version, in.Policy.Exclude) {
		return none
	}
	return offer{tag: in.Candidate.Tag, version: version, filter: filter}
}

// tagFor is the tag that a target of this kind would get. Apps pull a tag without its `v`.
func (o offer) tagFor(kind string) string {
	if kind == application.AppKind {
		return versions.Tag(o.tag)
	}
	return o.tag
}

// reached says whether Git has the offered version.
func (o offer) reached(pin Pin) bool {
	return versions.Same(o.filter.VersionOf(pin.Memory.Git), o.version)
}
