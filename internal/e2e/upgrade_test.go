package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
)

// The three policies of the proposal: new charts are taken in their ranges, by commits of Flux, and nothing else is.
func TestThreePolicies(t *testing.T) {
	f := newFleet(t, map[string]string{"latest": "1.0.0", "minors": "1.0.0", "patches": "3.7.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("latest", ">=1.0.0", []string{"latest"})
	f.policy("minors", ">=1.0.0 <2.0.0", []string{"minors"})
	f.policy("patches", ">=3.7.0 <3.8.0", []string{"patches"})
	eventually(t, "every App is marked", func() error { return f.marked("latest", "minors", "patches") })

	f.release("1.1.0", "2.0.0-rc.1", "3.7.4", "3.8.0", "4.0.0-rc.1", "3.7.5-dev.1")
	f.scan()
	want := map[string]string{"latest": "3.8.0", "minors": "1.1.0", "patches": "3.7.4"}
	eventually(t, "every App runs the newest version of its range", func() error {
		for app, version := range want {
			if err := f.deployed(app, version); err != nil {
				return err
			}
			if err := f.target(app, app, inState(v1alpha1.TargetDeployed)); err != nil {
				return err
			}
		}
		return f.atRest()
	})
	f.onlyMarkersAndUpgrades()

	// A human's revert stays, and the others do not move for it.
	f.commit("Back to 1.0.0", map[string]string{"minors": "1.0.0"})
	eventually(t, "the revert is held", func() error {
		if err := f.deployed("minors", "1.0.0"); err != nil {
			return err
		}
		return f.target("minors", "minors", inState(v1alpha1.TargetHeld))
	})
	f.release("3.9.0")
	f.scan()
	eventually(t, "latest goes on", func() error { return f.deployed("latest", "3.9.0") })
	must(t, f.inGit("minors", "1.0.0"))
	f.release("1.2.0")
	f.scan()
	eventually(t, "a newer version ends the hold", func() error { return f.deployed("minors", "1.2.0") })
	f.onlyMarkersAndUpgrades()
}

// marked complains unless the Apps' files have their markers.
func (f *fleet) marked(apps ...string) error {
	for _, app := range apps {
		if !strings.Contains(f.file(app), f.marker(app)) {
			return fmt.Errorf("%s has no marker", path(app))
		}
	}
	return nil
}

func (f *fleet) marker(app string) string {
	return fmt.Sprintf(` # {"$imagepolicy": "%s:pin.app.%s:tag"}`, f.namespace, app)
}

// onlyMarkersAndUpgrades: the operator's commits change markers on version lines, Flux's change versions, nobody's anything else.
func (f *fleet) onlyMarkersAndUpgrades() {
	f.Helper()
	for _, commit := range f.log() {
		if len(commit.Parents) == 0 || strings.Contains(commit.Author, "human@example.com") {
			continue
		}
		diff, err := f.repo.Diff(f.Context(), commit.Hash)
		must(f.T, err)
		var removed, added []string
		for line := range strings.Lines(diff) {
			line = strings.TrimRight(line, "\n")
			switch {
			case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
			case strings.HasPrefix(line, "-"):
				removed = append(removed, line[1:])
			case strings.HasPrefix(line, "+"):
				added = append(added, line[1:])
			}
		}
		if len(removed) != len(added) || len(added) == 0 {
			f.Errorf("commit %s (%s) has %d lines for %d:\n%s", commit.Hash, commit.Message, len(added), len(removed), diff)
			continue
		}
		upgrade := strings.Contains(commit.Message, "Upgrade-Batch: ")
		for i := range added {
			before, markerBefore := splitMarker(removed[i])
			after, markerAfter := splitMarker(added[i])
			if !versionLine.MatchString(before) || (upgrade && markerBefore != markerAfter) || (!upgrade && before != after) {
				f.Errorf("commit %s (%s) changes %q to %q", commit.Hash, commit.Message, removed[i], added[i])
			}
		}
	}
}

// versionLine is one that sets a version, or a variable that is one.
var versionLine = regexp.MustCompile(`^ +([a-z]+_)?version: `)

func splitMarker(line string) (rest, marker string) {
	rest, marker, _ = strings.Cut(line, " # {")
	return rest, marker
}

// Two hundred Apps at different versions move in one commit.
func TestTwoHundredAppsMoveInOneCommit(t *testing.T) {
	apps := map[string]string{}
	var names []string
	for i := range 200 {
		name := fmt.Sprintf("app-%03d", i)
		names = append(names, name)
		apps[name] = fmt.Sprintf("1.%d.0", i%5)
	}
	f := newFleet(t, apps)
	startOperator(t, environment.OperatorOptions{})
	f.policy("all", ">=1.0.0", nil, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Suspend = true
		p.Spec.Targets = []v1alpha1.TargetReference{{Selector: everything}}
	})
	f.release("1.9.0")
	eventually(t, "the policy has seen the version", func() error {
		if got := f.get("all").Status.Counts; got == nil || got.Total != 200 {
			return fmt.Errorf("counts are %+v", got)
		}
		f.scan()
		if got := f.get("all").Status.Available; got != "1.9.0" {
			return fmt.Errorf("available is %q", got)
		}
		return nil
	})
	if n := len(f.log()); n != 1 {
		t.Fatalf("a policy that was created suspended pushed %d commits", n-1)
	}
	f.suspend("all", false)
	eventually(t, "all run 1.9.0", func() error {
		for _, name := range names {
			if err := f.deployed(name, "1.9.0"); err != nil {
				return err
			}
		}
		return f.atRest()
	})
	if commits := f.upgrades(); len(commits) != 1 {
		t.Errorf("%d commits moved 200 Apps, want 1", len(commits))
	}
	if n := len(f.log()); n != 3 {
		t.Errorf("%d commits, want the first, the markers', and Flux's", n)
	}
	f.onlyMarkersAndUpgrades()
}
