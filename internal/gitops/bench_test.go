package gitops

import (
	"fmt"
	"io/fs"
	"testing"
)

// benchServer holds n files of the size of an App in 50 directories.
func benchServer(b *testing.B, n int) *server {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("clusters/c%d/apps/app-%d.yaml", i%50, i)] = fmt.Sprintf("%s  name: app-%d\nspec:\n  version: 1.0.0\n", benchApp, i)
	}
	return newHTTPServer(b, files)
}

const benchApp = `apiVersion: application.giantswarm.io/v1alpha1
kind: App
metadata:
  labels:
    app-operator.giantswarm.io/version: 0.0.0
  namespace: org-example
`

func BenchmarkCloneAndReadAll(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		s := benchServer(b, n)
		remote := s.remote()
		c := New(Options{Dir: b.TempDir()})
		b.Run(fmt.Sprintf("%d files", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				checkout, err := c.Clone(b.Context(), remote)
				if err != nil {
					b.Fatal(err)
				}
				if err := readAll(checkout.FS()); err != nil {
					b.Fatal(err)
				}
				if err := checkout.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUpdate changes files in a repository of 10,000; the time should follow the files, not their square.
func BenchmarkUpdate(b *testing.B) {
	s := benchServer(b, 10_000)
	remote := s.remote()
	c := New(Options{Dir: b.TempDir()})
	round := 0
	for _, n := range []int{1, 100, 1_000} {
		b.Run(fmt.Sprintf("%d files", n), func(b *testing.B) {
			for b.Loop() {
				round++
				change := Change{Message: "Benchmark", Files: map[string][]byte{}}
				for i := range n {
					change.Files[fmt.Sprintf("clusters/c%d/apps/app-%d.yaml", i%50, i)] = fmt.Appendf(nil, "%d %d", round, i)
				}
				if _, err := c.Update(b.Context(), remote, operator, func(*Checkout) (Change, error) { return change, nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func readAll(files fs.FS) error {
	return fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		_, err = fs.ReadFile(files, path)
		return err
	})
}
