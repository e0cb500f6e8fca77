package demo

import (
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// versionChange is one version that a commit changes.
type versionChange struct {
	commit string // its short hash
	by     author
	app    string
	change
	// trailer is what the commit's message says of the App.
	trailer change
}

// versionChanges are all changes of versions after the first commit, the oldest first.
func (r record) versionChanges() []versionChange {
	var changes []versionChange
	for _, c := range r.commits {
		for _, l := range c.lines {
			after, _, ok := version(l.after)
			before, _, _ := version(l.before)
			if !ok || before == after || c.first() {
				continue
			}
			app := appOf(l.file)
			changes = append(changes, versionChange{
				commit: c.short(), by: c.by, app: app, change: change{from: before, to: after}, trailer: c.trailer[app],
			})
		}
	}
	return changes
}

// by are the commits of somebody, without the first.
func (r record) by(who author) []commit {
	var commits []commit
	for _, c := range r.commits {
		if c.by == who && !c.first() {
			commits = append(commits, c)
		}
	}
	return commits
}

// indexOf is the place of the last commit that gave an App a version; -1 if none did.
func (r record) indexOf(app, to string) int {
	for i, c := range slices.Backward(r.commits) {
		for _, l := range c.lines {
			before, _, _ := version(l.before)
			if after, _, _ := version(l.after); l.file == file(app) && after == to && before != to {
				return i
			}
		}
	}
	return -1
}

// commitOf is the hash of the last commit that gave an App a version.
func (r record) commitOf(app, to string) string {
	if i := r.indexOf(app, to); i >= 0 {
		return r.commits[i].Hash
	}
	return ""
}

// inGit is the version of an App at the end.
func (r record) inGit(app string) string {
	latest := ""
	for _, c := range r.commits {
		for _, l := range c.lines {
			if value, _, ok := version(l.after); ok && l.file == file(app) {
				latest = value
			}
		}
	}
	return latest
}

// appOf is the App that a file is about.
func appOf(file string) string { return strings.TrimSuffix(path.Base(file), ".yaml") }

func newer(version, than string) bool {
	a, errA := semver.NewVersion(version)
	b, errB := semver.NewVersion(than)
	return errA == nil && errB == nil && a.GreaterThan(b)
}
