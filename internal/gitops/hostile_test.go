package gitops

import (
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// imported makes a server whose branch is what `git fast-import` makes of a stream: names and modes that no work tree can have.
func imported(t testing.TB, stream string) *server {
	t.Helper()
	s := newHTTPServer(t, map[string]string{"README.md": "hello\n"})
	cmd := exec.CommandContext(t.Context(), "git", "fast-import", "--quiet", "--force")
	cmd.Dir = filepath.Join(s.Root(), testRepo)
	cmd.Stdin = strings.NewReader("commit refs/heads/main\ncommitter Human <human@example.com> 0 +0000\ndata 0\n" + stream)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return s
}

// inline is a file of a fast-import stream; name may be quoted as C does.
func inline(mode, name, content string) string {
	return fmt.Sprintf("M %s inline %s\ndata %d\n%s\n", mode, name, len(content), content)
}

const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"

// Whatever a branch holds, the clone shows its plain files and nothing else, and one of them can be committed to.
func TestHostileTrees(t *testing.T) {
	good := inline("100644", "apps/good.yaml", "version: 1.0.0\n")
	for name, tc := range map[string]struct {
		stream string
		want   []string
		// refused: Flux's Git library, and so ours, pushes no such tree.
		refused Reason
	}{
		"link to a folder above":  {stream: inline("120000", "apps/up", "..")},
		"link to itself":          {stream: inline("120000", "apps/self", "self")},
		"chain of links":          {stream: inline("120000", "a", "b") + inline("120000", "b", "/etc")},
		"link as a kustomization": {stream: inline("120000", "apps/kustomization.yaml", "/proc/self/environ")},
		"submodule":               {stream: "M 160000 4d7a214614ab2935c943f9e0ff69d22eadbb8f32 apps/module\n"},
		"LFS pointer":             {stream: inline("100644", "apps/large.yaml", pointer), want: []string{"apps/large.yaml"}},
		"names that differ in case": {
			stream: inline("100644", "apps/Good.yaml", "version: 2.0.0\n") + inline("100644", "APPS/good.yaml", ""),
			want:   []string{"APPS/good.yaml", "apps/Good.yaml"},
		},
		"names with control characters": {
			stream: inline("100644", `"a\nb.yaml"`, "") + inline("100644", `"c\033[2Jd.yaml"`, ""),
			want:   []string{"a\nb.yaml", "c\x1b[2Jd.yaml"}, refused: ReasonPathRefused,
		},
		"names that are no text":  {stream: inline("100644", `"a\377.yaml"`, "")},
		"names of devices":        {stream: inline("100644", "CON", "") + inline("100644", `"C:\\x.yaml"`, ""), want: []string{`C:\x.yaml`, "CON"}},
		"executable":              {stream: inline("100755", "run.yaml", ""), want: []string{"run.yaml"}},
		"content that is no text": {stream: inline("100644", "x.yaml", "\xff\xfe\x00"), want: []string{"x.yaml"}},
		"a long name":             {stream: inline("100644", strings.Repeat("n", 3000)+".yaml", ""), want: []string{strings.Repeat("n", 3000) + ".yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := imported(t, good+tc.stream)
			c := newTestClient(t, Options{})
			checkout := clone(t, c, s.remote())
			want := map[string]bool{"apps/good.yaml": true}
			for _, file := range tc.want {
				want[file] = true
			}
			if diff := cmp.Diff(want, filesOf(t, checkout.FS())); diff != "" {
				t.Errorf("files differ (-want +got):\n%s", diff)
			}
			before := s.bare("ls-tree", "-r", "-z", "main")
			_, err := c.Update(t.Context(), s.remote(), operator, func(*Checkout) (Change, error) {
				return Change{Message: "Good", Files: map[string][]byte{"apps/good.yaml": []byte("version: 1.0.1\n")}}, nil
			})
			if ReasonOf(err) != tc.refused {
				t.Fatalf("Update() = %v, want reason %q", err, tc.refused)
			}
			if err != nil {
				return
			}
			if changed := s.bare("diff-tree", "-r", "--name-only", "main~", "main"); changed != "apps/good.yaml" {
				t.Errorf("the commit changed %q", changed)
			}
			if after := s.bare("ls-tree", "-r", "-z", "main"); strings.Count(after, "\x00") != strings.Count(before, "\x00") {
				t.Errorf("the tree had\n%q\nand has\n%q", before, after)
			}
		})
	}
}

// filesOf reads all files.
func filesOf(t testing.TB, files fs.FS) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all[name] = true
		_, err = fs.ReadFile(files, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A file of the tree that is no regular file cannot be written, and neither can one that is not there.
func TestHostilePathsAreNotWritten(t *testing.T) {
	s := imported(t, inline("100644", "apps/good.yaml", "a: 1\n")+inline("120000", "link.yaml", "apps/good.yaml")+
		inline("120000", "folder", "apps")+"M 160000 4d7a214614ab2935c943f9e0ff69d22eadbb8f32 module\n")
	head := s.head()
	for _, name := range []string{
		"link.yaml", "folder/good.yaml", "module", "module/x.yaml", "../x.yaml", "/etc/x.yaml", "apps", ".", "", ".git/config", "hooks/post-update", "new.yaml",
	} {
		_, err := newTestClient(t, Options{}).Update(t.Context(), s.remote(), operator, func(*Checkout) (Change, error) {
			return Change{Message: "Bad", Files: map[string][]byte{name: []byte("x")}}, nil
		})
		if ReasonOf(err) != ReasonPathRefused {
			t.Errorf("%q: %v, want reason %s", name, err, ReasonPathRefused)
		}
	}
	if s.head() != head {
		t.Error("something was written")
	}
}

// A hundred thousand files are many, and fewer than the limit.
func TestManySmallFiles(t *testing.T) {
	const n = 100_000
	var stream strings.Builder
	stream.WriteString(inline("100644", "f.yaml", "a: 1\n"))
	for i := range n {
		stream.WriteString(inline("100644", fmt.Sprintf("team-%d/app-%d.yaml", i%100, i), fmt.Sprintf("a: %d\n", i)))
	}
	s := imported(t, stream.String())
	checkout := clone(t, newTestClient(t, Options{}), s.remote())
	if content, err := fs.ReadFile(checkout.FS(), "team-7/app-7.yaml"); err != nil || string(content) != "a: 7\n" {
		t.Errorf("%q %v", content, err)
	}
}
