package placement

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// drawn is a repository with pins. Some files hold several Apps, some Apps share a line, some lines have markers already.
type drawn struct {
	files map[string]string
	pins  []Pin
}

func drawRepository(t *rapid.T) drawn {
	d := drawn{files: map[string]string{}}
	documents := map[string][]string{}
	for i := range rapid.IntRange(0, 6).Draw(t, "apps") {
		name := fmt.Sprintf("app%d", i)
		file := rapid.SampledFrom([]string{"mc/a.yaml", "mc/b.yaml", "mc/sub/c.yaml"}).Draw(t, "file")
		version := rapid.SampledFrom([]string{"1.0.0", `"1.0.0"`, "v1.2.3", `"" `, "1.0.0   "}).Draw(t, "version")
		switch rapid.IntRange(0, 7).Draw(t, "marker") {
		case 0:
			version = with(version, name)
		case 1:
			version = with(version, "app0")
		case 2:
			version += ` # {"$imagepolicy": "flux-system:other:tag"}`
		case 3:
			version += " # keep"
		}
		documents[file] = append(documents[file], app(name, version))
		d.pins = append(d.pins, pinOf(name, drawPin(t)))
	}
	for file, texts := range documents {
		d.files[file] = strings.Join(texts, "---\n")
	}
	if rapid.Bool().Draw(t, "shared line") {
		for file, text := range sharedBase("1.0.0") {
			d.files[file] = text
		}
		d.files["mc/kustomization.yaml"] = kustomization(documents)
		d.pins = append(d.pins, pinOf("a-nginx", drawPin(t)), pinOf("b-nginx", drawPin(t)))
	}
	if rapid.Bool().Draw(t, "CRLF") {
		for file, text := range d.files {
			d.files[file] = strings.ReplaceAll(text, "\n", "\r\n")
		}
	}
	return d
}

// kustomization names the overlays and the files, so that all of them are built.
func kustomization(documents map[string][]string) string {
	text := "resources:\n- a\n- b\n"
	for file := range documents {
		text += "- " + strings.TrimPrefix(file, "mc/") + "\n"
	}
	return text
}

func drawPin(t *rapid.T) func(*Pin) {
	return func(p *Pin) {
		p.Suspended = rapid.IntRange(0, 5).Draw(t, "suspended") == 0
		p.Decided = rapid.IntRange(0, 5).Draw(t, "undecided") > 0
		if rapid.IntRange(0, 3).Draw(t, "policy") == 0 {
			policyTwo(p)
		}
		p.Intent.Wave = rapid.SampledFrom([]string{"", "", "", "canary"}).Draw(t, "wave")
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			byHand(p)
		case 1:
			refused(p)
		case 2:
			p.Foreign = "theirs"
		}
	}
}

func makes(t *rapid.T, files map[string]string, pins []Pin, revision string) Plan {
	plan, err := Make(mapFS(files), revision, pins, known(pins), nil, nil)
	if err != nil {
		t.Fatalf("Make: %v\n%v", err, files)
	}
	return plan
}

// A plan that came true has nothing left to do, and remembers the same.
func TestMakeIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawRepository(t)
		first := makes(t, d.files, d.pins, "r1")
		after := apply(d.files, first)
		second := makes(t, after, next(d.pins, first), "r1")
		if len(second.Files)+len(second.Placed)+len(second.Removed)+len(second.Gone) > 0 {
			t.Fatalf("planning again changes %v, places %v, removes %v\n%v", second.Files, second.Placed, second.Removed, after)
		}
		if diff := cmp.Diff(first.Memories, second.Memories); diff != "" {
			t.Fatalf("memories differ (-first +second):\n%s\n%v", diff, after)
		}
	})
}

// What is placed can be taken away again without a trace; only lines with a version change, and by a marker only.
func TestPlacingAndRemoving(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawRepository(t)
		placed := makes(t, d.files, d.pins, "r1")
		if len(placed.Removed) > 0 {
			return // a shared line lost the marker that it had
		}
		after := apply(d.files, placed)
		assertMarkersOnly(t, d.files, after)
		leavers := next(d.pins, placed)
		for i := range leavers {
			leavers[i].Intent.Remove, leavers[i].Decided = true, true
		}
		removed := makes(t, after, leavers, "r2")
		if len(removed.Placed) > 0 || len(removed.Gone) != len(leavers) {
			t.Fatalf("removing places %v, and lets %v go", removed.Placed, removed.Gone)
		}
		if diff := cmp.Diff(withoutOurs(d), apply(after, removed)); diff != "" {
			t.Fatalf("placed and removed (-before +after):\n%s", diff)
		}
	})
}

// assertMarkersOnly: every line is as it was, or has one of our markers at its end now.
func assertMarkersOnly(t *rapid.T, before, after map[string]string) {
	for file, text := range after {
		lines, old := strings.Split(text, "\n"), strings.Split(before[file], "\n")
		if len(lines) != len(old) {
			t.Fatalf("%s has %d lines, had %d", file, len(lines), len(old))
		}
		for i, line := range lines {
			rest, isLonger := strings.CutPrefix(strings.TrimSuffix(line, "\r"), strings.TrimSuffix(old[i], "\r"))
			if !isLonger || rest != "" && !strings.HasPrefix(rest, ` # {"$imagepolicy": "org:pin.app.`) {
				t.Fatalf("%s:%d is %q, was %q", file, i+1, line, old[i])
			}
		}
	}
}

// withoutOurs are the files without the markers that stood there and that a leaving pin takes along.
func withoutOurs(d drawn) map[string]string {
	files := maps.Clone(d.files)
	index, err := markers.NewIndex(mapFS(d.files), markers.Source{Path: "mc"})
	if err != nil {
		return files
	}
	for _, p := range d.pins {
		location, err := index.Locate(target(p.Intent.Target))
		if err != nil || p.Intent.Unmanaged || p.Refused {
			continue
		}
		if without, removed, err := markers.Remove([]byte(files[location.File]), p.ref()); err == nil && removed {
			files[location.File] = string(without)
		}
	}
	return files
}

// Whatever a memory says, planning does not fail, and files outside of what was read do not change.
func TestMakeTrustsNoMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := map[string]string{"mc/a.yaml": app("a", with("1.0.0", "a")), "mc/b.yaml": app("b", "1.0.0")}
		m := pin.Memory{
			File: rapid.OneOf(rapid.String(), rapid.StringMatching(`(\.\./|/|mc/|a\.yaml/?|\.git/)*`), rapid.SampledFrom([]string{"mc/b.yaml", "mc"})).Draw(t, "file"),
			Line: rapid.Int().Draw(t, "line"), Git: rapid.String().Draw(t, "git"), Marked: rapid.Bool().Draw(t, "marked"),
			Leader: rapid.SampledFrom([]string{"", "pin.app.a", "pin.app.gone"}).Draw(t, "leader"),
		}
		p := pinOf("a", remembering(m))
		p.Intent.Remove = rapid.Bool().Draw(t, "remove")
		after := apply(files, makes(t, files, []Pin{p}, "r1"))
		if p.Intent.Remove {
			files["mc/a.yaml"] = app("a", "1.0.0")
		}
		if diff := cmp.Diff(files, after); diff != "" {
			t.Fatalf("files (-want +got):\n%s", diff)
		}
	})
}
