package markers

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestOverlay(t *testing.T) {
	const inline = "patches:\n- patch: |-\n    - op: add\n      path: /spec/catalog\n      value: x\n  target: {kind: App}\n"
	for name, tc := range map[string]struct {
		// kustomization is added to that of mc/a, whose App is the target.
		kustomization string
		files         files
		applied       []Source
		// refused: nothing is offered; entry: only an entry.
		refused, entry bool
		// file that gets the patch, and the folders that are built; mc/a's,
		// and both, if empty.
		file string
		dirs []string
	}{
		"without patches":             {},
		"without a last line end":     {kustomization: "nameSuffix: -s"},
		"with a namespace":            {kustomization: "namespace: other\nnameSuffix: -s\n"},
		"after an inline patch":       {kustomization: inline},
		"between keys":                {kustomization: inline + "\n# about names\nnameSuffix: -s\n"},
		"in an indented list":         {kustomization: strings.ReplaceAll(strings.ReplaceAll(inline, "\n", "\n  "), "\n  patches", "\npatches") + "\n"},
		"in a list without an end":    {kustomization: strings.TrimSpace(inline)},
		"beside comments":             {kustomization: inline + "# the end\n\n"},
		"beside old patches":          {kustomization: "patchesStrategicMerge:\n- old.yaml\n", files: files{"mc/a/old.yaml": app("org", "nginx", "")}},
		"in a list in one line":       {kustomization: "patches: [{path: old.yaml}]\n", files: files{"mc/a/old.yaml": app("org", "nginx", "")}, entry: true},
		"with CRLF":                   {files: files{"mc/a/kustomization.yaml": "resources:\r\n- ../../base\r\nnamePrefix: a-\r\n"}, entry: true},
		"where a file has the name":   {files: files{"mc/a/version-app-a-nginx.yaml": "a: b\n"}},
		"below a folder that is used": {files: files{"mc/kustomization.yaml": resources("a", "b")}, applied: []Source{applies("one", "mc/a"), applies("all", "mc")}, refused: true},
		"in one of two in a folder":   {files: files{"mc/kustomization.yaml": resources("a", "b")}, applied: []Source{applies("all", "mc")}, file: "mc/kustomization.yaml", dirs: []string{"mc"}},
		"in one folder of two Kustomizations": {
			applied: []Source{applies("one", "mc/a"), applies("two", "mc/a")}, refused: true,
		},
		"beside patches that come later": {
			kustomization: "patchesJson6902:\n- target: {kind: App, version: v1alpha1, group: application.giantswarm.io, name: a-nginx}\n  path: ops.yaml\n",
			files:         files{"mc/a/ops.yaml": "- op: add\n  path: /spec/catalog\n  value: x\n"},
		},
		"in a folder without a kustomization": {applied: []Source{applies("all", "mc")}},
	} {
		t.Run(name, func(t *testing.T) {
			tree := overlays("mc/a", "mc/b")
			tree["mc/a/kustomization.yaml"] += tc.kustomization
			tree = with(tree, tc.files)
			if tc.applied == nil {
				tc.applied = []Source{applies("a", "mc/a"), applies("b", "mc/b")}
			}
			survey := NewSurvey(mapFS(tree), tc.applied)
			user, at := userAt(t, survey, "a-nginx")
			offer, ok, err := survey.Overlay(user, at)
			if err != nil || ok == tc.refused {
				t.Fatalf("offered: %v, %v", ok, err)
			}
			if tc.refused {
				return
			}
			if tc.file == "" {
				tc.file, tc.dirs = "mc/a/kustomization.yaml", []string{"mc/a", "mc/b"}
			}
			if offer.Kustomization != tc.file || (offer.Content == "") != tc.entry || tree[offer.Patch] != "" {
				t.Fatalf("offered: %+v", offer)
			}
			if !tc.entry {
				t.Log(offer.Content)
				checkOverlay(t, tree, offer, tc.dirs, user, at)
			}
		})
	}
}

// userAt finds the first App of that name, or that name with more.
func userAt(t testing.TB, survey *Survey, name string) (User, Location) {
	t.Helper()
	kind := target("", "")
	uses, err := survey.usesOfField(kind.kind(), kind.Field)
	if err != nil {
		t.Fatal(err)
	}
	for _, on := range uses {
		for _, u := range on {
			if strings.HasPrefix(u.Target.Name, name) {
				at := u.at
				return u.User, at
			}
		}
	}
	t.Fatalf("no use of %s", name)
	return User{}, Location{}
}

// checkOverlay applies the overlay: at first nothing that is built may change,
// and a new version in the patch changes that of the one object.
func checkOverlay(t rapid.TB, tree files, offer Overlay, dirs []string, user User, at Location) {
	t.Helper()
	after := with(tree, files{offer.Kustomization: offer.Content, offer.Patch: offer.PatchContent})
	before := builtVersions(t, tree, dirs)
	if diff := cmp.Diff(before, builtVersions(t, after, dirs)); diff != "" {
		t.Fatalf("the overlay changes what is built (-before +after):\n%s\n%+v\n%s", diff, offer, dump(tree))
	}
	index, err := NewSurvey(mapFS(after), nil).Index(Source{Path: user.Folder})
	if err != nil {
		t.Fatal(err)
	}
	moved, err := index.Locate(user.Target)
	if err != nil || moved.File != offer.Patch || moved.Value != at.Value {
		t.Fatalf("located at %+v (%v), want %s\n%s", moved, err, offer.Patch, dump(after))
	}
	after[offer.Patch] = strings.Replace(offer.PatchContent, at.Value, "9.9.9", 1)
	changed := []string{}
	for id, version := range builtVersions(t, after, dirs) {
		if version != before[id] {
			changed = append(changed, id)
		}
	}
	for _, id := range changed {
		if !strings.HasSuffix(id, user.Target.Namespace+"/"+user.Target.Name) {
			t.Fatalf("the patch changes %v, wanted %s\n%s", changed, user.Target, dump(after))
		}
	}
	if len(changed) == 0 {
		t.Fatalf("the patch changes nothing\n%s", dump(after))
	}
}

// builtVersions builds folders with kustomize: the version of every object.
func builtVersions(t rapid.TB, tree files, dirs []string) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for _, dir := range dirs {
		result, err := kustomizeBuild(tree, "/"+dir)
		if err != nil {
			t.Fatalf("%s: %v\n%s", dir, err, dump(tree))
		}
		for _, object := range result.Resources() {
			version, _ := object.GetString("spec.version")
			versions[dir+" "+object.GetNamespace()+"/"+object.GetName()] = version
		}
	}
	return versions
}

// TestOverlaysOfRandomTrees gives every object that shares its line one of its
// own.
func TestOverlaysOfRandomTrees(t *testing.T) {
	offered := 0
	rapid.Check(t, func(t *rapid.T) {
		g := newTree(t)
		g.generate()
		names := append([]string{}, "one-a", "two-a")
		g.overlay("side", "Kustomization", []string{"../bases/one", "../bases/two"}, names)
		dirs := []string{"top", "side"}
		for _, dir := range dirs {
			if _, err := kustomizeBuild(g.files, "/"+dir); err != nil {
				return // Flux could not build it either.
			}
		}
		survey := NewSurvey(mapFS(g.files), []Source{applies("top", "top"), applies("side", "side")})
		kind := target("", "")
		uses, err := survey.usesOfField(kind.kind(), kind.Field)
		if err != nil {
			t.Fatal(err)
		}
		for _, users := range uses {
			if len(users) < 2 || users[0].at.Line == 0 {
				continue
			}
			for _, u := range users {
				offer, ok, err := survey.Overlay(u.User, u.at)
				if err != nil {
					t.Fatal(err)
				}
				if !ok || offer.Content == "" || !slices.Contains(dirs, u.Folder) {
					continue
				}
				offered++
				checkOverlay(t, g.files, offer, dirs, u.User, u.at)
			}
		}
	})
	t.Logf("%d overlays", offered)
	if offered == 0 {
		t.Error("nothing was offered")
	}
}

// FuzzWithPatch adds a patch to an arbitrary kustomization: what it said before
// it still says, and nothing that was written is gone.
func FuzzWithPatch(f *testing.F) {
	for _, text := range []string{
		resources("a.yaml"), "patches:\n- path: a.yaml\n", "patches:\n  - path: a.yaml\n    options: {allowNameChange: true}\n\n# end\nnamePrefix: a-",
		"patches: []\n", "patches:\n- patch: |+\n    a: b\n\n\nnameSuffix: b", "patches: &p\n- path: a.yaml\ncomponents: *p\n", "# nothing\n", "{}", "a: b\n...\n",
	} {
		f.Add(text)
	}
	const entry = "- path: version.yaml\n"
	f.Fuzz(func(t *testing.T, content string) {
		with := withPatch("kustomization.yaml", []byte(content), entry)
		if with == nil {
			return
		}
		before, after := parseFile("", []byte(content), nil), parseFile("", with, nil)
		list := child(after.docs[0].root, "patches")
		if len(after.docs) != 1 || list == nil {
			t.Fatalf("%q became %q", content, with)
		}
		if had := child(before.docs[0].root, "patches"); had != nil && len(list.Content) != len(had.Content)+1 || had == nil && len(list.Content) != 1 {
			t.Fatalf("%q became %q", content, with)
		}
		if scalarValue(child(list.Content[len(list.Content)-1], "path")) != "version.yaml" || len(with) < len(content)+len(entry) {
			t.Fatalf("%q became %q", content, with)
		}
	})
}
