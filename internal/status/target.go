package status

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// progress orders the states from the one that is furthest behind. Those before TargetCurrent deviate.
var progress = []v1alpha1.TargetState{
	v1alpha1.TargetFailed,
	v1alpha1.TargetPending,
	v1alpha1.TargetHeld,
	v1alpha1.TargetPinned,
	v1alpha1.TargetCommitted,
	v1alpha1.TargetApplied,
	v1alpha1.TargetCurrent,
	v1alpha1.TargetDeployed,
}

func upgrading(state v1alpha1.TargetState) bool {
	return state == v1alpha1.TargetPinned || state == v1alpha1.TargetCommitted || state == v1alpha1.TargetApplied
}

// target is one target and what the summary needs of it.
type target struct {
	status v1alpha1.TargetStatus
	// applied: its pin exists, or it has a finding instead.
	applied bool
	// marked: the marker on its line stands.
	marked bool
	// upToDate: it runs the available version or a newer one.
	upToDate bool
	// healthy: it runs what its spec and Git have, and every health check is Current.
	healthy bool
	// moving: it is on its way to another version. back: by a rollback.
	moving, back bool
	// busy: the operator still has to do something for it.
	busy bool
}

func (v view) newTargets() []target {
	leaders := leadersOf(v.in, v.decision)
	targets := make([]target, 0, len(v.in.Targets))
	for i, input := range v.in.Targets {
		own := partOf(v.in, v.decision, i)
		mover := own
		if leader, ok := leaders[leaderName(input)]; ok {
			mover = leader
		}
		t := newTarget(v.parser, own, mover)
		t.status.Wave = waveName(v.in.Policy, own.wave())
		t.upToDate = v.runsAvailable(input)
		targets = append(targets, t)
	}
	return targets
}

// part is a target with what was decided about it.
type part struct {
	target   rollout.Target
	decision rollout.TargetDecision
	// decided: there is a decision.
	decided bool
}

func partOf(in rollout.Input, d rollout.Decision, i int) part {
	p := part{target: in.Targets[i]}
	if i < len(d.Targets) {
		p.decision, p.decided = d.Targets[i], true
	}
	return p
}

// wave is the index of the target's wave; -1: none.
func (p part) wave() int {
	if !p.decided {
		return -1
	}
	return p.decision.Wave
}

// leadersOf finds the targets that move the line of others, by the name of their pin.
func leadersOf(in rollout.Input, d rollout.Decision) map[string]part {
	leads := map[string]bool{}
	for _, input := range in.Targets {
		if name := leaderName(input); name != "" {
			leads[name] = true
		}
	}
	byPin := make(map[string]part, len(leads))
	for i, input := range in.Targets {
		if input.Pin != nil && leads[input.Pin.Name] {
			byPin[input.Pin.Name] = partOf(in, d, i)
		}
	}
	return byPin
}

func leaderName(input rollout.Target) string {
	if input.Pin == nil {
		return ""
	}
	return input.Pin.Memory.Leader
}

// newTarget describes a target. mover is the target whose pin moves the line: itself, or its leader.
func newTarget(p parser, own, mover part) target {
	t := target{status: v1alpha1.TargetStatus{
		Kind:      own.target.Kind,
		Name:      own.target.Name,
		Installed: own.target.Installed,
		Finding:   findingOf(own),
	}}
	t.applied = own.target.Pin != nil || own.target.Finding != nil
	if own.target.Pin != nil {
		memory := own.target.Pin.Memory
		t.marked = markerStands(memory, t.status.Finding)
		t.status.Git = memory.Git
		t.status.Note = bounded(memory.Note)
		t.status.Location = locationOf(*own.target.Pin)
		t.status.Desired = desired(own.target, mover.decision)
	}
	t.status.State = stateOf(p, own, mover)
	t.moving = upgrading(t.status.State) && (t.status.State == v1alpha1.TargetPinned || own.decision.Upgrade.Result == "")
	t.back = mover.decision.Upgrade.Rollback
	t.healthy = own.decision.Healthy
	t.busy = own.target.Pin != nil && own.target.Pin.Batch != "" ||
		t.status.State == v1alpha1.TargetPinned || t.status.Finding == nil && !t.marked
	return t
}

// findingOf is what a human should look at: what keeps the target from being managed comes before what became of it.
func findingOf(own part) *v1alpha1.Finding {
	found := keptBy(own.target)
	if found == nil {
		found = own.decision.Finding
	}
	if found == nil {
		return nil
	}
	return &v1alpha1.Finding{Reason: found.Reason, Message: bounded(found.Message)}
}

// keptBy is the finding of the target itself or of its pin.
func keptBy(input rollout.Target) *pin.Finding {
	if input.Finding != nil || input.Pin == nil {
		return input.Finding
	}
	return input.Pin.Memory.Finding
}

// stopped says whether a finding keeps the target from moving. That an upgrade or rollback is not well yet does not.
func stopped(own part) bool {
	if keptBy(own.target) != nil {
		return true
	}
	return own.decision.Finding != nil && !own.decision.Upgrade.Running()
}

// markerStands says whether the target's line has a marker. Memory.Marked stays true when a human deletes it.
func markerStands(memory pin.Memory, finding *v1alpha1.Finding) bool {
	if finding != nil && (finding.Reason == v1alpha1.MarkerMissingReason || unplaced(finding)) {
		return false
	}
	return memory.Marked || memory.Leader != ""
}

// unplaced says whether a marker is still to be put on the line, or merged, by a human.
func unplaced(finding *v1alpha1.Finding) bool {
	return finding.Reason == v1alpha1.MarkerUnmanagedReason || finding.Reason == v1alpha1.AwaitingMergeReason
}

func locationOf(p rollout.Pin) *v1alpha1.Location {
	if p.Memory.File == "" {
		return nil
	}
	return &v1alpha1.Location{
		Repository: p.Intent.Source.Repository.String(),
		File:       bounded(p.Memory.File),
		Line:       int32(max(0, min(p.Memory.Line, math.MaxInt32))),
	}
}

// desired is the tag that the line should have: the wanted one, or what Git has.
func desired(target rollout.Target, moved rollout.TargetDecision) string {
	if moved.Want != "" {
		return moved.Want
	}
	if target.Verbatim {
		return target.Pin.Memory.Git
	}
	return versions.Tag(target.Pin.Memory.Git)
}

func stateOf(p parser, own, mover part) v1alpha1.TargetState {
	if stopped(own) {
		return stoppedState(findingOf(own))
	}
	target := own.target
	if target.Pin == nil || target.Pin.Memory.Git == "" || !markerStands(target.Pin.Memory, nil) {
		return v1alpha1.TargetPending
	}
	git := versions.Tag(target.Pin.Memory.Git)
	if mover.decision.Awaits {
		return v1alpha1.TargetHeld
	}
	if want := mover.decision.Want; want != "" && !p.same(want, git) {
		return v1alpha1.TargetPinned
	}
	moved := mover.target.Pin != nil && p.same(versions.Tag(mover.target.Pin.Memory.Wanted), git)
	state := arrival(p, target, git, moved)
	if len(mover.decision.Holds) > 0 && !upgrading(state) {
		return v1alpha1.TargetHeld
	}
	return state
}

// stoppedState is the state of a target that a finding keeps from moving.
func stoppedState(finding *v1alpha1.Finding) v1alpha1.TargetState {
	if unplaced(finding) {
		return v1alpha1.TargetPending
	}
	return v1alpha1.TargetFailed
}

// arrival says how far the version that Git has is in the cluster. moved: the operator's last batch brought it.
func arrival(p parser, own rollout.Target, git string, moved bool) v1alpha1.TargetState {
	switch {
	case !moved:
		return v1alpha1.TargetCurrent
	case !p.same(versions.Tag(own.Spec), git):
		return v1alpha1.TargetCommitted
	case !rollout.Deployed(own):
		return v1alpha1.TargetApplied
	default:
		return v1alpha1.TargetDeployed
	}
}

// runsAvailable says whether a target runs the available version or a newer one.
func (v view) runsAvailable(input rollout.Target) bool {
	available := v.decision.Available
	if available == "" || !rollout.Deployed(input) {
		return false
	}
	return v.parser.same(input.Installed, available) || v.parser.newer(input.Installed, available)
}

// state is the state of the target that is furthest behind.
func (v view) state() v1alpha1.TargetState {
	for _, state := range progress {
		for _, t := range v.targets {
			if t.status.State == state {
				return state
			}
		}
	}
	return ""
}

// shown are the targets in the status, those that are furthest behind first.
func (v view) shown() []v1alpha1.TargetStatus {
	order := make([]*v1alpha1.TargetStatus, len(v.targets))
	for i := range v.targets {
		order[i] = &v.targets[i].status
	}
	slices.SortStableFunc(order, func(a, b *v1alpha1.TargetStatus) int {
		return cmp.Or(rank(a.State)-rank(b.State), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	var shown []v1alpha1.TargetStatus
	for _, status := range order[:min(len(order), v1alpha1.MaxStatusTargets)] {
		shown = append(shown, *status)
	}
	return shown
}

// rank is the same for all states that do not deviate.
func rank(state v1alpha1.TargetState) int {
	return min(slices.Index(progress, state), slices.Index(progress, v1alpha1.TargetCurrent))
}
