package markers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/sourceignore"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLocateIgnores(t *testing.T) {
	twice := files{"mc/a.yaml": app("org", "nginx", "1.0.0"), "mc/examples/a.yaml": app("org", "nginx", "0.9.0")}
	for name, tc := range map[string]struct {
		files  files
		ignore string
		want   string
	}{
		"nothing is hidden":                  {files: twice, want: "Ambiguous"},
		"by the file of the repository":      {files: with(twice, files{".sourceignore": "# comment\n/mc/examples/\n"}), want: "mc/a.yaml:8"},
		"by a file beside":                   {files: with(twice, files{"mc/.sourceignore": "examples/\n"}), want: "mc/a.yaml:8"},
		"a file elsewhere is for its folder": {files: with(twice, files{"other/.sourceignore": "examples/\n"}), want: "Ambiguous"},
		"by spec.ignore":                     {files: twice, ignore: "examples\n", want: "mc/a.yaml:8"},
		"all but what is wanted":             {files: twice, ignore: "/*\n!/mc/examples\n", want: "mc/examples/a.yaml:8"},
		"spec.ignore comes last":             {files: with(twice, files{".sourceignore": "a.yaml\n!mc/a.yaml\n"}), ignore: "/mc/examples\n", want: "mc/a.yaml:8"},
		"spec.ignore brings back":            {files: with(twice, files{".sourceignore": "examples/\n"}), ignore: "!examples\n", want: "Ambiguous"},
		"a hidden kustomization": {
			files: with(twice, files{"mc/kustomization.yaml": resources("examples/a.yaml"), "mc/.sourceignore": "kustomization.yaml\nexamples/\n"}),
			want:  "mc/a.yaml:8",
		},
		"a hidden resource is none": {
			files: files{"mc/kustomization.yaml": resources("a.yaml"), "mc/a.yaml": app("org", "nginx", "1.0.0"), ".sourceignore": "a.yaml\n"},
			want:  "NotFound",
		},
		"a hidden patch is not read": {
			files: files{
				"mc/kustomization.yaml": resources("a.yaml") + "patches:\n- path: p.yaml\n", "mc/a.yaml": app("org", "nginx", "1.0.0"),
				"mc/p.yaml": app("org", "nginx", "2.0.0"), ".sourceignore": "p.yaml\n",
			},
			want: "NotMarkable",
		},
		"what CI systems have is hidden": {
			files: files{"mc/a.yaml": app("org", "nginx", "1.0.0"), "mc/.github/a.yaml": app("org", "nginx", "0.9.0"), "mc/.travis.yml": app("org", "nginx", "0.9.0")},
			want:  "mc/a.yaml:8",
		},
		"unless there is any pattern": {
			files: files{"mc/a.yaml": app("org", "nginx", "1.0.0"), "mc/.github/a.yaml": app("org", "nginx", "0.9.0"), "docs/.sourceignore": "*.md\n"},
			want:  "Ambiguous",
		},
		"a comment is no pattern": {
			files: files{"mc/a.yaml": app("org", "nginx", "1.0.0"), "mc/.github/a.yaml": app("org", "nginx", "0.9.0"), "docs/.sourceignore": "# *.md\n"},
			want:  "mc/a.yaml:8",
		},
		"too large": {files: with(twice, files{"mc/.sourceignore": strings.Repeat("examples\n", 10_000)}), want: "TooLarge"},
	} {
		t.Run(name, func(t *testing.T) {
			at, err := Locate(mapFS(tc.files), Source{Path: "mc", Ignore: tc.ignore}, target("org", "nginx"))
			got := fmt.Sprintf("%s:%d", at.File, at.Line)
			var p *Problem
			if errors.As(err, &p) {
				got, err = p.Reason, nil
			}
			if err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("got %s (%v), want %s", got, p, tc.want)
			}
		})
	}
}

func TestTooManyPatterns(t *testing.T) {
	repo := newRepository(mapFS(files{"a.yaml": "", ".sourceignore": "*.md\n"}))
	through := newIgnores(repo)
	through.left = 7
	seen := repo.seen(through, "*.jpg\n")
	for range 3 {
		if err := seen.visible("a.yaml"); err != nil {
			t.Fatal(err)
		}
	}
	if err := seen.visible("a.yaml"); !hasReason(err, TooLarge) {
		t.Errorf("got %v", err)
	}
}

// TestHiddenIsNoUser says who counts as a user of a line.
func TestHiddenIsNoUser(t *testing.T) {
	const mine = "App org/a-nginx (Kustomization flux/a)"
	sees := func(name, dir, ignore string) Source {
		src := applies(name, dir)
		src.Ignore = ignore
		return src
	}
	for name, tc := range map[string]struct {
		files   files
		applied []Source
		want    []string
	}{
		"a folder that Flux never has": {
			files: with(overlays("mc/a", "mc/b"), files{".sourceignore": "/mc/b/\n"}), applied: []Source{applies("a", "mc/a")}, want: []string{mine},
		},
		"a folder that this GitRepository hides": {
			files: overlays("mc/a", "mc/b"), applied: []Source{sees("a", "mc/a", "/mc/b")}, want: []string{mine, "App org/b-nginx (folder mc/b)"},
		},
		"one folder through two GitRepositories": {
			files:   with(overlays("mc/a"), files{"mc/b/kustomization.yaml": resources("../a", "extra.yaml"), "mc/b/extra.yaml": app("org", "extra", "1.0.0")}),
			applied: []Source{applies("a", "mc/a"), sees("b", "mc/b", "/mc/a/kustomization.yaml")},
			want:    []string{mine},
		},
		"a manifest that humans may apply": {
			files:   with(overlays("mc/a", "mc/b"), files{"b.yaml": ofGit("b", "./mc/b", "gitops"), ".sourceignore": "b.yaml\n"}),
			applied: []Source{applies("a", "mc/a")}, want: []string{mine, "App org/b-nginx (Kustomization flux/b of b.yaml)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			survey := NewSurvey(mapFS(tc.files), tc.applied)
			x, err := survey.Index(tc.applied[0])
			if err != nil {
				t.Fatal(err)
			}
			at, err := x.Locate(target("org", "a-nginx"))
			if err != nil {
				t.Fatal(err)
			}
			users, err := survey.Users(target("org", "a-nginx"), at)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, u := range users {
				got = append(got, u.String())
			}
			slices.Sort(tc.want)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestIgnoresAgrees compares with what Flux's library reads from a folder, and
// combines as source-controller does.
func TestIgnoresAgrees(t *testing.T) {
	pattern := rapid.Custom(func(t *rapid.T) string {
		text := rapid.SampledFrom([]string{"", "", "!"}).Draw(t, "not") + rapid.SampledFrom([]string{"", "", "/", "**/"}).Draw(t, "begins")
		text += rapid.SampledFrom([]string{"a", "b", "*", "a/b", "a/**", "*.yaml", "x.yaml", "**", "a/x.*", ".github", "#a", "[", "a b", " "}).Draw(t, "name")
		return text + rapid.SampledFrom([]string{"", "", "/", "/*", " "}).Draw(t, "ends") + "\n"
	})
	text := func(t *rapid.T, label string) string {
		return strings.Join(rapid.SliceOfN(pattern, 0, 3).Draw(t, label), "")
	}
	folders := []string{".", "a", "b", "a/b", ".github", "a/.github"}
	base := t.TempDir()
	hidden := 0
	rapid.Check(t, func(t *rapid.T) {
		tree := files{}
		for _, dir := range folders {
			for _, name := range []string{"x.yaml", ".travis.yml", "y.yml"} {
				tree[filepath.Join(dir, name)] = "a: b\n"
			}
			if rapid.IntRange(0, 3).Draw(t, "ignores") == 0 {
				tree[filepath.Join(dir, ".sourceignore")] = text(t, dir)
			}
		}
		ignore := text(t, "spec.ignore")
		gone := ignoredByFlux(t, base, tree, ignore)
		raw := newRepository(mapFS(tree))
		seen := raw.seen(newIgnores(raw), ignore)
		for _, name := range sortedKeys(tree) {
			err := seen.visible(name)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			if gone[name] != (err != nil) {
				t.Fatalf("%s: Flux leaves it out: %t, we do: %v\nspec.ignore %q\n%s", name, gone[name], err, ignore, dump(tree))
			}
			if err != nil {
				hidden++
			}
		}
	})
	if hidden == 0 {
		t.Error("no file was ever hidden")
	}
}

// ignoredByFlux are the files that an artifact of a folder lacks.
func ignoredByFlux(t *rapid.T, base string, tree files, ignore string) map[string]bool {
	root, err := os.MkdirTemp(base, "tree")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(root) }()
	for name, content := range tree {
		name = filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o750), os.WriteFile(name, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	domain := strings.Split(root, string(filepath.Separator))
	list, err := sourceignore.LoadIgnorePatterns(root, domain)
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, sourceignore.ReadPatterns(strings.NewReader(ignore), domain)...)
	matcher := sourceignore.NewDefaultMatcher(nil, domain)
	if len(list) > 0 {
		matcher = sourceignore.NewMatcher(append(sourceignore.VCSPatterns(domain), list...))
	}
	gone := map[string]bool{}
	for name := range tree {
		gone[name] = matcher.Match(slices.Concat(domain, strings.Split(name, "/")), false)
	}
	return gone
}
