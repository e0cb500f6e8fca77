package markers

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"syscall"
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/setters"
)

const benchTargets = 1_000

// monorepo writes files of 10 KB to disk: 1,000 are Apps, with a marker or
// without, the others are objects that are nobody's target.
func monorepo(b *testing.B, files int, marked bool) (dir string) {
	b.Helper()
	dir = b.TempDir()
	var filler strings.Builder
	filler.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n")
	for i := 0; filler.Len() < 11<<10; i++ {
		fmt.Fprintf(&filler, "  key%d: some value of some length # and a note\n", i)
	}
	for i := range files {
		content := filler.String()
		if i%(files/benchTargets) == 0 {
			n := i / (files / benchTargets)
			content = app("org", fmt.Sprintf("app-%d", n), "1.4.2")
			if marked {
				content = strings.Replace(content, "1.4.2", fmt.Sprintf("1.4.2 # {\"$imagepolicy\": \"org:pin.app.app-%d:tag\"}", n), 1)
			}
		}
		name := filepath.Join(dir, fmt.Sprintf("team-%d", i%100), fmt.Sprintf("file-%d.yaml", i))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// BenchmarkMonorepo compares, over one tree of about 100 MB in 10,000 files:
// reading the files, finding all markers, locating 1,000 Apps, and the pass
// that Flux makes with kyaml. The tree of 20 MB shows that memory grows with
// the targets and not with the tree: live-MB is what an index of all targets
// keeps, peak-MB the most that the heap had while it was made.
func BenchmarkMonorepo(b *testing.B) {
	for _, files := range []int{2_000, 10_000} {
		for _, marked := range []bool{true, false} {
			b.Run(fmt.Sprintf("files=%d/marked=%v", files, marked), func(b *testing.B) {
				compare(b, monorepo(b, files, marked), marked)
			})
		}
	}
}

func compare(b *testing.B, dir string, marked bool) {
	root := os.DirFS(dir)
	peak, live := heapOf(b, root, marked)
	read, scan, locate, setter := fastest(time.Hour), fastest(time.Hour), fastest(time.Hour), fastest(time.Hour)
	for b.Loop() {
		read.time(func() { eachFile(b, root, func([]byte) {}) })
		scan.time(func() { scanAll(b, root, marked) })
		locate.time(func() { locateAll(b, root, marked) })
		setter.time(func() { setAllFiles(b, dir) })
	}
	b.ReportMetric(float64(scan)/float64(read), "scan/read")
	b.ReportMetric(float64(locate)/float64(read), "locate/read")
	if marked { // without markers Flux parses nothing
		b.ReportMetric(float64(setter)/float64(locate), "setter/locate")
	}
	b.ReportMetric(float64(read)/1e6, "read-ms")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
	b.ReportMetric(float64(live)/(1<<20), "live-MB")
}

// fastest is the least processor time of several rounds: others may use the
// machine too.
type fastest time.Duration

func (f *fastest) time(call func()) {
	runtime.GC() // what the others left
	before := processorTime()
	call()
	*f = min(*f, fastest(processorTime()-before))
}

func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func scanAll(b *testing.B, root fs.FS, marked bool) {
	n, want := 0, 0
	if marked {
		want = benchTargets
	}
	if err := Scan(root, ".", func(Found) error { n++; return nil }); err != nil || n != want {
		b.Fatal(n, err)
	}
}

func locateAll(b *testing.B, root fs.FS, marked bool) *Index {
	index, err := NewIndex(root, Source{})
	if err != nil {
		b.Fatal(err)
	}
	for i := range benchTargets {
		if at, err := index.Locate(target("org", fmt.Sprintf("app-%d", i))); err != nil || (at.Marker != nil) != marked {
			b.Fatal(at, err)
		}
	}
	return index
}

// heapOf is what the heap has at most while all are located, and what it keeps
// of that. It is not part of what is timed, since looking costs time as well.
func heapOf(b *testing.B, root fs.FS, marked bool) (peak, live int64) {
	runtime.GC()
	before := heapBytes()
	heap := &heapFS{FS: root}
	index := locateAll(b, heap, marked)
	runtime.GC()
	live = heapBytes() - before
	runtime.KeepAlive(index)
	return heap.peak, live
}

// setAllFiles is Flux's pass; the tag is the one that the files have.
func setAllFiles(b *testing.B, dir string) {
	policies := make([]imagev1.ImagePolicy, benchTargets)
	for i := range policies {
		policies[i].ObjectMeta = metav1.ObjectMeta{Namespace: "org", Name: fmt.Sprintf("pin.app.app-%d", i)}
		policies[i].Status.LatestRef = &imagev1.ImageRef{Name: "registry.example.com/chart", Tag: "1.4.2"}
	}
	if _, err := setters.Apply(dir, policies); err != nil {
		b.Fatal(err)
	}
}

// heapFS looks at the heap whenever a file is opened.
type heapFS struct {
	fs.FS
	peak int64
}

func (h *heapFS) Open(name string) (fs.File, error) {
	h.peak = max(h.peak, heapBytes())
	return h.FS.Open(name)
}

func (h *heapFS) Lstat(name string) (fs.FileInfo, error)     { return fs.Lstat(h.FS, name) }
func (h *heapFS) ReadLink(name string) (string, error)       { return fs.ReadLink(h.FS, name) }
func (h *heapFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(h.FS, name) }

// heapBytes is what objects take that are in use or not yet swept.
func heapBytes() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

func eachFile(b *testing.B, root fs.FS, visit func([]byte)) {
	b.Helper()
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(root, name)
		visit(content)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}
