package policy

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*v1alpha1.AppUpgradePolicySpec)
		// words of the message; none: valid.
		words []string
	}{
		"smallest":  {func(*v1alpha1.AppUpgradePolicySpec) {}, nil},
		"no range":  {func(s *v1alpha1.AppUpgradePolicySpec) { s.Versions.Range = "latest" }, []string{"versions.range", `"latest"`}},
		"exclusion": {func(s *v1alpha1.AppUpgradePolicySpec) { s.Versions.Exclude = []string{"1.2.3-01"} }, []string{"versions.exclude"}},
		"look-ahead": {
			func(s *v1alpha1.AppUpgradePolicySpec) { s.Versions.FilterTags = &v1alpha1.FilterTags{Pattern: "(?=1)"} },
			[]string{"versions.filterTags.pattern", "RE2"},
		},
		"selector": {
			func(s *v1alpha1.AppUpgradePolicySpec) {
				s.Targets = append(s.Targets, v1alpha1.TargetReference{Selector: &metav1.LabelSelector{
					MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Like"}},
				}})
			},
			[]string{"targets[1].selector"},
		},
		"schedule": {
			func(s *v1alpha1.AppUpgradePolicySpec) { s.Schedule = &v1alpha1.Schedule{TimeZone: "Berlin"} },
			[]string{"schedule.timeZone", `"Berlin"`},
		},
		"schedule of a wave": {
			func(s *v1alpha1.AppUpgradePolicySpec) {
				s.Rollout = &v1alpha1.Rollout{Waves: []v1alpha1.Wave{{Name: "canary"}, {Name: "production", Schedule: &v1alpha1.Schedule{TimeZone: "Berlin"}}}}
			},
			[]string{"rollout.waves[production].schedule.timeZone"},
		},
		"selector of a wave": {
			func(s *v1alpha1.AppUpgradePolicySpec) {
				s.Rollout = &v1alpha1.Rollout{Waves: []v1alpha1.Wave{{Name: "canary", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"a/b/c": "d"}}}}}
			},
			[]string{"rollout.waves[canary].selector"},
		},
		"dependency": {
			func(s *v1alpha1.AppUpgradePolicySpec) {
				s.Rollout = &v1alpha1.Rollout{DependsOn: []v1alpha1.Dependency{{Name: "any"}, {Name: "base", Range: "new"}}}
			},
			[]string{"rollout.dependsOn[base].range", `"new"`},
		},
		"template":             {func(s *v1alpha1.AppUpgradePolicySpec) { s.Git = withTemplate("{{ .Values.x | upper }}") }, nil},
		"word in a template":   {func(s *v1alpha1.AppUpgradePolicySpec) { s.Git = withTemplate("Apps.Updated {{ .Changed.Updated }}") }, nil},
		"broken template":      {func(s *v1alpha1.AppUpgradePolicySpec) { s.Git = withTemplate("{{ if }}") }, []string{"git.commit.messageTemplate"}},
		"unknown function":     {func(s *v1alpha1.AppUpgradePolicySpec) { s.Git = withTemplate("{{ now }}") }, []string{"now"}},
		"removed data":         {func(s *v1alpha1.AppUpgradePolicySpec) { s.Git = withTemplate("{{range .Updated.Images}}{{end}}") }, []string{".Changed.Changes"}},
		"removed data of root": {func(s *v1alpha1.AppUpgradePolicySpec) { s.Git = withTemplate("{{ with 1 }}{{ $.Updated }}{{ end }}") }, []string{".Updated"}},
	} {
		t.Run(name, func(t *testing.T) {
			policy := &v1alpha1.AppUpgradePolicy{Spec: v1alpha1.AppUpgradePolicySpec{
				Targets:  []v1alpha1.TargetReference{{Name: "one"}},
				Versions: v1alpha1.Versions{Range: ">=1.0.0", Exclude: []string{"1.4.3"}},
			}}
			test.edit(&policy.Spec)
			got := validate(policy)
			if (got == nil) != (len(test.words) == 0) {
				t.Fatalf("got %+v", got)
			}
			for _, word := range test.words {
				if got.Reason != v1alpha1.InvalidSpecReason || !strings.Contains(got.Message, word) {
					t.Errorf("message lacks %q: %+v", word, got)
				}
			}
		})
	}
}
