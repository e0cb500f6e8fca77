package versions

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

func drawRegistry(t *rapid.T) registry {
	draw := func(name string, least, most int) []string {
		return rapid.SliceOfN(rapid.Custom(drawVersion), least, most).Draw(t, name)
	}
	return registry{
		tags: draw("tags", 0, 20), text: drawRange(t), exclude: draw("exclude", 0, 4), blocked: draw("blocked", 0, 4),
		step: rapid.SampledFrom([]v1alpha1.Step{v1alpha1.StepMinor, v1alpha1.StepMajor}).Draw(t, "step"),
	}
}

// drawSparse has large gaps between the steps.
func drawSparse(t *rapid.T) registry {
	number := rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(0, 40), rapid.IntRange(0, 3000))
	tag := rapid.Custom(func(t *rapid.T) string {
		return stepNumber{major: uint64(number.Draw(t, "major")), minor: uint64(number.Draw(t, "minor"))}.first()
	})
	return registry{
		tags: rapid.SliceOfN(tag, 0, 8).Draw(t, "tags"), text: ">=0.0.0",
		step: rapid.SampledFrom([]v1alpha1.Step{v1alpha1.StepMinor, v1alpha1.StepMajor}).Draw(t, "step"),
	}
}

// TestSearchNeverSkips: from any version to the newest, over the newest version of every step that was released.
func TestSearchNeverSkips(t *testing.T) {
	for name, draw := range map[string]func(*rapid.T) registry{"dense": drawRegistry, "sparse": drawSparse} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				r := draw(t)
				current := drawVersion(t)
				for _, want := range append(r.path(t, current), "") {
					search, err := NewSearch(current, r.step)
					if err != nil {
						t.Fatal(err)
					}
					got, _ := r.find(t, search)
					if (got == "") != (want == "") || !Same(got, want) {
						t.Fatalf("the step after %s is %q, want %q", current, got, want)
					}
					current = got
				}
			})
		})
	}
}

// TestSearchWhileVersionsComeAndGo: whatever happens and however old an answer is, no step is skipped that had a version
// all the time, and once nothing changes any more the search ends.
func TestSearchWhileVersionsComeAndGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRegistry(t)
		r.text, r.exclude, r.blocked = ">=0.0.0-0", nil, nil
		stays, current := slices.Clone(r.tags), drawVersion(t)
		search, err := NewSearch(current, r.step)
		if err != nil {
			t.Fatal(err)
		}
		check := func(answer string) {
			if path := (registry{tags: stays, text: r.text, step: r.step}).path(t, current); len(path) > 0 &&
				slices.Compare(r.numbers(t, answer), r.numbers(t, path[0])) > 0 {
				t.Fatalf("%s skips %s, which was there all the time", answer, path[0])
			}
		}
		before := ""
		for range rapid.IntRange(0, 12).Draw(t, "changes") {
			r.tags = append(slices.Clone(stays), rapid.SliceOfN(rapid.Custom(drawVersion), 0, 4).Draw(t, "others")...)
			answer := r.answer(t, search)
			shown := answer
			if before != "" && rapid.Bool().Draw(t, "answer to the span before") {
				shown = before
			}
			next, found := search.Answer(shown, r.candidate(t))
			if found {
				check(shown)
			}
			search, before = next, answer
		}
		if answer, _ := r.find(t, search); answer != "" {
			check(answer)
		}
	})
}

// TestSearchIsShort: what it asks where something is missing, and that the common case is one question.
func TestSearchIsShort(t *testing.T) {
	minors := func(major, from, to uint64) []string {
		var tags []string
		for minor := from; minor <= to; minor++ {
			tags = append(tags, stepNumber{major: major, minor: minor}.first())
		}
		return tags
	}
	cases := map[string]struct {
		tags  []string
		want  string
		asked int
	}{
		"the next step":                   {tags: minors(1, 0, 60), want: "1.5.0", asked: 1},
		"one missing, then the newest":    {tags: minors(1, 6, 6), want: "1.6.0", asked: 2},
		"one missing, then one more":      {tags: minors(1, 6, 7), want: "1.6.0", asked: 2},
		"one missing, then 55":            {tags: minors(1, 6, 60), want: "1.6.0", asked: 7},
		"the end of a major":              {tags: minors(2, 0, 0), want: "2.0.0", asked: 3},
		"the end of a major, many minors": {tags: minors(2, 0, 60), want: "2.0.0", asked: 9},
		"many missing":                    {tags: minors(1, 40, 60), want: "1.40.0", asked: 16},
		"a thousand majors missing":       {tags: append(minors(1000, 3, 9), minors(2000, 1, 1)...), want: "1000.3.0", asked: 31},
		"nothing":                         {tags: minors(1, 0, 4), asked: 1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := registry{tags: tc.tags, text: ">=0.0.0", step: v1alpha1.StepMinor}
			search, err := NewSearch("1.4.2", r.step)
			if err != nil {
				t.Fatal(err)
			}
			if got, asked := r.find(t, search); got != tc.want || asked != tc.asked {
				t.Errorf("found %q with %d questions, want %q with %d", got, asked, tc.want, tc.asked)
			}
		})
	}
}

// drawSearch is any search, not only one that follows from another.
func drawSearch(t *rapid.T) Search {
	bound := rapid.IntRange(0, 2)
	if rapid.Bool().Draw(t, "majors") {
		from := bound.Draw(t, "from")
		return searchIn(span{
			from:  stepNumber{major: uint64(from)},
			below: stepNumber{major: uint64(rapid.IntRange(from+1, 3).Draw(t, "below"))},
		}, v1alpha1.StepMajor)
	}
	number := rapid.Custom(func(t *rapid.T) stepNumber {
		return stepNumber{major: uint64(bound.Draw(t, "major")), minor: uint64(bound.Draw(t, "minor"))}
	})
	from := number.Draw(t, "from")
	later := func(below stepNumber) bool { return below.compare(from) > 0 }
	return searchIn(span{from: from, below: rapid.OneOf(number, rapid.Just(stepNumber{major: 3})).Filter(later).Draw(t, "below")}, v1alpha1.StepMinor)
}

// TestWithinIsTheSpan compares a composed range with brute force, for every tag and for the newest.
func TestWithinIsTheSpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, search := drawRegistry(t), drawSearch(t)
		r.step = search.Step
		asked, err := search.span()
		if err != nil {
			t.Fatal(err)
		}
		text, err := search.Within(r.text, r.exclude, r.blocked)
		if err != nil {
			t.Fatal(err)
		}
		composed, err := ParseRange(text)
		if err != nil {
			t.Fatal(err)
		}
		from, below := []uint64{asked.from.major, asked.from.minor}, []uint64{asked.below.major, asked.below.minor}
		newest, eligible := "", r.eligible(t)
		for _, tag := range r.tags {
			numbers := r.numbers(t, tag)
			want := slices.Contains(eligible, tag) && slices.Compare(numbers, from[:len(numbers)]) >= 0 && slices.Compare(numbers, below[:len(numbers)]) < 0
			if got := composed.Contains(tag); got != want {
				t.Fatalf("%q for %q is %q: contains %s is %v", r.text, search, text, tag, got)
			}
			if want && (newest == "" || Newer(tag, newest)) {
				newest = tag
			}
		}
		if got := r.answer(t, search); (got == "") != (newest == "") || !Same(got, newest) {
			t.Fatalf("the newest is %q, want %q", got, newest)
		}
	})
}

// TestBlockedWhileTheyFit: exactly as many are left out as if they were excluded, from the first on, while that fits.
func TestBlockedWhileTheyFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := registry{text: drawRange(t), exclude: rapid.SliceOfN(rapid.Custom(drawVersion), 0, 3).Draw(t, "exclude")}
		long := rapid.StringMatching(`[0-2]\.[0-2]\.[0-2](-[0-9a-z]{50,80})?`).Filter(func(text string) bool {
			_, err := Parse(text)
			return err == nil
		})
		r.blocked = rapid.SliceOfN(long, 0, 12).Draw(t, "blocked")
		got, err := ComposeBlocked(r.text, r.exclude, r.blocked)
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		for count := range len(r.blocked) + 1 {
			composed, err := Compose(r.text, append(slices.Clone(r.exclude), r.blocked[:count]...))
			if err != nil {
				break
			}
			want = composed
		}
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}
