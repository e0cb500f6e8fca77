package batch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func holdUpTo(version string) *pin.Hold { return &pin.Hold{Reason: reasonManualHold, UpTo: version} }

func TestRecall(t *testing.T) {
	missing := &pin.Finding{Reason: reasonMarkerMissing, Message: "gone"}
	tag := &pin.Finding{Reason: reasonTagMissing, Message: "tag"}
	retry := noon.Format(time.RFC3339)
	for name, tc := range map[string]struct {
		before pin.Memory
		line   Line
		want   pin.Memory
	}{
		"first time":  {line: Line{Value: "1.0.0"}, want: pin.Memory{Git: "1.0.0"}},
		"unchanged":   {pin.Memory{Git: "1.0.0", Restore: "0.9.0"}, Line{Value: "1.0.0"}, pin.Memory{Git: "1.0.0", Restore: "0.9.0"}},
		"up":          {pin.Memory{Git: "1.0.0", Restore: "0.9.0"}, Line{Value: "1.1.0"}, pin.Memory{Git: "1.1.0"}},
		"down":        {pin.Memory{Git: "1.1.0"}, Line{Value: "1.0.0"}, pin.Memory{Git: "1.0.0", Hold: holdUpTo("1.1.0")}},
		"down from v": {pin.Memory{Git: "v1.1.0"}, Line{Value: "v1.0.0"}, pin.Memory{Git: "v1.0.0", Hold: holdUpTo("1.1.0")}},
		"down keeps the newest": {
			pin.Memory{Git: "1.1.0", Hold: holdUpTo("1.2.0")}, Line{Value: "1.0.0"}, pin.Memory{Git: "1.0.0", Hold: holdUpTo("1.2.0")},
		},
		"down raises an older hold": {
			pin.Memory{Git: "1.3.0", Hold: holdUpTo("1.2.0")}, Line{Value: "1.0.0"}, pin.Memory{Git: "1.0.0", Hold: holdUpTo("1.3.0")},
		},
		"up below the hold": {
			pin.Memory{Git: "1.0.0", Hold: holdUpTo("1.2.0")}, Line{Value: "1.1.0"}, pin.Memory{Git: "1.1.0", Hold: holdUpTo("1.2.0")},
		},
		"up to the hold":  {pin.Memory{Git: "1.0.0", Hold: holdUpTo("1.2.0")}, Line{Value: "1.2.0"}, pin.Memory{Git: "1.2.0"}},
		"same version":    {pin.Memory{Git: "1.0.0"}, Line{Value: "v1.0.0"}, pin.Memory{Git: "v1.0.0"}},
		"to no version":   {pin.Memory{Git: "1.1.0"}, Line{Value: "latest"}, pin.Memory{Git: "latest", Hold: holdUpTo("1.1.0")}},
		"from no version": {pin.Memory{Git: "latest"}, Line{Value: "1.0.0"}, pin.Memory{Git: "1.0.0"}},
		"through no version": {
			pin.Memory{Git: "latest", Hold: holdUpTo("1.1.0")}, Line{Value: "1.0.0"}, pin.Memory{Git: "1.0.0", Hold: holdUpTo("1.1.0")},
		},
		"moved with a problem": {
			pin.Memory{Git: "1.1.0", Failures: 2, RetryAt: retry}, Line{Value: "1.0.0", Problem: missing},
			pin.Memory{Git: "1.0.0", Hold: holdUpTo("1.1.0"), Finding: missing},
		},
		"the marker stays elsewhere": {
			pin.Memory{Git: "1.0.0", Marked: true}, Line{Value: "1.0.0", Problem: missing, Astray: "base.yaml"},
			pin.Memory{Git: "1.0.0", Marked: true, Finding: missing, Astray: "base.yaml"},
		},
		"the marker has come": {
			pin.Memory{Git: "1.0.0", Marked: true, Finding: missing, Astray: "base.yaml"}, Line{Value: "1.0.0"}, pin.Memory{Git: "1.0.0", Marked: true},
		},
		"the problem is gone":       {pin.Memory{Git: "1.0.0", Finding: missing}, Line{Value: "1.0.0"}, pin.Memory{Git: "1.0.0"}},
		"a tag is still missing":    {pin.Memory{Git: "1.0.0", Finding: tag, Failures: 1, RetryAt: retry}, Line{Value: "1.0.0"}, pin.Memory{Git: "1.0.0", Finding: tag, Failures: 1, RetryAt: retry}},
		"a problem counts for more": {pin.Memory{Git: "1.0.0", Finding: tag, Failures: 1, RetryAt: retry}, Line{Value: "1.0.0", Problem: missing}, pin.Memory{Git: "1.0.0", Finding: missing}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.line.File, tc.line.Line = "a.yaml", 3
			tc.want.File, tc.want.Line, tc.want.Revision = "a.yaml", 3, "r1"
			if diff := cmp.Diff(tc.want, Recall(tc.before, tc.line, "r1")); diff != "" {
				t.Errorf("Recall (-want +got):\n%s", diff)
			}
		})
	}
	lost := Recall(pin.Memory{File: "a.yaml", Line: 3, Git: "1.0.0"}, Line{Problem: missing}, "r1")
	if diff := cmp.Diff(pin.Memory{File: "a.yaml", Line: 3, Git: "1.0.0", Revision: "r1", Finding: missing}, lost); diff != "" {
		t.Errorf("Recall of a line that is not there (-want +got):\n%s", diff)
	}
}

func TestBegin(t *testing.T) {
	for name, tc := range map[string]struct{ before, want pin.Memory }{
		"first": {pin.Memory{Git: "1.0.0"}, pin.Memory{Git: "1.0.0", From: "1.0.0", Wanted: "1.2.0", Batch: "b1"}},
		"again": {
			pin.Memory{Git: "1.0.0", Wanted: "1.2.0", Batch: "b0", Failures: 2, RetryAt: "x"},
			pin.Memory{Git: "1.0.0", From: "1.0.0", Wanted: "1.2.0", Batch: "b1", Failures: 2, RetryAt: "x"},
		},
		"another": {
			pin.Memory{Git: "1.1.0", From: "1.0.0", Wanted: "1.1.0", Batch: "b0", Commit: "c", Failures: 2, RetryAt: "x"},
			pin.Memory{Git: "1.1.0", From: "1.1.0", Wanted: "1.2.0", Batch: "b1"},
		},
		"giving back keeps what it undoes": {
			pin.Memory{Git: "1.1.0", From: "1.0.0", Wanted: "1.1.0", Restore: "1.2.0", Batch: "b0", Commit: "c"},
			pin.Memory{Git: "1.1.0", From: "1.1.0", Wanted: "1.2.0", Restore: "1.2.0", Batch: "b1", Commit: "c"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Begin(tc.before, "b1", "1.2.0")); diff != "" {
				t.Errorf("Begin (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	copied := &pin.Finding{Reason: reasonMarkerCopied, Message: "copied"}
	member := placed("a", in(batchID))
	down := placed("a", in(batchID), func(p *Pin) {
		p.Memory.Git, p.Memory.From, p.Memory.Wanted, p.Memory.Restore, p.Memory.Hold = "1.3.0", "1.3.0", "1.2.0", "1.2.0", holdUpTo("1.3.0")
	})
	back := placed("a", backIn(batchID))
	for name, tc := range map[string]struct {
		pin  Pin
		line Line
		// want changes the memory; nil if the pin is armed.
		want func(*pin.Memory)
	}{
		"as it was":        {pin: member, line: Line{Value: "1.0.0"}},
		"moved":            {member, Line{Value: "1.1.0"}, func(m *pin.Memory) { m.Git, m.Hold = "1.1.0", holdUpTo("1.2.0") }},
		"moved down":       {member, Line{Value: "0.9.0"}, func(m *pin.Memory) { m.Git, m.Hold = "0.9.0", holdUpTo("1.2.0") }},
		"moved further up": {member, Line{Value: "1.3.0"}, func(m *pin.Memory) { m.Git, m.Hold = "1.3.0", holdUpTo("1.2.0") }},
		"there already":    {member, Line{Value: "1.2.0"}, func(m *pin.Memory) { m.Git = "1.2.0" }},
		"copied":           {member, Line{Value: "1.0.0", Problem: copied}, func(m *pin.Memory) { m.Finding = copied }},
		"a human has put the value back": {down, Line{Value: "1.2.0"}, func(m *pin.Memory) {
			m.Git, m.Restore, m.From, m.Wanted = "1.2.0", "", "1.2.0", "1.3.0"
		}},
		"a human wants another value back": {down, Line{Value: "1.1.0"}, func(m *pin.Memory) {
			m.Git, m.Restore, m.From, m.Wanted = "1.1.0", "", "1.2.0", "1.3.0"
		}},
		"a rollback":                                 {pin: back, line: Line{Value: "1.0.0"}},
		"a rollback, a human was faster":             {back, Line{Value: "0.9.0"}, func(m *pin.Memory) { m.Git, m.Hold = "0.9.0", holdUpTo("1.0.0") }},
		"a rollback, a human took another way back":  {back, Line{Value: "0.9.5"}, func(m *pin.Memory) { m.Git, m.Hold = "0.9.5", holdUpTo("1.0.0") }},
		"a rollback, a human went below":             {back, Line{Value: "0.8.0"}, func(m *pin.Memory) { m.Git, m.Hold = "0.8.0", holdUpTo("1.0.0") }},
		"a rollback, a human mended the version":     {back, Line{Value: "1.0.1"}, func(m *pin.Memory) { m.Git = "1.0.1" }},
		"a rollback, a human wrote the version anew": {back, Line{Value: "v1.0.0"}, func(m *pin.Memory) { m.Git = "v1.0.0" }},
		"a rollback, and the marker was copied":      {back, Line{Value: "1.0.0", Problem: copied}, func(m *pin.Memory) { m.Finding = copied }},
	} {
		t.Run(name, func(t *testing.T) {
			tc.line.File, tc.line.Line = "a.yaml", 8
			armed, left := Check([]Pin{tc.pin}, Reading{Revision: "r1", Lines: map[Key]Line{tc.pin.Key: tc.line}})
			wantArmed, wantLeft := []Key{tc.pin.Key}, map[Key]pin.Memory{}
			if tc.want != nil {
				m := tc.pin.Memory
				m.Revision = "r1"
				tc.want(&m)
				wantArmed, wantLeft[tc.pin.Key] = nil, m
			}
			if diff := cmp.Diff(wantArmed, armed); diff != "" {
				t.Errorf("armed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(wantLeft, left); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUpdatePath(t *testing.T) {
	for name, tc := range map[string]struct {
		files []string
		want  string
	}{
		"none":            {nil, "./"},
		"at the root":     {[]string{"app.yaml"}, "./"},
		"one":             {[]string{"mc/apps/app.yaml"}, "./mc/apps"},
		"one folder":      {[]string{"mc/apps/a.yaml", "mc/apps/b.yaml"}, "./mc/apps"},
		"two folders":     {[]string{"mc/apps/a.yaml", "mc/infra/b.yaml"}, "./mc"},
		"a parent":        {[]string{"mc/apps/x/a.yaml", "mc/apps/b.yaml"}, "./mc/apps"},
		"names alike":     {[]string{"mc/apps/a.yaml", "mc/apps-2/b.yaml"}, "./mc"},
		"nothing common":  {[]string{"a/x.yaml", "b/x.yaml"}, "./"},
		"one at the root": {[]string{"mc/apps/a.yaml", "b.yaml"}, "./"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := UpdatePath(tc.files); got != tc.want {
				t.Errorf("UpdatePath(%v) = %q, want %q", tc.files, got, tc.want)
			}
		})
	}
}
