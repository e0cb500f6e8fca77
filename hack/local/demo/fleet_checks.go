package demo

import (
	"slices"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// brokenTakenBack: the canary got the version that cannot be installed by a commit of Flux, and lost it by another.
func brokenTakenBack(r record) check {
	c := check{claim: "Flux committed " + broken + ", which cannot be installed, for the canary alone, and took it back"}
	want := []change{{fleetInstalled, broken}, {broken, fleetInstalled}, {fleetInstalled, mended}}
	var got []change
	for _, changed := range r.versionChanges() {
		switch {
		case changed.app == canary.app:
			got = append(got, changed.change)
			if changed.by != byFlux {
				c.problemf("commit %s, which takes %s from %s to %s, is by %s", changed.commit, changed.app, changed.from, changed.to, changed.by)
			}
		case changed.to == broken:
			c.problemf("commit %s gives it to %s", changed.commit, changed.app)
		}
	}
	if !slices.Equal(got, want) {
		c.problemf("%s should change %v in Git and changed %v", file(canary.app), want, got)
	}
	return c
}

// productionNeverBroken: no commit and no spec of production ever had the version that failed on the canary.
func productionNeverBroken(r record) check {
	c := check{claim: "production never had " + broken + ", in no commit of Git and not in the cluster"}
	written := false
	for _, commit := range r.commits {
		for _, l := range commit.lines {
			written = written || l.file == file(production.app)
			if l.file == file(production.app) && strings.Contains(l.after, broken) {
				c.problemf("commit %s has %q in %s", commit.short(), l.after, l.file)
			}
		}
	}
	if !written || len(r.specs[production.app]) == 0 {
		c.problemf("%s is not in Git or not in the cluster, so nothing is proven", production.app)
	}
	if slices.Contains(r.specs[production.app], broken) {
		c.problemf("the App's spec had %s", strings.Join(r.specs[production.app], ", then "))
	}
	if !slices.Contains(r.specs[canary.app], broken) {
		c.problemf("the canary did not have it either, so nothing is proven")
	}
	return c
}

// brokenIsShown: the policy's status says what became of the version that failed.
func brokenIsShown(r record) check {
	c := check{claim: "the policy shows " + broken + " as blocked, and its upgrade and rollback with their commits"}
	status := statusOf(r.policies, canary.app)
	isBroken := func(b v1alpha1.BlockedVersion) bool { return b.Version == broken && b.Wave == canary.stage }
	if len(status.Blocked) != 1 || !isBroken(status.Blocked[0]) {
		c.problemf("blocked are %+v", status.Blocked)
	}
	for _, wanted := range []v1alpha1.HistoryEntry{brokenUpgrade, rollback} {
		e, err := findHistory(status.History, wanted)
		if err != nil {
			c.problemf("%v", err)
			continue
		}
		if commit := r.commitOf(canary.app, wanted.To); commit != e.Commit {
			c.problemf("%q names commit %q, and it was %q", summary(e), e.Commit, commit)
		}
	}
	return c
}

// promotedInOrder: production got the next version after the canary had soaked and a human had approved.
func promotedInOrder(r record) check {
	c := check{claim: mended + " went to the canary, soaked there, was approved, and only then went to production"}
	status := statusOf(r.policies, production.app)
	first, errFirst := findHistory(status.History, mendedCanary)
	last, errLast := findHistory(status.History, mendedLast)
	for _, err := range []error{errFirst, errLast} {
		if err != nil {
			c.problemf("%v", err)
		}
	}
	if len(c.problems) > 0 {
		return c
	}
	if soaked := first.End.Add(fleetSoak); last.Start.Time.Before(soaked) {
		c.problemf("production began at %s, and the soak was over at %s", last.Start.Time, soaked)
	}
	if first.Approved || !approvedInTime(status.Approvals, last) {
		c.problemf("approvals are %+v; the canary's upgrade is %+v, production's %+v", status.Approvals, first, last)
	}
	if a, b := r.indexOf(canary.app, mended), r.indexOf(production.app, mended); a < 0 || b <= a {
		c.problemf("the canary has it with commit %d, production with commit %d", a, b)
	}
	return c
}

// approvedInTime reports whether an upgrade used an approval that was there when it began.
func approvedInTime(approvals []v1alpha1.Approval, upgrade v1alpha1.HistoryEntry) bool {
	return upgrade.Approved && slices.ContainsFunc(approvals, func(a v1alpha1.Approval) bool {
		return a.Version == upgrade.To && a.Wave == upgrade.Wave && !upgrade.Start.Before(&a.Time)
	})
}
