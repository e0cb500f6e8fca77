// Package helm_test holds the chart against the code that it installs, with the real Helm client and API server.
package helm_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestLint(t *testing.T) {
	for name, args := range map[string][]string{
		"default values": nil,
		"all values":     {"--values", fullValues},
	} {
		t.Run(name, func(t *testing.T) {
			out, errOut, err := helm(t, append([]string{"lint", "--strict", chart}, args...)...)
			if err != nil {
				t.Errorf("helm lint: %v\n%s%s", err, out, errOut)
			}
		})
	}
}

func TestObjects(t *testing.T) {
	always := []string{
		"ClusterRole upgrades", "ClusterRoleBinding upgrades", "Deployment upgrades",
		"Role upgrades-leader-election", "RoleBinding upgrades-leader-election",
	}
	crds := []string{
		"CustomResourceDefinition appupgradepolicies.upgrades.giantswarm.io",
		"CustomResourceDefinition maintenanceschedules.upgrades.giantswarm.io",
	}
	aggregated := []string{"ClusterRole upgrades-edit", "ClusterRole upgrades-view"}
	account := []string{"ServiceAccount upgrades"}
	policy := []string{"NetworkPolicy upgrades"}

	for name, tc := range map[string]struct {
		args []string
		want [][]string
	}{
		"default": {
			want: [][]string{always, crds, aggregated, account, policy},
		},
		"all values": {
			args: []string{"--values", fullValues},
			want: [][]string{always, crds, aggregated, account, {
				"CiliumNetworkPolicy upgrades", "PodMonitor upgrades", "VerticalPodAutoscaler upgrades",
				"PodDisruptionBudget upgrades",
			}},
		},
		"without CRDs": {
			args: []string{"--set", "crds.install=false"},
			want: [][]string{always, aggregated, account, policy},
		},
		"without aggregated roles": {
			args: []string{"--set", "rbac.aggregate=false"},
			want: [][]string{always, crds, account, policy},
		},
		"without network policy": {
			args: []string{"--set", "networkPolicy.enabled=false"},
			want: [][]string{always, crds, aggregated, account},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, object := range render(t, tc.args...) {
				got = append(got, object.GetKind()+" "+object.GetName())
			}
			want := slices.Concat(tc.want...)
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValuesRefused(t *testing.T) {
	for name, tc := range map[string]struct{ set, want string }{
		"unknown value":         {"operator.armtimeout=2m", "armtimeout"},
		"duration without unit": {"operator.armTimeout=120", "armTimeout"},
		"unknown log level":     {"operator.log.level=loud", "level"},
		"unknown flavor":        {"networkPolicy.flavor=calico", "flavor"},
		"port out of range":     {"networkPolicy.egressPorts={70000}", "egressPorts"},
		"no worker":             {"operator.concurrent=0", "concurrent"},
		"unknown pull policy":   {"image.pullPolicy=Sometimes", "pullPolicy"},
		"number as annotation":  {"podAnnotations.note=1", "podAnnotations"},
		"rule that writes": {
			"rbac.extraRules[0].apiGroups={apps},rbac.extraRules[0].resources={replicasets},rbac.extraRules[0].verbs={delete}", "verbs",
		},
		"rule with a wildcard": {
			"rbac.extraRules[0].apiGroups={apps},rbac.extraRules[0].resources={*},rbac.extraRules[0].verbs={get}", "resources",
		},
		"rule without resources": {"rbac.extraRules[0].apiGroups={apps},rbac.extraRules[0].verbs={get}", "resources"},
	} {
		t.Run(name, func(t *testing.T) {
			_, errOut, err := helm(t, "template", release, chart, "--set", tc.set)
			if err == nil {
				t.Fatalf("%s is accepted", tc.set)
			}
			if !strings.Contains(errOut, tc.want) {
				t.Errorf("the error does not name %s:\n%s", tc.want, errOut)
			}
		})
	}
}

// The definitions in the chart are those that are generated, and outlive the release.
func TestCRDsAreGenerated(t *testing.T) {
	objects := render(t)
	files, err := filepath.Glob("../config/crd/upgrades.giantswarm.io_*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no generated definition found: %v", err)
	}
	for _, file := range files {
		want := readObject(t, file)
		got := find(t, objects, "CustomResourceDefinition", want.GetName())
		if got.GetAnnotations()["helm.sh/resource-policy"] != "keep" {
			t.Errorf("%s goes when the release does", want.GetName())
		}
		if diff := cmp.Diff(want.Object["spec"], got.Object["spec"]); diff != "" {
			t.Errorf("%s: run make generate (-config +chart):\n%s", want.GetName(), diff)
		}
	}
}

// A selector of a Deployment cannot change: a new version of the chart must keep it.
func TestSelectorIsStable(t *testing.T) {
	deployment := find(t, render(t), "Deployment", release)
	got, _, err := unstructured.NestedStringMap(deployment.Object, "spec", "selector", "matchLabels")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"app.kubernetes.io/name": chart, "app.kubernetes.io/instance": release}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("selector (-want +got):\n%s", diff)
	}
}
