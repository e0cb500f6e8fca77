package placement

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

const (
	baseFile  = "base/app.yaml"
	patchFile = "mc/a/version.yaml"
)

// ownLine is the shared base after a patch gave a-nginx a line of its own, line 8 of patchFile.
func ownLine(base, patch string) map[string]string {
	files := sharedBase(base)
	files["mc/a/kustomization.yaml"] += "patches:\n- path: version.yaml\n"
	files[patchFile] = app("nginx", patch)
	return files
}

func lacking(m pin.Memory) pin.Memory { return found(m, v1alpha1.MarkerMissingReason) }

// leftAt is a memory with a marker that stands astray.
func leftAt(file string, m pin.Memory) pin.Memory {
	m.Astray = file
	return m
}

// A patch gave a marked target a line of its own. Its marker follows by one commit, from the line that others have.
func TestMakeBringsMarkers(t *testing.T) {
	const a, b = "a-nginx", "b-nginx"
	marked := with("1.0.0", a)
	before := ownLine(marked, "1.0.0")
	inBase := remembering(placedAt(baseFile, "1.0.0"))
	seen := remembering(leftAt(baseFile, lacking(placedAt(patchFile, "1.0.0"))))
	moved := outcome{
		files:  map[string]string{baseFile: app("nginx", "1.0.0"), patchFile: app("nginx", marked)},
		placed: []string{"mc/a/version.yaml:8"}, removed: []string{"base/app.yaml:8"},
		memories: map[string]pin.Memory{"pin.app.a-nginx": markedAt(patchFile, "1.0.0")},
	}
	waiting := outcome{memories: map[string]pin.Memory{"pin.app.a-nginx": leftAt(baseFile, lacking(markedAt(patchFile, "1.0.0")))}}
	refusedThere := outcome{
		files: map[string]string{baseFile: app("nginx", "1.0.0")}, removed: []string{"base/app.yaml:8"},
		memories: map[string]pin.Memory{"pin.app.a-nginx": found(at(patchFile, "1.0.0"), "LineShared"), "pin.app.other": found(at(patchFile, "1.0.0"), "LineShared")},
	}
	byTwo := ownLine(marked, "1.0.0")
	byTwo["mc/c/kustomization.yaml"] = "resources: [../a/version.yaml]\nnamePrefix: c-\n"
	byTwo["mc/kustomization.yaml"] = "resources: [a, b, c]\n"
	byTwo["mc/a/kustomization.yaml"] = "resources: [version.yaml]\nnamePrefix: a-\n"
	oneFile := map[string]string{"mc/all.yaml": app("old", marked) + "---\n" + app(a, "1.0.0")}
	for name, tc := range map[string]makeCase{
		"at once":                     {files: before, pins: []Pin{pinOf(a, inBase)}, want: moved},
		"after the check saw it":      {files: before, pins: []Pin{pinOf(a, seen)}, want: moved},
		"not of a suspended policy":   {files: before, pins: []Pin{pinOf(a, inBase, suspended)}, want: waiting},
		"not by another key's commit": {files: before, pins: []Pin{pinOf(a, inBase, later)}, want: waiting},
		"not that of a human":         {files: before, pins: []Pin{pinOf(a, inBase, byHand)}, want: waiting},
		"a human moved it": {
			files: ownLine("1.0.0", marked), pins: []Pin{pinOf(a, seen)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a-nginx": markedAt(patchFile, "1.0.0")}},
		},
		"a human removed it there": {
			files: ownLine("1.0.0", "1.0.0"), pins: []Pin{pinOf(a, seen)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a-nginx": found(markedAt(patchFile, "1.0.0"), "MarkerMissing")}},
		},
		"the line is another target's then": {
			files: before, pins: []Pin{pinOf(a, inBase), pinOf(b, remembering(following(at(baseFile, "1.0.0"), a)))},
			want: outcome{
				files:  map[string]string{baseFile: app("nginx", with("1.0.0", b)), patchFile: app("nginx", marked)},
				placed: []string{"base/app.yaml:8", "mc/a/version.yaml:8"}, removed: []string{"base/app.yaml:8"},
				memories: map[string]pin.Memory{"pin.app.a-nginx": markedAt(patchFile, "1.0.0"), "pin.app.b-nginx": markedAt(baseFile, "1.0.0")},
			},
		},
		"to a line of somebody else's": {
			files: ownLine(marked, `1.0.0 # {"$imagepolicy": "flux-system:nginx:tag"}`), pins: []Pin{pinOf(a, inBase)},
			want: outcome{
				files: map[string]string{baseFile: app("nginx", "1.0.0")}, removed: []string{"base/app.yaml:8"},
				memories: map[string]pin.Memory{"pin.app.a-nginx": naming("flux-system/nginx", found(at(patchFile, "1.0.0"), "ForeignMarker"))},
			},
		},
		"to the line that another leads": {
			files: ownLine(marked, with("1.0.0", "c-nginx")), pins: []Pin{pinOf(a, inBase)}, others: []Pin{pinOf("c-nginx", policyTwo)},
			want: outcome{
				files: map[string]string{baseFile: app("nginx", "1.0.0")}, removed: []string{"base/app.yaml:8"},
				memories: map[string]pin.Memory{"pin.app.a-nginx": found(at(patchFile, "1.0.0"), "MarkerCopied")},
			},
		},
		"to a line that others share": {
			files: byTwo, pins: []Pin{pinOf(a, inBase)},
			want: outcome{
				files: refusedThere.files, removed: refusedThere.removed,
				memories: map[string]pin.Memory{"pin.app.a-nginx": refusedThere.memories["pin.app.a-nginx"]},
			},
		},
		"within a file": {
			files: oneFile, pins: []Pin{pinOf(a, remembering(placedAt("mc/all.yaml", "1.0.0")))},
			want: outcome{
				files:  map[string]string{"mc/all.yaml": app("old", "1.0.0") + "---\n" + app(a, marked)},
				placed: []string{"mc/all.yaml:17"}, removed: []string{"mc/all.yaml:8"},
				memories: map[string]pin.Memory{"pin.app.a-nginx": {File: "mc/all.yaml", Line: 17, Git: "1.0.0", Marked: true}},
			},
		},
		"leaves before it moved":       {files: before, pins: []Pin{pinOf(a, inBase, leaving)}, want: goneWith(map[string]string{baseFile: app("nginx", "1.0.0")}, baseFile)},
		"leaves after it was seen":     {files: before, pins: []Pin{pinOf(a, seen, leaving)}, want: goneWith(map[string]string{baseFile: app("nginx", "1.0.0")}, baseFile)},
		"leaves, and a human moved it": {files: ownLine("1.0.0", marked), pins: []Pin{pinOf(a, inBase, leaving)}, want: goneWith(map[string]string{patchFile: app("nginx", "1.0.0")}, patchFile)},
		"leaves, and a human copied it": {
			files: ownLine(marked, marked), pins: []Pin{pinOf(a, inBase, leaving)},
			want: goneWith(map[string]string{baseFile: app("nginx", "1.0.0"), patchFile: app("nginx", "1.0.0")}, baseFile, patchFile),
		},
	} {
		t.Run(name, tc.run)
	}
}

func goneWith(files map[string]string, from ...string) outcome {
	o := outcome{files: maps.Clone(files), gone: []string{"pin.app.a-nginx"}}
	for _, file := range from {
		o.removed = append(o.removed, file+":8")
	}
	return o
}

// The check before a batch is armed tells what is astray, so that the visit that follows brings it.
func TestLinesAstray(t *testing.T) {
	files := ownLine(with("1.0.0", "a-nginx"), "1.0.0")
	p := pinOf("a-nginx", remembering(placedAt(baseFile, "1.0.0")))
	for name, tc := range map[string]struct {
		change func(*Pin)
		says   string
	}{
		"managed":   {func(*Pin) {}, "the operator moves it with its next commit of markers"},
		"suspended": {suspended, "the operator moves it once the policy is not suspended"},
		"unmanaged": {byHand, "take it away there, and put this at the end of the line here: " + p.ref().Comment()},
	} {
		t.Run(name, func(t *testing.T) {
			p := p
			tc.change(&p)
			reading, err := NewReader(mapFS(files), nil).Lines("r1", []Pin{p})
			if err != nil {
				t.Fatal(err)
			}
			want := batch.Line{File: patchFile, Line: 8, Value: "1.0.0", Astray: baseFile, Problem: &pin.Finding{
				Reason: v1alpha1.MarkerMissingReason, Message: "mc/a/version.yaml:8 sets the version now, and the marker still stands at base/app.yaml:8; " + tc.says,
			}}
			if diff := cmp.Diff(want, reading.Lines[p.Key]); diff != "" {
				t.Errorf("Lines() (-want +got):\n%s", diff)
			}
		})
	}
}

// Nothing outside of the repository is looked at, whatever a memory says.
func TestAstrayOutside(t *testing.T) {
	for _, file := range []string{"../secret.yaml", "/etc/passwd", "mc/../../x.yaml", "mc", "mc/\x00.yaml", strings.Repeat("a", 10_000) + ".yaml"} {
		p := pinOf("a", remembering(leftAt(file, placedAt(file, "1.0.0"))))
		at, err := NewReader(mapFS(nil), nil).astray(p, markers.Location{File: "mc/a.yaml", Line: 8})
		if at != (place{}) || err != nil {
			t.Errorf("%.20q: %v, %v", file, at, err)
		}
	}
}

// A marker whose move could not be pushed is still where it was.
func TestUnpushed(t *testing.T) {
	files := ownLine(with("1.0.0", "a-nginx"), "1.0.0")
	for name, before := range map[string]pin.Memory{
		"seen now":    placedAt(baseFile, "1.0.0"),
		"seen before": leftAt(baseFile, lacking(placedAt(patchFile, "1.0.0"))),
	} {
		t.Run(name, func(t *testing.T) {
			p := pinOf("a-nginx", remembering(before))
			plan, err := Make(mapFS(files), "r1", []Pin{p}, known([]Pin{p}), nil, nil)
			if err != nil || len(plan.Placed) != 1 {
				t.Fatalf("Make() = %+v, %v", plan, err)
			}
			got := Unpushed(p, plan.Memories[p.Key])
			if !got.Marked || got.Astray != baseFile || got.File != patchFile {
				t.Errorf("Unpushed() = %+v", got)
			}
			waits := Unplaced(p, plan.Memories[p.Key], "main-markers", "main")
			if waits.Finding == nil || waits.Finding.Reason != v1alpha1.AwaitingMergeReason || waits.Astray != baseFile {
				t.Errorf("Unplaced() = %+v", waits)
			}
		})
	}
}
