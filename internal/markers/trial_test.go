package markers

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTryAgrees compares the one pass with what it stands for: where it is ok,
// the marker works and the file says the same when Flux has written it, and
// where these are so in a file of one document it is ok.
func TestTryAgrees(t *testing.T) {
	proven, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		content := (&writer{t: t}).file()
		f := parseFile("f.yaml", content, nil)
		if f.readable(content) != nil {
			return
		}
		for i := range uint(10) {
			at, _, ok := valueAt(content, i)
			if !ok {
				return
			}
			doc, s := f.find(at)
			ref := rapid.SampledFrom([]Ref{pin, {Namespace: "org-acme", Policy: "other"}}).Draw(t, "ref")
			tried, ok := doc.try("f.yaml", s, ref)
			if doc == nil { // the place is not found again
				if ok {
					t.Fatalf("tried: %v, at %+v of\n%s", ok, at, content)
				}
				continue
			}
			_, refusal := doc.markable("f.yaml", s, ref)
			alone := refusal == nil && sameAfterRewrite("f.yaml", content, func() *file { return f }) == nil
			if ok != alone && doc.whole || alone && !ok {
				t.Fatalf("tried: %v, asked alone: %v, at %+v of\n%s", ok, alone, at, content)
			}
			if !ok {
				refused++
				continue
			}
			proven++
			want, err := rewrite(content)
			if same := tried.with.text == string(tried.written); err != nil || doc.whole && same != bytes.Equal(content, want) {
				t.Fatalf("with the marker the layout stays: %v (%v)\n%s", same, err, content)
			}
		}
	})
	if proven == 0 || refused == 0 {
		t.Errorf("%d proven, %d refused: the files are too much alike", proven, refused)
	}
}

// largeFS refuses to open what is large, as a checkout does.
type largeFS struct{ fs.FS }

func (l largeFS) Open(name string) (fs.File, error) {
	if info, err := fs.Stat(l.FS, name); err == nil && info.Size() > 4*maxFileSize {
		return nil, errors.New("the file is larger than what is read")
	}
	return l.FS.Open(name)
}

func (l largeFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(l.FS, name) }

// TestWalkedFilesAreBounded: files that a walk comes by are not looked at
// before they are opened, and those that are too large are still Problems.
func TestWalkedFilesAreBounded(t *testing.T) {
	for name, size := range map[string]int{"large": maxFileSize + 1, "too large to open": 4*maxFileSize + 1} {
		t.Run(name, func(t *testing.T) {
			tree := largeFS{mapFS(files{"a.yaml": app("org", "one", "1.0.0"), "b.yaml": "# " + strings.Repeat("x", size), "c.yaml": app("org", "two", "2.0.0")})}
			index, err := NewIndex(tree, Source{})
			if err != nil {
				t.Fatal(err)
			}
			for app, version := range map[string]string{"one": "1.0.0", "two": "2.0.0"} {
				if at, err := index.Locate(target("org", app)); err != nil || at.Value != version {
					t.Errorf("%+v %v", at, err)
				}
			}
			if err := Scan(tree, ".", func(Found) error { return nil }); !hasReason(err, TooLarge) {
				t.Errorf("scanned: %v", err)
			}
		})
	}
}

// What Flux's library makes of empty metadata for its notes is not held against a marker.
func TestTryEmptyMetadata(t *testing.T) {
	for name, content := range map[string]string{
		"null, first":          "metadata: null\nversion: 1.4.2\n",
		"null, last":           "version: 1.4.2\nmetadata: ~\n",
		"empty":                "metadata: {}\nversion: 1.4.2\n",
		"annotations are null": "metadata:\n  annotations: null\n  name: a\nversion: 1.4.2\n",
		"none":                 "version: 1.4.2\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := parseFile("f.yaml", []byte(content), nil)
			above, _, _ := strings.Cut(content, "1.4.2")
			line := strings.Count(above, "\n") + 1
			doc, s := f.find(Location{File: "f.yaml", Line: line, Column: 10, Value: "1.4.2"})
			if _, ok := doc.try("f.yaml", s, pin); !ok {
				t.Errorf("not proven:\n%s", content)
			}
		})
	}
}
