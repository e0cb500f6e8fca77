package demo

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// addFleet adds what the policy with waves leaves.
func (r *record) addFleet() {
	r.commits = append(r.commits,
		moves(byFlux, "f-broken", canary.app, fleetInstalled, broken), moves(byFlux, "f-back", canary.app, broken, fleetInstalled),
		moves(byFlux, "f-canary", canary.app, fleetInstalled, mended), moves(byFlux, "f-last", production.app, fleetInstalled, mended))
	r.armed = append(r.armed, "f-broken", "f-back", "f-canary", "f-last")
	r.specs[canary.app] = []string{fleetInstalled, broken, fleetInstalled, mended}
	r.specs[production.app] = []string{fleetInstalled, mended}
	at := func(after time.Duration) metav1.Time { return metav1.NewTime(time.Unix(0, 0).Add(after)) }
	entry := func(e v1alpha1.HistoryEntry, start, end time.Duration, commit string) v1alpha1.HistoryEntry {
		e.Start, e.End, e.Commit = at(start), ptr.To(at(end)), commit
		return e
	}
	last := entry(mendedLast, time.Minute+fleetSoak, 2*time.Minute, "2"+production.app+mended)
	last.Approved = true
	r.policies["staged"] = v1alpha1.AppUpgradePolicyStatus{
		Targets:   []v1alpha1.TargetStatus{{Name: canary.app}, {Name: production.app}},
		Blocked:   []v1alpha1.BlockedVersion{{Version: broken, Wave: canary.stage}},
		Approvals: []v1alpha1.Approval{{Version: mended, Wave: production.stage, Time: at(time.Minute)}},
		History: []v1alpha1.HistoryEntry{
			last, entry(mendedCanary, 50*time.Second, time.Minute, "2"+canary.app+mended),
			entry(rollback, 20*time.Second, 30*time.Second, "2"+canary.app+fleetInstalled),
			entry(brokenUpgrade, 10*time.Second, 20*time.Second, "2"+canary.app+broken),
		},
	}
}

// changeStatus spoils the status of the policy with waves.
func changeStatus(change func(*v1alpha1.AppUpgradePolicyStatus)) func(*record) {
	return func(r *record) {
		status := r.policies["staged"]
		change(&status)
		r.policies["staged"] = status
	}
}

// Places in the history of the good record.
const (
	placeLast = iota
	placeCanary
	placeRollback
	placeBroken
)

// without removes the commits of a batch.
func without(batch string) func(*record) {
	return func(r *record) {
		r.commits = slices.DeleteFunc(r.commits, func(c commit) bool { return c.batch == batch })
	}
}

const (
	claimBack  = "took it back"
	claimNever = "production never had"
	claimShown = "shows 1.1.0 as blocked"
	claimOrder = "only then went to production"
)

var fleetSpoils = map[string]spoiled{
	"another rollback":                  {add(moves(byFlux, "later", production.app, broken, fleetInstalled)), "only upwards"},
	"no rollback":                       {without("f-back"), claimBack},
	"the broken version again":          {add(moves(byFlux, "f-again", canary.app, mended, broken)), claimBack},
	"a human took it back":              {func(r *record) { r.commits[len(r.commits)-3].by = byHuman }, claimBack},
	"the broken version for another":    {add(moves(byFlux, "later", "hello-world", "2.1.0", broken)), claimBack},
	"production had it and was back":    {add(moves(byFlux, "f-x", production.app, mended, broken), moves(byFlux, "f-y", production.app, broken, mended)), claimNever},
	"production had it in a comment":    {add(commit{lines: []line{{file(production.app), "# a", "# version: " + broken}}}), claimNever},
	"production had it in the cluster":  {func(r *record) { r.specs[production.app] = []string{fleetInstalled, broken, mended} }, claimNever},
	"the canary never had it":           {func(r *record) { r.specs[canary.app] = []string{fleetInstalled, mended} }, claimNever},
	"production was never there":        {func(r *record) { delete(r.specs, production.app) }, claimNever},
	"nothing is blocked":                {changeStatus(func(s *v1alpha1.AppUpgradePolicyStatus) { s.Blocked = nil }), claimShown},
	"the good version is blocked":       {changeStatus(func(s *v1alpha1.AppUpgradePolicyStatus) { s.Blocked[0].Version = mended }), claimShown},
	"the history has no rollback":       {changeStatus(func(s *v1alpha1.AppUpgradePolicyStatus) { s.History[placeRollback].Rollback = false }), claimShown},
	"the failed upgrade is a success":   {changeStatus(func(s *v1alpha1.AppUpgradePolicyStatus) { s.History[placeBroken].Result = v1alpha1.ResultSucceeded }), claimShown},
	"the rollback names another commit": {changeStatus(func(s *v1alpha1.AppUpgradePolicyStatus) { s.History[placeRollback].Commit = "0" }), claimShown},
	"production did not wait":           {changeStatus(func(s *v1alpha1.AppUpgradePolicyStatus) { s.History[placeLast].Start = *s.History[placeCanary].End }), claimOrder},
	"nobody approved":                   {changeStatus(func(s *v1alpha1.AppUpgradePolicyStatus) { s.Approvals = nil }), claimOrder},
	"the approval was not used":         {changeStatus(func(s *v1alpha1.AppUpgradePolicyStatus) { s.History[placeLast].Approved = false }), claimOrder},
	"the canary was approved":           {changeStatus(func(s *v1alpha1.AppUpgradePolicyStatus) { s.History[placeCanary].Approved = true }), claimOrder},
	"approved afterwards":               {changeStatus(func(s *v1alpha1.AppUpgradePolicyStatus) { s.Approvals[0].Time = *s.History[placeLast].End }), claimOrder},
	"production has no history":         {changeStatus(func(s *v1alpha1.AppUpgradePolicyStatus) { s.History = s.History[1:] }), claimOrder},
	"production was first": {func(r *record) {
		n := len(r.commits)
		r.commits[n-1], r.commits[n-2] = r.commits[n-2], r.commits[n-1]
	}, claimOrder},
}

// A sample with waves is taken only if the story can be told with it.
func TestParseSampleOfFleet(t *testing.T) {
	const good = `
apiVersion: upgrades.giantswarm.io/v1alpha1
kind: AppUpgradePolicy
metadata: {name: one, namespace: default}
spec:
  targets: [{selector: {matchLabels: {app.kubernetes.io/name: hello-world}}}]
  versions: {range: ">=1.0.0 <2.0.0"}
  rollout:
    waves:
    - {name: canary, selector: {matchLabels: {stage: canary}}, soak: 24h}
    - {name: production, autoApprove: None}
`
	replace := func(old, by string) string { return strings.Replace(good, old, by, 1) }
	tests := map[string]struct{ content, complaint string }{
		"good":                          {good, ""},
		"a selector of something else":  {replace("name: hello-world", "name: dex"), "does not select"},
		"a selector of all":             {replace("{matchLabels: {app.kubernetes.io/name: hello-world}}", "{}"), "every App"},
		"a selector that is none":       {replace("{matchLabels: {app.kubernetes.io/name: hello-world}}", "{matchExpressions: [{key: a, operator: Is}]}"), "selector of targets"},
		"a range without the story":     {replace("<2.0.0", "<1.1.0"), "does not fit"},
		"waves of other names":          {replace("name: canary", "name: first"), "waves"},
		"no soak":                       {replace(", soak: 24h", ""), "soak"},
		"production waits for no human": {replace(", autoApprove: None", ""), "autoApprove"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := parseSample([]byte(test.content))
			if test.complaint != "" {
				if err == nil || !strings.Contains(err.Error(), test.complaint) {
					t.Errorf("error is %v, want one with %q", err, test.complaint)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			rollout := s.policy.Spec.Rollout
			if rollout.Waves[0].Soak.Duration != fleetSoak || rollout.Health.OnFailure != v1alpha1.FailureRollback || len(s.changed) != 2 {
				t.Errorf("rollout is %+v, changed is %q", rollout, s.changed)
			}
		})
	}
}
