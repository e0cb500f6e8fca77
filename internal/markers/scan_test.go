package markers

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func scan(t *testing.T, fsys fs.FS, dir string) ([]string, error) {
	t.Helper()
	var all []string
	err := Scan(fsys, dir, func(f Found) error {
		all = append(all, fmt.Sprintf("%s:%d %s/%s %q %s", f.File, f.Line, f.Ref.Namespace, f.Ref.Policy, f.Suffix, f.Value))
		return nil
	})
	return all, err
}

func TestScan(t *testing.T) {
	mark := func(name string) string { return ` # {"$imagepolicy": "` + name + `"}` }
	files := mapFS(map[string]string{
		"mc/a.yaml":          "a: 1" + mark("n:p:tag") + "\nb:\n- c: 2" + mark("n:q") + "\n- 3" + mark("n:r:name") + "\n- 4" + mark("n:s:digest") + "\n",
		"mc/b.yml":           "x: y\n---\na: '1'" + mark("n:p:tag") + "\n",
		"mc/Kustomization":   "a: 1" + mark("n:k:tag") + "\n",
		"mc/dead.yaml":       "a: 1" + mark("n:p:version") + "\nb: 1" + mark("n/p:tag") + "\nc: 1" + mark("${n}:p:tag") + "\nd: 1" + mark("n:p:q:tag") + "\n",
		"mc/escaped.yaml":    "a: 1" + mark("n:esc%61ped:tag") + "\n",
		"mc/ref.yaml":        "a: 1 # {\"$ref\": \"#/definitions/io.k8s.cli.setters.n:ref:tag\"}\nb: 2" + mark("n:x:tag") + "\n",
		"mc/above.yaml":      "a:\n#" + mark("n:above:tag")[2:] + "\n- 1\n",
		"mc/extra.yaml":      "a: 1 # {\"$imagepolicy\": \"n:extra:tag\", \"why\": \"x\"}\n",
		"mc/broken.yaml":     "a: 1" + mark("n:p:tag") + "\n---\nb: [\n",
		"mc/notes.txt":       "a: 1" + mark("n:p:tag") + "\n",
		"mc/.git/x.yaml":     "a: 1" + mark("n:p:tag") + "\n",
		"mc/repeated.yaml":   "a: 1\na: 2" + mark("n:p:tag") + "\n",
		"other/outside.yaml": "a: 1" + mark("n:p:tag") + "\n",
	})
	files["mc/link.yaml"] = &fstest.MapFile{Data: []byte("a.yaml"), Mode: fs.ModeSymlink | 0o777}
	files["mc/folder"] = &fstest.MapFile{Data: []byte("../other"), Mode: fs.ModeSymlink | 0o777}
	got, err := scan(t, files, "./mc")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`mc/Kustomization:1 n/k "tag" 1`,
		`mc/a.yaml:1 n/p "tag" 1`, `mc/a.yaml:3 n/q "" 2`, `mc/a.yaml:4 n/r "name" 3`, `mc/a.yaml:5 n/s "digest" 4`,
		`mc/above.yaml:3 n/above "tag" 1`,
		`mc/b.yml:3 n/p "tag" 1`,
		`mc/escaped.yaml:1 n/escaped "tag" 1`,
		`mc/extra.yaml:1 n/extra "tag" 1`,
		`mc/ref.yaml:1 n/ref "tag" 1`, `mc/ref.yaml:2 n/x "tag" 2`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestScanAgreesWithSetter asks kyaml's setter about the markers in odd places.
func TestScanAgreesWithSetter(t *testing.T) {
	const m = `# {"$imagepolicy": "org-acme:pin.app.nginx:tag"}`
	for _, text := range []string{
		"a: 1 " + m, "a: 1 " + m + " x", "a: 1 ##" + m, "a: 1 # {\"$imagepolicy\": \"org-acme:pin.app.nginx:tag\", \"n\": 1}",
		"a:\n" + m + "\n- 1", "a:\n  " + m + "\n  1", "a: " + m + "\n  1", "- 1 " + m, "a: [1] " + m, "a: [1, " + m + "\n2]", "a: [\n1, " + m + "\n2]",
		"a: |  " + m + "\n  x", "a: &x 1 " + m + "\nb: *x", "a: &x 1\nb: *x " + m, "a: " + m, "? a " + m + "\n: b", "a: 1\n" + m,
		"a: 1 " + m + "\n     # more", "a: 1 " + m + "\na: 2", "a: 1\na: 2 " + m, "a: 1 # {\"$imagepolicy\": \"org-acme:pin%2Eapp.nginx:tag\"}",
		"a: 1 # {\"$imagepolicy\": \"org-acme:pin.app.nginx:tag~1\"}", "a: 1 # {\"$imagepolicy\": \"/org-acme:pin.app.nginx:tag\"}",
		"a: 1 # {\"$imagepolicy\": \"x\", \"$imagepolicy\": \"org-acme:pin.app.nginx:tag\"}", "a: 1 # {\"$Imagepolicy\": \"org-acme:pin.app.nginx:tag\"} \"$imagepolicy\"",
		"a: 1 # {\"$ref\": \"#/definitions/io.k8s.cli.setters.org-acme:pin.app.nginx:tag\"}\nb: '\"$imagepolicy\"'",
		"a: 1 # {\"$imagepolicy\": \"none\", \"$ref\": \"#/definitions/io.k8s.cli.setters.org-acme:pin.app.nginx:tag\"}",
		"metadata: x\na: 1 " + m, "metadata:\n  annotations: x\na: 1 " + m, "metadata: null\na: 1 " + m, "metadata: {annotations: null}\na: 1 " + m,
		"--- x\na: 1 " + m, "\n--- x\na: 1 " + m, "a: 1 " + m + "\n...\nb: [", "null\n---\na: 1 " + m, "x\n---\na: 1 " + m, "<<: {a: 1}\nb: 1 " + m,
	} {
		text += "\n"
		_, set, err := setterPass([]byte(text), map[string]string{pin.String(): "9"})
		found := 0
		for _, f := range liveMarkers(t, "f.yaml", []byte(text)) {
			if f.found.Ref == pin && f.found.Suffix == SuffixTag {
				found++
			}
		}
		if strings.Contains(text, "a: 1 "+m+"\na: 2") {
			set-- // kyaml visits the first of two equal keys twice.
		}
		if found != set {
			t.Errorf("%q: the setter sees %d (%v), we see %d", text, set, err, found)
		}
	}
}

func TestScanBounds(t *testing.T) {
	files := mapFS(map[string]string{
		"a.yaml": "a: 1" + pinComment + "\n", "big.yaml": strings.Repeat("# filler\n", maxFileSize/9+1), "z.yaml": "a: 1" + pinComment + "\n",
	})
	got, err := scan(t, files, "")
	var p *Problem
	if !errors.As(err, &p) || p.Reason != TooLarge || p.File != "big.yaml" {
		t.Error(err)
	}
	if len(got) != 2 {
		t.Errorf("the other files were not scanned: %v", got)
	}
	for dir, reason := range map[string]string{"../x": OutsideRepository, "/etc": OutsideRepository, "nowhere": Unreadable} {
		if _, err := scan(t, files, dir); !errors.As(err, &p) || p.Reason != reason {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestScanStopsWhenToldTo(t *testing.T) {
	stop := errors.New("enough")
	files := mapFS(map[string]string{"a.yaml": "a: 1" + pinComment + "\nb: 1" + pinComment + "\n"})
	if err := Scan(files, ".", func(Found) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

func TestRead(t *testing.T) {
	for name, tc := range map[string]struct {
		text   string
		want   Location
		reason string
		line   int
	}{
		"found": {
			text: "a: b\n---\nspec:\n  version: \"1.4.2\"" + pinComment + "\n",
			want: Location{File: "f.yaml", Document: 1, Line: 4, Column: 12, Value: "1.4.2", Marker: &Found{
				File: "f.yaml", Line: 4, Ref: pin, Suffix: "tag", Value: "1.4.2", Raw: strings.TrimSpace(pinComment),
			}},
		},
		"none":           {text: "a: 1\n", reason: MarkerMissing},
		"other pin":      {text: "a: 1 # {\"$imagepolicy\": \"a:b:tag\"}\n", reason: MarkerMissing},
		"without :tag":   {text: "a: 1 # {\"$imagepolicy\": \"org-acme:pin.app.nginx\"}\n", reason: MarkerMissing, line: 1},
		"copied":         {text: "a: 1" + pinComment + "\nb: 1" + pinComment + "\n", reason: MarkerCopied, line: 2},
		"copied as name": {text: "a: 1" + pinComment + "\nb: 1 # {\"$imagepolicy\": \"org-acme:pin.app.nginx:name\"}\n", reason: MarkerCopied, line: 2},
		"unparsable":     {text: "a: 1" + pinComment + "\n---\nb: [\n", reason: MarkerMissing, line: 3},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read(mapFS(map[string]string{"f.yaml": tc.text}), "f.yaml", pin)
			p := &Problem{}
			if err != nil && !errors.As(err, &p) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if p.Reason != tc.reason || p.Line != tc.line {
				t.Errorf("%s at line %d: %v", p.Reason, p.Line, err)
			}
		})
	}
}

func TestReadRefusesPaths(t *testing.T) {
	files := mapFS(map[string]string{"a.yaml": "a: 1" + pinComment + "\n"})
	files["link.yaml"] = &fstest.MapFile{Data: []byte("a.yaml"), Mode: fs.ModeSymlink | 0o777}
	files["folder.yaml/x"] = &fstest.MapFile{}
	for name, reason := range map[string]string{"../a.yaml": OutsideRepository, "/a.yaml": OutsideRepository, "link.yaml": OutsideRepository, "gone.yaml": MarkerMissing, "a.tmpl": MarkerMissing, "folder.yaml": Unreadable} {
		_, err := Read(files, name, pin)
		var p *Problem
		if !errors.As(err, &p) || p.Reason != reason {
			t.Errorf("%s: %v", name, err)
		}
	}
}
