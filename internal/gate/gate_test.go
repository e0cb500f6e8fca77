package gate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// upgrade is an App on its way from 1.4.0 to 1.5.0 with every gate open.
func upgrade(change func(*Input)) Input {
	in := Input{
		Kind: "App",
		Tag:  "1.5.0", Version: "1.5.0",
		Git: "1.4.0", GitVersion: "1.4.0", File: "apps/hello.yaml", Line: 9,
	}
	change(&in)
	return in
}

func TestGates(t *testing.T) {
	heldUpTo := func(upTo string) func(*Input) {
		return func(in *Input) {
			in.Hold, in.HoldVersion = &pin.Hold{Reason: v1alpha1.ManualHoldReason, UpTo: upTo}, upTo
		}
	}
	cases := map[string]struct {
		in       Input
		reasons  []string
		messages []string
	}{
		"open":           {in: upgrade(func(*Input) {})},
		"from a v":       {in: upgrade(func(in *Input) { in.Git, in.GitVersion = "v1.4.0", "v1.4.0" })},
		"suspended":      {in: upgrade(func(in *Input) { in.Suspended = true }), reasons: []string{"Suspended"}, messages: []string{"spec.suspend"}},
		"downgrade":      {in: upgrade(func(in *Input) { in.Git, in.GitVersion = "1.6.0", "1.6.0" }), reasons: []string{"NotNewer"}, messages: []string{"1.6.0"}},
		"same":           {in: upgrade(func(in *Input) { in.Git, in.GitVersion = "1.5.0", "1.5.0" }), reasons: []string{"NotNewer"}},
		"Git unreadable": {in: upgrade(func(in *Input) { in.Git, in.GitVersion = "latest", "latest" }), reasons: []string{"VersionUnsupported"}, messages: []string{"apps/hello.yaml:9"}},
		"tag of a build": {in: upgrade(func(in *Input) { in.Tag, in.Version = "1.5.0_b1", "1.5.0+b1" }), reasons: []string{"VersionUnsupported"}, messages: []string{`"1.5.0_b1"`}},
		"another kind":   {in: upgrade(func(in *Input) { in.Kind, in.Tag = "OCIRepository", "main-1.5.0" })},
		"a human's hold": {in: upgrade(heldUpTo("1.5.0")), reasons: []string{"ManualHold"}, messages: []string{"A human committed 1.4.0 to apps/hello.yaml:9"}},
		"held further":   {in: upgrade(heldUpTo("1.6.0")), reasons: []string{"ManualHold"}},
		"newer than the hold": {
			in: upgrade(heldUpTo("1.4.9")),
		},
		"a hold that cannot be compared": {in: upgrade(heldUpTo("?")), reasons: []string{"ManualHold"}},
		"every reason is shown": {
			in: upgrade(func(in *Input) {
				heldUpTo("1.5.0")(in)
				in.Suspended, in.Git, in.GitVersion = true, "1.6.0", "1.6.0"
			}),
			reasons: []string{"Suspended", "NotNewer", "ManualHold"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var reasons []string
			holds := All().Evaluate(tc.in)
			for _, hold := range holds {
				reasons = append(reasons, hold.Reason)
				if hold.Version != tc.in.Tag || hold.Message == "" {
					t.Errorf("hold without version or message: %+v", hold)
				}
			}
			if diff := cmp.Diff(tc.reasons, reasons); diff != "" {
				t.Fatalf("reasons (-want +got):\n%s", diff)
			}
			for i, message := range tc.messages {
				if !strings.Contains(holds[i].Message, message) {
					t.Errorf("message %q lacks %q", holds[i].Message, message)
				}
			}
		})
	}
}

// TestOnlyNewerVersionsPass: whatever Git has, nothing passes that is not newer.
func TestOnlyNewerVersionsPass(t *testing.T) {
	text := rapid.OneOf(rapid.StringMatching(`v?[0-2]\.[0-2]\.[0-2](-rc\.[01])?(\+b)?`), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		in := upgrade(func(in *Input) {
			in.Tag = text.Draw(t, "tag")
			in.Git = text.Draw(t, "git")
			in.Version, in.GitVersion = in.Tag, in.Git
		})
		if len(All().Evaluate(in)) == 0 && !versions.Newer(in.Version, in.GitVersion) {
			t.Fatalf("%q passes over %q", in.Version, in.GitVersion)
		}
	})
}
