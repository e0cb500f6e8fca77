package markers

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// app is an App manifest; an empty namespace or version is left out.
func app(namespace, name, version string) string {
	text := "apiVersion: application.giantswarm.io/v1alpha1\nkind: App\nmetadata:\n  name: " + name + "\n"
	if namespace != "" {
		text += "  namespace: " + namespace + "\n"
	}
	text += "spec:\n  catalog: giantswarm\n"
	if version != "" {
		text += "  version: " + version + "\n"
	}
	return text
}

func target(namespace, name string) Target {
	return Target{
		APIVersion: "application.giantswarm.io/v1alpha1", Kind: "App",
		Namespace: namespace, Name: name, Field: []string{"spec", "version"},
	}
}

func resources(names ...string) string {
	return "resources:\n- " + strings.Join(names, "\n- ") + "\n"
}

type locateCase struct {
	files  map[string]string
	source Source
	target Target
	// applied are other Kustomizations of the cluster.
	applied []Source
	// want is file:line value, and reason the Problem's.
	want, reason string
}

func (tc locateCase) run(t *testing.T) {
	t.Helper()
	got, err := Location{}, error(nil)
	if len(tc.applied) == 0 {
		got, err = Locate(mapFS(tc.files), tc.source, tc.target)
	} else if index, failed := NewSurvey(mapFS(tc.files), append(tc.applied, tc.source)).Index(tc.source); failed != nil {
		t.Fatal(failed)
	} else {
		got, err = index.Locate(tc.target)
	}
	text, reason := "", ""
	if got.File != "" || got.Line != 0 {
		text = fmt.Sprintf("%s:%d %s", got.File, got.Line, got.Value)
	}
	if p := (*Problem)(nil); errors.As(err, &p) {
		reason = p.Reason
		t.Log(p.Message)
	} else if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{tc.want, tc.reason}, []string{text, reason}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestLocate(t *testing.T) {
	one := app("org", "nginx", "1.4.2")
	for name, tc := range map[string]locateCase{
		"plain folder without a kustomization": {
			files:  map[string]string{"mc/apps/nginx.yaml": one, "other/nginx.yaml": one},
			source: Source{Path: "./mc"}, want: "mc/apps/nginx.yaml:8 1.4.2",
		},
		"path names a file": {
			files: map[string]string{"mc/nginx.yaml": one}, source: Source{Path: "mc/nginx.yaml"},
			want: "mc/nginx.yaml:8 1.4.2",
		},
		"root": {
			files: map[string]string{"nginx.yml": one}, want: "nginx.yml:8 1.4.2",
		},
		"second document": {
			files: map[string]string{"apps.yaml": app("org", "other", "2.0.0") + "---\n" + one},
			want:  "apps.yaml:17 1.4.2",
		},
		"API version does not count": {
			files: map[string]string{"a.yaml": strings.Replace(one, "v1alpha1", "v1beta1", 1)},
			want:  "a.yaml:8 1.4.2",
		},
		"group counts": {
			files:  map[string]string{"a.yaml": strings.Replace(one, "application.giantswarm.io", "argoproj.io", 1)},
			reason: NotFound,
		},
		"files that no kustomization names do not count": {
			files: map[string]string{
				"mc/kustomization.yaml": resources("a.yaml"), "mc/a.yaml": one, "mc/b.yaml": one,
			},
			source: Source{Path: "mc"}, want: "mc/a.yaml:8 1.4.2",
		},
		"base outside of the path": {
			files: map[string]string{
				"mc/kustomization.yaml":          resources("../bases/nginx"),
				"bases/nginx/kustomization.yaml": resources("app.yaml"), "bases/nginx/app.yaml": one,
			},
			source: Source{Path: "mc"}, want: "bases/nginx/app.yaml:8 1.4.2",
		},
		"folder with a kustomization below one without": {
			files: map[string]string{
				"mc/a/kustomization.yaml": resources("used.yaml"), "mc/a/used.yaml": one, "mc/a/unused.yaml": one,
			},
			source: Source{Path: "mc"}, want: "mc/a/used.yaml:8 1.4.2",
		},
		"names with variables": {
			files:  map[string]string{"a.yaml": app("org-${organization}", "${cluster_name:=none}-nginx", "1.4.2")},
			source: Source{Substitute: map[string]string{"cluster_name": "prod", "organization": "acme"}},
			target: target("org-acme", "prod-nginx"), want: "a.yaml:8 1.4.2",
		},
		"default of a variable": {
			files:  map[string]string{"a.yaml": app("org", "${cluster_name:=prod}-nginx", "1.4.2")},
			source: Source{Substitute: map[string]string{"other": "x"}},
			target: target("org", "prod-nginx"), want: "a.yaml:8 1.4.2",
		},
		"variable without a value": {
			files: map[string]string{"a.yaml": app("org", "${cluster_name}-nginx", "1.4.2")}, reason: NotFound,
		},
		"substitution switched off": {
			files: map[string]string{"a.yaml": strings.Replace(app("org", "nginx", "${v}"), "metadata:",
				"metadata:\n  annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}", 1)},
			want: "a.yaml:9 ${v}",
		},
		"version is a variable": {
			files: map[string]string{"a.yaml": app("org", "nginx", "${version}")},
			want:  "a.yaml:8 ${version}", reason: Substituted,
		},
		"target namespace": {
			files:  map[string]string{"a.yaml": app("elsewhere", "nginx", "1.4.2")},
			source: Source{TargetNamespace: "org"}, want: "a.yaml:8 1.4.2",
		},
		"no namespace anywhere": {
			files: map[string]string{"a.yaml": app("", "nginx", "1.4.2")}, want: "a.yaml:7 1.4.2",
		},
		"exact namespace before none": {
			files: map[string]string{"a.yaml": app("", "nginx", "1.0.0"), "b.yaml": one}, want: "b.yaml:8 1.4.2",
		},
		"prefix, suffix and namespace": {
			files: map[string]string{
				"kustomization.yaml": "namePrefix: p-\nnameSuffix: -s\nnamespace: org\n" + resources("a.yaml"),
				"a.yaml":             app("", "nginx", "1.4.2"),
			},
			target: target("org", "p-nginx-s"), want: "a.yaml:7 1.4.2",
		},
		"two objects": {
			files: map[string]string{"a.yaml": one, "b.yaml": one}, reason: Ambiguous,
		},
		"version missing": {
			files: map[string]string{"a.yaml": app("org", "nginx", "")}, reason: NotFound,
		},
		"version empty": {
			files: map[string]string{"a.yaml": app("org", "nginx", `""`)}, want: "a.yaml:8 ",
		},
		"version without a value": {
			files: map[string]string{"a.yaml": app("org", "nginx", " ")}, want: "a.yaml:8 ", reason: NotMarkable,
		},
		"no such path": {source: Source{Path: "nowhere"}, reason: Unreadable},
		"path outside": {source: Source{Path: "../x"}, reason: OutsideRepository},
		"broken kustomization": {
			files: map[string]string{"kustomization.yaml": "resources: [a"}, reason: Unreadable,
		},
		"kustomization that refers to itself": {
			files: map[string]string{"kustomization.yaml": resources("a.yaml", "."), "a.yaml": one},
			want:  "a.yaml:8 1.4.2",
		},
		"what cannot be read is left out": {
			files: map[string]string{
				"kustomization.yaml": resources("gone.yaml", "../../x", "https://example.com/x", "broken.yaml"),
				"broken.yaml":        "kind: App\n{",
			},
			reason: NotFound,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.target.Kind == "" {
				tc.target = target("org", "nginx")
			}
			tc.run(t)
		})
	}
}

func TestLocateComponents(t *testing.T) {
	files := map[string]string{
		"mc/kustomization.yaml":   resources("../base") + "components: [../stage]\nnamePrefix: prod-\n",
		"base/kustomization.yaml": resources("app.yaml"), "base/app.yaml": app("org", "nginx", "1.4.2"),
		"stage/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- path: patch.yaml\n",
		"stage/patch.yaml":         app("org", "nginx", "2.0.0"),
	}
	locateCase{files: files, source: Source{Path: "mc"}, target: target("org", "prod-nginx"), want: "stage/patch.yaml:8 2.0.0"}.run(t)
	files["mc/kustomization.yaml"] = resources("../base")
	locateCase{
		files: files, source: Source{Path: "mc", Components: []string{"../stage"}, NamePrefix: "a-", NameSuffix: "-z"},
		target: target("org", "a-nginx-z"), want: "stage/patch.yaml:8 2.0.0",
	}.run(t)
}

// TestLocateUnmarkable has an App whose version cannot be marked.
func TestLocateUnmarkable(t *testing.T) {
	head := "apiVersion: application.giantswarm.io/v1alpha1\nkind: App\nmetadata: {name: nginx, namespace: org}\n"
	for name, tc := range map[string]struct{ file, want, reason string }{
		"flow map":           {head + "spec: {version: 1.4.2}\n", "a.yaml:4 1.4.2", NotMarkable},
		"alias":              {head + "x: &v 1.4.2\nspec:\n  version: *v\n", "a.yaml:6 1.4.2", NotMarkable},
		"merge key":          {head + "x: &s\n  version: 1.4.2\nspec:\n  <<: *s\n", "a.yaml:5 1.4.2", NotMarkable},
		"anchor":             {head + "spec:\n  version: &v 1.4.2\n", "a.yaml:5 1.4.2", NotMarkable},
		"block text":         {head + "spec:\n  version: |\n    1.4.2\n", "a.yaml:5 1.4.2\n", NotMarkable},
		"value on next line": {head + "spec:\n  version:\n    1.4.2\n", "a.yaml:6 1.4.2", NotMarkable},
		"quoted over lines":  {head + "spec:\n  version: \"1.4\n    .2\"\n", "a.yaml:5 1.4 .2", NotMarkable},
		"number":             {head + "spec:\n  version: 1.10\n", "a.yaml:5 1.10", NotMarkable},
		"date":               {head + "spec:\n  version: 2026-01-02\n", "a.yaml:5 2026-01-02", NotMarkable},
		"no text":            {head + "spec:\n  version: {a: b}\n", "a.yaml:5 ", NotMarkable},
		"comment":            {head + "spec:\n  version: 1.4.2 # stable\n", "a.yaml:5 1.4.2", ForeignMarker},
		"broken marker":      {head + "spec:\n  version: 1.4.2 # {\"$imagepolicy\": \"org:p:version\"}\n", "a.yaml:5 1.4.2", ForeignMarker},
		"list": {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: application.giantswarm.io/v1alpha1\n  kind: App\n  metadata: {name: nginx, namespace: org}\n  spec:\n    version: 1.4.2\n",
			"a.yaml:8 1.4.2", NotMarkable},
		"template beside":     {head + "spec:\n  version: 1.4.2\n---\nreplicas: {{ .Values.replicas }}\n", "a.yaml:5 1.4.2", NotMarkable},
		"unparsable beside":   {head + "spec:\n  version: 1.4.2\n---\nfoo: [\n", "a.yaml:5 1.4.2", NotMarkable},
		"sequence beside":     {head + "spec:\n  version: 1.4.2\n---\n- a\n", "a.yaml:5 1.4.2", NotMarkable},
		"document after dots": {head + "spec:\n  version: 1.4.2\n...\na: b\n", "a.yaml:5 1.4.2", NotMarkable},
		"live marker":         {head + "spec:\n  version: 1.4.2 # {\"$imagepolicy\": \"org:p:tag\"}\n", "a.yaml:5 1.4.2", ""},
	} {
		t.Run(name, func(t *testing.T) {
			locateCase{files: map[string]string{"a.yaml": tc.file}, target: target("org", "nginx"), want: tc.want, reason: tc.reason}.run(t)
		})
	}
}

func TestLocateTellsTheMarker(t *testing.T) {
	text := strings.Replace(app("org", "nginx", "1.4.2"), "1.4.2", "1.4.2 # {\"$imagepolicy\": \"org:p:tag\"}", 1)
	got, err := Locate(mapFS(map[string]string{"a.yaml": text}), Source{}, target("org", "nginx"))
	if err != nil {
		t.Fatal(err)
	}
	want := Location{
		File: "a.yaml", Line: 8, Column: 12, Value: "1.4.2",
		Marker: &Found{File: "a.yaml", Line: 8, Ref: Ref{Namespace: "org", Policy: "p"}, Suffix: "tag", Value: "1.4.2", Raw: `# {"$imagepolicy": "org:p:tag"}`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNothingFollowsLinks(t *testing.T) {
	files := mapFS(map[string]string{"real/a.yaml": app("org", "nginx", "1.4.2"), "mc/kustomization.yaml": resources("link/a.yaml", "a.yaml")})
	files["mc/link"] = &fstest.MapFile{Data: []byte("../real"), Mode: 0o777 | 1<<27}
	files["mc/a.yaml"] = &fstest.MapFile{Data: []byte("../real/a.yaml"), Mode: 0o777 | 1<<27}
	for _, path := range []string{"mc", "mc/link", "mc/a.yaml"} {
		_, err := Locate(files, Source{Path: path}, target("org", "nginx"))
		var p *Problem
		if !errors.As(err, &p) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
