package markers

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// countingFS counts how often files are opened.
type countingFS struct {
	fstest.MapFS
	opened map[string]int
}

func (c countingFS) Open(name string) (fs.File, error) {
	c.opened[name]++
	return c.MapFS.Open(name)
}

// TestSurveyReadsOnce has many Kustomizations, each with a ConfigMap of its own
// and one of all: however many are asked for, no file is read more often than
// there are kinds of questions.
func TestSurveyReadsOnce(t *testing.T) {
	const count = 40
	all := files{"base/kustomization.yaml": resources("app.yaml"), "base/app.yaml": app("org", "${name}", "1.4.2")}
	var applied []Source
	for i := range count {
		dir, settings := fmt.Sprintf("mc/%d", i), fmt.Sprintf("settings-%d", i)
		all[dir+"/kustomization.yaml"] = resources("../../base", "own.yaml")
		all[dir+"/own.yaml"] = app("org", "own-${name}", "${version}")
		all[fmt.Sprintf("vars/%d.yaml", i)] = configMap("ConfigMap", settings, fmt.Sprintf("name: app-%d", i), "version: 1.4.2")
		src := applies(fmt.Sprintf("k%d", i), dir)
		src.SubstituteFrom = []Reference{{"ConfigMap", settings}}
		applied = append(applied, src)
	}
	fsys := countingFS{mapFS(all), map[string]int{}}
	survey := NewSurvey(fsys, append(applied, applies("vars", "vars")))
	for i, src := range applied {
		index, err := survey.Index(src)
		if err != nil {
			t.Fatal(err)
		}
		for name, users := range map[string]int{fmt.Sprintf("app-%d", i): count, fmt.Sprintf("own-app-%d", i): 1} {
			at, err := index.Locate(target("org", name))
			if err != nil {
				t.Fatal(err)
			}
			got, err := survey.Users(target("org", name), at)
			if err != nil || len(got) != users {
				t.Fatalf("%s: %d users, %v", name, len(got), err)
			}
		}
	}
	for name, n := range fsys.opened {
		// An index reads what its own source builds; the survey reads all: for Kustomizations, for ConfigMaps, for Apps and
		// for Kustomizations that are built.
		limit := 12
		if strings.HasPrefix(name, "base/") {
			limit = 12 + 4*count
		}
		if n > limit {
			t.Errorf("%s was opened %d times, want %d at most", name, n, limit)
		}
	}
}

func TestSurveyIsBounded(t *testing.T) {
	var applied []Source
	for i := range maxRoots + 1 {
		applied = append(applied, applies(fmt.Sprint(i), "mc"))
	}
	_, err := NewSurvey(mapFS(files{"mc/a.yaml": app("org", "a", "1.4.2")}), applied).Users(target("org", "a"), Location{File: "mc/a.yaml", Line: 8})
	if !isProblem(err) || !strings.Contains(err.Error(), "git.allowShared") {
		t.Errorf("error %v", err)
	}
	many := files{"mc/a.yaml": app("org", "a", "1.4.2"), "all.yaml": strings.Repeat(ofGit("a", "mc", "gitops")+"---\n", 7000)}
	for _, copy := range []string{"b.yaml", "c.yaml"} {
		many[copy] = many["all.yaml"]
	}
	if _, err := NewSurvey(mapFS(many), nil).Users(target("org", "a"), Location{File: "mc/a.yaml", Line: 8}); !isProblem(err) {
		t.Errorf("error %v", err)
	}
}

// TestVariablesAreBounded: what cannot be looked at whole is not taken for unused.
func TestVariablesAreBounded(t *testing.T) {
	source := of(map[string]string{"version": "1.4.2"})
	all := files{"mc/a.yaml": app("org", "a", "${version}"), "apps.yaml": fluxKustomization("flux", "apps", "./mc", "version: 1.4.2")}
	for steps, want := range map[int]bool{0: false, surveySteps: true} {
		survey := NewSurvey(mapFS(all), []Source{source})
		survey.steps = steps
		users, err := survey.Users(target("org", "a"), Location{File: "apps.yaml", Line: 10, Variable: "version"})
		if want != (err == nil) || err != nil && !isProblem(err) || len(users) == 0 && want {
			t.Errorf("with %d steps: %v, error %v", steps, users, err)
		}
	}
}

func TestGivesName(t *testing.T) {
	names := map[string]bool{"one": true}
	for text, want := range map[string]bool{
		"metadata:\n  name: one\n": true, "metadata: {name: one}": true, `{"metadata":{"name":"one"}}`: true, "name: 'one' # x": true, "name:\tone": true,
		"name: one-two": false, "name: two": false, "rename one": false, "names: one": false, "name": false, "": false, "name: two\nname: one": true,
	} {
		if got := givesName(text, func(name string) bool { return names[name] }); got != want {
			t.Errorf("givesName(%q) = %v", text, got)
		}
	}
}

// TestVariablesReadOnce has many variables of one Kustomization: what sets and
// uses them is found for all of them at once.
func TestVariablesReadOnce(t *testing.T) {
	const count = 400
	all, set, values := files{}, []string{}, map[string]string{}
	for i := range count {
		name := fmt.Sprintf("v%d", i)
		set, values[name] = append(set, name+": 1.4.2"), "1.4.2"
		all[fmt.Sprintf("mc/%d.yaml", i)] = app("org", name, "${"+name+"}")
	}
	all["flux/apps.yaml"] = fluxKustomization("flux", "apps", "./mc", set...)
	fsys := countingFS{mapFS(all), map[string]int{}}
	source := of(values)
	survey := NewSurvey(fsys, []Source{source, applies("flux-system", "flux")})
	index, err := survey.Index(source)
	if err != nil {
		t.Fatal(err)
	}
	for name := range values {
		at, err := index.Locate(target("org", name))
		if err != nil {
			t.Fatal(err)
		}
		if users, err := survey.Users(target("org", name), at); err != nil || len(users) != 1 {
			t.Fatalf("%s: %v, %v", name, users, err)
		}
	}
	for name, n := range fsys.opened {
		if n > 12 {
			t.Errorf("%s was opened %d times, want 12 at most", name, n)
		}
	}
}
