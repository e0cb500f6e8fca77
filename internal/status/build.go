package status

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Outcome is what a status depends on besides the decision.
type Outcome struct {
	// Now is the time of conditions that change.
	Now time.Time
	// Generation of the policy that was looked at.
	Generation int64
	// RequestedAt is the token of the annotation reconcile.fluxcd.io/requestedAt that was handled.
	RequestedAt string
	// Problem concerns the whole policy; nil: none. If nothing could be decided because of it, the decision has no
	// targets and the previous view is kept.
	Problem *Problem
	// Waiting says what the policy waits for before its objects are complete; nil: nothing. With the reason ScanFailed a
	// human should look.
	Waiting *Waiting
	// Previous is the status as it was.
	Previous v1alpha1.AppUpgradePolicyStatus
}

// Problem keeps the whole policy from working.
type Problem struct {
	// Stalled: nothing but a change of the spec helps.
	Stalled         bool
	Reason, Message string
}

// Waiting is something that is not there yet and that will wake the policy when it comes.
type Waiting struct {
	Reason, Message string
}

// Build makes the status of a policy. in and d may be zero when Outcome.Problem is set.
func Build(in rollout.Input, d rollout.Decision, o Outcome) v1alpha1.AppUpgradePolicyStatus {
	view := newView(in, d, o)
	status := view.summary()
	if o.Problem != nil && len(d.Targets) == 0 {
		status = *o.Previous.DeepCopy()
	}
	status.ObservedGeneration = o.Generation
	status.LastHandledReconcileAt = o.RequestedAt
	status.Conditions = view.conditions()
	return status
}

// view is everything that the parts of a status are made from.
type view struct {
	in       rollout.Input
	decision rollout.Decision
	outcome  Outcome
	parser   parser
	crew     crew
	targets  []target
	held     []v1alpha1.Held
	counts   v1alpha1.TargetCounts
}

func newView(in rollout.Input, d rollout.Decision, o Outcome) view {
	filter, err := versions.NewFilter(in.Policy.FilterPattern, in.Policy.FilterExtract)
	if err != nil {
		filter = versions.Filter{} // the policy is stalled because of it
	}
	v := view{in: in, decision: d, outcome: o, parser: newParser(filter), crew: newCrew(in, d)}
	v.held = v.heldVersions()
	v.targets = v.newTargets()
	for _, t := range v.targets {
		v.counts.Total++
		v.counts.Marked += one(t.marked)
		v.counts.UpToDate += one(t.upToDate)
		v.counts.Upgrading += one(t.moving)
		v.counts.Healthy += one(t.healthy)
		v.counts.Findings += one(t.status.Finding != nil)
	}
	return v
}

func one(yes bool) int32 {
	if yes {
		return 1
	}
	return 0
}

// summary is the status less its conditions and observed values.
func (v view) summary() v1alpha1.AppUpgradePolicyStatus {
	counts, ledger := v.counts, v.decision.Ledger
	return v1alpha1.AppUpgradePolicyStatus{
		Chart:             v.chart(),
		Available:         v.decision.Available,
		Current:           v.current(),
		Target:            v.target(),
		State:             v.state(),
		Counts:            &counts,
		Held:              v.held,
		Schedule:          v.schedule(),
		Waves:             v.waves(),
		Blocked:           blockedOf(ledger),
		Approvals:         approvalsOf(ledger),
		LastHandledResume: ledger.Resume(),
		Seen:              seenOf(ledger, v.parser),
		History:           historyOf(ledger),
		Targets:           v.shown(),
	}
}

func (v view) chart() string {
	for _, target := range v.in.Targets {
		if target.Chart != "" {
			return target.Chart
		}
	}
	return ""
}

// current is the oldest version that a target runs.
func (v view) current() string {
	oldest := ""
	for _, t := range v.targets {
		installed := t.status.Installed
		if v.parser.version(installed) == nil {
			continue
		}
		if oldest == "" || v.parser.newer(oldest, installed) {
			oldest = installed
		}
	}
	return oldest
}

// target is the newest version that a target should have.
func (v view) target() string {
	newest := ""
	for _, t := range v.targets {
		desired := t.status.Desired
		if newest == "" || v.parser.newer(desired, newest) {
			newest = desired
		}
	}
	return newest
}
