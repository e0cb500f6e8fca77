package versions

import (
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
	"github.com/fluxcd/pkg/version"
	"pgregory.net/rapid"
)

func TestNewerAndSame(t *testing.T) {
	cases := map[string]struct {
		a, b        string
		newer, same bool
	}{
		"newer":                        {a: "1.5.0", b: "1.4.9", newer: true},
		"older":                        {a: "1.4.9", b: "1.5.0"},
		"v is no difference":           {a: "v1.4.0", b: "1.4.0", same: true},
		"release after pre-release":    {a: "1.5.0", b: "1.5.0-rc.1", newer: true},
		"rc10 sorts before rc9":        {a: "1.5.0-rc10", b: "1.5.0-rc9"},
		"rc.10 after rc.9":             {a: "1.5.0-rc.10", b: "1.5.0-rc.9", newer: true},
		"two numbers are no version":   {a: "1.5", b: "1.4.0"},
		"same text that is no version": {a: "latest", b: "latest", same: true},
		"no version":                   {a: "2.0.0", b: "latest"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Newer(tc.a, tc.b); got != tc.newer {
				t.Errorf("Newer = %v", got)
			}
			if got := Same(tc.a, tc.b); got != tc.same {
				t.Errorf("Same = %v", got)
			}
		})
	}
}

func TestTagAndBuildMetadata(t *testing.T) {
	for text, want := range map[string]string{"v1.4.0": "1.4.0", "1.4.0": "1.4.0", "": ""} {
		if got := Tag(text); got != want {
			t.Errorf("Tag(%q) = %q, want %q", text, got, want)
		}
	}
	if !HasBuildMetadata("1.0.0+b1") || HasBuildMetadata("1.0.0-b1") {
		t.Error("build metadata is what comes after a +")
	}
}

func TestCompose(t *testing.T) {
	cases := map[string]struct {
		text    string
		exclude []string
		want    string
		err     string
	}{
		"nothing excluded":                 {text: " >=1.0.0 ,  <2.0.0", want: " >=1.0.0 ,  <2.0.0"},
		"outside of the range":             {text: ">=1.0.0 <2.0.0", exclude: []string{"2.0.0", "0.9.0"}, want: ">=1.0.0 <2.0.0"},
		"excluded":                         {text: ">=1.0.0 <2.0.0", exclude: []string{"1.4.3"}, want: ">=1.0.0 <2.0.0 !=1.4.3"},
		"twice, and with v":                {text: ">=1.0.0", exclude: []string{"1.4.3", "v1.4.3"}, want: ">=1.0.0 !=1.4.3"},
		"only in the group that has it":    {text: "~1.4 || ~1.6", exclude: []string{"1.4.3"}, want: "~1.4 !=1.4.3 || ~1.6"},
		"hyphen range":                     {text: "1.0.0 - 1.4.2", exclude: []string{"1.2.0"}, want: ">=1.0.0 <=1.4.2 !=1.2.0"},
		"wildcard":                         {text: "1.x", exclude: []string{"1.2.0"}, want: "1.x !=1.2.0"},
		"pre-release that is not admitted": {text: ">=1.0.0", exclude: []string{"1.5.0-rc.1"}, want: ">=1.0.0"},
		"pre-release that is admitted":     {text: ">=1.0.0-0 || ~3.0", exclude: []string{"1.5.0-rc.1"}, want: ">=1.0.0-0 !=1.5.0-rc.1 || ~3.0"},
		"everything excluded":              {text: "=1.4.2", exclude: []string{"1.4.2"}, want: "=1.4.2 !=1.4.2"},
		"invalid range":                    {text: ">=one", err: `versions.range: ">=one" is no range`},
		"empty range":                      {text: "", err: `versions.range: "" is no range`},
		"invalid exclusion":                {text: ">=1.0.0", exclude: []string{"1.4"}, err: `versions.exclude: "1.4" is no version`},
		"more than Flux can read": {
			text:    ">=1.0.0 || >=1.0.0-0 <5.0.0",
			exclude: []string{"1.4.3", "1.4.4-" + strings.Repeat("a", 200), "1.4.4-" + strings.Repeat("b", 200), "1.4.4-" + strings.Repeat("c", 200)},
			err:     "versions.exclude: range and exclusions have",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Compose(tc.text, tc.exclude)
			if tc.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tc.err) {
					t.Fatalf("error %v, want %s…", err, tc.err)
				}
				return
			}
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestSelectReportsWhatIsWrong(t *testing.T) {
	if _, err := NewFilter("^(", ""); err == nil || !strings.HasPrefix(err.Error(), "versions.filterTags.pattern: ") {
		t.Errorf("got %v", err)
	}
	if (Range{}).Contains("1.0.0") {
		t.Error("the zero range contains a version")
	}
}

func TestVersionOf(t *testing.T) {
	filter, err := NewFilter(`^main-(?P<version>.*)-h[0-9a-f]+$`, "$version")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"main-1.4.0-habc": "1.4.0", "1.3.0": "1.3.0"} {
		if got := filter.VersionOf(text); got != want {
			t.Errorf("VersionOf(%q) = %q, want %q", text, got, want)
		}
	}
	if _, ok := filter.Version("1.3.0"); ok {
		t.Error("a tag that does not match passes the filter")
	}
}

// drawVersion stays in a small space, so that ranges, exclusions and tags meet.
func drawVersion(t *rapid.T) string {
	return rapid.StringMatching(`v?[0-2]\.[0-2]\.[0-2](-(0|rc\.[01]|dev\.x))?`).Draw(t, "version")
}

func drawRange(t *rapid.T) string {
	version := `v?[0-2x](\.[0-2x])?(\.[0-2x])?(-(0|rc\.[01]))?`
	comparator := `(|=|!=|>|<|>=|=>|<=|=<|~|~>|\^) ?` + version
	group := comparator + `((, ?| )` + comparator + `){0,2}`
	hyphen := version + ` - ` + version
	part := `(` + group + `|` + hyphen + `)`
	valid := func(text string) bool {
		_, err := ParseRange(text)
		return err == nil
	}
	return rapid.StringMatching(`( ?)`+part+`( ?\|\| ?`+part+`){0,2}`).Filter(valid).Draw(t, "range")
}

// TestComposeIsTheRangeWithoutTheExcluded compares with brute force over sets of tags.
func TestComposeIsTheRangeWithoutTheExcluded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawRange(t)
		whole, err := ParseRange(text)
		if err != nil {
			t.Fatal(err)
		}
		exclude := rapid.SliceOfN(rapid.Custom(drawVersion), 0, 6).Draw(t, "exclude")
		composed, err := Compose(text, exclude)
		if err != nil {
			t.Fatalf("Compose(%q, %q): %v", text, exclude, err)
		}
		without, err := ParseRange(composed)
		if err != nil {
			t.Fatal(err)
		}
		tags := rapid.SliceOfN(rapid.Custom(drawVersion), 1, 20).Draw(t, "tags")
		newest := ""
		for _, tag := range append(tags, exclude...) {
			want := whole.Contains(tag) && !Excluded(tag, exclude)
			if got := without.Contains(tag); got != want {
				t.Fatalf("%q without %q is %q: contains %s is %v", text, exclude, composed, tag, got)
			}
			if want && (newest == "" || Newer(tag, newest)) {
				newest = tag
			}
		}
		selected, err := Select(tags, without, Filter{})
		if (err == nil) != (newest != "") || (err == nil && !Same(selected, newest)) {
			t.Fatalf("selected %q, %v; the newest is %q", selected, err, newest)
		}
	})
}

// FuzzParse: the shorter way for plain releases reads what Flux's parser reads.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"1.2.3", "v1.2.3", "vv1.2.3", "01.2.3", "1..3", "1.2", "1.2.3.4", "1.2.3-rc.1+b", "1.0.99999999999999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, wantErr := version.ParseVersion(text)
		got, err := Parse(text)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("Parse(%q): %v; Flux: %v", text, err, wantErr)
		}
		if err == nil && got.String() != want.String() {
			t.Fatalf("Parse(%q) = %s; Flux: %s", text, got, want)
		}
	})
}

func FuzzCompose(f *testing.F) {
	f.Add(">=1.0.0 <2.0.0 || 1.0.0 - 1.4.2", "1.4.0", "1.4.1")
	f.Add("1||2 - 3", "2.0.0", "1.0.0")
	f.Add("*-0", "1.0.0-rc.1", "1.0.0-rc.1")
	f.Add("x.1|2", "1.0.0", "0.0.1")
	f.Fuzz(func(t *testing.T, text, excluded, tag string) {
		whole, err := ParseRange(text)
		if err != nil {
			return
		}
		composed, err := Compose(text, []string{excluded})
		if err != nil {
			return
		}
		if len(composed) > semver.MaxConstraintLen {
			t.Fatalf("%q is too long for Flux", composed)
		}
		without, err := ParseRange(composed)
		if err != nil {
			t.Fatalf("%q without %q is %q: %v", text, excluded, composed, err)
		}
		want := whole.Contains(tag) && !Same(tag, excluded)
		if got := without.Contains(tag); got != want {
			t.Fatalf("%q without %q is %q: contains %q is %v", text, excluded, composed, tag, got)
		}
	})
}
