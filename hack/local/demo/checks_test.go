package demo

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

// setVersion is a version's line, with a marker if marked.
func setVersion(app, value string, marked bool) string {
	if marked {
		return fmt.Sprintf(`  version: %s # {"$imagepolicy": "default:pin.app.%s:tag"}`, value, app)
	}
	return "  version: " + value
}

func marks(installed map[string]string) commit {
	c := commit{Commit: gitserver.Commit{Hash: "1markers", Parents: []string{"0"}}, by: byOperator}
	for app, version := range installed {
		c.lines = append(c.lines, line{file(app), setVersion(app, version, false), setVersion(app, version, true)})
	}
	return c
}

func moves(by author, batch string, app, from, to string) commit {
	return commit{
		Commit: gitserver.Commit{Hash: "2" + app + to, Parents: []string{"1"}}, by: by, batch: batch,
		lines:   []line{{file(app), setVersion(app, from, true), setVersion(app, to, true)}},
		trailer: map[string]change{app: {from, to}},
	}
}

var ranges = map[string]*semver.Constraints{
	"hello-world": mustConstraint(">=1.0.0"),
	"ingress":     mustConstraint(">=1.0.0 <2.0.0"),
	"dex":         mustConstraint(">=3.7.0 <3.8.0"),
}

func mustConstraint(text string) *semver.Constraints {
	c, err := semver.NewConstraint(text)
	if err != nil {
		panic(err)
	}
	return c
}

// goodRecord is what the story leaves if all goes well.
func goodRecord() record {
	r := record{
		ranges: map[string]*semver.Constraints{}, apps: map[string]appState{}, armed: []string{"later"},
		specs: map[string][]string{}, policies: map[string]v1alpha1.AppUpgradePolicyStatus{},
	}
	run := func(app, version string) { r.apps[app] = appState{version, version, "deployed"} }
	managed := map[string]string{}
	for _, role := range cast {
		managed[role.app], r.ranges[role.app] = role.installed, ranges[role.app]
		r.armed = append(r.armed, "b-"+role.app)
		run(role.app, role.newest())
	}
	for _, m := range fleet {
		managed[m.app], r.ranges[m.app] = fleetInstalled, mustConstraint(">=1.0.0 <2.0.0")
		run(m.app, mended)
	}
	first := commit{
		Commit: gitserver.Commit{Hash: "0"}, by: byHuman,
		lines: []line{{file(bystander), "", setVersion(bystander, bystanderInstalled, false)}},
	}
	for app, version := range managed {
		first.lines = append(first.lines, line{file(app), "", setVersion(app, version, false)})
	}
	run(bystander, bystanderInstalled)
	r.commits = append(r.commits, first, marks(managed))
	for _, role := range cast {
		r.commits = append(r.commits, moves(byFlux, "b-"+role.app, role.app, role.installed, role.wanted))
	}
	back, _ := roleOf(reverted)
	r.commits = append(r.commits, moves(byHuman, "", back.app, back.wanted, back.installed))
	run(back.app, back.installed)
	for _, role := range cast {
		if role.later != "" {
			r.commits = append(r.commits, moves(byFlux, "later", role.app, role.wanted, role.later))
		}
	}
	r.addFleet()
	return r
}

// spoiled is a record that a check must refuse.
type spoiled struct {
	spoil func(*record)
	claim string // a word of the check that must fail
}

// Each spoiled record is refused by the check that is there for it, and every check refuses one.
func TestVerify(t *testing.T) {
	back, err := roleOf(reverted)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]spoiled{
		"an App was not upgraded":            {func(r *record) { delete(r.apps, cast[0].app) }, "every App runs"},
		"Git differs from the cluster":       {func(r *record) { r.commits = r.commits[:len(r.commits)-1] }, "every App runs"},
		"the fleet was not upgraded":         {func(r *record) { delete(r.apps, production.app) }, "every App runs"},
		"a version out of range":             {add(moves(byFlux, "later", "dex", "3.7.4", "9.0.0")), "only versions in a policy's range"},
		"a downgrade":                        {add(moves(byFlux, "later", "dex", "3.7.4", "3.7.0")), "only upwards"},
		"an App without a policy":            {add(moves(byFlux, "later", "other", "1.0.0", "1.1.0")), "only versions in a policy's range"},
		"a pre-release, and back":            {add(moves(byFlux, "later", "dex", "3.7.4", "3.7.5-dev.1"), moves(byHuman, "", "dex", "3.7.5-dev.1", "3.7.4")), "never in Git"},
		"a marker twice":                     {add(marks(map[string]string{"dex": "3.7.0"})), "only add markers"},
		"no marker":                          {func(r *record) { r.commits = slices.Delete(r.commits, 1, 2) }, "only add markers"},
		"the operator changes another line":  {add(commit{Commit: gitserver.Commit{Hash: "3", Parents: []string{"2"}}, by: byOperator, lines: []line{{"README.md", "a", "b"}}}), "only add markers"},
		"the operator changes a version":     {add(moves(byOperator, "", "dex", "3.7.4", "3.7.5")), "names its batch"},
		"Flux changes another line":          {add(commit{Commit: gitserver.Commit{Hash: "3", Parents: []string{"2"}}, by: byFlux, batch: "later", lines: []line{{"README.md", "a", "b"}}}), "only change versions"},
		"Flux removes a marker":              {add(commit{Commit: gitserver.Commit{Hash: "3", Parents: []string{"2"}}, by: byFlux, batch: "later", lines: []line{{file("dex"), setVersion("dex", "3.7.4", true), setVersion("dex", "3.7.5", false)}}}), "only change versions"},
		"a trailer that says something else": {func(r *record) { r.commits[2].trailer = map[string]change{} }, "names its batch"},
		"the revert is overwritten":          {add(moves(byFlux, "later", back.app, back.installed, back.wanted)), "stays"},
		"no human": {func(r *record) {
			r.commits = slices.DeleteFunc(r.commits, func(c commit) bool { return c.by == byHuman && !c.first() })
		}, "stays"},
		"nothing after the human":    {func(r *record) { r.commits = r.commits[:len(r.commits)-5] }, "stays"},
		"the bystander is written":   {add(moves(byHuman, "", bystander, bystanderInstalled, bystanderNewer)), "no policy names"},
		"the bystander is away":      {func(r *record) { delete(r.apps, bystander) }, "no policy names"},
		"a batch that was not armed": {func(r *record) { r.armed = nil }, "armed"},
		"a batch in two commits":     {add(moves(byFlux, "later", "dex", "3.7.4", "3.7.6")), "armed"},
		"nothing written":            {func(r *record) { r.commits = r.commits[:2] }, "armed"},
		"not at rest":                {func(r *record) { r.notAtRest = errors.New("armed") }, "at rest"},
	}
	maps.Copy(tests, fleetSpoils)
	failing := map[string]bool{}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := goodRecord()
			test.spoil(&r)
			var failed []string
			for _, c := range verify(r) {
				if len(c.problems) > 0 {
					failed = append(failed, c.claim)
					failing[c.claim] = true
				}
			}
			if !slices.ContainsFunc(failed, func(claim string) bool { return strings.Contains(claim, test.claim) }) {
				t.Errorf("the check with %q does not fail; those that do: %q", test.claim, failed)
			}
		})
	}
	for _, c := range verify(goodRecord()) {
		if len(c.problems) > 0 {
			t.Errorf("%q fails although all went well: %q", c.claim, c.problems)
		}
		if !failing[c.claim] {
			t.Errorf("%q never fails; those that do: %q", c.claim, slices.Sorted(maps.Keys(failing)))
		}
	}
}

func add(commits ...commit) func(*record) {
	return func(r *record) { r.commits = append(r.commits, commits...) }
}
