package resolve

import (
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func explicitChart(policy *v1alpha1.AppUpgradePolicy) string {
	if policy.Spec.Chart == nil {
		return ""
	}
	return strings.TrimRight(policy.Spec.Chart.URL, "/")
}

// commonChart is the chart of all targets, or the problem that they differ.
func commonChart(policy *v1alpha1.AppUpgradePolicy, targets []Target) (string, *pin.Finding) {
	first := Target{Chart: explicitChart(policy)}
	for _, target := range targets {
		if first.Chart == "" {
			first = target
		}
		if target.Chart != "" && target.Chart != first.Chart {
			return "", finding(v1alpha1.ChartsDifferReason, "%s %s has chart %s and %s %s has %s: one policy upgrades one chart, so make a policy for each",
				first.Kind, first.Name, first.Chart, target.Kind, target.Name, target.Chart)
		}
	}
	return first.Chart, nil
}
