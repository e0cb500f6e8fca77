package placement

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

const (
	aFile = "mc/a.yaml"
	image = "registry.example.com/charts/nginx"
)

// naming remembers the ImagePolicy that somebody else's marker names.
func naming(policy string, m pin.Memory) pin.Memory {
	m.Foreign = policy
	return m
}

func ofChart(p *Pin)         { p.Image, p.Range = image, ">=1.0.0 <2.0.0" }
func refusesReformat(p *Pin) { p.Intent.RefuseReformat = true }
func nothingToMark(p *Pin)   { p.Intent.Mark = false }
func anotherWrites(p *Pin)   { p.Foreign = "another automation would write it too" }
func theirs(m string) string { return `1.0.0 # {"$imagepolicy": "` + m + `"}` }
func noted(m pin.Memory, note string) pin.Memory {
	m.Note = note
	return m
}

// hand is a hand-made ImagePolicy org/hand of the chart, changed by change.
func hand(change ...func(*ForeignPolicy)) map[batch.Key]ForeignPolicy {
	policy := ForeignPolicy{Selects: `versions in the range ">=1.0.0"`, Image: image, Latest: "1.3.0", Labels: map[string]string{"by": "hand"}}
	for _, c := range change {
		c(&policy)
	}
	return map[batch.Key]ForeignPolicy{{Namespace: "org", Name: "hand"}: policy}
}

func adopt(f *ForeignPolicy)          { f.Adopt = true }
func ofAnotherImage(f *ForeignPolicy) { f.Image = "registry.example.com/charts/other" }
func writing(name, path string) func(*ForeignPolicy) {
	return func(f *ForeignPolicy) {
		selects := func(labels map[string]string) bool { return labels["by"] == "hand" }
		f.Automations = append(f.Automations, batch.ForeignAutomation{Key: batch.Key{Namespace: "org", Name: name}, Path: path, Selects: selects})
	}
}

func TestMakeAdopts(t *testing.T) {
	marked := func(marker string) map[string]string { return map[string]string{aFile: app("a", theirs(marker))} }
	adopted := outcome{
		files:    map[string]string{aFile: app("a", with("1.0.0", "a"))},
		adopted:  []Adoption{{Pin: key("a"), From: batch.Key{Namespace: "org", Name: "hand"}, At: aFile + ":8"}},
		memories: map[string]pin.Memory{"pin.app.a": markedAt(aFile, "1.0.0")},
	}
	kept := outcome{memories: map[string]pin.Memory{"pin.app.a": naming("org/hand", found(at(aFile, "1.0.0"), "ForeignMarker"))}}
	elsewhere := map[batch.Key]ForeignPolicy{{Namespace: "other", Name: "hand"}: {Image: image, Adopt: true}}
	fromElsewhere := adopted
	fromElsewhere.adopted = []Adoption{{Pin: key("a"), From: batch.Key{Namespace: "other", Name: "hand"}, At: aFile + ":8"}}
	crlf := map[string]string{aFile: strings.ReplaceAll(app("a", theirs("org:hand:tag")), "\n", "\r\n")}
	for name, tc := range map[string]makeCase{
		"nobody asked":              {files: marked("org:hand:tag"), pins: []Pin{pinOf("a", ofChart)}, foreign: hand(), want: kept},
		"its owner asked":           {files: marked("org:hand:tag"), pins: []Pin{pinOf("a", ofChart)}, foreign: hand(adopt), want: adopted},
		"without :tag":              {files: marked("org:hand"), pins: []Pin{pinOf("a", ofChart)}, foreign: hand(adopt), want: adopted},
		"of another namespace":      {files: marked("other:hand:tag"), pins: []Pin{pinOf("a", ofChart)}, foreign: elsewhere, want: fromElsewhere},
		"of another chart":          {files: marked("org:hand:tag"), pins: []Pin{pinOf("a", ofChart)}, foreign: hand(adopt, ofAnotherImage), want: kept},
		"it does not exist":         {files: marked("org:hand:tag"), pins: []Pin{pinOf("a", ofChart)}, want: kept},
		"suspended":                 {files: marked("org:hand:tag"), pins: []Pin{pinOf("a", ofChart, suspended)}, foreign: hand(adopt), want: kept},
		"undecided":                 {files: marked("org:hand:tag"), pins: []Pin{pinOf("a", ofChart, undecided)}, foreign: hand(adopt), want: kept},
		"nothing to mark":           {files: marked("org:hand:tag"), pins: []Pin{pinOf("a", ofChart, nothingToMark)}, foreign: hand(adopt), want: kept},
		"markers by hand":           {files: marked("org:hand:tag"), pins: []Pin{pinOf("a", ofChart, byHand)}, foreign: hand(adopt), want: kept},
		"another automation there":  {files: marked("org:hand:tag"), pins: []Pin{pinOf("a", ofChart, anotherWrites)}, foreign: hand(adopt), want: kept},
		"another visit has the key": {files: marked("org:hand:tag"), pins: []Pin{pinOf("a", ofChart, later)}, foreign: hand(adopt), want: kept},
		"its layout would change": {
			files: crlf, pins: []Pin{pinOf("a", ofChart, refusesReformat)}, foreign: hand(adopt),
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": found(at(aFile, "1.0.0"), "WouldReformat")}},
		},
	} {
		t.Run(name, tc.run)
	}
}

// TestLaterHasNotSeen: what a visit with another key reads of a foreign marker asks for a visit with the right one.
func TestLaterHasNotSeen(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Pin)
		seen   bool
	}{"this visit's": {func(*Pin) {}, true}, "another's": {later, false}} {
		pins := []Pin{pinOf("a", ofChart, tc.change)}
		plan, err := Make(mapFS(map[string]string{aFile: app("a", theirs("org:hand:tag"))}), "r1", pins, known(pins), nil, hand())
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if tc.seen {
			want = batch.Seen(pins[0].Pin, hand()[batch.Key{Namespace: "org", Name: "hand"}].Fingerprint())
		}
		if got := plan.Memories[pins[0].Key].ForeignSeen; got != want {
			t.Errorf("%s: seen %q, want %q", name, got, want)
		}
	}
}

// TestForeignFindings has the words about markers that are in a pin's way.
func TestForeignFindings(t *testing.T) {
	const adoptIt = `; to let this policy manage the version instead, in the range ">=1.0.0 <2.0.0" and with no version changed by that, run: ` +
		`kubectl annotate imagepolicy -n org hand upgrades.giantswarm.io/adopt=true (or, if Flux applies it from Git, in its manifest, else Flux removes it again)`
	const what = `mc/a.yaml:8 has a marker for ImagePolicy org/hand, which selects versions in the range ">=1.0.0" of ` + image + `, now 1.3.0`
	managed := func(f *ForeignPolicy) { *f = ForeignPolicy{Managed: true} }
	for name, tc := range map[string]struct {
		marker  string
		pin     Pin
		foreign map[batch.Key]ForeignPolicy
		want    string
	}{
		"an automation writes it": {
			"org:hand:tag", pinOf("a", ofChart), hand(writing("elsewhere", "./other"), writing("flux", "./mc")),
			what + "; ImageUpdateAutomation org/flux writes it" + adoptIt,
		},
		"none writes it": {
			"org:hand:tag", pinOf("a", ofChart), hand(writing("elsewhere", "./other")), what + "; no ImageUpdateAutomation writes it" + adoptIt,
		},
		"without :tag": {
			"org:hand", pinOf("a", ofChart), hand(),
			what + "; the marker does not end with :tag, so Flux would not write the version alone; no ImageUpdateAutomation writes it" + adoptIt,
		},
		"of another chart": {
			"org:hand:tag", pinOf("a", ofChart), hand(ofAnotherImage), `mc/a.yaml:8 has a marker for ImagePolicy org/hand, which selects versions in the range ` +
				`">=1.0.0" of registry.example.com/charts/other, now 1.3.0; no ImageUpdateAutomation writes it; the chart of this policy is ` +
				image + `, so it cannot take over: remove the marker`,
		},
		"markers by hand": {
			"org:hand:tag", pinOf("a", ofChart, byHand), hand(), what + `; no ImageUpdateAutomation writes it; ` +
				`to let this policy manage the version, put this in its place: # {"$imagepolicy": "org:pin.app.a:tag"}`,
		},
		"suspended": {
			"org:hand:tag", pinOf("a", ofChart, suspended), hand(adopt),
			what + "; no ImageUpdateAutomation writes it; this policy takes over once it may place markers",
		},
		"it does not exist": {
			"org:typo:tag", pinOf("a", ofChart), hand(), "mc/a.yaml:8 has a marker for ImagePolicy org/typo, which does not exist, " +
				"so nothing writes the version; remove the marker, so that this policy can place its own",
		},
		"of a deleted policy": {
			"org:pin.app.old:tag", pinOf("a", ofChart), hand(), "mc/a.yaml:8 has a marker for ImagePolicy org/pin.app.old, " +
				"which is gone with its policy; remove the marker, so that this policy can place its own",
		},
		"of another thing of ours": {
			"org:hand:tag", pinOf("a", ofChart), hand(managed), "mc/a.yaml:8 has a marker for ImagePolicy org/hand, " +
				"which the operator made for something else; remove the marker",
		},
		"of another namespace": {
			"other:hand:tag", pinOf("a", ofChart), map[batch.Key]ForeignPolicy{{Namespace: "other", Name: "hand"}: {Image: image, Latest: "9.9.9"}},
			"mc/a.yaml:8 has a marker for ImagePolicy other/hand, which no automation of namespace org sees; " +
				"remove it, or annotate that ImagePolicy with upgrades.giantswarm.io/adopt=true",
		},
		"of another namespace and chart, to be adopted": {
			"other:hand:tag", pinOf("a", ofChart),
			map[batch.Key]ForeignPolicy{{Namespace: "other", Name: "hand"}: {Image: "registry.example.com/charts/other", Selects: "the tag 1", Adopt: true}},
			"mc/a.yaml:8 has a marker for ImagePolicy other/hand, which selects the tag 1 of registry.example.com/charts/other; " +
				"no ImageUpdateAutomation writes it; the chart of this policy is " + image + ", so it cannot take over: remove the marker",
		},
	} {
		t.Run(name, func(t *testing.T) {
			pins := []Pin{tc.pin}
			plan, err := Make(mapFS(map[string]string{aFile: app("a", theirs(tc.marker))}), "r1", pins, known(pins), nil, tc.foreign)
			if err != nil {
				t.Fatal(err)
			}
			if len(plan.Files) > 0 {
				t.Fatalf("the plan changes %v", plan.Files)
			}
			if diff := cmp.Diff(tc.want, plan.Memories[tc.pin.Key].Finding.Message); diff != "" {
				t.Errorf("finding (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSeenChanges: what ends a finding about an ImagePolicy, or changes it, is seen without a look at Git; a new tag is not.
func TestSeenChanges(t *testing.T) {
	before := hand()[batch.Key{Namespace: "org", Name: "hand"}]
	p := pinOf("a", ofChart).Pin
	if batch.Seen(p, before.Fingerprint()) == batch.Seen(pinOf("a", suspended).Pin, before.Fingerprint()) {
		t.Error("that the policy goes on is not seen")
	}
	for name, tc := range map[string]struct {
		change func(*ForeignPolicy)
		seen   bool
	}{
		"adopted":       {adopt, true},
		"another image": {ofAnotherImage, true},
		"another range": {func(f *ForeignPolicy) { f.Selects = "others" }, true},
		"gone":          {func(f *ForeignPolicy) { *f = ForeignPolicy{} }, true},
		"a new tag":     {func(f *ForeignPolicy) { f.Latest = "1.4.0" }, false},
	} {
		after := before
		tc.change(&after)
		if got := before.Fingerprint() != after.Fingerprint(); got != tc.seen {
			t.Errorf("%s: seen: %v, want %v", name, got, tc.seen)
		}
	}
}

// TestSeenFromElsewhere: a pin knows nothing of another namespace's ImagePolicy, not even that there is one.
func TestSeenFromElsewhere(t *testing.T) {
	policy, owner := hand()[batch.Key{Namespace: "org", Name: "hand"}], batch.Key{Namespace: "org", Name: "hand"}
	if got := policy.SeenFrom("other", owner).Fingerprint(); got != (ForeignPolicy{}).Fingerprint() {
		t.Errorf("it is seen as %s", got)
	}
	if seen := policy.SeenFrom("org", owner); seen.Fingerprint() != policy.Fingerprint() {
		t.Errorf("it is seen as %+v in its own namespace", seen)
	}
	adopt(&policy)
	if seen := policy.SeenFrom("other", owner); seen.Fingerprint() != policy.Fingerprint() {
		t.Errorf("it is seen as %+v although it is there to be adopted", seen)
	}
}

// TestMakeNotesLayouts: how Flux will change a file's layout is said before it does, and holds nothing unless the policy refuses.
func TestMakeNotesLayouts(t *testing.T) {
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	const note = aFile + ":1: Flux changes the layout of this file when it first writes a version into it: CRLF line ends become LF, and maybe more below"
	files := map[string]string{aFile: crlf(app("a", "1.0.0"))}
	placed := map[string]string{aFile: crlf(app("a", with("1.0.0", "a")))}
	formatted := map[string]string{aFile: app("a", with("1.0.0", "a"))}
	for name, tc := range map[string]makeCase{
		"before the first marker": {
			files: files, pins: []Pin{pinOf("a", suspended)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": noted(at(aFile, "1.0.0"), note)}},
		},
		"with the first marker": {
			files: files, pins: []Pin{pinOf("a")},
			want: outcome{files: placed, placed: []string{aFile + ":8"}, memories: map[string]pin.Memory{"pin.app.a": noted(markedAt(aFile, "1.0.0"), note)}},
		},
		"as long as it is so": {
			files: placed, pins: []Pin{pinOf("a", remembering(noted(placedAt(aFile, "1.0.0"), note)))},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": noted(markedAt(aFile, "1.0.0"), note)}},
		},
		"and no longer": {
			files: formatted, pins: []Pin{pinOf("a", remembering(noted(placedAt(aFile, "1.0.0"), note)))},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": markedAt(aFile, "1.0.0")}},
		},
		"refused": {
			files: files, pins: []Pin{pinOf("a", refusesReformat)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": found(at(aFile, "1.0.0"), "WouldReformat")}},
		},
		"refused although it was marked": {
			files: placed, pins: []Pin{pinOf("a", refusesReformat, remembering(placedAt(aFile, "1.0.0")))},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": found(markedAt(aFile, "1.0.0"), "WouldReformat")}},
		},
		"nothing to refuse": {
			files: formatted, pins: []Pin{pinOf("a", refusesReformat, remembering(found(placedAt(aFile, "1.0.0"), "WouldReformat")))},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": markedAt(aFile, "1.0.0")}},
		},
	} {
		t.Run(name, tc.run)
	}
}

func TestSameImage(t *testing.T) {
	for name, test := range map[string]struct {
		a, b string
		want bool
	}{
		"the same":               {"example.com/charts/a", "example.com/charts/a", true},
		"another chart":          {"example.com/charts/a", "example.com/charts/b", false},
		"another registry":       {"example.com/charts/a", "example.org/charts/a", false},
		"Docker's, as people do": {"docker.io/bitnamicharts/nginx", "registry-1.docker.io/bitnamicharts/nginx", true},
		"Docker's, unnamed":      {"bitnamicharts/nginx", "index.docker.io/bitnamicharts/nginx", true},
		"not Docker's":           {"docker.io.example.com/a/b", "docker.io/a/b", false},
		"no image":               {"Not An Image", "Not An Image", true},
		"none":                   {"", "docker.io/a/b", false},
	} {
		t.Run(name, func(t *testing.T) {
			if sameImage(test.a, test.b) != test.want || sameImage(test.b, test.a) != test.want {
				t.Errorf("sameImage(%q, %q) is not %t", test.a, test.b, test.want)
			}
		})
	}
}
