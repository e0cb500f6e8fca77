package markers

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

var pin = Ref{Namespace: "org-acme", Policy: "pin.app.nginx"}

// seeds are whole files; what the fuzzer found is in testdata/fuzz.
func seeds(f *testing.F) []string {
	f.Helper()
	texts := []string{
		app("org", "nginx", "1.4.2"),
		app("org", "nginx", `""`) + "---\n" + app("org", "other", "'2.0.0'"),
		"a: &x 1.0.0\nb: *x\nc: {d: 1}\ne:\n- 1.0.0 # text\n- |\n  1.0.0\n",
		"\ufeffa: 1.0.0\r\nb:\r\n  c: 2\r\n",
		"a: 1.0.0\t \n\n# end",
		"? a\n: b\n? [c]\n: d\n",
		"a: \"1\n\n  2\" # x\nb: 'it''s'\n",
		"%YAML 1.1\n---\na: !!str 1\n...\n",
	}
	for _, name := range sortedKeys(hostile()) {
		if text := hostile()[name]; len(text) < 20_000 { // the fuzzer works on small ones
			texts = append(texts, "kind: App\nversion: 1.0.0\n---\n"+text)
		}
	}
	for _, tc := range recorded(f) {
		for _, name := range sortedKeys(tc.Before) {
			texts = append(texts, tc.Before[name])
		}
	}
	return texts
}

// FuzzPlace marks a value of an arbitrary file. What Place returns must hold
// against kyaml's own setter, and Remove must undo it.
func FuzzPlace(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add([]byte(text), uint(0))
		f.Add([]byte(text), uint(9))
	}
	f.Fuzz(func(t *testing.T, content []byte, choice uint) {
		at, path, ok := valueAt(content, choice)
		if !ok {
			return
		}
		placed, err := Place(content, at, pin)
		if err != nil {
			if p := (*Problem)(nil); !errors.As(err, &p) {
				t.Fatalf("no Problem: %v", err)
			}
			return
		}
		if bytes.Equal(placed, content) {
			return // The marker was there.
		}
		checkPlaced(t, content, placed, at, path)
	})
}

// valueAt picks one of the values in content.
func valueAt(content []byte, choice uint) (at Location, path []int, ok bool) {
	type candidate struct {
		doc  *document
		site site
	}
	var all []candidate
	for _, doc := range parseFile("f.yaml", content, nil).docs {
		if doc.root == nil {
			continue
		}
		sites(doc.root, func(s site) bool {
			s.path = slices.Clone(s.path)
			all = append(all, candidate{doc, s})
			return true
		})
	}
	if len(all) == 0 {
		return Location{}, nil, false
	}
	c := all[choice%uint(len(all))]
	return Location{
		File: "f.yaml", Document: c.doc.index, Line: c.doc.line(c.site.node),
		Column: c.site.node.Column, Value: c.site.value(),
	}, c.site.path, true
}

// checkPlaced holds what every placement promises.
func checkPlaced(t rapid.TB, content, placed []byte, at Location, path []int) {
	t.Helper()
	end, ok := lineEnd(content, at.Line)
	if !ok || !bytes.Equal(placed, splice(content, end, " "+pin.Comment())) {
		t.Fatalf("more than the line's end changed:\n%q\n%q", content, placed)
	}
	written, set, err := setterPass(placed, map[string]string{pin.String(): "9.9.9"})
	if err != nil || set != 1 {
		t.Fatalf("the setter set %d values (%v) in %q", set, err, placed)
	}
	checkOnlyValue(t, placed, written, at.Document, path)
	again, err := Place(placed, at, pin)
	if err != nil || !bytes.Equal(again, placed) {
		t.Fatalf("not idempotent: %v\n%q", err, again)
	}
	back, removed, err := Remove(placed, pin)
	if err != nil || !removed || !bytes.Equal(back, content) {
		t.Fatalf("not removed: %v %v\n%q\n%q", removed, err, content, back)
	}
	if got := liveMarkers(t, "f.yaml", content); len(liveMarkers(t, "f.yaml", placed)) != len(got)+1 {
		t.Fatalf("other markers changed: %v", got)
	}
}

// checkOnlyValue compares what two files say: nothing but one value differs.
func checkOnlyValue(t rapid.TB, before, after []byte, document int, path []int) {
	t.Helper()
	a, b := parseFile("", before, nil).docs, parseFile("", after, nil).docs
	if len(a) != len(b) {
		t.Fatalf("%d documents became %d:\n%q\n%q", len(a), len(b), before, after)
	}
	for i := range a {
		if a[i].index == document {
			nodeAt(a[i].root, path).Value = "9.9.9"
		}
		if err := yaml.ClearEmptyAnnotations(yaml.NewRNode(a[i].root)); err != nil {
			t.Fatal(err)
		}
		if !sameTree(a[i].root, b[i].root) {
			t.Fatalf("the setter changed more than a value:\n%q\n%q", before, after)
		}
	}
}

// FuzzRemove takes the markers of an arbitrary file away, one pin at a time.
func FuzzRemove(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		refs := []Ref{pin}
		for _, m := range liveMarkers(t, "f.yaml", content) {
			refs = append(refs, m.found.Ref)
		}
		for _, ref := range refs {
			out, removed, err := Remove(content, ref)
			if err != nil {
				continue
			}
			if removed == bytes.Equal(out, content) || len(out) > len(content) {
				t.Fatalf("removed: %v\n%q\n%q", removed, content, out)
			}
			if !removed {
				continue
			}
			if !parseFile("", content, nil).sameDocuments(out) {
				t.Fatalf("the file says something else:\n%q\n%q", content, out)
			}
			if _, more, _ := Remove(out, ref); more {
				t.Fatalf("not all was removed: %q", out)
			}
		}
	})
}

// FuzzLocate looks for an App in an arbitrary repository. What Locate finds
// free of Problems, Place must accept.
func FuzzLocate(f *testing.F) {
	kustomizations := []string{
		"", resources("app.yaml"), resources("app.yaml", "../x") + "patches:\n- path: patch.yaml\n",
		resources("app.yaml") + "namePrefix: a-\npatches:\n- path: patch.yaml\n  target: {kind: App}\n- patch: |-\n    - op: add\n      path: /spec/version\n      value: x\n  target: {name: n.*}\n",
		resources("app.yaml") + "replacements:\n- targets:\n  - select: {kind: App}\n    fieldPaths: [spec.version]\n",
	}
	for _, k := range kustomizations {
		for _, text := range seeds(f) {
			f.Add(k, text, app("org-acme", "nginx", "2.0.0"))
		}
	}
	f.Add("", app("org-acme", "nginx", "${version}"), fluxKustomization("flux", "apps", "./mc", "version: 1.4.2"))
	f.Add("", app("org-acme", "nginx", "${other}"), configMap("ConfigMap", "one", "other: 1.4.2"))
	for _, configuration := range []string{
		"namePrefix: [{path: spec/version, kind: App}]\n", "nameReference: [{kind: X, fieldSpecs: [{path: metadata/name}]}]\nlabels: [{path: metadata/labels, kind: X}]\n", `{"x.App": {}}`,
	} {
		const k = "namePrefix: a-\nlabels: [{pairs: {a: b}, fields: [{path: spec/x}]}]\nconfigurations: [patch.yaml]\ncrds: [patch.yaml]\n"
		f.Add(resources("app.yaml")+k, app("org-acme", "nginx", "1.4.2"), configuration)
	}
	f.Fuzz(func(t *testing.T, kustomization, first, second string) {
		files := files{"mc/app.yaml": first, "mc/patch.yaml": second}
		if kustomization != "" {
			files["mc/kustomization.yaml"] = kustomization
		}
		source := of(map[string]string{"cluster_name": "prod", "version": "1.4.2"}, Reference{"ConfigMap", "one"})
		at, err := Locate(mapFS(files), source, target("org-acme", "nginx"))
		if err != nil {
			if p := (*Problem)(nil); !errors.As(err, &p) {
				t.Fatalf("no Problem: %v", err)
			}
			return
		}
		checkSurveyed(t, files, source, at)
		if at.Marker != nil {
			return
		}
		if _, err := Place([]byte(files[at.File]), at, pin); err != nil {
			t.Fatalf("located but not placed: %+v: %v", at, err)
		}
	})
}

// checkSurveyed: a target that was located is a user of its line, and whatever
// overlay is offered can be read.
func checkSurveyed(t *testing.T, all files, source Source, at Location) {
	t.Helper()
	survey := NewSurvey(mapFS(all), []Source{source})
	users, err := survey.Users(target("org-acme", "nginx"), at)
	if err != nil {
		if p := (*Problem)(nil); !errors.As(err, &p) {
			t.Fatalf("no Problem: %v", err)
		}
		return
	}
	if len(users) == 0 {
		t.Fatalf("nobody uses %+v", at)
	}
	for _, user := range users {
		offer, ok, err := survey.Overlay(user, at)
		if err != nil {
			t.Fatal(err)
		}
		if !ok || offer.Content == "" {
			continue
		}
		if _, err := parseKustomization(offer.Kustomization, []byte(offer.Content)); err != nil {
			t.Fatalf("%v:\n%s", err, offer.Content)
		}
	}
}
