package markers

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestUnnamed: what is said of a target that may be an object whose name has a
// variable without a value.
func TestUnnamed(t *testing.T) {
	const (
		head   = "mc/app.yaml:1: App org/${cluster}-nginx may be App org/prod-nginx, but "
		unread = head + "nothing that is read here sets variables of its name: cluster. They may come from "
		inline = "set them in spec.postBuild.substitute of Kustomization flux/apps"
		absent = "no App org/prod-nginx below \"mc\" in the repository, which has 1 objects of this kind; correct the path, the target or the files"
	)
	vars := Reference{configMapKind, "vars"}
	for name, tc := range map[string]struct {
		namespace, name string
		source          Source
		files           files
		want            string
	}{
		"a ConfigMap of the cluster": {
			source: of(nil, vars), want: unread + "ConfigMap flux/vars, which has no manifest in the repository; write a manifest of that ConfigMap into the repository, or " + inline,
		},
		"beside another variable": {
			source: of(files{"other": "x"}, vars), want: unread + "ConfigMap flux/vars, which has no manifest in the repository; write a manifest of that ConfigMap into the repository, or " + inline,
		},
		"a default": {
			name: "${cluster:=dev}-nginx", source: of(nil, vars),
			want: strings.Replace(unread, "${cluster}", "${cluster:=dev}", 1) +
				"ConfigMap flux/vars, which has no manifest in the repository; write a manifest of that ConfigMap into the repository, or " + inline,
		},
		"a ConfigMap twice": {
			source: of(nil, vars), files: files{"a.yaml": configMap(configMapKind, "vars", "cluster: prod"), "b.yaml": configMap(configMapKind, "vars", "cluster: dev")},
			want: unread + "ConfigMap flux/vars, of which the repository has 2 manifests; keep one manifest of that ConfigMap, or " + inline,
		},
		"a Secret": {
			source: of(nil, Reference{secretKind, "vars"}), want: unread + "Secret flux/vars, which is not looked at; " + inline,
		},
		"a Secret of the repository": {
			source: of(nil, Reference{secretKind, "vars"}), files: files{"a.yaml": configMap(secretKind, "vars", "cluster: prod")},
			want: unread + "Secret flux/vars, which is not looked at; " + inline,
		},
		"many": {
			source: of(nil, Reference{secretKind, "s"}, vars, Reference{secretKind, "t"}, Reference{secretKind, "u"}),
			want: unread + "Secret flux/s, which is not looked at; or from ConfigMap flux/vars, which has no manifest in the repository; or from Secret flux/t, " +
				"which is not looked at; or from 1 more; write a manifest of that ConfigMap into the repository, or " + inline,
		},
		"nothing": {
			source: of(nil), want: head + "nothing in the repository sets variables of its name: cluster; " + inline,
		},
		"a ConfigMap that lacks it": {
			source: of(nil, vars), files: files{"a.yaml": configMap(configMapKind, "vars", "other: prod")},
			want: head + "nothing in the repository sets variables of its name: cluster; " + inline,
		},
		"no Kustomization": {
			source: Source{Path: "mc"}, want: head + "no Flux Kustomization is known that sets the variables of its name: cluster; " +
				"write the name itself, or let a Kustomization apply it that sets them",
		},
		"a namespace": {
			namespace: "${org}", name: "prod-nginx", source: of(nil),
			want: "mc/app.yaml:1: App ${org}/prod-nginx may be App org/prod-nginx, but nothing in the repository sets variables of its name: org; " + inline,
		},
		"no namespace": {
			namespace: "-", name: "${cluster}-nginx", source: of(nil),
			want: "mc/app.yaml:1: App ${cluster}-nginx may be App org/prod-nginx, but nothing in the repository sets variables of its name: cluster; " + inline,
		},
		"two of three": {
			name: "${a}${b}-${c}", source: of(files{"c": "nginx"}),
			want: "mc/app.yaml:1: App org/${a}${b}-${c} may be App org/prod-nginx, but nothing in the repository sets variables of its name: a, b; " + inline,
		},
		"of another name":             {name: "${cluster}-redis", source: of(nil, vars), want: absent},
		"of another name, by a value": {name: "${cluster}-${app}", source: of(files{"app": "redis"}, vars), want: absent},
		"of another namespace":        {namespace: "acme", source: of(nil, vars), want: absent},
		"that has a value":            {source: of(files{"cluster": "dev"}, vars), want: absent},
		"no expression":               {name: "${cluster-nginx", source: of(nil, vars), want: absent},
		"that Flux does not look at":  {name: "$${cluster}-nginx", source: of(nil, vars), want: absent},
		"the one that says most of it": {
			name: "prod-${x}", source: of(nil), files: files{"mc/b.yaml": app("org", "${y}", "1.0.0"), "mc/c.yaml": app("org", "prod-n${z}", "1.0.0")},
			want: "mc/c.yaml:1: App org/prod-n${z} may be App org/prod-nginx, but nothing in the repository sets variables of its name: z; " + inline,
		},
	} {
		t.Run(name, func(t *testing.T) {
			namespace, object := tc.namespace, tc.name
			switch namespace {
			case "":
				namespace = "org"
			case "-":
				namespace = ""
			}
			if object == "" {
				object = "${cluster}-nginx"
			}
			_, err := Locate(mapFS(with(tc.files, files{"mc/app.yaml": app(namespace, object, "1.4.2")})), tc.source, target("org", "prod-nginx"))
			var p *Problem
			if !errors.As(err, &p) {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{NotFound, tc.want}, []string{p.Reason, p.Message}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A pattern matches what comes from it, whatever its holes are.
func TestPattern(t *testing.T) {
	part := rapid.StringMatching(`[ab-]{0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(part, 1, 4).Draw(t, "parts")
		text := parts[0]
		for _, p := range parts[1:] {
			text += part.Draw(t, "hole") + p
		}
		if !patternOf(strings.Join(parts, hole)).matches(text) {
			t.Fatalf("%q does not match %s", parts, text)
		}
		if other := parts[0] + "c"; patternOf(parts[0]).matches(other) {
			t.Fatalf("%q matches %s", parts[0], other)
		}
	})
}
