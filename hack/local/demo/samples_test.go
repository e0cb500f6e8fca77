package demo

import (
	"strings"
	"testing"

	"github.com/giantswarm/app-upgrade-operator/hack/local/tools"
)

// The samples that users are shown are the ones that the demo applies, one for each App of the cast.
func TestReadSamples(t *testing.T) {
	root, err := tools.Root()
	if err != nil {
		t.Fatal(err)
	}
	read, err := readSamples(root)
	if err != nil {
		t.Fatal(err)
	}
	apps := map[string]bool{}
	for _, s := range read {
		for _, app := range s.apps {
			if apps[app] {
				t.Errorf("two samples are about %s", app)
			}
			apps[app] = true
		}
	}
	if len(apps) != len(cast)+len(fleet) {
		t.Errorf("the samples are about %v, the demo has %d Apps for them", apps, len(cast)+len(fleet))
	}
}

func TestParseSample(t *testing.T) {
	const good = `
apiVersion: upgrades.giantswarm.io/v1alpha1
kind: AppUpgradePolicy
metadata: {name: one, namespace: default}
spec:
  targets: [{name: ingress}]
  versions: {range: ">=1.0.0 <2.0.0"}
`
	replace := func(old, by string) string { return strings.Replace(good, old, by, 1) }
	tests := map[string]struct{ content, complaint string }{
		"good":                      {good, ""},
		"another namespace":         {replace("namespace: default", "namespace: other"), "namespace"},
		"an App that is not there":  {replace("ingress", "nginx"), "cast.go"},
		"a selector":                {replace("name: ingress", "selector: {}"), "every App"},
		"two targets":               {replace("{name: ingress}", "{name: ingress}, {name: dex}"), "exactly one entry"},
		"an unknown field":          {replace("spec:", "spec:\n  nothing: 1"), "nothing"},
		"no range":                  {replace(">=1.0.0 <2.0.0", "one"), "range"},
		"a range without the story": {replace(">=1.0.0 <2.0.0", ">=2.0.0"), "does not fit"},
		"a range that allows all":   {replace(">=1.0.0 <2.0.0", ">=0.0.0-0"), "does not fit"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := parseSample([]byte(test.content))
			if test.complaint != "" {
				if err == nil || !strings.Contains(err.Error(), test.complaint) {
					t.Errorf("error is %v, want one with %q", err, test.complaint)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			chart := s.policy.Spec.Chart
			if !chart.Insecure || chart.Interval == nil || chart.Interval.Duration != scanInterval || chart.URL != "" {
				t.Errorf("chart is %+v", chart)
			}
		})
	}
}
