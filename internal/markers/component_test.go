package markers

import "testing"

// TestMissingComponents: Flux may leave out those of its Kustomization that do not exist, and no others.
func TestMissingComponents(t *testing.T) {
	tree := files{"top/kustomization.yaml": resources("app.yaml"), "top/app.yaml": app("org", "a", "1.0.0")}
	broken := with(tree, files{"c/kustomization.yaml": "patches: ["})
	inFile := with(tree, files{"top/kustomization.yaml": resources("app.yaml") + "components: [../gone]\n"})
	for name, tc := range map[string]struct {
		files      files
		components []string
		ignore     bool
		want       string
	}{
		"left out":        {tree, []string{"../gone"}, true, "top/app.yaml:8"},
		"not left out":    {tree, []string{"../gone"}, false, "NotMarkable top/kustomization.yaml"},
		"broken":          {broken, []string{"../gone", "../c"}, true, "NotMarkable top/kustomization.yaml"},
		"remote":          {tree, []string{"https://example.com/x"}, true, "NotMarkable top/kustomization.yaml"},
		"one of the file": {inFile, nil, true, "NotMarkable top/kustomization.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			at, err := Locate(mapFS(tc.files), Source{Path: "top", Components: tc.components, IgnoreMissingComponents: tc.ignore}, target("org", "a"))
			checkFound(t, at, err, "1.0.0", tc.want)
		})
	}
}
