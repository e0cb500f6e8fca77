package demo

import (
	"fmt"
	"maps"
	"slices"

	"github.com/Masterminds/semver/v3"
)

// role is one App and the versions of its chart. App and chart have the same name.
type role struct {
	app string
	// installed is the version at the start.
	installed string
	// forbidden are published while the policy stands and must never reach Git.
	forbidden []string
	// wanted is published last and must run in the end.
	wanted string
	// later, if there is one, is published after the human's revert of another App, and must run then.
	later string
}

// newest is the version that runs when the story ends, if no human intervenes.
func (r role) newest() string {
	if r.later != "" {
		return r.later
	}
	return r.wanted
}

// cast are the Apps of the sample policies that name one App.
var cast = []role{
	{app: "hello-world", installed: "1.0.0", forbidden: []string{"0.9.0", "2.0.0-rc.1"}, wanted: "2.0.0", later: "2.1.0"},
	{app: "ingress", installed: "1.4.0", forbidden: []string{"2.0.0", "1.6.0-rc.1"}, wanted: "1.5.2"},
	{app: "dex", installed: "3.7.0", forbidden: []string{"3.8.0", "3.7.5-dev.1"}, wanted: "3.7.4"},
}

const (
	// bystander is an App of a chart that has newer versions too, and that no policy names.
	bystander = "prometheus"
	// reverted is the App that a human takes back.
	reverted = "ingress"
)

const (
	bystanderInstalled = "5.0.0"
	bystanderNewer     = "5.1.0"
)

// roleOf finds the role of an App.
func roleOf(app string) (role, error) {
	for _, r := range cast {
		if r.app == app {
			return r, nil
		}
	}
	return role{}, fmt.Errorf("the demo has no App %q; a sample policy names it, so add it to cast in hack/local/demo/cast.go", app)
}

// fits complains unless the role's versions are what they are called for a policy's range.
func (r role) fits(allowed *semver.Constraints) error {
	for _, version := range []string{r.installed, r.wanted, r.newest()} {
		if !allows(allowed, version) {
			return fmt.Errorf("version of App %s: %s is not in the policy's range %s, so the demo's cast does not fit the sample", r.app, version, allowed)
		}
	}
	for _, version := range r.forbidden {
		if allows(allowed, version) {
			return fmt.Errorf("version of App %s: %s is in the policy's range %s, so the demo's cast does not fit the sample", r.app, version, allowed)
		}
	}
	return nil
}

// allows says whether a range admits a version, as Flux reads ranges: pre-releases only if a bound has one.
func allows(allowed *semver.Constraints, version string) bool {
	parsed, err := semver.NewVersion(version)
	return err == nil && allowed.Check(parsed)
}

// file is where an App is written in the GitOps repository.
func file(app string) string { return "apps/" + app + ".yaml" }

// manifest is an App as a human writes it.
func manifest(app, chart, version string, labels map[string]string) string {
	labelLines := ""
	if len(labels) > 0 {
		labelLines = "  labels:\n"
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		labelLines += fmt.Sprintf("    %s: %s\n", key, labels[key])
	}
	return fmt.Sprintf(`# %[1]s, from the Catalog %[4]s.
apiVersion: application.giantswarm.io/v1alpha1
kind: App
metadata:
  name: %[1]s
  namespace: %[3]s
%[6]sspec:
  catalog: %[4]s
  kubeConfig:
    inCluster: true
  name: %[2]s
  namespace: %[1]s
  version: %[5]s
`, app, chart, namespace, catalog, version, labelLines)
}

// repositoryFiles is the GitOps repository at the start.
func repositoryFiles() map[string]string {
	files := map[string]string{
		"README.md":     "# A GitOps repository\n\nFlux applies the folder apps.\n",
		file(bystander): manifest(bystander, bystander, bystanderInstalled, nil),
	}
	for _, r := range cast {
		files[file(r.app)] = manifest(r.app, r.app, r.installed, nil)
	}
	for _, m := range fleet {
		files[file(m.app)] = manifest(m.app, fleetChart, fleetInstalled, m.labels())
	}
	return files
}
