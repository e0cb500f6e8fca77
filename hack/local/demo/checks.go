package demo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// record is what the checks are about.
type record struct {
	// commits of the repository, the oldest first.
	commits []commit
	// ranges that policies allow, by App.
	ranges map[string]*semver.Constraints
	apps   map[string]appState
	// specs are the versions that an App had in the cluster, one after the other.
	specs map[string][]string
	// policies are their statuses.
	policies map[string]v1alpha1.AppUpgradePolicyStatus
	// armed are the batches that an automation selected.
	armed []string
	// notAtRest says what Flux might still write.
	notAtRest error
}

// check is one claim and what speaks against it.
type check struct {
	claim    string
	problems []string
}

func (c *check) problemf(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func (c check) entry() entry {
	if len(c.problems) == 0 {
		return entry{label: labelPassed, text: c.claim}
	}
	return entry{label: labelFailed, text: c.claim, details: c.problems}
}

// record reads Git once more, so that no commit is missed.
func (d *demo) record(ctx context.Context) (record, error) {
	commits, err := history(ctx, d.repository, "")
	if err != nil {
		return record{}, err
	}
	r := record{commits: commits, ranges: map[string]*semver.Constraints{}}
	for _, s := range d.samples {
		for _, app := range s.apps {
			r.ranges[app] = s.allowed
		}
	}
	d.watcher.with(func(w *world) {
		r.apps, r.specs, r.policies = maps.Clone(w.apps), maps.Clone(w.specs), maps.Clone(w.policies)
		r.armed, r.notAtRest = slices.Clone(w.armed), w.atRest()
	})
	return r, nil
}

// verify makes every check.
func verify(r record) []check {
	return []check{
		everyAppRuns(r), onlyAllowedVersions(r), noForbiddenVersion(r), operatorOnlyMarks(r),
		fluxOnlyUpgrades(r), everyVersionHasTrailer(r), revertStays(r), bystanderUntouched(r),
		brokenTakenBack(r), productionNeverBroken(r), brokenIsShown(r), promotedInOrder(r),
		everyBatchWasArmed(r), endsAtRest(r),
	}
}

// everyAppRuns the newest version of its range, except the one that a human took back.
func everyAppRuns(r record) check {
	c := check{claim: "every App runs the newest version of its range, or what the human chose"}
	wanted := map[string]string{}
	for _, role := range cast {
		wanted[role.app] = role.newest()
		if role.app == reverted {
			wanted[role.app] = role.installed
		}
	}
	for _, m := range fleet {
		wanted[m.app] = mended
	}
	for _, app := range slices.Sorted(maps.Keys(wanted)) {
		if is := r.apps[app]; !is.runs(wanted[app]) {
			c.problemf("App %s should run %s and has %q installed (%s)", app, wanted[app], is.installed, is.release)
		}
		if got := r.inGit(app); got != wanted[app] {
			c.problemf("%s should have %s and has %q", file(app), wanted[app], got)
		}
	}
	return c
}

// onlyAllowedVersions: what was committed automatically is in the range of the App's policy, and newer than what it replaces
// unless that is the version which the canary could not install.
func onlyAllowedVersions(r record) check {
	c := check{claim: "only versions in a policy's range were committed, and only upwards but for the rollback"}
	theRollback := change{from: broken, to: fleetInstalled}
	for _, changed := range r.versionChanges() {
		allowed := r.ranges[changed.app]
		switch {
		case changed.by == byHuman:
		case allowed == nil:
			c.problemf("commit %s changes %s, which no policy names", changed.commit, changed.app)
		case !allows(allowed, changed.to):
			c.problemf("commit %s gives %s version %s, which is not in %s", changed.commit, changed.app, changed.to, allowed)
		case changed.app == canary.app && changed.change == theRollback:
		case !newer(changed.to, changed.from):
			c.problemf("commit %s takes %s from %s to %s", changed.commit, changed.app, changed.from, changed.to)
		}
	}
	return c
}

// noForbiddenVersion: no file ever had a version that was published to be left alone.
func noForbiddenVersion(r record) check {
	var forbidden []string
	for _, role := range cast {
		forbidden = append(forbidden, role.app+" "+strings.Join(role.forbidden, " and "))
	}
	c := check{claim: "never in Git: " + strings.Join(forbidden, ", ")}
	for _, changed := range r.versionChanges() {
		role, err := roleOf(changed.app)
		if err == nil && slices.Contains(role.forbidden, changed.to) {
			c.problemf("commit %s gives %s version %s", changed.commit, changed.app, changed.to)
		}
	}
	return c
}

// operatorOnlyMarks: the operator's commits add markers to versions' lines and change nothing else.
func operatorOnlyMarks(r record) check {
	c := check{claim: "the operator's own commits only add markers, one for each App of a policy"}
	placed := map[string]int{}
	for _, commit := range r.by(byOperator) {
		for _, l := range commit.lines {
			before, old, okBefore := version(l.before)
			after, marker, okAfter := version(l.after)
			if !okBefore || !okAfter || before != after || old != "" || marker == "" {
				c.problemf("commit %s changes %s from %q to %q", commit.short(), l.file, l.before, l.after)
				continue
			}
			placed[appOf(l.file)]++
		}
	}
	for app := range r.ranges {
		if placed[app] != 1 {
			c.problemf("%s got %d markers", file(app), placed[app])
		}
	}
	return c
}

// fluxOnlyUpgrades: Flux's commits change versions, keep markers, and change nothing else.
func fluxOnlyUpgrades(r record) check {
	c := check{claim: "Flux's commits only change versions"}
	for _, commit := range r.by(byFlux) {
		for _, l := range commit.lines {
			before, old, okBefore := version(l.before)
			after, marker, okAfter := version(l.after)
			if !okBefore || !okAfter || before == after || old != marker || marker == "" {
				c.problemf("commit %s changes %s from %q to %q", commit.short(), l.file, l.before, l.after)
			}
		}
	}
	return c
}

// everyVersionHasTrailer: a commit that changes a version without a human names its batch and each change.
func everyVersionHasTrailer(r record) check {
	c := check{claim: "every commit of a version names its batch, and each old and new version"}
	for _, changed := range r.versionChanges() {
		if changed.by == byHuman {
			continue
		}
		if changed.by != byFlux {
			c.problemf("commit %s changes %s and names no batch", changed.commit, changed.app)
			continue
		}
		if want := (change{from: changed.from, to: changed.to}); changed.trailer != want {
			c.problemf("commit %s changes %s from %s to %s, and its message says %+v", changed.commit, changed.app, want.from, want.to, changed.trailer)
		}
	}
	return c
}

// revertStays: after the human's commit the App's file does not change, although Flux commits again.
func revertStays(r record) check {
	c := check{claim: "the human's version of " + reverted + " stays, although Flux committed again"}
	since := slices.IndexFunc(r.commits, func(c commit) bool { return c.by == byHuman && !c.first() })
	if since < 0 {
		c.problemf("there is no commit of a human")
		return c
	}
	again := false
	for _, commit := range r.commits[since+1:] {
		again = again || commit.by == byFlux
		for _, l := range commit.lines {
			if l.file == file(reverted) {
				c.problemf("commit %s by %s changes it from %q to %q", commit.short(), commit.by, l.before, l.after)
			}
		}
	}
	if !again {
		c.problemf("Flux did not commit after the human, so nothing is proven")
	}
	return c
}

// bystanderUntouched: an App that no policy names keeps its version.
func bystanderUntouched(r record) check {
	c := check{claim: bystander + ", which no policy names, is as it was"}
	for _, commit := range r.commits {
		for _, l := range commit.lines {
			if l.file == file(bystander) && !commit.first() {
				c.problemf("commit %s changes it from %q to %q", commit.short(), l.before, l.after)
			}
		}
	}
	if is := r.apps[bystander]; !is.runs(bystanderInstalled) {
		c.problemf("it should run %s and has %q installed (%s)", bystanderInstalled, is.installed, is.release)
	}
	return c
}

// everyBatchWasArmed: Flux wrote only what the operator had armed, each batch once.
func everyBatchWasArmed(r record) check {
	c := check{claim: "Flux wrote only batches that were armed, each in one commit"}
	commits := map[string]int{}
	for _, commit := range r.by(byFlux) {
		commits[commit.batch]++
		if !slices.Contains(r.armed, commit.batch) {
			c.problemf("commit %s is of batch %s, which was never armed", commit.short(), commit.batch)
		}
	}
	for batch, n := range commits {
		if n > 1 {
			c.problemf("batch %s was written in %d commits", batch, n)
		}
	}
	if len(commits) == 0 {
		c.problemf("Flux wrote nothing")
	}
	return c
}

// endsAtRest: nothing is left that Flux might write.
func endsAtRest(r record) check {
	c := check{claim: "the repository is at rest: Flux can write no version"}
	if r.notAtRest != nil {
		c.problemf("%v", r.notAtRest)
	}
	return c
}
