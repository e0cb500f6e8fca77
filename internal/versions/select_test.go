package versions

import (
	"encoding/json"
	"os"
	"testing"
)

type recordedSelection struct {
	Name         string
	Tags         []string
	Semver       string
	Alphabetical string
	Pattern      string
	Extract      string
	Selected     string
	Error        string
}

// TestSelectAsFlux compares with what Flux's image-reflector-controller was recorded to select.
func TestSelectAsFlux(t *testing.T) {
	data, err := os.ReadFile("testdata/flux-policy-selection.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []recordedSelection
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 30 {
		t.Fatalf("only %d recorded cases", len(cases))
	}
	for _, tc := range cases {
		t.Run(tc.Name, func(t *testing.T) {
			filter, err := NewFilter(tc.Pattern, tc.Extract)
			if err != nil {
				t.Fatal(err)
			}
			if tc.Alphabetical != "" {
				if got := onlyMatch(t, filter, tc.Tags); got != tc.Selected {
					t.Errorf("selected %q, want %q", got, tc.Selected)
				}
				return
			}
			got, err := selectFrom(tc.Tags, tc.Semver, filter)
			if got != tc.Selected || (err != nil) != (tc.Error != "") {
				t.Errorf("selected %q, %v; want %q, error %q", got, err, tc.Selected, tc.Error)
			}
		})
	}
}

func selectFrom(tags []string, text string, filter Filter) (string, error) {
	r, err := ParseRange(text)
	if err != nil {
		return "", err
	}
	return Select(tags, r, filter)
}

// onlyMatch is what an alphabetical order selects from the tags that a pin's anchored filter leaves: there is at most one.
func onlyMatch(t *testing.T, filter Filter, tags []string) string {
	t.Helper()
	selected := ""
	for _, tag := range tags {
		if _, ok := filter.Version(tag); !ok {
			continue
		}
		if selected != "" {
			t.Errorf("the filter takes %q and %q", selected, tag)
		}
		selected = tag
	}
	return selected
}
