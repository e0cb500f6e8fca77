package markers

import (
	"errors"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/google/go-cmp/cmp"
)

// TestPlacementTableFindings has every place in which Flux ignores a marker or damages the file, with the words about it: where,
// why, and what to do. kyaml's own setter is asked whether it is so.
func TestPlacementTableFindings(t *testing.T) {
	version := func(line string) map[string]string { return map[string]string{"a.yaml": tableHead + "spec:\n" + line} }
	beside := func(text string) map[string]string {
		return map[string]string{"a.yaml": tableHead + "spec:\n  version: 1.4.2\n" + text}
	}
	inline := map[string]string{
		"kustomization.yaml": "resources: [app.yaml]\npatches:\n- target: {kind: App}\n  patch: |-\n    - {op: replace, path: /spec/version, value: 1.4.2}\n",
		"app.yaml":           tableHead + "spec:\n  version: 1.0.0\n",
	}
	merged := map[string]string{
		"kustomization.yaml": "resources: [app.yaml]\npatches:\n- patch: |\n    " +
			strings.ReplaceAll(tableHead+"spec:\n  version: 1.4.2", "\n", "\n    ") + "\n",
		"app.yaml": tableHead + "spec:\n  version: 1.0.0\n",
	}
	for name, tc := range map[string]struct {
		files  map[string]string
		source Source
		// writes: Flux would write a marked value there, and more than that one with it, or to no effect.
		writes bool
		want   string
	}{
		"inline JSON6902 patch": {
			files: inline,
			want: "NotMarkable: kustomization.yaml:4: the version is set by a JSON6902 patch inside this file, in which Flux ignores " +
				"markers; write it as a strategic merge patch in a file of its own and name that with path:",
		},
		"inline strategic merge patch": {
			files: merged,
			want: "NotMarkable: kustomization.yaml:3: the version is set by a patch inside this file, in which Flux ignores " +
				"markers; move the patch into a file of its own and name it with path:",
		},
		"JSON6902 patch file": {
			files: tablePatch("patch.yaml", "- op: replace\n  path: /spec/version\n  value: 1.4.2\n"),
			want: "NotMarkable: patch.yaml:1: the version is set by a JSON6902 patch, in which Flux ignores markers; use a " +
				"strategic merge patch in a file of its own",
		},
		"JSON6902 patch of the Flux Kustomization": {
			files: beside(""), writes: true,
			source: Source{Patches: []kustomize.Patch{{
				Patch: "- op: replace\n  path: /spec/version\n  value: 1.4.2\n", Target: &kustomize.Selector{Kind: "App"},
			}}},
			want: "NotMarkable: the version is set by a JSON6902 patch in spec.patches of the Flux Kustomization; write it as a strategic " +
				"merge patch in a file of the repository",
		},
		"patch file that takes the version away": {
			files: tablePatch("patch.yaml", tableHead+"spec:\n  version: null\n"), writes: true,
			want: "NotFound: patch.yaml:1: this patch takes the spec.version of App org/nginx away; take that out of it",
		},
		"JSON6902 patch that takes the version away": {
			files: tablePatch("patch.yaml", "- op: test\n  path: /kind\n  value: App\n- op: remove\n  path: /spec/version\n"), writes: true,
			want: "NotFound: patch.yaml:4: this patch takes the spec.version of App org/nginx away; take that out of it",
		},
		"inline patch that takes the version away": {
			files: map[string]string{
				"kustomization.yaml": "resources: [a.yaml]\npatches:\n- patch: '[{op: remove, path: /spec/version}]'\n  target: {kind: App}\n",
				"a.yaml":             tableHead + "spec:\n  version: 1.4.2\n",
			}, writes: true,
			want: "NotFound: kustomization.yaml:3: this patch takes the spec.version of App org/nginx away; take that out of it",
		},
		"patch of the Flux Kustomization that takes the version away": {
			files: beside(""), source: Source{Patches: []kustomize.Patch{{Patch: tableHead + "spec: {version: null}\n"}}}, writes: true,
			want: "NotFound: a.yaml:1: spec.patches of the Flux Kustomization take the spec.version of App org/nginx away; take that out of them",
		},
		"JSON file": {
			files: map[string]string{
				"kustomization.yaml": "resources: [a.json]\n",
				"a.json":             `{"apiVersion": "application.giantswarm.io/v1alpha1", "kind": "App", "metadata": {"name": "nginx", "namespace": "org"}, "spec": {"version": "1.4.2"}}`,
			},
			want: "NotMarkable: a.json: Flux updates files named *.yaml, *.yml or Kustomization only; write it as YAML, with each key on a line " +
				"of its own, in a file named *.yaml",
		},
		"patch of the Flux Kustomization": {
			files: beside(""), source: Source{Patches: []kustomize.Patch{{Patch: tableHead + "spec:\n  version: 1.4.2\n"}}}, writes: true,
			want: "NotMarkable: the version is set by spec.patches of the Flux Kustomization; move that patch into a file of the " +
				"repository",
		},
		"block string": {
			files: version("  version: |-\n    1.4.2\n"),
			want:  "NotMarkable: a.yaml:7: Flux ignores markers in block text (| and >); write the value on the line of its key",
		},
		"folded string": {
			files: version("  version: >-\n    1.4.2\n"),
			want:  "NotMarkable: a.yaml:7: Flux ignores markers in block text (| and >); write the value on the line of its key",
		},
		"block string in a ConfigMap": {
			files: configMapIs("data:\n  version: |-\n    1.4.2\n"), source: configMapSource,
			want: "NotMarkable: mc/versions.yaml:5: Flux ignores markers in block text (| and >); write the value on the line of its key",
		},
		"flow map": {
			files: map[string]string{"a.yaml": tableHead + "spec: {version: 1.4.2}\n"},
			want:  "NotMarkable: a.yaml:6: Flux ignores markers inside { } and [ ]; write the mapping in block style, one key per line",
		},
		"value on the next line": {
			files: version("  version:\n    1.4.2\n"),
			want:  "NotMarkable: a.yaml:8: Flux ignores a marker when the value is not on the line of its key; write `key: value`",
		},
		"alias": {
			files: map[string]string{"a.yaml": tableHead + "x: &v 1.4.2\nspec:\n  version: *v\n"}, writes: true,
			want: "NotMarkable: a.yaml:8: the value is a YAML alias (*v), which Flux does not update; write the version here",
		},
		"anchor": {
			files: version("  version: &v 1.4.2\n"), writes: true,
			want: "NotMarkable: a.yaml:7: the value has a YAML anchor (&v), so Flux would change every place that uses it; write " +
				"the version here without it",
		},
		"merge key": {
			files: map[string]string{"a.yaml": tableHead + "x: &s\n  version: 1.4.2\nspec:\n  <<: *s\n"}, writes: true,
			want: "NotMarkable: a.yaml:7: the version comes from a YAML alias or merge key (<<), so Flux would change every object " +
				"that uses it; write the version in the object itself",
		},
		"List": {
			files: map[string]string{"a.yaml": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: application.giantswarm.io/v1alpha1\n  kind: App\n" +
				"  metadata: {name: nginx, namespace: org}\n  spec:\n    version: 1.4.2\n"},
			want: "NotMarkable: a.yaml:1: Flux does not update objects inside a kind: List, and leaves stray files; write them as " +
				"documents separated by ---",
		},
		"template beside": {
			files: beside("---\nreplicas: {{ .Values.replicas }}\n"),
			want:  "NotMarkable: a.yaml:9: Flux would corrupt the template expression {{ }}; move the template into another file",
		},
		"unparsable document beside": {
			files: beside("---\nfoo: [\n"),
			want: "NotMarkable: a.yaml:9: Flux skips the whole file because a document cannot be parsed (yaml: line 1: did not " +
				"find expected node content); correct it or move it into another file",
		},
		"list beside": {
			files: beside("---\n- a\n"),
			want: "NotMarkable: a.yaml:9: Flux skips a file that holds a list (a JSON6902 patch is one); use a strategic merge " +
				"patch in a file of its own",
		},
		"file of another type": {
			files: map[string]string{"kustomization.yaml": "resources: [app.yaml.tmpl]\n", "app.yaml.tmpl": tableHead + "spec:\n  version: 1.4.2\n"},
			want:  "NotMarkable: app.yaml.tmpl: Flux updates files named *.yaml, *.yml or Kustomization only; rename the file",
		},
		"a variable as part of the version": {
			files: version("  version: 1.4.${patch}\n"),
			want: `Substituted: a.yaml:7: the spec.version of App org/nginx is "1.4.${patch}", in which a variable is only a part; ` +
				`let one variable have the whole version, or write the version itself in this line`,
		},
		"a variable that nothing sets": {
			files: variableIs("a: b\n"), source: Source{Path: "mc"},
			want: "Substituted: mc/app.yaml:7: the spec.version of App org/nginx is the variable ${version}, and no Flux " +
				"Kustomization is known that sets it; write the version itself in this line",
		},
		"comment beside": {
			files: version("  version: 1.4.2 # stable\n"),
			want: "ForeignMarker: a.yaml:7: the line carries a comment, and Flux reads a marker only when nothing else is in the " +
				"comment; move the comment to the line above",
		},
		"variable in a marker": {
			files: version("  version: 1.4.2 # {\"$imagepolicy\": \"${ns}:nginx:tag\"}\n"),
			want: "ForeignMarker: a.yaml:7: Flux ignores the marker on this line, because a variable in it is never replaced: Flux " +
				"reads the repository, not what is applied; remove it, so that it can be placed anew",
		},
		"slash in a marker": {
			files: version("  version: 1.4.2 # {\"$imagepolicy\": \"org/nginx:tag\"}\n"),
			want: "ForeignMarker: a.yaml:7: Flux ignores the marker on this line, because the namespace is separated by a colon, " +
				"not by a slash; remove it, so that it can be placed anew",
		},
		"unknown suffix of a marker": {
			files: version("  version: 1.4.2 # {\"$imagepolicy\": \"org:nginx:version\"}\n"),
			want: "ForeignMarker: a.yaml:7: Flux ignores the marker on this line, because only tag, name and digest may follow the " +
				"policy; remove it, so that it can be placed anew",
		},
		"marker without a policy": {
			files: version("  version: 1.4.2 # {\"$imagepolicy\": \"nginx\"}\n"),
			want: "ForeignMarker: a.yaml:7: Flux ignores the marker on this line, because it must have the form " +
				"namespace:policy:tag; remove it, so that it can be placed anew",
		},
		"marker with a name that cannot be": {
			files: version("  version: 1.4.2 # {\"$imagepolicy\": \"Org:nginx:tag\"}\n"),
			want: "ForeignMarker: a.yaml:7: Flux ignores the marker on this line, because its namespace and policy must be names " +
				"of Kubernetes objects; remove it, so that it can be placed anew",
		},
		"marker with a number": {
			files: version("  version: 1.4.2 # {\"$imagepolicy\": 1}\n"),
			want: `ForeignMarker: a.yaml:7: Flux ignores the marker on this line, because its JSON object must have the one key ` +
				`"$imagepolicy" with a text; remove it, so that it can be placed anew`,
		},
		"text after a marker": {
			files: version("  version: 1.4.2 # {\"$imagepolicy\": \"org:nginx:tag\"} by hand\n"),
			want: "ForeignMarker: a.yaml:7: Flux ignores the marker on this line, because nothing may stand before or after its " +
				"JSON object, which must be valid; remove it, so that it can be placed anew",
		},
		"text before a marker": {
			files: version("  version: 1.4.2 # flux: {\"$imagepolicy\": \"org:nginx:tag\"}\n"),
			want: "ForeignMarker: a.yaml:7: Flux ignores the marker on this line, because nothing may stand before or after its " +
				"JSON object, which must be valid; remove it, so that it can be placed anew",
		},
		"marker above the line": {
			files: version("  # {\"$imagepolicy\": \"org:nginx:tag\"}\n  version: 1.4.2\n"),
			want: "ForeignMarker: a.yaml:7: Flux ignores the marker on this line, because it is above the value and not beside it; " +
				"remove it, so that one can be placed at the end of line 8",
		},
		"marker above the line, and other things": {
			files: version("  # {\"$imagepolicy\": \"org:nginx:tag\"}\n  # stable\n\n  version: 1.4.2\n"),
			want: "ForeignMarker: a.yaml:7: Flux ignores the marker on this line, because it is above the value and not beside it; " +
				"remove it, so that one can be placed at the end of line 10",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Locate(mapFS(tc.files), tc.source, target("org", "nginx"))
			var p *Problem
			if !errors.As(err, &p) {
				t.Fatalf("no finding: %v", err)
			}
			if diff := cmp.Diff(tc.want, p.Reason+": "+p.Message); diff != "" {
				t.Errorf("finding (-want +got):\n%s", diff)
			}
			if !tc.writes {
				assertIneffective(t, tc.files)
			}
		})
	}
}

// assertIneffective: a marker beside the version does not make kyaml's setter write that value and nothing else.
func assertIneffective(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if !fluxReads(name) || !strings.Contains(text, "1.4.2") {
			continue
		}
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			if strings.Contains(line, "1.4.2") && !strings.Contains(text, shortHand) {
				lines[i] += pinComment
			}
		}
		marked := strings.Join(lines, "\n")
		written, _, err := setterPass([]byte(marked), map[string]string{pin.String(): "1.5.0", "org:nginx:tag": "1.5.0"})
		if err == nil && string(written) == strings.Replace(marked, "1.4.2", "1.5.0", 1) {
			t.Errorf("kyaml's setter does write a marker there:\n%s", written)
		}
	}
}
