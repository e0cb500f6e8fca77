package helm_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
)

// The operator may do what the markers beside its code say, and nothing else.
func TestRulesAreGenerated(t *testing.T) {
	want := generatedRules(t)
	got := as[rbacv1.ClusterRole](t, find(t, render(t), "ClusterRole", release))
	if diff := cmp.Diff(want, got.Rules); diff != "" {
		t.Errorf("run make generate (-config +chart):\n%s", diff)
	}
	for _, rule := range got.Rules {
		if slices.Contains(slices.Concat(rule.Verbs, rule.Resources, rule.APIGroups), "*") {
			t.Errorf("a rule has a wildcard: %v", rule)
		}
	}
}

// Who may make tokens of every ServiceAccount may be anyone: the operator may only if it is asked to log in as them.
func TestServiceAccountTokens(t *testing.T) {
	for _, on := range []bool{false, true} {
		objects := render(t, "--set", fmt.Sprintf("operator.objectLevelWorkloadIdentity=%t", on))
		rules := as[rbacv1.ClusterRole](t, find(t, objects, "ClusterRole", release)).Rules
		if got := allows(rules, "", "serviceaccounts/token", "create"); got != on {
			t.Errorf("with the value %t the role allows to make tokens: %t", on, got)
		}
		if got := allows(rules, "", "serviceaccounts", "get"); got != on {
			t.Errorf("with the value %t the role allows to read service accounts: %t", on, got)
		}
	}
}

// Rules of the values come after the generated ones.
func TestExtraRules(t *testing.T) {
	objects := render(t, "--set", "rbac.extraRules[0].apiGroups={postgresql.cnpg.io}",
		"--set", "rbac.extraRules[0].resources={clusters}", "--set", "rbac.extraRules[0].verbs={get,list,watch}")
	got := as[rbacv1.ClusterRole](t, find(t, objects, "ClusterRole", release))
	want := append(generatedRules(t), rbacv1.PolicyRule{
		APIGroups: []string{"postgresql.cnpg.io"}, Resources: []string{"clusters"}, Verbs: []string{"get", "list", "watch"},
	})
	if diff := cmp.Diff(want, got.Rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

// A tenant who may edit policies of a namespace must not stop, or let go, those of others.
func TestAggregatedRoles(t *testing.T) {
	const group = "upgrades.giantswarm.io"
	objects := render(t)
	view := as[rbacv1.ClusterRole](t, find(t, objects, "ClusterRole", release+"-view"))
	edit := as[rbacv1.ClusterRole](t, find(t, objects, "ClusterRole", release+"-edit"))
	for _, verb := range []string{"get", "list", "watch"} {
		for _, resource := range []string{"appupgradepolicies", "maintenanceschedules"} {
			if !allows(view.Rules, group, resource, verb) {
				t.Errorf("the view role does not allow to %s %s", verb, resource)
			}
		}
	}
	for _, verb := range []string{"create", "update", "patch", "delete", "deletecollection"} {
		if !allows(edit.Rules, group, "appupgradepolicies", verb) {
			t.Errorf("the edit role does not allow to %s appupgradepolicies", verb)
		}
		if allows(append(view.Rules, edit.Rules...), group, "maintenanceschedules", verb) {
			t.Errorf("an aggregated role allows to %s maintenanceschedules", verb)
		}
	}
}

// controller-gen silently ignores a marker in the doc comment of a function.
func TestEveryMarkerIsARule(t *testing.T) {
	rules := generatedRules(t)
	found := markers(t, "../internal")
	if len(found) == 0 {
		t.Fatal("no marker found")
	}
	for _, marker := range found {
		for _, group := range marker.APIGroups {
			for _, resource := range marker.Resources {
				for _, verb := range marker.Verbs {
					if !allows(rules, group, resource, verb) {
						t.Errorf("the marker for %s %q %q has no effect: put an empty line after it and run make generate",
							verb, resource, group)
					}
				}
			}
		}
	}
}

func allows(rules []rbacv1.PolicyRule, group, resource, verb string) bool {
	return slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool {
		return slices.Contains(rule.APIGroups, group) && slices.Contains(rule.Resources, resource) && slices.Contains(rule.Verbs, verb)
	})
}

func generatedRules(t *testing.T) []rbacv1.PolicyRule {
	t.Helper()
	role := as[rbacv1.ClusterRole](t, readObject(t, "../config/rbac/role.yaml"))
	if len(role.Rules) == 0 {
		t.Fatal("config/rbac/role.yaml has no rule")
	}
	return role.Rules
}

var markerLine = regexp.MustCompile(`(?m)^// \+kubebuilder:rbac:groups=([^,]*),resources=([^,]*),verbs=([^,\s]*)$`)

// markers returns the RBAC markers of the Go files below dir.
func markers(t *testing.T, dir string) []rbacv1.PolicyRule {
	t.Helper()
	var found []rbacv1.PolicyRule
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		content, err := os.ReadFile(path)
		for _, match := range markerLine.FindAllStringSubmatch(string(content), -1) {
			found = append(found, rbacv1.PolicyRule{
				APIGroups: list(match[1]), Resources: list(match[2]), Verbs: list(match[3]),
			})
		}
		return err
	}))
	return found
}

func list(text string) []string {
	return strings.Split(strings.ReplaceAll(text, `"`, ""), ";")
}
