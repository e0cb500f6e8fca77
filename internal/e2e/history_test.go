package e2e

import (
	"fmt"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

// inGit complains unless an App's file has a version.
func (f *fleet) inGit(name, version string) error {
	if got := f.version(name); got != version {
		return fmt.Errorf("%s has version %q, want %q", path(name), got, version)
	}
	return nil
}

func (f *fleet) version(app string) string {
	f.Helper()
	version := versionIn(f.file(app))
	if version == "" {
		f.Fatalf("%s has no version", path(app))
	}
	return version
}

// versionIn is the version that a manifest has; empty: none.
func versionIn(manifest string) string {
	for line := range strings.Lines(manifest) {
		if value, ok := strings.CutPrefix(line, "  version: "); ok {
			value, _, _ = strings.Cut(value, " #")
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (f *fleet) file(app string) string {
	f.Helper()
	return f.content(path(app))
}

// content of a file at the head of the branch.
func (f *fleet) content(file string) string {
	f.Helper()
	content, err := f.repo.File(f.Context(), f.branch, file)
	must(f.T, err)
	return content
}

// commit commits as a human.
func (f *fleet) commit(message string, apps map[string]string) {
	f.Helper()
	files := map[string]string{}
	for app, version := range apps {
		files[path(app)] = strings.Replace(f.file(app), "version: "+f.version(app), "version: "+version, 1)
	}
	_, err := f.repo.Commit(f.Context(), gitserver.Change{Branch: f.branch, Message: message, Files: files})
	must(f.T, err)
}

// edit commits whole files as a human.
func (f *fleet) edit(message string, files map[string]string) {
	f.Helper()
	_, err := f.repo.Commit(f.Context(), gitserver.Change{Branch: f.branch, Message: message, Files: files})
	must(f.T, err)
}

func (f *fleet) log() []gitserver.Commit {
	f.Helper()
	commits, err := f.repo.Log(f.Context(), f.branch)
	must(f.T, err)
	return commits
}

// upgrades are Flux's commits, the oldest first.
func (f *fleet) upgrades() []gitserver.Commit {
	f.Helper()
	var upgrades []gitserver.Commit
	for _, commit := range f.log() {
		if strings.Contains(commit.Message, "Upgrade-Batch: ") {
			upgrades = append([]gitserver.Commit{commit}, upgrades...)
		}
	}
	return upgrades
}
