package resolve

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// Waves say which waves of a policy select a target.
type Waves struct {
	// selectors of the waves in their order; nil: the wave takes the targets that no other selects.
	selectors []labels.Selector
}

// WavesOf are the waves of a policy, whose selectors are valid. A policy without waves has one, of all targets.
func WavesOf(policy *v1alpha1.AppUpgradePolicy) Waves {
	if policy.Spec.Rollout == nil || len(policy.Spec.Rollout.Waves) == 0 {
		return Waves{selectors: []labels.Selector{nil}}
	}
	var waves Waves
	for _, wave := range policy.Spec.Rollout.Waves {
		waves.selectors = append(waves.selectors, waveSelector(wave))
	}
	return waves
}

func waveSelector(wave v1alpha1.Wave) labels.Selector {
	if wave.Selector == nil {
		return nil
	}
	selector, err := metav1.LabelSelectorAsSelector(wave.Selector)
	if err != nil {
		return labels.Nothing()
	}
	return selector
}

// Of are the indexes of the waves that select a target with these labels.
func (w Waves) Of(set labels.Set) []int {
	var found []int
	for i, selector := range w.selectors {
		if selector != nil && selector.Matches(set) {
			found = append(found, i)
		}
	}
	if len(found) > 0 {
		return found
	}
	if rest := slices.Index(w.selectors, nil); rest >= 0 {
		return []int{rest}
	}
	return nil
}
