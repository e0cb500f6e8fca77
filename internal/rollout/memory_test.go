package rollout

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// problemsOf are the reasons of a decision's problems.
func problemsOf(d Decision) []string {
	var reasons []string
	for _, p := range d.Problems {
		reasons = append(reasons, p.Reason)
	}
	return reasons
}

func TestApprove(t *testing.T) {
	canaryAndLate := []Wave{{Name: "canary"}, {Name: "late"}}
	known := []pin.Approval{{Wave: "late", Version: "1.5.0", At: noon.Add(-time.Hour)}}
	for name, tc := range map[string]struct {
		text     string
		waves    []Wave
		known    []pin.Approval
		want     []string
		problems []string
	}{
		"no waves":                       {text: "1.5.0", want: []string{"=1.5.0"}},
		"spaces":                         {text: " 1.5.0 ", want: []string{"=1.5.0"}},
		"with v":                         {text: "v1.5.0", want: []string{"=v1.5.0"}},
		"a wave":                         {text: "late=1.5.0", waves: canaryAndLate, want: []string{"late=1.5.0"}},
		"spaces around a wave":           {text: " late = 1.5.0 ", waves: canaryAndLate, want: []string{"late=1.5.0"}},
		"again":                          {text: "late=v1.5.0", waves: canaryAndLate, known: known, want: []string{"late=1.5.0"}},
		"another wave":                   {text: "canary=1.5.0", waves: canaryAndLate, known: known, want: []string{"late=1.5.0", "canary=1.5.0"}},
		"no wave although there are":     {text: "1.5.0", waves: canaryAndLate, problems: []string{"ApprovalUnknown"}},
		"a wave although there are none": {text: "late=1.5.0", problems: []string{"ApprovalUnknown"}},
		"a wave that is not there":       {text: "nobody=1.5.0", waves: canaryAndLate, problems: []string{"ApprovalUnknown"}},
		"a version that is not there":    {text: "late=1.6.0", waves: canaryAndLate, problems: []string{"ApprovalUnknown"}},
		"nonsense":                       {text: strings.Repeat("=", 400), waves: canaryAndLate, problems: []string{"ApprovalUnknown"}},
		"nothing":                        {text: "  "},
	} {
		t.Run(name, func(t *testing.T) {
			in := makeInput(placedTarget("a", "1.4.0", "")).in
			in.Policy.Approve, in.Ledger.Approvals = tc.text, tc.known
			if tc.waves != nil {
				in.Policy.Waves = tc.waves
				in.Targets = append(in.Targets, changed(placedTarget("b", "1.4.0", ""), func(t *Target) { t.Waves = []int{1} }))
			}
			decision := Decide(in)
			var got []string
			for _, a := range decision.Ledger.Approvals {
				got = append(got, a.Wave+"="+a.Version)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("approvals (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.problems, problemsOf(decision)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			for _, p := range decision.Problems {
				if len(p.Message) > 1000 {
					t.Errorf("the message has %d bytes", len(p.Message))
				}
			}
		})
	}
}

// TestMembership says of targets that are in no wave, in two, or share a line with one of another wave.
func TestMembership(t *testing.T) {
	member := func(name string, waves ...int) Target {
		return changed(placedTarget(name, "1.4.0", ""), func(t *Target) { t.Waves = waves })
	}
	follower := func(waves ...int) Target {
		return changed(member("follower", waves...), func(t *Target) { t.Pin.Memory.Marked, t.Pin.Memory.Leader = false, "pin.app.a" })
	}
	broken := changed(member("a", 0), func(t *Target) { t.Finding = &pin.Finding{Reason: "TargetMissing"} })
	for name, tc := range map[string]struct {
		targets  []Target
		findings []string
		wants    []string
		problems []string
	}{
		"each in one":                {targets: []Target{member("a", 0), member("b", 1)}, findings: []string{"", ""}, wants: []string{"1.5.0", ""}},
		"in none":                    {targets: []Target{member("a", 0), member("b")}, findings: []string{"", "NoWave"}, wants: []string{"1.5.0", ""}, problems: []string{"WaveEmpty"}},
		"in two":                     {targets: []Target{member("a", 0), member("b", 0, 1)}, findings: []string{"", "SeveralWaves"}, wants: []string{"1.5.0", ""}, problems: []string{"WaveEmpty"}},
		"a line of one wave":         {targets: []Target{member("a", 0), follower(0), member("b", 1)}, findings: []string{"", "", ""}, wants: []string{"1.5.0", "", ""}},
		"a line of two waves":        {targets: []Target{member("a", 0), follower(1)}, findings: []string{"SeveralWaves", "SeveralWaves"}, wants: []string{"", ""}},
		"a leader that is not there": {targets: []Target{broken, follower(1), member("b", 0)}, findings: []string{"", "", ""}, wants: []string{"", "", "1.5.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := makeInput(tc.targets...).in
			in.Policy.Waves = []Wave{{Name: "canary"}, {Name: "late"}}
			decision := Decide(in)
			var findings []string
			for _, target := range decision.Targets {
				reason := ""
				if target.Finding != nil {
					reason = target.Finding.Reason
				}
				findings = append(findings, reason)
			}
			for what, diff := range map[string]string{
				"findings": cmp.Diff(tc.findings, findings), "wants": cmp.Diff(tc.wants, wants(decision)), "problems": cmp.Diff(tc.problems, problemsOf(decision)),
			} {
				if diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
			}
		})
	}
}

// TestActiveClock stands still while the policy is suspended, and survives that nobody looked.
func TestActiveClock(t *testing.T) {
	in := makeInput(placedTarget("a", "1.5.0", "1.5.0")).in
	look := func(after time.Duration, suspended bool, paused time.Duration) {
		t.Helper()
		in.Now, in.Policy.Suspended = noon.Add(after), suspended
		in.Ledger = Decide(in).Ledger
		if got := in.Now.Sub(in.Ledger.Active(in.Now)); got != paused {
			t.Errorf("after %s the active clock is behind by %s, want %s", after, got, paused)
		}
	}
	look(0, false, 0)
	look(time.Hour, true, 0)
	look(2*time.Hour, true, time.Hour)
	look(5*time.Hour, false, 4*time.Hour)
	look(6*time.Hour, false, 4*time.Hour)
	look(7*time.Hour, true, 4*time.Hour)
	look(8*time.Hour+time.Nanosecond, false, 5*time.Hour)
	if !in.Ledger.SuspendedAt.IsZero() {
		t.Errorf("is suspended since %s", in.Ledger.SuspendedAt)
	}
}

func TestResume(t *testing.T) {
	failed := pin.Upgrade{From: "1.4.0", To: "1.5.0", Judged: true, Start: noon, Result: v1alpha1.ResultFailed}
	blocked := []pin.Blocked{{Tag: "1.5.0", Message: "failed", At: noon}}
	long := strings.Repeat("x", 500)
	for name, tc := range map[string]struct {
		token string
		known []string
		want  string
		last  string
	}{
		"no token":           {last: ""},
		"a new token":        {token: "go", want: "1.5.0", last: "go"},
		"a known token":      {token: "go", known: []string{"go", "other"}, last: "other"},
		"a long token":       {token: long, want: "1.5.0", last: resumeToken(long)},
		"a long token again": {token: long, known: []string{resumeToken(long)}, last: resumeToken(long)},
	} {
		t.Run(name, func(t *testing.T) {
			in := makeInput(changed(placedTarget("a", "1.4.0", ""), func(t *Target) { t.Pin.Upgrade = failed })).in
			in.Ledger.Blocked, in.Ledger.Resumes, in.Policy.Resume = blocked, tc.known, tc.token
			decision := Decide(in)
			if got := decision.Targets[0].Want; got != tc.want {
				t.Errorf("wants %q, want %q", got, tc.want)
			}
			if got := decision.Ledger.Resume(); got != tc.last || len(got) > maxToken {
				t.Errorf("remembers %q, want %q", got, tc.last)
			}
		})
	}
	var tokens []string
	for n := range 2 * pin.MaxResumes {
		tokens = append(tokens, fmt.Sprint(n))
		in := makeInput().in
		in.Policy.Resume, in.Ledger.Resumes = tokens[n], tokens[max(0, n-pin.MaxResumes):n]
		if got := Decide(in).Ledger.Resumes; !slices.Equal(got, tokens[max(0, n+1-pin.MaxResumes):]) {
			t.Fatalf("remembers %v", got)
		}
	}
}

// TestWakesForSchedules: what a status says of a schedule changes with it, though there is nothing to take.
func TestWakesForSchedules(t *testing.T) {
	for name, tc := range map[string]struct {
		after time.Duration
		want  time.Time
	}{
		"closed": {after: time.Hour, want: noon.Add(time.Hour)},
		"open":   {after: -time.Hour, want: noon.Add(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			in := makeInput(placedTarget("a", "1.5.0", "1.5.0")).in
			in.Policy.Waves[0].Schedules = []Schedule{makeSchedule(t, "spec.schedule", v1alpha1.Schedule{Windows: window("night", tc.after, 2*time.Hour, "")})}
			if got := Decide(in).WakeUp; !got.Equal(tc.want) {
				t.Errorf("wakes at %s, want %s", got, tc.want)
			}
		})
	}
}
