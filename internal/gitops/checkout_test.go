package gitops

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// remoteWith makes the Remote of a GitRepository with a Secret of data; nil means without one.
func remoteWith(t testing.TB, url string, data map[string][]byte) Remote {
	t.Helper()
	repo := &sourcev1.GitRepository{
		ObjectMeta: metav1.ObjectMeta{Namespace: "flux-system", Name: "gitops"},
		Spec:       sourcev1.GitRepositorySpec{URL: url, Reference: &sourcev1.GitRepositoryRef{Branch: "main"}},
	}
	builder := fake.NewClientBuilder()
	if data != nil {
		repo.Spec.SecretRef = &meta.LocalObjectReference{Name: "auth"}
		builder.WithObjects(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "flux-system", Name: "auth"}, Data: data})
	}
	remote, err := RemoteOf(t.Context(), builder.Build(), nil, repo)
	if err != nil {
		t.Fatal(err)
	}
	return remote
}

// newTestClient is a Client whose clones are in a directory that must be empty at the end.
func newTestClient(t *testing.T, opts Options) *Client {
	t.Helper()
	opts.Dir = t.TempDir()
	opts.Backoff = time.Millisecond
	t.Cleanup(func() { checkEmpty(t, opts.Dir) })
	return New(opts)
}

// checkEmpty gives an operation that was cut short the time to clean up after itself.
func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	var left []os.DirEntry
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var err error
		if left, err = os.ReadDir(dir); err != nil {
			t.Error(err)
			return
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("clones left behind: %v", left)
}

func clone(t *testing.T, c *Client, remote Remote) *Checkout {
	t.Helper()
	checkout, err := c.Clone(t.Context(), remote)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := checkout.Close(); err != nil {
			t.Error(err)
		}
	})
	return checkout
}

func TestCloneReadsTheBranch(t *testing.T) {
	files := map[string]string{
		"README.md":               "hello\n",
		"apps/prod/hello.yaml":    "version: 1.0.0\n",
		"apps/prod/hello-b.yaml":  "version: 1.0.0\r\n",
		"apps/prod-b/hello.yaml":  "",
		"apps/prod.yaml":          "x: y\n",
		".github/workflows/a.yml": "on: push\n",
	}
	s := newHTTPServer(t, files)
	first := s.head()
	head := s.commit("Second commit\n\nwith a body", map[string]string{"README.md": "bye\n"})
	files["README.md"] = "bye\n"
	c := newTestClient(t, Options{})
	checkout := clone(t, c, s.remote())

	if err := fstest.TestFS(checkout.FS(), "README.md", "apps/prod/hello.yaml", ".github/workflows/a.yml"); err != nil {
		t.Error(err)
	}
	got := map[string]string{}
	err := fs.WalkDir(checkout.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(checkout.FS(), path)
		got[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, got); diff != "" {
		t.Errorf("files differ (-want +got):\n%s", diff)
	}
	commit := checkout.Head()
	if time.Since(commit.When) > time.Hour {
		t.Errorf("head is of %v", commit.When)
	}
	commit.When = time.Time{}
	want := Commit{Hash: head, Parents: []string{first}, Message: "Second commit\n\nwith a body\n", Author: Author{"Human", "human@example.com"}}
	if diff := cmp.Diff(want, commit); diff != "" {
		t.Errorf("head differs (-want +got):\n%s", diff)
	}
}

func TestReadAfterClose(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: b\n"})
	checkout := clone(t, newTestClient(t, Options{}), s.remote())
	for range 2 {
		if err := checkout.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := fs.ReadFile(checkout.FS(), "a.yaml"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("read after close: %v, want %v", err, fs.ErrClosed)
	}
}

func TestNothingOutsideTheRepositoryIsRead(t *testing.T) {
	s := newHTTPServer(t, map[string]string{
		"apps/real.yaml": "version: 1.0.0\n",
		"apps/file.yaml": "-> /etc/passwd",
		"apps/near.yaml": "-> real.yaml",
		"etc":            "-> /etc",
		"up":             "-> ../../..",
	})
	checkout := clone(t, newTestClient(t, Options{}), s.remote())
	var listed []string
	if err := fs.WalkDir(checkout.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		listed = append(listed, path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{".", "apps", "apps/real.yaml"}; !slices.Equal(listed, want) {
		t.Errorf("listed %v, want %v", listed, want)
	}
	for name, want := range map[string]error{
		"apps/file.yaml":           fs.ErrNotExist,
		"apps/near.yaml":           fs.ErrNotExist,
		"etc":                      fs.ErrNotExist,
		"etc/passwd":               fs.ErrNotExist,
		"up/etc/passwd":            fs.ErrNotExist,
		"../../../etc/passwd":      fs.ErrInvalid,
		"apps/../../etc/passwd":    fs.ErrInvalid,
		"/etc/passwd":              fs.ErrInvalid,
		".git/config":              fs.ErrNotExist,
		"config":                   fs.ErrNotExist,
		"apps//real.yaml":          fs.ErrInvalid,
		"apps/real.yaml/../x.yaml": fs.ErrInvalid,
	} {
		if _, err := fs.ReadFile(checkout.FS(), name); !errors.Is(err, want) {
			t.Errorf("ReadFile(%q) = %v, want %v", name, err, want)
		}
		if _, err := fs.Stat(checkout.FS(), name); !errors.Is(err, want) {
			t.Errorf("Stat(%q) = %v, want %v", name, err, want)
		}
		if _, err := fs.ReadDir(checkout.FS(), name); err == nil {
			t.Errorf("ReadDir(%q) worked", name)
		}
	}
}

func TestLimits(t *testing.T) {
	files := map[string]string{"big.yaml": fmt.Sprintf("%01000d", 7)}
	for i := range 50 {
		files[fmt.Sprintf("dir/%d.yaml", i)] = fmt.Sprintf("a: %d\n", i)
	}
	s := newHTTPServer(t, files)
	tests := map[string]struct {
		opts Options
		want Reason
	}{
		"within":    {Options{MaxFiles: 52, MaxBytes: 1 << 20}, ""},
		"one file":  {Options{MaxFiles: 51}, ReasonTooLarge},
		"many byte": {Options{MaxBytes: 500}, ReasonTooLarge},
		"big file":  {Options{MaxObjectBytes: 999}, ReasonTooLarge},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			checkout, err := newTestClient(t, tt.opts).Clone(t.Context(), s.remote())
			if ReasonOf(err) != tt.want {
				t.Errorf("Clone() = %v, want reason %q", err, tt.want)
			}
			if err == nil {
				err = checkout.Close()
			}
			if tt.want == "" && err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("a single file", func(t *testing.T) {
		checkout := clone(t, newTestClient(t, Options{MaxFileBytes: 999}), s.remote())
		if _, err := fs.ReadFile(checkout.FS(), "big.yaml"); !errors.Is(err, errFileTooLarge) {
			t.Errorf("ReadFile() = %v, want %v", err, errFileTooLarge)
		}
		if _, err := fs.ReadFile(checkout.FS(), "dir/7.yaml"); err != nil {
			t.Error(err)
		}
	})
}

func TestRemoveLeftovers(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{clonePrefix + "1/objects", "other"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := New(Options{Dir: dir}).RemoveLeftovers(); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if want := []string{filepath.Join(dir, "other")}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left %v, %v, want %v", left, err, want)
	}
}

func TestCancelled(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "1\n"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newTestClient(t, Options{}).Clone(ctx, s.remote())
	if ReasonOf(err) != ReasonCanceled || !errors.Is(err, context.Canceled) {
		t.Errorf("Clone() = %v, want reason %s", err, ReasonCanceled)
	}
}
