package versions

import (
	"slices"
	"strings"
	"testing"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

func TestStepOf(t *testing.T) {
	cases := map[string]struct {
		version string
		step    v1alpha1.Step
		want    string
	}{
		"minor":                     {version: "1.4.2", step: v1alpha1.StepMinor, want: "1.4"},
		"major":                     {version: "1.4.2", step: v1alpha1.StepMajor, want: "1"},
		"with v":                    {version: "v1.4.2", step: v1alpha1.StepMinor, want: "1.4"},
		"leading zeros":             {version: "2025.02.03", step: v1alpha1.StepMinor, want: "2025.2"},
		"pre-release":               {version: "1.5.0-rc.1", step: v1alpha1.StepMinor, want: "1.5"},
		"no version":                {version: "1.4", step: v1alpha1.StepMinor},
		"nothing":                   {step: v1alpha1.StepMinor},
		"no step":                   {version: "1.4.2"},
		"the largest number":        {version: "1.9223372036854775807.0", step: v1alpha1.StepMinor, want: "1.9223372036854775807"},
		"a larger number":           {version: "1.9223372036854775808.0", step: v1alpha1.StepMinor},
		"a larger number of majors": {version: "9223372036854775808.1.0", step: v1alpha1.StepMajor},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, ok := StepOf(tc.version, tc.step)
			if got != tc.want || ok != (tc.want != "") {
				t.Errorf("got %q, %v; want %q", got, ok, tc.want)
			}
		})
	}
}

func TestNewSearch(t *testing.T) {
	cases := map[string]struct {
		current string
		step    v1alpha1.Step
		want    string
	}{
		"minor":           {current: "1.4.2", step: v1alpha1.StepMinor, want: "Minor 1.5 1.6"},
		"ten":             {current: "1.9.2", step: v1alpha1.StepMinor, want: "Minor 1.10 1.11"},
		"major":           {current: "v1.4.2", step: v1alpha1.StepMajor, want: "Major 2 3"},
		"pre-release":     {current: "1.5.0-rc.1", step: v1alpha1.StepMinor, want: "Minor 1.6 1.7"},
		"largest number":  {current: "1.9223372036854775807.0", step: v1alpha1.StepMinor, want: "Minor 1.9223372036854775808 1.9223372036854775809"},
		"no version":      {current: "latest", step: v1alpha1.StepMinor},
		"nothing":         {step: v1alpha1.StepMajor},
		"unknown step":    {current: "1.4.2", step: "Patch"},
		"too large to go": {current: "1.18446744073709551615.0", step: v1alpha1.StepMinor},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := NewSearch(tc.current, tc.step)
			if tc.want == "" {
				if err == nil || !strings.Contains(err.Error(), "versions.neverSkip") {
					t.Fatalf("got %q, error %v", got, err)
				}
				return
			}
			if err != nil || got.String() != tc.want {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestParseSearch(t *testing.T) {
	for _, text := range []string{"Minor 1.5 1.6", "Minor 1.10 2.3", "Major 2 3", "Major 0 18446744073709551615"} {
		if got, err := ParseSearch(text); err != nil || got.String() != text {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "Minor", "Minor 1.5", "Minor 1.5 1.6 1.7", "Minor  1.6", "Patch 1.5 1.6", "minor 1.5 1.6", "Minor 1.5 1.5", "Minor 1.6 1.5",
		"Minor 1 2", "Minor 1.05 1.6", "Minor 1.5.0 1.6.0", "Minor 1.5 1.-6", "Minor +1.5 1.6", "Major 1.5 2", "Major 2 1", "Major 2 x",
		"Minor 1.5 1.18446744073709551616",
	} {
		if got, err := ParseSearch(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		} else if !strings.Contains(err.Error(), "is no search") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestChangeOf(t *testing.T) {
	cases := map[string]struct {
		from, to string
		want     Change
		text     string
		invalid  bool
	}{
		"patch":                  {from: "1.4.2", to: "1.4.3", want: PatchChange, text: "Patch"},
		"minor":                  {from: "1.4.2", to: "1.5.0", want: MinorChange, text: "Minor"},
		"major":                  {from: "1.4.2", to: "2.4.2", want: MajorChange, text: "Major"},
		"downward":               {from: "2.0.0", to: "1.9.9", want: MajorChange, text: "Major"},
		"pre-release to release": {from: "1.5.0-rc.1", to: "1.5.0", want: PatchChange, text: "Patch"},
		"minor with pre-release": {from: "1.4.0", to: "1.5.0-rc.1", want: MinorChange, text: "Minor"},
		"same with v":            {from: "v1.4.2", to: "1.4.2", want: NoChange},
		"build metadata":         {from: "1.4.2+a", to: "1.4.2+b", want: NoChange},
		"from no version":        {from: "latest", to: "1.4.2", invalid: true},
		"to no version":          {from: "1.4.2", to: "1.4", invalid: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, ok := ChangeOf(tc.from, tc.to)
			if got != tc.want || ok == tc.invalid || got.String() != tc.text {
				t.Errorf("got %v, %v; want %v", got, ok, tc.want)
			}
		})
	}
	if !slices.IsSorted([]Change{NoChange, PatchChange, MinorChange, MajorChange}) {
		t.Error("larger changes are larger")
	}
}
