package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/Masterminds/semver/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
)

// samplesDir holds the policies that users are shown.
const samplesDir = "config/samples"

// samples are the three policies of the proposal: latest stable, minors and patches of v1, patches of v3.7; and one with waves.
var samples = []string{"latest-stable.yaml", "v1-minors-and-patches.yaml", "v3.7-patches.yaml", "staged.yaml"}

// scanInterval replaces the default of ten minutes, for which nobody wants to wait here.
const scanInterval = fluxobjects.ShortestInterval

// sample is a policy of config/samples, as it is applied here.
type sample struct {
	file   string
	policy *v1alpha1.AppUpgradePolicy
	// apps that it is about, and their chart.
	apps    []string
	chart   string
	allowed *semver.Constraints
	// changed says what is not as in the file, beyond what is so in all.
	changed []string
}

// readSamples reads the sample policies of the checkout at root and finds the App of each.
func readSamples(root string) ([]sample, error) {
	read := make([]sample, 0, len(samples))
	for _, name := range samples {
		path := filepath.Join(samplesDir, name)
		content, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return nil, fmt.Errorf("read sample policy: %w", err)
		}
		s, err := parseSample(content)
		if err != nil {
			return nil, fmt.Errorf("sample policy %s: %w", path, err)
		}
		s.file = path
		read = append(read, s)
	}
	return read, nil
}

// parseSample changes of a policy only what the local registry needs, no TLS, and times that are worth waiting for.
func parseSample(content []byte) (sample, error) {
	policy := &v1alpha1.AppUpgradePolicy{}
	if err := yaml.UnmarshalStrict(content, policy); err != nil {
		return sample{}, err
	}
	if policy.Namespace != namespace {
		return sample{}, fmt.Errorf("it is in namespace %q, and the demo's Apps are in %q", policy.Namespace, namespace)
	}
	if len(policy.Spec.Targets) != 1 {
		return sample{}, errors.New("it does not have exactly one entry in targets, which the demo expects")
	}
	allowed, err := semver.NewConstraint(policy.Spec.Versions.Range)
	if err != nil {
		return sample{}, fmt.Errorf("range %q: %w", policy.Spec.Versions.Range, err)
	}
	s := sample{policy: policy, allowed: allowed}
	if target := policy.Spec.Targets[0]; target.Selector != nil {
		err = s.castFleet(target.Selector)
	} else {
		err = s.castRole(target.Name)
	}
	if err != nil {
		return sample{}, err
	}
	if policy.Spec.Chart == nil {
		policy.Spec.Chart = &v1alpha1.Chart{}
	}
	policy.Spec.Chart.Insecure = true
	policy.Spec.Chart.Interval = &metav1.Duration{Duration: scanInterval}
	return s, nil
}

// castRole makes a policy one of a single App of the cast.
func (s *sample) castRole(app string) error {
	r, err := roleOf(app)
	if err != nil {
		return err
	}
	s.apps, s.chart = []string{r.app}, r.app
	return r.fits(s.allowed)
}
