package demo

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// member is an App of the fleet, which one policy with waves upgrades. Unlike the cast's its name is not its chart's.
type member struct {
	app string
	// stage is the value of its label, by which waves select. The sample's waves have the same names.
	stage string
}

var (
	canary     = member{app: "hello-world-canary", stage: "canary"}
	production = member{app: "hello-world-production", stage: "production"}
	// fleet are the members in the order of their waves.
	fleet = []member{canary, production}
)

// The fleet's chart is that of one of the cast, which is far ahead when these versions are published.
const (
	fleetChart     = "hello-world"
	fleetInstalled = "1.0.0"
	// broken cannot be installed.
	broken = "1.1.0"
	// mended is published after it, and must run in the end.
	mended = "1.2.0"
)

// fleetSoak replaces the sample's.
const fleetSoak = 5 * time.Second

func (m member) labels() map[string]string {
	return map[string]string{"app.kubernetes.io/name": fleetChart, "stage": m.stage}
}

// castFleet makes a policy with waves one of the fleet. It gets a rollback, and a soak that is worth waiting for.
func (s *sample) castFleet(targets *metav1.LabelSelector) error {
	selector, err := metav1.LabelSelectorAsSelector(targets)
	if err != nil {
		return fmt.Errorf("selector of targets: %w", err)
	}
	if selector.Matches(labels.Set{}) {
		return fmt.Errorf("selector of targets: %q selects every App of the demo, which other policies have", selector)
	}
	for _, m := range fleet {
		if !selector.Matches(labels.Set(m.labels())) {
			return fmt.Errorf("selector of targets: %q does not select the App %s; change fleet in hack/local/demo/fleet.go", selector, m.app)
		}
		s.apps = append(s.apps, m.app)
	}
	s.chart = fleetChart
	for _, version := range []string{fleetInstalled, broken, mended} {
		if !allows(s.allowed, version) {
			return fmt.Errorf("version of the fleet: %s is not in the policy's range %s, so the demo's fleet does not fit the sample", version, s.allowed)
		}
	}
	return s.changeRollout()
}

// changeRollout shortens the soak and adds the rollback.
func (s *sample) changeRollout() error {
	rollout := s.policy.Spec.Rollout
	if rollout == nil || !slices.EqualFunc(rollout.Waves, fleet, func(w v1alpha1.Wave, m member) bool { return w.Name == m.stage }) {
		return fmt.Errorf("its waves should be %s and %s, as the demo's fleet", canary.stage, production.stage)
	}
	first, last := &rollout.Waves[0], rollout.Waves[1]
	if first.Soak == nil || last.AutoApprove != v1alpha1.ApproveNone {
		return fmt.Errorf("its wave %s should have a soak, and %s autoApprove: None, as the demo tells of both", first.Name, last.Name)
	}
	s.changed = append(s.changed,
		fmt.Sprintf("soak of wave %s: %s instead of %s", first.Name, fleetSoak, first.Soak.Duration),
		fmt.Sprintf("rollout.health.onFailure: %s", v1alpha1.FailureRollback))
	first.Soak = &metav1.Duration{Duration: fleetSoak}
	rollout.Health = &v1alpha1.Health{OnFailure: v1alpha1.FailureRollback}
	return nil
}
