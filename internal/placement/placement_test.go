package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// outcome is a plan as the tables write it: changed files, what pins remember, and what goes. Messages of findings are left out.
type outcome struct {
	files           map[string]string
	placed, removed []string
	adopted         []Adoption
	memories        map[string]pin.Memory
	gone            []string
}

func outcomeOf(plan Plan) outcome {
	o := outcome{files: map[string]string{}, placed: plan.Placed, removed: plan.Removed, adopted: plan.Adopted, memories: map[string]pin.Memory{}}
	for name, content := range plan.Files {
		o.files[name] = string(content)
	}
	for key, m := range plan.Memories {
		if m.Finding != nil {
			m.Finding = &pin.Finding{Reason: m.Finding.Reason}
		}
		m.Revision, m.ForeignSeen = "", ""
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
	// applied are the Kustomizations of the cluster.
	applied []markers.Source
	// foreign are ImagePolicies of others.
	foreign map[batch.Key]ForeignPolicy
	want    outcome
}

func (tc makeCase) run(t *testing.T) {
	t.Helper()
	policies := known(append(append([]Pin{}, tc.pins...), tc.others...))
	plan, err := Make(mapFS(tc.files), "r1", tc.pins, policies, tc.applied, tc.foreign)
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
		"a human removed the marker, and asked to go on": {
			files: plain, pins: []Pin{pinOf("a", remembering(at(file, "1.0.0")))},
			want: outcome{files: marked, placed: []string{"mc/a.yaml:8"}, memories: one},
		},
		"a human removed the marker that is a human's": {
			files: plain, pins: []Pin{pinOf("a", byHand, remembering(placedAt(file, "1.0.0")))},
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
