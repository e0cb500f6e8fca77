package batch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func TestSettle(t *testing.T) {
	gone := &pin.Finding{Reason: reasonMarkerMissing, Message: "gone"}
	ours := func(commit, old string) Change {
		return Change{Pin: key("a"), File: "a.yaml", Object: "App a", Old: old, New: "1.2.0", Commit: commit}
	}
	near := Change{Pin: key("a"), File: "a.yaml", Object: "App copy", Old: "0.9.0", New: "1.2.0", Commit: "c2"}
	far := Change{Pin: key("a"), File: "b.yaml", Object: "App a", Old: "0.9.0", New: "1.2.0", Commit: "c2"}
	commits := func(newestFirst ...Change) *Trailer { return &Trailer{Changes: newestFirst} }
	wrote := func(old string) *Trailer { return commits(ours("c1", old)) }
	again := func(old string) *Trailer { return commits(ours("c2", old), ours("c1", "1.0.0")) }
	found := func(reason, message string) *pin.Finding { return &pin.Finding{Reason: reason, Message: message} }
	retryAt := noon.Add(time.Minute)
	restoring := func(p *Pin) {
		p.Memory.Git, p.Memory.From, p.Memory.Wanted, p.Memory.Restore, p.Memory.Hold = "1.2.0", "1.2.0", "1.1.0", "1.1.0", holdUpTo("1.2.0")
	}
	for name, tc := range map[string]struct {
		pin    func(*Pin)
		memory AutomationMemory
		line   Line
		commit *Trailer
		want   func(*pin.Memory)
	}{
		"written": {line: Line{Value: "1.2.0"}, commit: wrote("1.0.0"), want: func(m *pin.Memory) { m.Git, m.Commit = "1.2.0", "c1" }},
		"written ends a hold and failures": {
			pin:  func(p *Pin) { p.Memory.Hold, p.Memory.Failures, p.Memory.RetryAt = holdUpTo("1.1.0"), 2, "x" },
			line: Line{Value: "1.2.0"}, commit: wrote("1.0.0"),
			want: func(m *pin.Memory) { m.Git, m.Commit, m.Hold, m.Failures, m.RetryAt = "1.2.0", "c1", nil, 0, "" },
		},
		"written by somebody else": {line: Line{Value: "1.2.0"}, want: func(m *pin.Memory) { m.Git = "1.2.0" }},
		"written, and reverted": {line: Line{Value: "1.0.0"}, commit: wrote("1.0.0"), want: func(m *pin.Memory) {
			m.Commit, m.Hold = "c1", holdUpTo("1.2.0")
		}},
		"written, and moved on": {line: Line{Value: "1.3.0"}, commit: wrote("1.0.0"), want: func(m *pin.Memory) { m.Git, m.Commit = "1.3.0", "c1" }},
		"written over a human's value": {line: Line{Value: "1.2.0"}, commit: wrote("1.1.0"), want: func(m *pin.Memory) {
			m.Git, m.Commit, m.Restore, m.Hold = "1.2.0", "c1", "1.1.0", holdUpTo("1.2.0")
		}},
		"written over a human's newer value": {line: Line{Value: "1.2.0"}, commit: wrote("1.5.0"), want: func(m *pin.Memory) {
			m.Git, m.Commit, m.Restore = "1.2.0", "c1", "1.5.0"
		}},
		"written over a human's value with a v": {line: Line{Value: "1.2.0"}, commit: wrote("v1.1.0"), want: func(m *pin.Memory) {
			m.Git, m.Commit, m.Restore, m.Hold = "1.2.0", "c1", "1.1.0", holdUpTo("1.2.0")
		}},
		"a chart reference has its v": {
			pin:  func(p *Pin) { p.Intent.Target.Verbatim = true },
			line: Line{Value: "1.2.0"}, commit: wrote("v1.1.0"), want: func(m *pin.Memory) {
				m.Git, m.Commit, m.Restore, m.Hold = "1.2.0", "c1", "v1.1.0", holdUpTo("1.2.0")
			},
		},
		"written over the same version": {line: Line{Value: "1.2.0"}, commit: wrote("v1.2.0"), want: func(m *pin.Memory) { m.Git, m.Commit = "1.2.0", "c1" }},
		"written, reverted, and written again": {line: Line{Value: "1.2.0"}, commit: again("1.0.0"), want: func(m *pin.Memory) {
			m.Git, m.Commit, m.Restore, m.Hold = "1.2.0", "c2", "1.0.0", holdUpTo("1.2.0")
		}},
		"written over a human's value, and the human put it back": {line: Line{Value: "1.1.0"}, commit: wrote("1.1.0"), want: func(m *pin.Memory) {
			m.Git, m.Commit, m.Hold = "1.1.0", "c1", holdUpTo("1.2.0")
		}},
		"written over a human's value, and the line is gone": {line: Line{Problem: gone}, commit: wrote("1.1.0"), want: func(m *pin.Memory) {
			m.Git, m.Commit, m.Restore, m.Hold, m.Finding, m.File, m.Line = "1.2.0", "c1", "1.1.0", holdUpTo("1.2.0"), gone, "a.yaml", 8
		}},
		"given back": {pin: restoring, line: Line{Value: "1.1.0"}, commit: wrote("1.2.0"), want: func(m *pin.Memory) {
			m.Git, m.Commit, m.Restore, m.From, m.Wanted = "1.1.0", "c1", "", "1.1.0", "1.2.0"
		}},
		"given back by the human": {pin: restoring, line: Line{Value: "1.1.0"}, want: func(m *pin.Memory) {
			m.Git, m.Restore, m.From, m.Wanted = "1.1.0", "", "1.1.0", "1.2.0"
		}},
		"given back over another value": {pin: restoring, line: Line{Value: "1.1.0"}, commit: wrote("1.0.0"), want: func(m *pin.Memory) {
			m.Git, m.Commit, m.Restore = "1.1.0", "c1", "1.0.0"
		}},
		"written, and a copy in another file too": {line: Line{Value: "1.2.0"}, commit: commits(far, ours("c1", "1.0.0")), want: func(m *pin.Memory) {
			m.Git, m.Commit = "1.2.0", "c1"
		}},
		"written, and a copy in the same file too": {line: Line{Value: "1.2.0"}, commit: commits(near, ours("c1", "1.0.0")), want: func(m *pin.Memory) {
			m.Git, m.Commit = "1.2.0", "c1"
		}},
		"written over a human's value, and a copy too": {line: Line{Value: "1.2.0"}, commit: commits(far, ours("c1", "1.1.0")), want: func(m *pin.Memory) {
			m.Git, m.Commit, m.Restore, m.Hold = "1.2.0", "c1", "1.1.0", holdUpTo("1.2.0")
		}},
		"written is a copy in another file": {line: Line{Value: "1.0.0"}, commit: commits(far), memory: AutomationMemory{Outcome: Withdrawn}, want: func(*pin.Memory) {}},
		"a human was faster":                {line: Line{Value: "1.1.0"}, want: func(m *pin.Memory) { m.Git, m.Hold = "1.1.0", holdUpTo("1.2.0") }},
		"unchanged, withdrawn":              {memory: AutomationMemory{Outcome: Withdrawn}, line: Line{Value: "1.0.0"}, want: func(*pin.Memory) {}},
		"unchanged, observed": {memory: AutomationMemory{Outcome: Observed}, line: Line{Value: "1.0.0"}, want: func(m *pin.Memory) {
			m.Finding = ineffective(placed("a"))
		}},
		"unchanged, observed, and the marker is gone": {memory: AutomationMemory{Outcome: Observed}, line: Line{Value: "1.0.0", Problem: gone}, want: func(m *pin.Memory) {
			m.Finding = gone
		}},
		"unchanged, Git failed": {
			memory: AutomationMemory{Outcome: GitFailed, Message: "no access", RetryAt: retryAt}, line: Line{Value: "1.0.0"},
			want: func(m *pin.Memory) {
				m.RetryAt = retryAt.Format(time.RFC3339)
				m.Finding = found(reasonGitUnwritable, "Flux cannot write the repository: no access; see that the GitRepository's secret may push to the branch")
			},
		},
		"unchanged, failed with others": {memory: AutomationMemory{Outcome: Failed, Message: "bad", Size: 2}, line: Line{Value: "1.0.0"}, want: func(*pin.Memory) {}},
		"unchanged, failed alone": {memory: AutomationMemory{Outcome: Failed, Message: "bad", Size: 1}, line: Line{Value: "1.0.0"}, want: func(m *pin.Memory) {
			m.Finding, m.Failures, m.RetryAt = found(reasonUpdateFailed, "Flux did not write the version: bad"), 1, noon.Add(15*time.Second).Format(time.RFC3339)
		}},
		"unchanged, for no reason": {memory: AutomationMemory{Outcome: Failed}, line: Line{Value: "1.0.0"}, want: func(m *pin.Memory) {
			m.Failures, m.RetryAt = 1, noon.Add(15*time.Second).Format(time.RFC3339)
			m.Finding = found(reasonUpdateFailed, "Flux did not write the version: its runs succeed and do not find the marker")
		}},
		"unchanged, no answer": {memory: AutomationMemory{Outcome: Unanswered, RetryAt: noon.Add(time.Minute)}, line: Line{Value: "1.0.0"}, want: func(m *pin.Memory) {
			m.Finding, m.RetryAt = noAnswer(main), noon.Add(time.Minute).Format(time.RFC3339)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := placed("a", in(batchID), selected)
			if tc.pin != nil {
				tc.pin(&p)
			}
			want := p.Memory
			want.Revision = "r1"
			tc.want(&want)
			if tc.line.Value != "" {
				tc.line.File, tc.line.Line = "a.yaml", 8
			}
			got := Settle(noon, []Pin{p}, tc.memory, Reading{Revision: "r1", Lines: map[Key]Line{p.Key: tc.line}}, tc.commit)
			if diff := cmp.Diff(map[Key]pin.Memory{p.Key: want}, got); diff != "" {
				t.Errorf("Settle (-want +got):\n%s", diff)
			}
		})
	}
}
