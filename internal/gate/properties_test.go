package gate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// drawWave stays in a small space, so that versions and times meet.
func drawWave(t *rapid.T) WaveInput {
	tag := rapid.SampledFrom([]string{"1.4.0", "v1.4.0", "1.5.0", "main-1.5.0"})
	tags := rapid.SliceOfN(tag, 0, 3)
	at := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		return noon.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "hours")) * time.Hour)
	})
	span := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(0, 3).Draw(t, "hours")) * time.Hour
	})
	maybe := func(label string) bool { return rapid.IntRange(0, 4).Draw(t, label) == 0 }
	in := WaveInput{
		Now: noon, Tag: tag.Draw(t, "tag"), Wave: rapid.SampledFrom([]string{"", "canary"}).Draw(t, "wave"), Suspended: maybe("suspended"),
		Seen: at.Draw(t, "seen"), MinAge: span.Draw(t, "min age"), Soaked: at.Draw(t, "soaked"),
	}
	if maybe("blocked") {
		in.Blocked = &pin.Blocked{Tag: in.Tag, Message: "it failed"}
	}
	for range rapid.IntRange(0, 3).Draw(t, "schedules") {
		one := rapid.SampledFrom([]Schedule{alwaysOpen, openNow, openNow, later, past, xmas, audit, broken}).Draw(t, "schedule")
		one.BlocksAll = rapid.Bool().Draw(t, "blocks all")
		in.Schedules = append(in.Schedules, one)
	}
	in.Opens = opens(in.Now, in.Schedules)
	for i := range rapid.IntRange(0, 8).Draw(t, "dependencies") {
		in.Dependencies = append(in.Dependencies, Dependency{Name: fmt.Sprint("d", i), Ready: !maybe("not ready"), Message: "it is not"})
	}
	if maybe("running") {
		in.Running = tags.Draw(t, "running")
	}
	if maybe("soaking") {
		in.Soaking = tags.Draw(t, "soaking")
	}
	if rapid.Bool().Draw(t, "a wave before") {
		in.Before = &Before{
			Wave: "first", Empty: maybe("empty"), Proven: rapid.Bool().Draw(t, "proven"), Has: rapid.Bool().Draw(t, "has"),
			Soak: span.Draw(t, "soak"), Soaked: at.Draw(t, "soaked there"),
		}
	}
	return in
}

// waveConditions are what the gates of a wave stand for, in other words.
func waveConditions(in WaveInput) map[string]bool {
	same := func(tag string) bool { return versions.Tag(tag) == versions.Tag(in.Tag) }
	state := func(is func(s Schedule) bool) bool { return slices.ContainsFunc(in.Schedules, is) }
	return map[string]bool{
		"Suspended":     in.Suspended,
		"Blocked":       in.Blocked != nil,
		"Frozen":        state(func(s Schedule) bool { return s.Of == xmas.Of || s.Of == audit.Of || s.Of == broken.Of }),
		"OutsideWindow": state(func(s Schedule) bool { return s.Of == later.Of || s.Of == past.Of }),
		"TooYoung":      in.MinAge > 0 && (in.Seen.IsZero() || in.Now.Sub(in.Seen) < in.MinAge),
		"Soaking": in.Before != nil && !in.Before.Proven ||
			len(in.Soaking) > 0 && !slices.ContainsFunc(in.Soaking, same),
		"UpgradeRunning":     len(in.Running) > 0 && !slices.ContainsFunc(in.Running, same),
		"DependencyNotReady": slices.ContainsFunc(in.Dependencies, func(d Dependency) bool { return !d.Ready }),
	}
}

func TestWaveConditions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawWave(t)
		holds := Evaluate(ForWave(), in)
		checkReasons(t, waveConditions(in), holds)
		checkTimes(t, in.Now, holds)
		if diff := cmp.Diff(holds, Evaluate(ForWave(), in)); diff != "" {
			t.Fatalf("asked again:\n%s", diff)
		}
	})
}

// TestMessagesAreStable: messages stay as they are until one of the times comes that an input is about, here whole hours.
func TestMessagesAreStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawWave(t)
		before := Evaluate(ForWave(), in)
		in.Now = in.Now.Add(time.Duration(rapid.IntRange(1, 3599).Draw(t, "seconds")) * time.Second)
		after := Evaluate(ForWave(), in)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("some time later:\n%s", diff)
		}
	})
}

// TestRollbackConditions: only what blocks all stops a rollback, and at the time that is promised it does no more.
func TestRollbackConditions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawWave(t)
		closed := slices.ContainsFunc(in.Schedules, func(s Schedule) bool {
			return s.BlocksAll && (s.Broken != "" || !s.Schedule.At(in.Now).Open)
		})
		hold := Rollback(in)
		if (hold != nil) != (in.Suspended || closed) {
			t.Fatalf("got %+v", hold)
		}
		if hold == nil || hold.Earliest.IsZero() {
			return
		}
		checkTimes(t, in.Now, []Hold{*hold})
		in.Now = hold.Earliest
		if hold := Rollback(in); hold != nil {
			t.Fatalf("still %+v", hold)
		}
	})
}

// drawTargetInput mixes versions, so that some are no versions at all.
func drawTargetInput(t *rapid.T) TargetInput {
	text := rapid.OneOf(rapid.StringMatching(`v?[0-2]\.[0-2]\.[0-2](-rc\.[01])?(\+b)?`), rapid.String())
	in := upgrade(func(in *TargetInput) {
		in.Verbatim = rapid.Bool().Draw(t, "verbatim")
		in.Tag = text.Draw(t, "tag")
		in.Git = text.Draw(t, "git")
		in.Version, in.GitVersion = in.Tag, in.Git
		in.NeverSkip = rapid.SampledFrom([]v1alpha1.Step{"", v1alpha1.StepMinor, v1alpha1.StepMajor}).Draw(t, "never skip")
		in.AutoApprove = rapid.SampledFrom([]v1alpha1.AutoApprove{"", "All", "Minor", "Patch", "None"}).Draw(t, "auto approve")
		in.Approved = rapid.Bool().Draw(t, "approved")
	})
	if rapid.Bool().Draw(t, "next known") {
		in.Next = text.Draw(t, "next")
	}
	if rapid.IntRange(0, 3).Draw(t, "hold") == 0 {
		heldUpTo(text.Draw(t, "up to"))(&in)
	}
	if rapid.IntRange(0, 3).Draw(t, "rollback failed") == 0 {
		in.RollbackFailed = "1.0.0"
	}
	return in
}

// targetConditions are what the gates of a target stand for, in other words.
func targetConditions(in TargetInput) map[string]bool {
	parse := func(text string) *semver.Version {
		parsed, err := versions.Parse(text)
		if err != nil {
			return nil
		}
		return parsed
	}
	version, git, tag := parse(in.Version), parse(in.GitVersion), parse(in.Tag)
	newer := version != nil && git != nil && version.GreaterThan(git)
	conditions := map[string]bool{
		"VersionUnsupported": git == nil || !in.Verbatim && (tag == nil || tag.Metadata() != ""),
		"NotNewer":           git != nil && !newer,
		"Blocked":            in.RollbackFailed != "",
	}
	if in.Hold != nil {
		upTo := parse(in.HoldVersion)
		conditions["ManualHold"] = version == nil || upTo == nil || !version.GreaterThan(upTo)
	}
	if !newer || in.Approved {
		return conditions
	}
	sameStep := func(a, b *semver.Version) bool {
		return a != nil && b != nil && a.Major() == b.Major() && (in.NeverSkip == v1alpha1.StepMajor || a.Minor() == b.Minor())
	}
	conditions["WouldSkip"] = in.NeverSkip != "" && !sameStep(version, git) && !sameStep(version, parse(in.Next))
	conditions["AwaitingApproval"] = in.AutoApprove == "None" ||
		in.AutoApprove == "Minor" && version.Major() != git.Major() ||
		in.AutoApprove == "Patch" && (version.Major() != git.Major() || version.Minor() != git.Minor())
	return conditions
}

func TestTargetConditions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawTargetInput(t)
		checkReasons(t, targetConditions(in), Evaluate(ForTarget(), in))
	})
}

// TestOnlyNewerVersionsPass: whatever Git has, nothing passes that is not newer.
func TestOnlyNewerVersionsPass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawTargetInput(t)
		if len(Evaluate(ForTarget(), in)) == 0 && !versions.Newer(in.Version, in.GitVersion) {
			t.Fatalf("%q passes over %q", in.Version, in.GitVersion)
		}
	})
}

// checkReasons compares the reasons of holds with the conditions that are not met.
func checkReasons(t *rapid.T, unmet map[string]bool, holds []Hold) {
	var want, got []string
	for reason, is := range unmet {
		if is {
			want = append(want, reason)
		}
	}
	for _, hold := range holds {
		got = append(got, hold.Reason)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("reasons (-want +got):\n%s", diff)
	}
}

func checkTimes(t *rapid.T, now time.Time, holds []Hold) {
	for _, hold := range holds {
		if !hold.Earliest.IsZero() && !hold.Earliest.After(now) {
			t.Fatalf("%s may be taken in the past, or is held for nothing: %+v", hold.Version, hold)
		}
	}
}
