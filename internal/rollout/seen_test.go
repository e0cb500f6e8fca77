package rollout

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// TestSeenIsThinnedAndServes: however fast versions are released, few are remembered, the candidate is among them, and some
// version that is old enough is always on offer, once there could be one. How old the newest of these is stays bounded.
func TestSeenIsThinnedAndServes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minAge := time.Duration(rapid.IntRange(0, 96).Draw(t, "min age")) * time.Hour
		gaps := rapid.SliceOfN(rapid.IntRange(1, 90), 60, 200).Draw(t, "minutes")
		in := makeInput(placedTarget("a", "1.4.0", "")).in
		in.Policy.MinAge = minAge
		// The target stays: it is what has been seen that counts.
		in.Policy.Waves[0].Schedules = []Schedule{{Of: "spec.schedule", Broken: "closed"}}
		longest := 0
		for n, gap := range gaps {
			in.Now = in.Now.Add(time.Duration(gap) * time.Minute)
			longest = max(longest, gap)
			in.Candidate.Tag = fmt.Sprintf("1.5.%d", n)
			in.Ledger = Decide(in).Ledger
			checkSeen(t, in, time.Duration(longest)*time.Minute)
		}
	})
}

func checkSeen(t *rapid.T, in Input, longest time.Duration) {
	seen := in.Ledger.Seen
	if len(seen) > pin.MaxSeen {
		t.Fatalf("%d versions are remembered", len(seen))
	}
	if !slices.ContainsFunc(seen, func(s pin.Seen) bool { return s.Tag == in.Candidate.Tag && s.At.Equal(in.Now) }) {
		t.Fatalf("the candidate %s is forgotten", in.Candidate.Tag)
	}
	if in.Now.Before(noon.Add(in.Policy.MinAge + time.Hour + longest)) {
		return
	}
	newest := noon
	for _, s := range seen {
		if age := in.Now.Sub(s.At); age >= in.Policy.MinAge && s.At.After(newest) {
			newest = s.At
		}
	}
	// A gap between two that are remembered is at most twice what an even spread over minAge has, and a release more.
	if most := in.Policy.MinAge + 2*in.Policy.MinAge/(pin.MaxSeen/2) + 3*longest; in.Now.Sub(newest) > most {
		t.Fatalf("the newest version that is old enough is %s old, minAge is %s", in.Now.Sub(newest), in.Policy.MinAge)
	}
}

func TestSeen(t *testing.T) {
	at := noon.Add(-time.Hour)
	for name, tc := range map[string]struct {
		candidate string
		seen      []pin.Seen
		want      []string
	}{
		"a new candidate":                   {candidate: "1.5.0", want: []string{"1.5.0"}},
		"one that is known":                 {candidate: "1.5.0", seen: []pin.Seen{{Tag: "1.5.0", At: at}}, want: []string{"1.5.0"}},
		"one outside of the range":          {candidate: "2.5.0"},
		"none":                              {seen: []pin.Seen{{Tag: "1.4.5", At: at}}, want: []string{"1.4.5"}},
		"one that is older than another":    {candidate: "1.4.1", seen: []pin.Seen{{Tag: "1.5.0", At: at}}, want: []string{"1.5.0", "1.4.1"}},
		"few are kept although none counts": {candidate: "1.5.0", seen: []pin.Seen{{Tag: "0.9.0", At: at}}, want: []string{"0.9.0", "1.5.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := makeInput(placedTarget("a", "1.4.0", "")).candidate(tc.candidate).in
			in.Ledger.Seen = tc.seen
			var got []string
			for _, s := range Decide(in).Ledger.Seen {
				got = append(got, s.Tag)
				if known := slices.ContainsFunc(tc.seen, func(k pin.Seen) bool { return versions.Same(k.Tag, s.Tag) }); known != s.At.Equal(at) {
					t.Errorf("%s was seen at %s", s.Tag, s.At)
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("seen %v, want %v", got, tc.want)
			}
		})
	}
}

// TestOffers: what is newer than the candidate was deleted, and is not taken.
func TestOffers(t *testing.T) {
	in := makeInput(placedTarget("a", "1.4.0", "")).candidate("1.4.5").in
	in.Ledger.Seen = []pin.Seen{{Tag: "1.5.0", At: noon.Add(-time.Hour)}, {Tag: "1.4.5", At: noon.Add(-2 * time.Hour)}}
	if got := Decide(in).Targets[0].Want; got != "1.4.5" {
		t.Errorf("wants %q", got)
	}
}

// TestThinningKeepsWhatIsNeeded: what a target has or goes to, what a wave has proven, and a next step stay.
func TestThinningKeepsWhatIsNeeded(t *testing.T) {
	in := makeInput(
		changed(placedTarget("a", "1.5.3", ""), func(t *Target) { t.Waves = []int{0} }),
		changed(placedTarget("b", "1.4.0", "1.5.1"), func(t *Target) {
			t.Waves = []int{1}
			t.Pin.Upgrade = pin.Upgrade{From: "1.4.0", To: "1.5.1", Wave: "production", Judged: true, Start: noon}
			t.Pin.Batch = "moving"
		}),
	).candidate("1.6.99").in
	in.Policy.Waves = []Wave{{Name: "canary", Soak: time.Hour}, {Name: "production"}}
	in.Policy.MinAge = 500 * time.Hour
	for n := range 90 {
		in.Ledger.Seen = append(in.Ledger.Seen, pin.Seen{Tag: fmt.Sprintf("1.5.%d", n), At: noon.Add(time.Duration(n-100) * time.Hour)})
	}
	in.Ledger.Proven = map[string][]string{"canary": {"1.5.7"}}
	in.Steps = []StepAnswer{{Of: "1.4", Tag: "1.5.44", Answered: true}}
	seen := Decide(in).Ledger.Seen
	if len(seen) != pin.MaxSeen {
		t.Errorf("%d are remembered", len(seen))
	}
	for _, tag := range []string{"1.5.1", "1.5.3", "1.5.7", "1.5.44", "1.6.99"} {
		if !slices.ContainsFunc(seen, func(s pin.Seen) bool { return s.Tag == tag }) {
			t.Errorf("%s is forgotten", tag)
		}
	}
}

// TestThinningKeepsTheCandidate, even one that no target can take.
func TestThinningKeepsTheCandidate(t *testing.T) {
	in := makeInput(placedTarget("a", "1.9.0", "")).candidate("1.6.99").in
	in.Ledger.Seen = []pin.Seen{{Tag: "1.6.99", At: noon.Add(-200 * time.Hour)}}
	for n := range pin.MaxSeen {
		in.Ledger.Seen = append(in.Ledger.Seen, pin.Seen{Tag: fmt.Sprintf("1.5.%d", n), At: noon.Add(time.Duration(n-100) * time.Hour)})
	}
	if seen := Decide(in).Ledger.Seen; !slices.ContainsFunc(seen, func(s pin.Seen) bool { return s.Tag == "1.6.99" && s.At.Before(noon) }) {
		t.Errorf("remembers %v", seen)
	}
}
