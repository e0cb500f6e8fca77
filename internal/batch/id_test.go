package batch

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"
)

func TestIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.UnixMilli(rapid.Int64Range(0, 253402300799000).Draw(t, "ms")).UTC() // until the year 9999
		o := Observation{NewID: NewID(now, rapid.Uint32().Draw(t, "random")), Leader: rapid.String().Draw(t, "leader")}
		id := ownID(o)
		for _, label := range []string{id, RestToken(id), armToken(id, 12)} {
			if problems := validation.IsValidLabelValue(label); len(problems) > 0 {
				t.Fatalf("%q is no label value: %v", label, problems)
			}
		}
		if got := startedAt(id); !got.Equal(now) {
			t.Fatalf("startedAt(%q) = %v, want %v", id, got, now)
		}
		if !owns(o, id) {
			t.Fatalf("leader %q does not own its batch %q", o.Leader, id)
		}
		o.Leader += "x"
		if owns(o, id) {
			t.Fatalf("leader %q owns the batch %q of another", o.Leader, id)
		}
		if ask := rapid.IntRange(0, maxAsks).Draw(t, "ask"); asks(armToken(id, ask)) != ask {
			t.Fatalf("asks(%q) = %d, want %d", armToken(id, ask), asks(armToken(id, ask)), ask)
		}
	})
	for id, want := range map[string]time.Time{"": {}, "nonsense!": {}, "b!": {}, "b0-1": time.UnixMilli(0).UTC()} {
		if got := startedAt(id); !got.Equal(want) {
			t.Errorf("startedAt(%q) = %v, want %v", id, got, want)
		}
	}
	if asks("b1.askx") != 0 {
		t.Error("a token that nobody of us has set counts as an ask")
	}
}

// Later ids sort behind earlier ones, until the year 2059.
func TestIDsSortByTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(1600000000000, 2821109907454).Draw(t, "a")
		b := rapid.Int64Range(a+1, 2821109907455).Draw(t, "b")
		one, two := NewID(time.UnixMilli(a), rapid.Uint32().Draw(t, "x")), NewID(time.UnixMilli(b), rapid.Uint32().Draw(t, "y"))
		if one >= two {
			t.Fatalf("%q of %d is not before %q of %d", one, a, two, b)
		}
	})
}

func TestBackoff(t *testing.T) {
	for n, want := range map[int]time.Duration{
		-1: 15 * time.Second, 0: 15 * time.Second, 1: 15 * time.Second, 2: 30 * time.Second, 3: time.Minute, 4: 2 * time.Minute,
		5: 4 * time.Minute, 6: 8 * time.Minute, 7: 15 * time.Minute, 8: 15 * time.Minute, 1 << 40: 15 * time.Minute,
	} {
		if got := Backoff(n); got != want {
			t.Errorf("Backoff(%d) = %v, want %v", n, got, want)
		}
	}
}
