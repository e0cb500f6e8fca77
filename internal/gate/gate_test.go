package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// wantHold is one expected hold. Message is all of it.
type wantHold struct {
	Reason, Message string
	Earliest        time.Time
}

// checkHolds compares all holds of a chain with the expected ones.
func checkHolds(t *testing.T, version string, holds []Hold, want ...wantHold) {
	t.Helper()
	var got []wantHold
	for _, hold := range holds {
		if hold.Version != version {
			t.Errorf("a hold of %q about %q: %+v", version, hold.Version, hold)
		}
		got = append(got, wantHold{Reason: hold.Reason, Message: hold.Message, Earliest: hold.Earliest})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("holds (-want +got):\n%s", diff)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		48 * time.Hour:                "48h",
		90 * time.Minute:              "1h30m",
		30 * time.Minute:              "30m",
		10 * time.Second:              "10s",
		time.Hour + 10*time.Second:    "1h0m10s",
		20*time.Hour + 10*time.Minute: "20h10m",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestListIsBounded(t *testing.T) {
	many := strings.Split("abcdefg", "")
	if got, want := list(many, ", "), "a, b, c, d, e, and 2 more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := list(many[:5], ", "), "a, b, c, d, e"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestOpenGatesOfAWaveDoNotAllocate, because a decision asks them about every version and wave.
func TestOpenGatesOfAWaveDoNotAllocate(t *testing.T) {
	wave := start(func(in *WaveInput) {
		in.MinAge, in.Running, in.Soaking, in.Before = time.Hour, []string{"1.4.0", "1.5.0"}, []string{"1.4.0", "1.5.0"}, &Before{Proven: true}
	})
	gates := ForWave()
	allocations := testing.AllocsPerRun(100, func() {
		if holds := Evaluate(gates, wave); len(holds) > 0 {
			t.Errorf("not open: %+v", holds)
		}
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}
