package resolve

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

func dependsOn(policy *v1alpha1.AppUpgradePolicy, names ...string) *v1alpha1.AppUpgradePolicy {
	policy.Spec.Rollout = &v1alpha1.Rollout{}
	for _, name := range names {
		policy.Spec.Rollout.DependsOn = append(policy.Spec.Rollout.DependsOn, v1alpha1.Dependency{Name: name, Range: ">=1.2.0"})
	}
	return policy
}

// well is a policy that is healthy, at rest and at 1.2.0.
func well(name string) *v1alpha1.AppUpgradePolicy {
	policy := rival(name)
	policy.Generation, policy.Status.ObservedGeneration = 3, 3
	policy.Status.Current = "v1.2.0"
	policy.Status.Counts = &v1alpha1.TargetCounts{Total: 2, Healthy: 2}
	policy.Status.Targets = []v1alpha1.TargetStatus{{Installed: "1.2.0"}, {Installed: "1.3.0"}}
	policy.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionTrue}}
	return policy
}

func TestDependencies(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*v1alpha1.AppUpgradePolicy)
		// word of the message; empty: ready.
		word string
	}{
		"ready":   {func(*v1alpha1.AppUpgradePolicy) {}, ""},
		"another": {func(p *v1alpha1.AppUpgradePolicy) { p.Name = "other" }, "no such AppUpgradePolicy"},
		"going": {func(p *v1alpha1.AppUpgradePolicy) {
			p.DeletionTimestamp, p.Finalizers = &metav1.Time{Time: time.Unix(1, 0)}, []string{"a/b"}
		}, "deleted"},
		"new generation": {func(p *v1alpha1.AppUpgradePolicy) { p.Generation++ }, "present spec"},
		"no status":      {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Counts = nil }, "present spec"},
		"not ready": {func(p *v1alpha1.AppUpgradePolicy) {
			p.Status.Conditions[0].Status, p.Status.Conditions[0].Reason = "False", "Findings"
		}, "(Findings)"},
		"in progress":         {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Conditions[0].Status = "Unknown" }, "Ready is Unknown"},
		"no condition":        {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Conditions = nil }, "no condition Ready"},
		"no targets":          {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Counts = &v1alpha1.TargetCounts{} }, "no targets"},
		"upgrading":           {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Counts.Upgrading = 1 }, "1 of its 2 targets are on their way"},
		"unhealthy":           {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Counts.Healthy = 1 }, "1 of its 2 targets are healthy"},
		"too old":             {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Current = "1.1.9" }, `"1.1.9", which is not in >=1.2.0`},
		"one of them too old": {func(p *v1alpha1.AppUpgradePolicy) { p.Status.Targets[1].Installed = "1.0.0" }, `"1.0.0"`},
		"longer tags": {func(p *v1alpha1.AppUpgradePolicy) {
			p.Spec.Versions.FilterTags = &v1alpha1.FilterTags{Pattern: "^build-(.*)$", Extract: "$1"}
			p.Status.Current = "build-1.2.0"
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			dependsOn(w.policy, "base")
			base := well("base")
			test.edit(base)
			w.others = []client.Object{base}
			w.resolve(t)
			got, circle, err := w.resolver.Dependencies(t.Context(), w.policy)
			if err != nil || circle != nil || len(got) != 1 {
				t.Fatalf("got %+v, %+v, %v", got, circle, err)
			}
			d := got[0]
			if d.Name != "base" || d.Ready != (test.word == "") || d.Ready != (d.Message == "") || !strings.Contains(d.Message, test.word) {
				t.Errorf("got %+v", d)
			}
		})
	}
}

func TestDependencyCircle(t *testing.T) {
	for name, test := range map[string]struct {
		others map[string][]string
		// want is the circle; empty: there is none.
		want string
	}{
		"none":            {map[string][]string{"a": {"b"}, "b": nil}, ""},
		"itself":          {map[string][]string{"a": {"policy"}}, "policy → a → policy"},
		"long":            {map[string][]string{"a": {"b"}, "b": {"c", "policy"}}, "policy → a → b → policy"},
		"without it":      {map[string][]string{"a": {"b"}, "b": {"a"}}, ""},
		"the shorter one": {map[string][]string{"a": {"b", "c"}, "b": {"c"}, "c": {"policy"}}, "policy → a → c → policy"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			dependsOn(w.policy, "a")
			for name, names := range test.others {
				w.others = append(w.others, dependsOn(rival(name), names...))
			}
			w.resolve(t)
			_, circle, err := w.resolver.Dependencies(t.Context(), w.policy)
			if err != nil || (circle == nil) != (test.want == "") {
				t.Fatalf("got %+v, %v", circle, err)
			}
			if circle != nil && (circle.Reason != v1alpha1.DependencyCycleReason || !strings.Contains(circle.Message, ": "+test.want+".")) {
				t.Errorf("got %+v", circle)
			}
		})
	}
}

// A circle is found exactly if the policy can be reached from itself.
func TestDependencyCircleExactly(t *testing.T) {
	names := []string{"policy", "a", "b", "c", "d"}
	rapid.Check(t, func(rt *rapid.T) {
		edges := map[string][]string{}
		for _, name := range names {
			edges[name] = rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 3, rapid.ID[string]).Draw(rt, name)
		}
		w := newWorld()
		dependsOn(w.policy, edges["policy"]...)
		for _, name := range names[1:] {
			w.others = append(w.others, dependsOn(rival(name), edges[name]...))
		}
		w.resolve(t)
		_, circle, err := w.resolver.Dependencies(t.Context(), w.policy)
		if err != nil || (circle != nil) != reaches(edges, "policy", "policy", len(names)) {
			rt.Fatalf("%v: %+v, %v", edges, circle, err)
		}
	})
}

func reaches(edges map[string][]string, from, to string, steps int) bool {
	return steps > 0 && slices.ContainsFunc(edges[from], func(next string) bool { return next == to || reaches(edges, next, to, steps-1) })
}
