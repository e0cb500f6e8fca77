package batch

import (
	"testing"
	"time"
)

func TestTurned(t *testing.T) {
	for name, tc := range map[string]struct {
		turns time.Time
		want  bool
	}{
		"never":  {time.Time{}, false},
		"before": {noon.Add(-time.Second), true},
		"now":    {noon, true},
		"later":  {noon.Add(time.Second), false},
	} {
		if got := (Observation{Turns: tc.turns}).Turned(noon); got != tc.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestScheduled(t *testing.T) {
	for name, tc := range map[string]struct {
		pin  Pin
		want bool
	}{
		"at rest":           {placed("a"), false},
		"wants what it has": {placed("a", func(p *Pin) { p.Intent.Want = "v1.0.0" }), false},
		"wants to move":     {placed("a", wants120), true},
		"wants back":        {placed("a", wantsBack), true},
		"in a batch":        {placed("a", in(batchID), func(p *Pin) { p.Intent.Want = "" }), true},
	} {
		if got := Scheduled(tc.pin); got != tc.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}
