package versions

import (
	"fmt"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

func TestAnswer(t *testing.T) {
	cases := map[string]struct {
		search, answer, newest string
		next                   string
		found                  bool
	}{
		"found":                                   {search: "Minor 1.5 1.6", answer: "1.5.7", newest: "1.9.0", next: "Minor 1.5 1.6", found: true},
		"found with v":                            {search: "Minor 1.5 1.6", answer: "v1.5.7", newest: "v1.5.7", next: "Minor 1.5 1.6", found: true},
		"found a pre-release":                     {search: "Minor 1.5 1.6", answer: "1.5.0-rc.1", newest: "1.5.0-rc.1", next: "Minor 1.5 1.6", found: true},
		"found a major":                           {search: "Major 2 3", answer: "2.7.1", newest: "3.0.0", next: "Major 2 3", found: true},
		"never released: all that is between":     {search: "Minor 1.5 1.6", newest: "1.9.0", next: "Minor 1.6 1.9"},
		"never released: nothing between":         {search: "Minor 1.5 1.6", newest: "1.6.3", next: "Minor 1.6 1.7"},
		"the major ends: all that is between":     {search: "Minor 1.10 1.11", newest: "2.3.0", next: "Minor 1.11 2.3"},
		"the major ends: the first of the next":   {search: "Minor 1.10 2.0", newest: "2.0.4", next: "Minor 2.0 2.1"},
		"no such major":                           {search: "Major 2 3", newest: "7.1.0", next: "Major 3 7"},
		"the lower half of the minors":            {search: "Minor 1.6 1.60", answer: "1.59.3", newest: "1.60.0", next: "Minor 1.6 1.33"},
		"the lower half of three minors":          {search: "Minor 1.6 1.10", answer: "1.9.3", newest: "1.60.0", next: "Minor 1.6 1.8"},
		"two minors":                              {search: "Minor 1.6 1.8", answer: "1.7.3", newest: "1.60.0", next: "Minor 1.6 1.7"},
		"the first of many":                       {search: "Minor 1.6 1.10", answer: "1.6.3", newest: "1.60.0", next: "Minor 1.6 1.7"},
		"the rest of the major":                   {search: "Minor 1.6 2.3", answer: "2.1.0", newest: "2.3.0", next: "Minor 1.6 2.0"},
		"the rest of the major, by its end":       {search: "Minor 1.6 2.3", answer: "2.0.0", newest: "2.3.0", next: "Minor 1.6 2.0"},
		"the lower half of the majors":            {search: "Minor 1.6 9.3", answer: "9.1.0", newest: "9.3.0", next: "Minor 1.6 5.0"},
		"the lower half for majors":               {search: "Major 3 12", answer: "11.4.5", newest: "12.0.0", next: "Major 3 7"},
		"newest is the current version":           {search: "Minor 1.5 1.6", newest: "1.4.2", next: "Minor 1.5 1.6"},
		"newest is older":                         {search: "Minor 1.5 1.6", newest: "0.9.0", next: "Minor 1.5 1.6"},
		"newest is unknown":                       {search: "Minor 1.5 1.6", next: "Minor 1.5 1.6"},
		"newest is in the span, but no answer":    {search: "Minor 1.5 1.6", newest: "1.5.0", next: "Minor 1.5 1.6"},
		"newest was removed, answer is from then": {search: "Minor 1.5 1.6", answer: "1.5.0", newest: "1.4.2", next: "Minor 1.5 1.6"},
		"answer to the span before":               {search: "Minor 1.6 1.33", answer: "1.59.3", newest: "1.60.0", next: "Minor 1.6 1.33"},
		"answer of the step below":                {search: "Minor 1.5 1.6", answer: "1.4.9", newest: "1.60.0", next: "Minor 1.5 1.6"},
		"answer of the step above":                {search: "Minor 1.5 1.6", answer: "1.6.0", newest: "1.60.0", next: "Minor 1.5 1.6"},
		"answer is no version":                    {search: "Minor 1.5 1.6", answer: "main-1.5.0", newest: "1.60.0", next: "Minor 1.5 1.6"},
		"answer is after newest":                  {search: "Minor 1.6 1.9", answer: "1.8.0", newest: "1.7.0", next: "Minor 1.6 1.7"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			search, err := ParseSearch(tc.search)
			if err != nil {
				t.Fatal(err)
			}
			next, found := search.Answer(tc.answer, tc.newest)
			if next.String() != tc.next || found != tc.found {
				t.Errorf("got %q, %v; want %q, %v", next, found, tc.next, tc.found)
			}
		})
	}
	if next, found := (Search{}).Answer("1.0.0", "1.0.0"); next != (Search{}) || found {
		t.Errorf("the zero search answers %q, %v", next, found)
	}
}

func TestWithin(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat("1||", 32), "||")
	cases := map[string]struct {
		search, text     string
		exclude, blocked []string
		want, err        string
	}{
		"a step":                          {search: "Minor 1.5 1.6", text: ">=1.0.0 <2.0.0", want: ">=1.0.0 <2.0.0 >=1.5.0 <1.6.0"},
		"many steps":                      {search: "Minor 1.5 2.3", text: ">=1.0.0", want: ">=1.0.0 >=1.5.0 <2.3.0"},
		"majors":                          {search: "Major 2 3", text: ">=1.0.0", want: ">=1.0.0 >=2.0.0 <3.0.0"},
		"each group":                      {search: "Minor 1.5 1.6", text: "~1.4 || 1.5.x", want: "~1.4 >=1.5.0 <1.6.0 || 1.5.x >=1.5.0 <1.6.0"},
		"hyphen range":                    {search: "Minor 1.5 1.6", text: "1.0.0 - 1.9.0", want: ">=1.0.0 <=1.9.0 >=1.5.0 <1.6.0"},
		"a group that has pre-releases":   {search: "Minor 1.5 1.6", text: ">=1.0.0-0 || 1.x", want: ">=1.0.0-0 >=1.5.0-0 <1.6.0-0 || 1.x >=1.5.0 <1.6.0"},
		"build metadata with a hyphen":    {search: "Minor 1.5 1.6", text: ">=1.0.0+a-b", want: ">=1.0.0+a-b >=1.5.0 <1.6.0"},
		"only what is left out in it":     {search: "Minor 1.5 1.6", text: ">=1.0.0", exclude: []string{"1.4.3", "1.5.3"}, blocked: []string{"1.6.0", "1.5.4", "1.5.3"}, want: ">=1.0.0 >=1.5.0 <1.6.0 !=1.5.3 !=1.5.4"},
		"pre-releases left out":           {search: "Minor 1.5 1.6", text: ">=1.0.0-0", exclude: []string{"1.6.0-rc.1"}, blocked: []string{"1.5.0-rc.1"}, want: ">=1.0.0-0 >=1.5.0-0 <1.6.0-0 !=1.5.0-rc.1"},
		"no range":                        {search: "Minor 1.5 1.6", text: ">=one", err: `versions.range: ">=one" is no range`},
		"no version to exclude":           {search: "Minor 1.5 1.6", text: "1.x", exclude: []string{"1.4"}, err: `versions.exclude: "1.4" is no version`},
		"too many groups":                 {search: "Minor 1.5 1.6", text: many, err: "versions.range: range and the bounds of versions.neverSkip have"},
		"a group too long":                {search: "Minor 1.5 1.6", text: strings.Repeat("!=1.0.0 ", 63), err: "versions.range: range and the bounds of versions.neverSkip have"},
		"more exclusions than Flux reads": {search: "Minor 1.5 1.6", text: ">=1.0.0-0", exclude: longVersions("1.5.4", 3), err: "versions.exclude: range and exclusions have"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			search, err := ParseSearch(tc.search)
			if err != nil {
				t.Fatal(err)
			}
			got, err := search.Within(tc.text, tc.exclude, tc.blocked)
			checkComposed(t, got, err, tc.want, tc.err)
		})
	}
	got, err := Search{Step: v1alpha1.StepMinor, From: "1.6", Below: "1.5"}.Within("1.x", nil, nil)
	checkComposed(t, got, err, "", `"Minor 1.6 1.5" is no search`)
}

func TestComposeBlocked(t *testing.T) {
	long := longVersions("1.4.4", 4)
	cases := map[string]struct {
		text             string
		exclude, blocked []string
		want, err        string
	}{
		"nothing":                     {text: " >=1.0.0 ,  <2.0.0", want: " >=1.0.0 ,  <2.0.0"},
		"excluded, then blocked":      {text: ">=1.0.0", exclude: []string{"1.4.3"}, blocked: []string{"v1.5.0", "1.4.9"}, want: ">=1.0.0 !=1.4.3 !=1.5.0 !=1.4.9"},
		"both":                        {text: ">=1.0.0", exclude: []string{"1.4.3"}, blocked: []string{"v1.4.3", "1.5.0", "1.5.0"}, want: ">=1.0.0 !=1.4.3 !=1.5.0"},
		"outside of the range":        {text: ">=1.0.0 <2.0.0", blocked: []string{"2.0.0"}, want: ">=1.0.0 <2.0.0"},
		"blocked is no version":       {text: ">=1.0.0", blocked: []string{"main-1.4.3", "", "1.5.0"}, want: ">=1.0.0 !=1.5.0"},
		"as many as Flux reads":       {text: ">=1.0.0-0", exclude: []string{"1.4.3"}, blocked: long, want: ">=1.0.0-0 !=1.4.3 !=" + long[0] + " !=" + long[1]},
		"not after one that is left":  {text: ">=1.0.0-0", blocked: append(longVersions("1.4.4", 3), "1.0.0"), want: ">=1.0.0-0 !=" + long[0] + " !=" + long[1]},
		"outside, after one that is":  {text: ">=1.0.0-0", blocked: []string{long[0], long[1], "0.1.0"}, want: ">=1.0.0-0 !=" + long[0] + " !=" + long[1]},
		"excluded ones must fit":      {text: ">=1.0.0-0", exclude: long, err: "versions.exclude: range and exclusions have"},
		"excluded that is no version": {text: ">=1.0.0", exclude: []string{"1.4"}, err: `versions.exclude: "1.4" is no version`},
		"no range":                    {text: "", blocked: []string{"1.4.3"}, err: `versions.range: "" is no range`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ComposeBlocked(tc.text, tc.exclude, tc.blocked)
			checkComposed(t, got, err, tc.want, tc.err)
		})
	}
}

// longVersions are pre-releases of which two fit into what Flux can read, and three do not.
func longVersions(release string, count int) []string {
	var long []string
	for i := range count {
		long = append(long, fmt.Sprintf("%s-a%d%s", release, i, strings.Repeat("a", 200)))
	}
	return long
}

func checkComposed(t *testing.T, got string, err error, want, wantErr string) {
	t.Helper()
	if wantErr != "" {
		if err == nil || !strings.HasPrefix(err.Error(), wantErr) {
			t.Fatalf("error %v, want %s…", err, wantErr)
		}
		return
	}
	if err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if len(got) > semver.MaxConstraintLen {
		t.Errorf("%d bytes are too long for Flux", len(got))
	}
}
