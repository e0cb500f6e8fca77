package rollout

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// TestStepsThatFailed: a search for the next step stays at a step that failed until a newer version of it is out.
func TestStepsThatFailed(t *testing.T) {
	span := func(from, below string) versions.Search {
		return versions.Search{Step: v1alpha1.StepMinor, From: from, Below: below}
	}
	for name, tc := range map[string]struct {
		blocked []string
		exclude []string
		answer  StepAnswer
		want    string
		search  versions.Search
	}{
		"found":                              {answer: StepAnswer{Search: span("1.5", "1.6"), Tag: "1.5.3", Answered: true}, want: "1.5.3", search: span("1.5", "1.6")},
		"not answered yet":                   {answer: StepAnswer{Search: span("1.5", "1.6"), Tag: "1.5.3"}, search: span("1.5", "1.6")},
		"of another step":                    {answer: StepAnswer{Search: versions.Search{Step: v1alpha1.StepMajor, From: "2", Below: "3"}, Answered: true}, search: span("1.5", "1.6")},
		"all of the step failed":             {blocked: []string{"1.5.3"}, answer: StepAnswer{Search: span("1.5", "1.6"), Answered: true}, search: span("1.5", "1.6")},
		"a newer one of the step is out":     {blocked: []string{"1.5.3"}, answer: StepAnswer{Search: span("1.5", "1.6"), Tag: "1.5.4", Answered: true}, want: "1.5.4", search: span("1.5", "1.6")},
		"failed after the search went on":    {blocked: []string{"1.5.3"}, answer: StepAnswer{Search: span("1.6", "1.7"), Tag: "1.6.0", Answered: true}, search: span("1.5", "1.6")},
		"what failed is excluded":            {blocked: []string{"1.5.3"}, exclude: []string{"1.5.3"}, answer: StepAnswer{Search: span("1.6", "1.7"), Tag: "1.6.0", Answered: true}, want: "1.6.0", search: span("1.6", "1.7")},
		"what failed is of the target's own": {blocked: []string{"1.4.9"}, answer: StepAnswer{Search: span("1.6", "1.7"), Tag: "1.6.0", Answered: true}, want: "1.6.0", search: span("1.6", "1.7")},
	} {
		t.Run(name, func(t *testing.T) {
			in := makeInput(placedTarget("a", "1.4.0", "")).candidate("1.9.0").exclude(tc.exclude...).in
			in.Policy.NeverSkip = v1alpha1.StepMinor
			for _, tag := range tc.blocked {
				in.Ledger.Blocked = append(in.Ledger.Blocked, pin.Blocked{Tag: tag, At: noon})
				in.Ledger.Seen = append(in.Ledger.Seen, pin.Seen{Tag: tag, At: noon})
			}
			tc.answer.Of = "1.4"
			in.Steps = []StepAnswer{tc.answer}
			got := Decide(in)
			if got.Targets[0].Want != tc.want {
				t.Errorf("wants %q, want %q", got.Targets[0].Want, tc.want)
			}
			if diff := cmp.Diff([]StepQuery{{Of: "1.4", Search: tc.search}}, got.Steps); diff != "" {
				t.Errorf("searches (-want +got):\n%s", diff)
			}
		})
	}
}
