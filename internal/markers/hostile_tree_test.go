package markers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/message"
)

// maxHostile bounds, in bytes, what a hostile repository may cost all in all;
// most of it is garbage at once. The largest need 1 GiB, and what is quadratic
// tens of it.
const maxHostile = 4 << 30

// costs reports what a call took, and fails if it allocated too much.
func costs(t *testing.T, call func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	call()
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	t.Logf("%v, %d MB", time.Since(start).Round(time.Millisecond), allocated>>20)
	if allocated > maxHostile {
		t.Errorf("%d MB were allocated", allocated>>20)
	}
}

func link(target string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
}

// lines repeats a line up to a length in bytes.
func lines(line string, length int) string { return strings.Repeat(line, length/len(line)) }

const megabyte = 1 << 20

// TestHostileTrees locates an App among what is meant to keep that from
// working, or to make it expensive. A reason is that of a Problem which names
// what is wrong; "" means that the App is found all the same.
func TestHostileTrees(t *testing.T) {
	nginx := app("org", "nginx", "1.4.2")
	manyApps := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(app("org", fmt.Sprintf("app-%d", i), "1.0.0") + "---\n")
		}
		return b.String()
	}
	patches := func(n int, entry string) string { return "patches:\n" + strings.Repeat(entry, n) }
	for name, tc := range map[string]struct {
		files  map[string]string
		links  map[string]string
		reason string
		// says is a part of the message.
		says string
	}{
		"absolute link": {
			files: map[string]string{"mc/kustomization.yaml": resources("app.yaml")}, links: map[string]string{"mc/app.yaml": "/etc/app.yaml"},
			reason: NotFound, says: "mc/app.yaml: this is a symbolic link",
		},
		"relative link": {
			files: map[string]string{"mc/kustomization.yaml": resources("app.yaml"), "app.yaml": nginx}, links: map[string]string{"mc/app.yaml": "../app.yaml"},
			reason: NotFound, says: "mc/app.yaml: this is a symbolic link",
		},
		"chain of links": {
			links:  map[string]string{"mc/app.yaml": "b.yaml", "mc/b.yaml": "mc/app.yaml"},
			files:  map[string]string{"mc/kustomization.yaml": resources("app.yaml")},
			reason: NotFound, says: "mc/app.yaml: this is a symbolic link",
		},
		"linked kustomization": {
			files: map[string]string{"mc/app.yaml": nginx}, links: map[string]string{"mc/kustomization.yaml": "/proc/self/environ"},
			reason: OutsideRepository, says: "mc/kustomization.yaml: this is a symbolic link",
		},
		"linked folder": {
			files: map[string]string{"real/app.yaml": nginx}, links: map[string]string{"mc": "real"},
			reason: OutsideRepository, says: "mc: this is a symbolic link",
		},
		"resources outside": {
			files:  map[string]string{"mc/kustomization.yaml": resources("../../../etc/passwd", "/etc/passwd", "..")},
			reason: NotFound, says: "leads out of the repository",
		},
		"patches and components outside": {
			files: map[string]string{"mc/kustomization.yaml": resources("app.yaml") + "components: [../../x, /y]\n" +
				"patches:\n- path: ../../patch.yaml\npatchesStrategicMerge: [/p.yaml]\nreplacements:\n- path: ../../r.yaml\n", "mc/app.yaml": nginx},
			reason: NotMarkable, says: "mc/kustomization.yaml: the patch ../../patch.yaml cannot be read here",
		},
		"kustomizations in a circle": {
			files: map[string]string{"mc/kustomization.yaml": resources("app.yaml", "../a", "."), "a/kustomization.yaml": resources("../mc"), "mc/app.yaml": nginx},
		},
		"LFS pointer": {
			files: map[string]string{
				"mc/kustomization.yaml": resources("app.yaml"),
				"mc/app.yaml":           "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
			},
			reason: NotFound, says: "mc/app.yaml: the file is kept in Git LFS",
		},
		"LFS kustomization": {
			files:  map[string]string{"mc/kustomization.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"},
			reason: Unreadable, says: "mc/kustomization.yaml: the file is kept in Git LFS",
		},
		"a large kustomization": {
			files:  map[string]string{"mc/kustomization.yaml": resources("app.yaml") + lines("# text\n", megabyte), "mc/app.yaml": nginx},
			reason: TooLarge, says: "the kustomization has more than 1 MiB",
		},
		"name with a newline": {
			files:  map[string]string{"mc/a\nb.yaml": nginx},
			reason: NotMarkable, says: "mc/a?b.yaml: ",
		},
		"names that differ in case": {files: map[string]string{"mc/app.yaml": nginx, "mc/APP.yaml": app("org", "other", "1.0.0"), "MC/app.yaml": nginx}},
		"aliases of a long text": {
			files:  map[string]string{"mc/kustomization.yaml": "namePrefix: &a " + lines("x", megabyte/3) + "\nresources:\n" + lines("- *a\n", megabyte/3)},
			reason: TooLarge, says: "the aliases of this file stand for more than 16 MiB",
		},
		"aliases of aliases": {
			files: map[string]string{"mc/kustomization.yaml": bomb()}, reason: TooLarge, says: "the aliases of this file",
		},
		"many patches on many objects": {
			files: map[string]string{"mc/kustomization.yaml": resources("apps.yaml") + patches(20_000, "- path: p.yaml\n  target: {kind: App}\n"),
				"mc/apps.yaml": manyApps(9_000), "mc/p.yaml": nginx},
			reason: TooLarge, says: "too many patches",
		},
		"many patches of a large file": {
			files: map[string]string{"mc/kustomization.yaml": resources("app.yaml") + patches(50_000, "- path: p.yaml\n"),
				"mc/app.yaml": nginx, "mc/p.yaml": nginx + lines("# text\n", 3*megabyte)},
			reason: TooLarge, says: "too many patches",
		},
		"patterns that count": {
			files:  map[string]string{"mc/kustomization.yaml": resources("app.yaml") + patches(15_000, `- target: {name: "(ab){1000}"}`+"\n  patch: '{}'\n"), "mc/app.yaml": nginx},
			reason: TooLarge, says: "too many patches",
		},
		"a long pattern": {
			files: map[string]string{"mc/kustomization.yaml": resources("app.yaml") + patches(1, "- path: p.yaml\n  target: {name: "+lines("(a|b)*", megabyte/2)+"}\n"),
				"mc/app.yaml": nginx, "mc/p.yaml": nginx},
		},
		"a long prefix": {
			files:  map[string]string{"mc/kustomization.yaml": resources("apps.yaml") + "namePrefix: " + lines("x", megabyte-100) + "\n", "mc/apps.yaml": manyApps(9_000)},
			reason: NotFound,
		},
		"many labels": {
			files:  map[string]string{"mc/kustomization.yaml": resources("apps.yaml") + "commonLabels:\n" + numbered("  l%d: x\n", 50_000), "mc/apps.yaml": manyApps(9_000)},
			reason: TooLarge, says: "too many patches and labels",
		},
		"one file many times": {
			files:  map[string]string{"mc/kustomization.yaml": "resources:\n" + lines("- other.yaml\n", megabyte-100), "mc/other.yaml": strings.ReplaceAll(manyApps(5_000), "application.", "other.")},
			reason: TooLarge, says: "too many patches",
		},
		"messages that quote": {
			files:  map[string]string{"mc/kustomization.yaml": resources("../../" + lines("x", megabyte/2))},
			reason: NotFound, says: "leads out of the repository",
		},
		"unknown variables": {files: map[string]string{"mc/app.yaml": nginx + "---\n" + app("org", lines("${x}", 3*megabyte), "1.0.0")}},
		"deep and wide":     {files: map[string]string{"mc/bad.yaml": "kind: App\n" + deepAndWide(), "mc/app.yaml": nginx}},
	} {
		t.Run(name, func(t *testing.T) {
			files := mapFS(tc.files)
			for at, to := range tc.links {
				files[at] = link(to)
			}
			costs(t, func() {
				source := Source{Path: "mc", Substitute: map[string]string{"x": lines("y", megabyte)}}
				at, err := Locate(files, source, target("org", "nginx"))
				if tc.reason == "" {
					if err != nil || at.Value != "1.4.2" {
						t.Errorf("%+v %v", at, err)
					}
					return
				}
				var p *Problem
				if !errors.As(err, &p) || p.Reason != tc.reason || !strings.Contains(p.Message, tc.says) || len(p.Message) > 4*message.MaxBrief {
					t.Errorf("%s, want %s with %q", brief(fmt.Sprint(err)), tc.reason, tc.says)
				}
			})
		})
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// deepAndWide has a million values ten thousand levels down.
func deepAndWide() string {
	return "a: " + strings.Repeat("[", 9_000) + strings.Repeat("1,", megabyte/2) + strings.Repeat("]", 9_000) + "\n"
}

// TestHostileMarkers removes and places markers in files of the largest size
// that is read.
func TestHostileMarkers(t *testing.T) {
	value := "version: 1.4.2\n"
	for name, text := range map[string]string{
		"many markers":             lines("- 1"+pinComment+"\n", 3*megabyte),
		"many markers, odd lines":  "a: 1\r\n" + lines("\r- 1"+pinComment+"\n", 3*megabyte),
		"a marker below long text": `a: "` + lines("\n", 3*megabyte) + `"` + pinComment + "\n",
		"deep and wide":            deepAndWide() + "b: 1" + pinComment + "\n",
		"many keys":                numbered("k%d: 1"+pinComment+"\n", 40_000),
		"many documents":           lines("a: 1"+pinComment+"\n---\n", 400_000),
		"comments":                 lines("# c\n", 3*megabyte) + "b: 1" + pinComment + "\n",
		"many line comments":       lines("- 1 # c\n", 2*megabyte),
	} {
		t.Run(name, func(t *testing.T) {
			costs(t, func() {
				if _, _, err := Remove([]byte(text), pin); err != nil {
					t.Error(err)
				}
			})
			costs(t, func() {
				_, err := Place([]byte(value+"---\n"+text), Location{File: "f.yaml", Line: 1, Value: "1.4.2"}, pin)
				if p := (*Problem)(nil); err != nil && !errors.As(err, &p) {
					t.Error(err)
				}
			})
		})
	}
}

// endless is a tree with one file that never ends.
type endless struct{ fstest.MapFS }

func (e endless) Open(name string) (fs.File, error) {
	f, err := e.MapFS.Open(name)
	if err != nil || name != "mc/endless.yaml" {
		return f, err
	}
	return endlessFile{f}, nil
}

type endlessFile struct{ fs.File }

func (endlessFile) Read(p []byte) (int, error) { clear(p); return len(p), nil }

var _ io.Reader = endlessFile{}

// TestHostileSizes has a file that is far larger than it says, and one that
// says so: neither is read whole.
func TestHostileSizes(t *testing.T) {
	files := mapFS(map[string]string{"mc/endless.yaml": "App", "mc/app.yaml": app("org", "nginx", "1.4.2")})
	costs(t, func() {
		if at, err := Locate(endless{files}, Source{Path: "mc"}, target("org", "nginx")); err != nil || at.Value != "1.4.2" {
			t.Errorf("%+v %v", at, err)
		}
		var p *Problem
		if err := Scan(endless{files}, ".", func(Found) error { return nil }); !errors.As(err, &p) || p.Reason != TooLarge || p.File != "mc/endless.yaml" {
			t.Error(err)
		}
		if _, err := Read(endless{files}, "mc/endless.yaml", pin); !errors.As(err, &p) || p.Reason != TooLarge {
			t.Error(err)
		}
	})
}
