package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// outcome is a plan as the tables write it: changed files, what pins remember, and what goes. Messages of findings are left out.
type outcome struct {
	files           map[string]string
	placed, removed []string
	memories        map[string]pin.Memory
	gone            []string
}

func outcomeOf(plan Plan) outcome {
	o := outcome{files: map[string]string{}, placed: plan.Placed, removed: plan.Removed, memories: map[string]pin.Memory{}}
	for name, content := range plan.Files {
		o.files[name] = string(content)
	}
	for key, m := range plan.Memories {
		if m.Finding != nil {
			m.Finding = &pin.Finding{Reason: m.Finding.Reason}
		}
		m.Revision = ""
		o.memories[key.Name] = m
	}
	for _, key := range plan.Gone {
		o.gone = append(o.gone, key.Name)
	}
	return o
}

type makeCase struct {
	files map[string]string
	pins  []Pin
	// others are pins of other repositories that are known too.
	others []Pin
	want   outcome
}

func (tc makeCase) run(t *testing.T) {
	t.Helper()
	policies := known(append(append([]Pin{}, tc.pins...), tc.others...))
	plan, err := Make(mapFS(tc.files), "r1", tc.pins, policies)
	if err != nil {
		t.Fatal(err)
	}
	for key, m := range plan.Memories {
		if m.Finding != nil {
			t.Logf("%s: %s", key.Name, m.Finding.Message)
		}
	}
	if diff := cmp.Diff(tc.want, outcomeOf(plan), cmp.AllowUnexported(outcome{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Make (-want +got):\n%s", diff)
	}
}

func finding(reason string) *pin.Finding { return &pin.Finding{Reason: reason} }

// at is what is remembered of line 8 of a file.
func at(file, version string) pin.Memory { return pin.Memory{File: file, Line: 8, Git: version} }

func markedAt(file, version string) pin.Memory {
	return pin.Memory{File: file, Line: 8, Git: version, Marked: true}
}

func found(m pin.Memory, reason string) pin.Memory {
	m.Finding = finding(reason)
	return m
}

func following(m pin.Memory, leader string) pin.Memory {
	m.Leader = "pin.app." + leader
	return m
}

func TestMakePlaces(t *testing.T) {
	const file = "mc/a.yaml"
	plain, marked := map[string]string{file: app("a", "1.0.0")}, map[string]string{file: app("a", with("1.0.0", "a"))}
	two := map[string]string{"mc/b.yaml": app("b", "1.0.0"), file: app("a", "2.0.0")}
	one := map[string]pin.Memory{"pin.app.a": markedAt(file, "1.0.0")}
	for name, tc := range map[string]makeCase{
		"nothing": {files: plain},
		"a new pin": {
			files: plain, pins: []Pin{pinOf("a")},
			want: outcome{files: marked, placed: []string{"mc/a.yaml:8"}, memories: one},
		},
		"two files": {
			files: two, pins: []Pin{pinOf("a"), pinOf("b")},
			want: outcome{
				files:    map[string]string{"mc/b.yaml": app("b", with("1.0.0", "b")), file: app("a", with("2.0.0", "a"))},
				placed:   []string{"mc/a.yaml:8", "mc/b.yaml:8"},
				memories: map[string]pin.Memory{"pin.app.a": markedAt(file, "2.0.0"), "pin.app.b": markedAt("mc/b.yaml", "1.0.0")},
			},
		},
		"two in one file": {
			files: map[string]string{file: app("a", "1.0.0") + "---\n" + app("b", "1.0.0")}, pins: []Pin{pinOf("a"), pinOf("b")},
			want: outcome{
				files:    map[string]string{file: app("a", with("1.0.0", "a")) + "---\n" + app("b", with("1.0.0", "b"))},
				placed:   []string{"mc/a.yaml:17", "mc/a.yaml:8"},
				memories: map[string]pin.Memory{"pin.app.a": markedAt(file, "1.0.0"), "pin.app.b": {File: file, Line: 17, Git: "1.0.0", Marked: true}},
			},
		},
		"a marker that stands there": {files: marked, pins: []Pin{pinOf("a")}, want: outcome{memories: one}},
		"a suspended pin is read":    {files: plain, pins: []Pin{pinOf("a", suspended)}, want: outcome{memories: map[string]pin.Memory{"pin.app.a": at(file, "1.0.0")}}},
		"a foreign automation would write it": {
			files: plain, pins: []Pin{pinOf("a", func(p *Pin) { p.Foreign = "theirs" })},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": at(file, "1.0.0")}},
		},
		"a human pastes": {
			files: plain, pins: []Pin{pinOf("a", byHand)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": found(at(file, "1.0.0"), "MarkerUnmanaged")}},
		},
		"a human has pasted": {files: marked, pins: []Pin{pinOf("a", byHand)}, want: outcome{memories: one}},
		"a prompt is followed": {
			files: marked, pins: []Pin{pinOf("a", remembering(placedAt(file, "1.0.0")), func(p *Pin) { p.Intent.Prompt = "x" })},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": {File: file, Line: 8, Git: "1.0.0", Marked: true, Prompt: "x"}}},
		},
		"a human went down": {
			files: marked, pins: []Pin{pinOf("a", remembering(placedAt(file, "1.1.0")))},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": {
				File: file, Line: 8, Git: "1.0.0", Marked: true, Hold: &pin.Hold{Reason: "ManualHold", UpTo: "1.1.0"},
			}}},
		},
		"the file moved with its marker": {
			files: map[string]string{"mc/new.yaml": app("a", with("1.0.0", "a"))}, pins: []Pin{pinOf("a", remembering(placedAt(file, "1.0.0")))},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": markedAt("mc/new.yaml", "1.0.0")}},
		},
		"a human removed the marker": {
			files: plain, pins: []Pin{pinOf("a", remembering(placedAt(file, "1.0.0")))},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": found(markedAt(file, "1.0.0"), "MarkerMissing")}},
		},
		"a human put the marker back": {
			files: marked, pins: []Pin{pinOf("a", remembering(found(placedAt(file, "1.0.0"), "MarkerMissing")))},
			want: outcome{memories: one},
		},
		"the target is not there": {
			files: plain, pins: []Pin{pinOf("gone"), pinOf("a")},
			want: outcome{files: marked, placed: []string{"mc/a.yaml:8"}, memories: map[string]pin.Memory{
				"pin.app.gone": {Finding: finding("NotFound")}, "pin.app.a": markedAt(file, "1.0.0"),
			}},
		},
		"Flux would ignore a marker": {
			files: map[string]string{file: "apiVersion: application.giantswarm.io/v1alpha1\nkind: App\nmetadata: {name: a, namespace: org}\nspec: {version: 1.0.0}\n"},
			pins:  []Pin{pinOf("a")},
			want:  outcome{memories: map[string]pin.Memory{"pin.app.a": {Finding: finding("NotMarkable")}}},
		},
		"a refused namespace": {
			files: plain, pins: []Pin{pinOf("a", refused)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": {Finding: finding("SourceForbidden")}}},
		},
	} {
		t.Run(name, tc.run)
	}
}

func TestMakeRemoves(t *testing.T) {
	const file = "mc/a.yaml"
	plain, marked := map[string]string{file: app("a", "1.0.0")}, map[string]string{file: app("a", with("1.0.0", "a"))}
	gone := outcome{files: plain, removed: []string{"mc/a.yaml:8"}, gone: []string{"pin.app.a"}}
	untouched := outcome{gone: []string{"pin.app.a"}}
	for name, tc := range map[string]makeCase{
		"a pin that leaves": {files: marked, pins: []Pin{pinOf("a", leaving, remembering(placedAt(file, "1.0.0")))}, want: gone},
		"an orphan":         {files: marked, pins: []Pin{pinOf("a", orphaned, remembering(placedAt(file, "1.0.0")))}, want: gone},
		"but not before its policy has decided of all": {
			files: marked, pins: []Pin{pinOf("a", leaving, remembering(placedAt(file, "1.0.0")), func(p *Pin) { p.Decided = false })},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": markedAt(file, "1.0.0")}},
		},
		"although suspended":        {files: marked, pins: []Pin{pinOf("a", leaving, suspended, remembering(placedAt(file, "1.0.0")))}, want: gone},
		"whose memory was lost":     {files: marked, pins: []Pin{pinOf("a", leaving)}, want: gone},
		"whose file moved":          {files: marked, pins: []Pin{pinOf("a", leaving, remembering(placedAt("mc/old.yaml", "1.0.0")))}, want: gone},
		"whose memory leads out":    {files: marked, pins: []Pin{pinOf("a", leaving, remembering(placedAt("../../etc/passwd", "1.0.0")))}, want: gone},
		"whose memory is a folder":  {files: marked, pins: []Pin{pinOf("a", leaving, remembering(placedAt("mc", "1.0.0")))}, want: gone},
		"whose marker is not there": {files: plain, pins: []Pin{pinOf("a", leaving, remembering(placedAt(file, "1.0.0")))}, want: untouched},
		"whose file is not there":   {pins: []Pin{pinOf("a", leaving, remembering(placedAt(file, "1.0.0")))}, want: untouched},
		"whose source is not known": {
			files: marked, pins: []Pin{pinOf("a", leaving, remembering(placedAt(file, "1.0.0")), func(p *Pin) { p.SourceProblem = finding("KustomizationMissing") })},
			want: gone,
		},
		"that a human marked":    {files: marked, pins: []Pin{pinOf("a", leaving, byHand, remembering(placedAt(file, "1.0.0")))}, want: untouched},
		"of a refused namespace": {files: marked, pins: []Pin{pinOf("a", leaving, refused, remembering(placedAt(file, "1.0.0")))}, want: untouched},
		"with a copy in the file": {
			files: map[string]string{file: app("a", with("1.0.0", "a")) + "---\n" + app("b", with("1.0.0", "a"))},
			pins:  []Pin{pinOf("a", leaving, remembering(placedAt(file, "1.0.0")))},
			want: outcome{
				files:   map[string]string{file: app("a", "1.0.0") + "---\n" + app("b", "1.0.0")},
				removed: []string{"mc/a.yaml"}, gone: []string{"pin.app.a"},
			},
		},
		"and another comes in one file": {
			files: map[string]string{file: app("a", with("1.0.0", "a")) + "---\n" + app("b", "1.0.0")},
			pins:  []Pin{pinOf("a", leaving, remembering(placedAt(file, "1.0.0"))), pinOf("b")},
			want: outcome{
				files:    map[string]string{file: app("a", "1.0.0") + "---\n" + app("b", with("1.0.0", "b"))},
				removed:  []string{"mc/a.yaml:8"},
				placed:   []string{"mc/a.yaml:17"},
				gone:     []string{"pin.app.a"},
				memories: map[string]pin.Memory{"pin.app.b": {File: file, Line: 17, Git: "1.0.0", Marked: true}},
			},
		},
	} {
		t.Run(name, tc.run)
	}
}

func TestMakeSharedLines(t *testing.T) {
	const file = "base/app.yaml"
	a, b := "a-nginx", "b-nginx"
	markedFor := func(name string) map[string]string { return map[string]string{file: app("nginx", with("1.0.0", name))} }
	plain := map[string]string{file: app("nginx", "1.0.0")}
	leads := map[string]pin.Memory{"pin.app.a-nginx": markedAt(file, "1.0.0"), "pin.app.b-nginx": following(at(file, "1.0.0"), a)}
	shared := map[string]pin.Memory{
		"pin.app.a-nginx": found(at(file, "1.0.0"), "LineShared"), "pin.app.b-nginx": found(at(file, "1.0.0"), "LineShared"),
	}
	led := remembering(following(at(file, "1.0.0"), a))
	for name, tc := range map[string]makeCase{
		"of one policy": {
			files: sharedBase("1.0.0"), pins: []Pin{pinOf(a), pinOf(b)},
			want: outcome{files: markedFor(a), placed: []string{"base/app.yaml:8"}, memories: leads},
		},
		"of one policy, later": {
			files: sharedBase(with("1.0.0", a)), pins: []Pin{pinOf(a, remembering(placedAt(file, "1.0.0"))), pinOf(b, led)},
			want: outcome{memories: leads},
		},
		"the leader is not the first": {
			files: sharedBase(with("1.0.0", b)), pins: []Pin{pinOf(a), pinOf(b)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a-nginx": following(at(file, "1.0.0"), b), "pin.app.b-nginx": markedAt(file, "1.0.0")}},
		},
		"the leader leaves": {
			files: sharedBase(with("1.0.0", a)), pins: []Pin{pinOf(a, leaving, remembering(placedAt(file, "1.0.0"))), pinOf(b, led)},
			want: outcome{
				files: markedFor(b), placed: []string{"base/app.yaml:8"}, removed: []string{"base/app.yaml:8"},
				gone: []string{"pin.app.a-nginx"}, memories: map[string]pin.Memory{"pin.app.b-nginx": markedAt(file, "1.0.0")},
			},
		},
		"the leader leaves after the follower was looked at": {
			files: sharedBase(with("1.0.0", b)), pins: []Pin{pinOf(a), pinOf(b, leaving, remembering(placedAt(file, "1.0.0")))},
			want: outcome{
				files: markedFor(a), placed: []string{"base/app.yaml:8"}, removed: []string{"base/app.yaml:8"},
				gone: []string{"pin.app.b-nginx"}, memories: map[string]pin.Memory{"pin.app.a-nginx": markedAt(file, "1.0.0")},
			},
		},
		"suspended": {
			files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, suspended), pinOf(b, suspended)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a-nginx": at(file, "1.0.0"), "pin.app.b-nginx": following(at(file, "1.0.0"), a)}},
		},
		"a human removed the marker": {
			files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, remembering(placedAt(file, "1.0.0"))), pinOf(b, led)},
			want: outcome{memories: map[string]pin.Memory{
				"pin.app.a-nginx": found(markedAt(file, "1.0.0"), "MarkerMissing"), "pin.app.b-nginx": found(at(file, "1.0.0"), "MarkerMissing"),
			}},
		},
		"of two policies": {files: sharedBase("1.0.0"), pins: []Pin{pinOf(a), pinOf(b, policyTwo)}, want: outcome{memories: shared}},
		"of two policies, one was first": {
			files: sharedBase(with("1.0.0", a)), pins: []Pin{pinOf(a, remembering(placedAt(file, "1.0.0"))), pinOf(b, policyTwo)},
			want: outcome{files: plain, removed: []string{"base/app.yaml:8"}, memories: shared},
		},
		"of two policies, one was first and is suspended": {
			files: sharedBase(with("1.0.0", a)), pins: []Pin{pinOf(a, suspended, remembering(placedAt(file, "1.0.0"))), pinOf(b, policyTwo)},
			want: outcome{memories: map[string]pin.Memory{
				"pin.app.a-nginx": found(markedAt(file, "1.0.0"), "LineShared"), "pin.app.b-nginx": found(at(file, "1.0.0"), "LineShared"),
			}},
		},
		"of two policies, one leaves": {
			files: sharedBase("1.0.0"),
			pins:  []Pin{pinOf(a, leaving, remembering(found(at(file, "1.0.0"), "LineShared"))), pinOf(b, policyTwo, remembering(found(at(file, "1.0.0"), "LineShared")))},
			want: outcome{
				files: markedFor(b), placed: []string{"base/app.yaml:8"}, gone: []string{"pin.app.a-nginx"},
				memories: map[string]pin.Memory{"pin.app.b-nginx": markedAt(file, "1.0.0")},
			},
		},
	} {
		t.Run(name, tc.run)
	}
}

func TestMakeForeignMarkers(t *testing.T) {
	const file = "mc/a.yaml"
	theirs := func(text string) map[string]string {
		return map[string]string{file: app("a", `1.0.0 # {"$imagepolicy": "`+text+`"}`)}
	}
	foreign := outcome{memories: map[string]pin.Memory{"pin.app.a": found(at(file, "1.0.0"), "ForeignMarker")}}
	for name, tc := range map[string]makeCase{
		"of somebody's policy": {files: theirs("flux-system:nginx:tag"), pins: []Pin{pinOf("a")}, want: foreign},
		"of our name without a tag": {
			files: theirs("org:pin.app.a:name"), pins: []Pin{pinOf("a")},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": found(at(file, "1.0.0"), "MarkerMissing")}},
		},
		"copied from another target": {
			files: theirs("org:pin.app.b:tag"), pins: []Pin{pinOf("a")}, others: []Pin{pinOf("b", policyTwo)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": found(at(file, "1.0.0"), "MarkerCopied")}},
		},
		"another comment": {
			files: map[string]string{file: app("a", "1.0.0 # do not touch")}, pins: []Pin{pinOf("a")},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": {Finding: finding("ForeignMarker")}}},
		},
		"our own elsewhere in the file": {
			files: map[string]string{file: app("a", "1.0.0") + "---\n" + app("b", with("1.0.0", "a"))}, pins: []Pin{pinOf("a")},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": found(at(file, "1.0.0"), "MarkerCopied")}},
		},
	} {
		t.Run(name, tc.run)
	}
}

func TestLines(t *testing.T) {
	const file = "mc/a.yaml"
	line := func(version, reason string) batch.Line {
		l := batch.Line{File: file, Line: 8, Value: version}
		if reason != "" {
			l.Problem = finding(reason)
		}
		return l
	}
	for name, tc := range map[string]struct {
		files map[string]string
		pin   Pin
		want  batch.Line
	}{
		"as it should be": {map[string]string{file: app("a", with("1.0.0", "a"))}, pinOf("a"), line("1.0.0", "")},
		"no marker":       {map[string]string{file: app("a", "1.0.0")}, pinOf("a"), line("1.0.0", "MarkerMissing")},
		"another marker":  {map[string]string{file: app("a", with("1.0.0", "b"))}, pinOf("a"), line("1.0.0", "ForeignMarker")},
		"for more than the tag": {
			map[string]string{file: app("a", `1.0.0 # {"$imagepolicy": "org:pin.app.a"}`)}, pinOf("a"), line("1.0.0", "MarkerMissing"),
		},
		"copied in the file": {
			map[string]string{file: app("a", with("1.0.0", "a")) + "---\n" + app("b", with("1.0.0", "a"))}, pinOf("a"), line("1.0.0", "MarkerCopied"),
		},
		"copied in the folder": {
			map[string]string{file: app("a", with("1.0.0", "a")), "mc/sub/b.yaml": app("b", with("1.0.0", "a"))}, pinOf("a"), line("1.0.0", "MarkerCopied"),
		},
		"copied where Flux does not write": {
			map[string]string{file: app("a", with("1.0.0", "a")), "other/b.yaml": app("b", with("1.0.0", "a"))}, pinOf("a"), line("1.0.0", ""),
		},
		"a file that nobody can look into": {
			map[string]string{file: app("a", with("1.0.0", "a")), "mc/sub/huge.yaml": huge}, pinOf("a"), line("1.0.0", "TooLarge"),
		},
		"gone":              {map[string]string{}, pinOf("a"), batch.Line{Problem: finding("NotFound")}},
		"source is refused": {map[string]string{file: app("a", with("1.0.0", "a"))}, pinOf("a", refused), batch.Line{Problem: finding("SourceForbidden")}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := NewReader(mapFS(tc.files)).Lines("r1", []Pin{tc.pin})
			if err != nil {
				t.Fatal(err)
			}
			l := got.Lines[tc.pin.Key]
			if l.Problem != nil {
				t.Log(l.Problem.Message)
				l.Problem = finding(l.Problem.Reason)
			}
			if diff := cmp.Diff(tc.want, l); diff != "" || got.Revision != "r1" {
				t.Errorf("Lines at %s (-want +got):\n%s", got.Revision, diff)
			}
		})
	}
}
