package markers

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	benchFiles   = 10_000
	benchTargets = 1_000
)

// monorepo writes 100 MB in 10,000 YAML files to disk: every tenth is an App
// with a marker, the others are objects that are nobody's target.
func monorepo(b *testing.B) (root fs.FS, size int64) {
	b.Helper()
	dir := b.TempDir()
	var filler strings.Builder
	filler.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n")
	for i := 0; filler.Len() < 11<<10; i++ {
		fmt.Fprintf(&filler, "  key%d: some value of some length # and a note\n", i)
	}
	for i := range benchFiles {
		content := filler.String()
		if i%(benchFiles/benchTargets) == 0 {
			n := i / (benchFiles / benchTargets)
			content = strings.Replace(app("org", fmt.Sprintf("app-%d", n), "1.4.2"), "1.4.2",
				fmt.Sprintf("1.4.2 # {\"$imagepolicy\": \"org:pin.app.app-%d:tag\"}", n), 1)
		}
		name := filepath.Join(dir, fmt.Sprintf("team-%d", i%100), fmt.Sprintf("file-%d.yaml", i))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			b.Fatal(err)
		}
		size += int64(len(content))
	}
	return os.DirFS(dir), size
}

// BenchmarkMonorepo compares, over one tree: reading the files, finding all
// markers, the setter pass of kyaml that Flux makes, and locating 1,000 Apps.
func BenchmarkMonorepo(b *testing.B) {
	root, size := monorepo(b)
	run := func(name string, once func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				once(b)
			}
		})
	}
	run("read", func(b *testing.B) { eachFile(b, root, func([]byte) {}) })
	run("scan", func(b *testing.B) {
		n := 0
		if err := Scan(root, ".", func(Found) error { n++; return nil }); err != nil || n != benchTargets {
			b.Fatal(n, err)
		}
	})
	run("setter", func(b *testing.B) {
		eachFile(b, root, func(content []byte) {
			if _, _, err := setterPass(content, map[string]string{"org:pin.app.app-1:tag": "1.5.0"}); err != nil {
				b.Fatal(err)
			}
		})
	})
	run("locate", func(b *testing.B) {
		index, err := NewIndex(root, Source{})
		if err != nil {
			b.Fatal(err)
		}
		for i := range benchTargets {
			if at, err := index.Locate(target("org", fmt.Sprintf("app-%d", i))); err != nil || at.Marker == nil {
				b.Fatal(at, err)
			}
		}
	})
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
