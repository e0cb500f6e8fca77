package gate

import (
	"testing"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// upgrade is an App on its way from 1.4.0 to 1.5.0 with every gate open.
func upgrade(change func(*TargetInput)) TargetInput {
	in := TargetInput{
		Tag: "1.5.0", Version: "1.5.0",
		Git: "1.4.0", GitVersion: "1.4.0", File: "apps/hello.yaml", Line: 9,
	}
	change(&in)
	return in
}

func from(text string) func(*TargetInput) {
	return func(in *TargetInput) { in.Git, in.GitVersion = text, text }
}

func heldUpTo(upTo string) func(*TargetInput) {
	return func(in *TargetInput) {
		in.Hold, in.HoldVersion = &pin.Hold{Reason: v1alpha1.ManualHoldReason, UpTo: upTo}, upTo
	}
}

// stepping is neverSkip Minor, where next is known to be the newest version of the next step.
func stepping(tag, next string) func(*TargetInput) {
	return func(in *TargetInput) {
		in.NeverSkip, in.Next, in.Tag, in.Version = v1alpha1.StepMinor, next, tag, tag
	}
}

func autoApprove(auto v1alpha1.AutoApprove, tag string) func(*TargetInput) {
	return func(in *TargetInput) { in.AutoApprove, in.Tag, in.Version = auto, tag, tag }
}

func all(changes ...func(*TargetInput)) func(*TargetInput) {
	return func(in *TargetInput) {
		for _, change := range changes {
			change(in)
		}
	}
}

func inWave(in *TargetInput)   { in.Wave = "production" }
func approved(in *TargetInput) { in.Approved = true }

const (
	manualMessage = `A human committed 1.4.0 to apps/hello.yaml:9 and left 1.5.0: it stays until there is a version newer than 1.5.0, ` +
		`until you commit 1.5.0 yourself, or until you set a new token in the annotation upgrades.giantswarm.io/resume`
	downMessage = "Git has 1.6.0, and upgrades never go downward: commit 1.5.0 yourself if you want it"
	skipMessage = `versions.neverSkip is Minor: 1.5.2 goes first; to skip it, set the annotation upgrades.giantswarm.io/approve: `
)

func needsHuman(auto, to, approval string) wantHold {
	return wantHold{Reason: "AwaitingApproval", Message: "autoApprove is " + auto + ", and the change from 1.4.0 to " + to +
		" needs a human: to approve it, set the annotation upgrades.giantswarm.io/approve: " + approval}
}

func TestForTarget(t *testing.T) {
	cases := map[string]struct {
		change func(*TargetInput)
		want   []wantHold
	}{
		"open":         {change: all()},
		"from a v":     {change: from("v1.4.0")},
		"another kind": {change: func(in *TargetInput) { in.Verbatim, in.Tag = true, "main-1.5.0" }},

		"downgrade": {change: from("1.6.0"), want: []wantHold{{Reason: "NotNewer", Message: downMessage}}},
		"same": {
			change: from("1.5.0"),
			want:   []wantHold{{Reason: "NotNewer", Message: "Git has 1.5.0, and upgrades never go downward: commit 1.5.0 yourself if you want it"}},
		},
		"Git unreadable": {change: from("latest"), want: []wantHold{{Reason: "VersionUnsupported", Message: `Git has "latest" at apps/hello.yaml:9, ` +
			"which is no version such as 1.2.3 and cannot be compared: write the present version there"}}},
		"tag of a build": {
			change: func(in *TargetInput) { in.Tag, in.Version = "1.5.0_b1", "1.5.0+b1" },
			want: []wantHold{{Reason: "VersionUnsupported", Message: `An App cannot pull the tag "1.5.0_b1": it must be a version such as 1.2.3 ` +
				"without build metadata; leave such tags out by versions.filterTags.pattern"}},
		},

		"a rollback failed": {
			change: func(in *TargetInput) { in.RollbackFailed = "1.3.0" },
			want: []wantHold{{Reason: "Blocked", Message: "The rollback to 1.3.0 failed: look at the target, then set a new token in the annotation " +
				"upgrades.giantswarm.io/resume"}},
		},

		"a human's hold":      {change: heldUpTo("1.5.0"), want: []wantHold{{Reason: "ManualHold", Message: manualMessage}}},
		"newer than the hold": {change: heldUpTo("1.4.9")},

		"next step":                      {change: stepping("1.5.2", "1.5.2")},
		"older patch of the next step":   {change: stepping("1.5.1", "1.5.2")},
		"same step":                      {change: stepping("1.4.9", "1.5.2")},
		"same step, next not known":      {change: stepping("1.4.9", "")},
		"a step that was never released": {change: stepping("1.7.1", "1.7.1")},
		"beyond the next step":           {change: stepping("1.6.0", "1.5.2"), want: []wantHold{{Reason: "WouldSkip", Message: skipMessage + `"1.6.0"`}}},
		"beyond, in a wave":              {change: all(stepping("1.6.0", "1.5.2"), inWave), want: []wantHold{{Reason: "WouldSkip", Message: skipMessage + `"production=1.6.0"`}}},
		"beyond, and approved":           {change: all(stepping("1.6.0", "1.5.2"), approved)},
		"beyond, filtered tag": {
			change: all(stepping("1.6.0", "1.5.2"), inWave, func(in *TargetInput) { in.Verbatim, in.Tag = true, "main-1.6.0" }),
			want:   []wantHold{{Reason: "WouldSkip", Message: skipMessage + `"production=1.6.0"`}},
		},
		"next step not known": {
			change: stepping("1.5.0", ""),
			want: []wantHold{{Reason: "WouldSkip", Message: `versions.neverSkip is Minor: the next minor after 1.4.0 is looked for, and goes first; ` +
				`to skip it, set the annotation upgrades.giantswarm.io/approve: "1.5.0"`}},
		},
		"major": {
			change: all(stepping("3.0.0", "2.1.0"), func(in *TargetInput) { in.NeverSkip = v1alpha1.StepMajor }),
			want: []wantHold{{Reason: "WouldSkip", Message: `versions.neverSkip is Major: 2.1.0 goes first; to skip it, ` +
				`set the annotation upgrades.giantswarm.io/approve: "3.0.0"`}},
		},
		"downgrade over steps": {
			change: all(stepping("1.5.0", "1.7.0"), from("1.6.0")),
			want:   []wantHold{{Reason: "NotNewer", Message: downMessage}},
		},

		"all are approved":        {change: autoApprove("All", "2.0.0")},
		"minor within Minor":      {change: autoApprove("Minor", "1.5.0")},
		"major above Minor":       {change: autoApprove("Minor", "2.0.0"), want: []wantHold{needsHuman("Minor", "2.0.0", `"2.0.0"`)}},
		"patch within Patch":      {change: autoApprove("Patch", "1.4.1")},
		"minor above Patch":       {change: autoApprove("Patch", "1.5.0"), want: []wantHold{needsHuman("Patch", "1.5.0", `"1.5.0"`)}},
		"patch with None":         {change: autoApprove("None", "1.4.1"), want: []wantHold{needsHuman("None", "1.4.1", `"1.4.1"`)}},
		"None in a wave":          {change: all(autoApprove("None", "1.5.0"), inWave), want: []wantHold{needsHuman("None", "1.5.0", `"production=1.5.0"`)}},
		"None, and approved":      {change: all(autoApprove("None", "1.5.0"), approved)},
		"an unknown word is None": {change: autoApprove("Sometimes", "1.4.1"), want: []wantHold{needsHuman("Sometimes", "1.4.1", `"1.4.1"`)}},
		"None, downgrade": {
			change: all(autoApprove("None", "1.5.0"), from("1.6.0")),
			want:   []wantHold{{Reason: "NotNewer", Message: downMessage}},
		},

		"every reason is shown": {
			change: all(stepping("1.6.0", "1.5.2"), autoApprove("None", "1.6.0"), heldUpTo("1.6.0"), func(in *TargetInput) { in.RollbackFailed = "1.3.0" }),
			want: []wantHold{
				{Reason: "Blocked", Message: "The rollback to 1.3.0 failed: look at the target, then set a new token in the annotation upgrades.giantswarm.io/resume"},
				{Reason: "ManualHold", Message: "A human committed 1.4.0 to apps/hello.yaml:9 and left 1.6.0: it stays until there is a version newer than 1.6.0, " +
					"until you commit 1.6.0 yourself, or until you set a new token in the annotation upgrades.giantswarm.io/resume"},
				{Reason: "WouldSkip", Message: skipMessage + `"1.6.0"`},
				needsHuman("None", "1.6.0", `"1.6.0"`),
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := upgrade(tc.change)
			checkHolds(t, in.Tag, Evaluate(ForTarget(), in), tc.want...)
		})
	}
}

// TestAHumansHoldStays: a hold ends only for a version that is newer for certain.
func TestAHumansHoldStays(t *testing.T) {
	for name, upTo := range map[string]string{"held further": "1.6.0", "a hold that cannot be compared": "?"} {
		t.Run(name, func(t *testing.T) {
			holds := Evaluate(ForTarget(), upgrade(heldUpTo(upTo)))
			if len(holds) != 1 || holds[0].Reason != v1alpha1.ManualHoldReason {
				t.Errorf("got %+v", holds)
			}
		})
	}
}
