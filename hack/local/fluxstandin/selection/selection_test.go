package selection_test

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/selection"
)

// recordedCase is one selection recorded on the real image-reflector-controller.
type recordedCase struct {
	Name         string
	Tags         []string
	Semver       string
	Alphabetical string
	Pattern      string
	Extract      string
	Selected     string
	Error        string
}

func (c recordedCase) choice() imagev1.ImagePolicyChoice {
	if c.Alphabetical != "" {
		return imagev1.ImagePolicyChoice{Alphabetical: &imagev1.AlphabeticalPolicy{Order: c.Alphabetical}}
	}
	return imagev1.ImagePolicyChoice{SemVer: &imagev1.SemVerPolicy{Range: c.Semver}}
}

func (c recordedCase) filter() *imagev1.TagFilter {
	if c.Pattern == "" {
		return nil
	}
	return &imagev1.TagFilter{Pattern: c.Pattern, Extract: c.Extract}
}

func TestLatestMatchesRecordedFlux(t *testing.T) {
	for _, recorded := range readCases(t) {
		t.Run(recorded.Name, func(t *testing.T) {
			got, err := latest(recorded.choice(), recorded.filter(), recorded.Tags)
			if got != recorded.Selected {
				t.Errorf("selected %q, Flux selects %q", got, recorded.Selected)
			}
			if recorded.Error == "" && err != nil {
				t.Errorf("failed with %v, Flux does not", err)
			}
			if recorded.Error != "" && (err == nil || !strings.Contains(err.Error(), recorded.Error)) {
				t.Errorf("error %v, Flux says %q", err, recorded.Error)
			}
		})
	}
}

func TestLatest(t *testing.T) {
	numerical := func(order string) imagev1.ImagePolicyChoice {
		return imagev1.ImagePolicyChoice{Numerical: &imagev1.NumericalPolicy{Order: order}}
	}
	alphabetical := func(order string) imagev1.ImagePolicyChoice {
		return imagev1.ImagePolicyChoice{Alphabetical: &imagev1.AlphabeticalPolicy{Order: order}}
	}
	tests := map[string]struct {
		choice      imagev1.ImagePolicyChoice
		filter      *imagev1.TagFilter
		tags        []string
		want        string
		wantInvalid bool
		wantErr     bool
	}{
		"numerical ascending compares numbers": {choice: numerical("asc"), tags: []string{"9", "10", "2"}, want: "10"},
		"numerical descending":                 {choice: numerical("desc"), tags: []string{"9", "10", "2"}, want: "2"},
		"numerical refuses text":               {choice: numerical("asc"), tags: []string{"9", "x"}, wantErr: true},
		"numerical of nothing":                 {choice: numerical("asc"), wantErr: true},
		"alphabetical descending":              {choice: alphabetical("desc"), tags: []string{"b", "a", "c"}, want: "a"},
		"default order is ascending":           {choice: alphabetical(""), tags: []string{"b", "a", "c"}, want: "c"},
		"unknown order":                        {choice: alphabetical("up"), tags: []string{"a"}, wantErr: true, wantInvalid: true},
		"no rule":                              {tags: []string{"a"}, wantErr: true, wantInvalid: true},
		"bad pattern": {
			choice: alphabetical("asc"), filter: &imagev1.TagFilter{Pattern: "("}, tags: []string{"a"},
			wantErr: true, wantInvalid: true,
		},
		"extract orders, the tag is returned": {
			choice: numerical("asc"),
			filter: &imagev1.TagFilter{Pattern: `^main-(?P<n>\d+)$`, Extract: "$n"},
			tags:   []string{"main-9", "main-10", "dev-99"},
			want:   "main-10",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := latest(tt.choice, tt.filter, tt.tags)
			if got != tt.want {
				t.Errorf("selected %q, want %q", got, tt.want)
			}
			if (err != nil) != tt.wantErr {
				t.Errorf("error %v, want one: %v", err, tt.wantErr)
			}
			var invalid *selection.InvalidPolicyError
			if errors.As(err, &invalid) != tt.wantInvalid {
				t.Errorf("error %v, want an invalid policy: %v", err, tt.wantInvalid)
			}
		})
	}
}

// An exact pin is only as good as this: the anchored filter elects its tag whatever else the registry holds.
func TestAnchoredPinElectsExactlyItsTag(t *testing.T) {
	tag := rapid.StringMatching(`v?[0-9]\.[0-9]\.[0-9](-rc\.[0-9])?`)
	rapid.Check(t, func(t *rapid.T) {
		tags := rapid.SliceOfDistinct(tag, rapid.ID[string]).Draw(t, "tags")
		wanted := tag.Draw(t, "wanted")
		choice := imagev1.ImagePolicyChoice{Alphabetical: &imagev1.AlphabeticalPolicy{Order: "asc"}}
		filter := &imagev1.TagFilter{Pattern: "^" + strings.ReplaceAll(wanted, ".", `\.`) + "$"}

		got, err := latest(choice, filter, tags)
		if slices.Contains(tags, wanted) && got != wanted {
			t.Fatalf("elected %q (%v), want %q", got, err, wanted)
		}
		if !slices.Contains(tags, wanted) && err == nil {
			t.Fatalf("elected %q although %q is not there", got, wanted)
		}
	})
}

func latest(choice imagev1.ImagePolicyChoice, filter *imagev1.TagFilter, tags []string) (string, error) {
	order, err := selection.NewOrder(choice)
	if err != nil {
		return "", err
	}
	return selection.Latest(order, filter, tags)
}

func readCases(t *testing.T) []recordedCase {
	t.Helper()
	content, err := os.ReadFile("testdata/flux-policy-selection.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []recordedCase
	if err := json.Unmarshal(content, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("testdata/flux-policy-selection.json holds no case")
	}
	return cases
}
