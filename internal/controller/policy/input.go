package policy

import (
	"cmp"
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/gate"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// defaultHealthTimeout is the one that the API promises.
const defaultHealthTimeout = 30 * time.Minute

// checkReader reads the objects of health checks.
type checkReader interface {
	Read(ctx context.Context, namespace string, checks []v1alpha1.HealthCheck) ([]rollout.Check, error)
}

// surroundings are what a decision depends on beside the policy's own objects.
type surroundings struct {
	maintenance  []rollout.Schedule
	dependencies []gate.Dependency
	checks       []rollout.Check
}

// readSurroundings reads them. A circle of dependencies is a *stalledError.
func (r *Reconciler) readSurroundings(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) (surroundings, error) {
	var around surroundings
	dependencies, circle, err := r.resolver.Dependencies(ctx, policy)
	if err != nil {
		return around, err
	}
	if circle != nil {
		return around, &stalledError{*circle}
	}
	around.dependencies = dependencies
	if around.maintenance, err = r.resolver.Maintenance(ctx, policy); err != nil {
		return around, err
	}
	if health := rolloutOf(policy).Health; health != nil && len(health.Checks) > 0 {
		around.checks, err = r.checks.Read(ctx, policy.Namespace, health.Checks)
	}
	return around, err
}

// rolloutInput is what the decision depends on.
func (s scope) rolloutInput(now time.Time) rollout.Input {
	in := rollout.Input{
		Now:          now.UTC(),
		Policy:       policyInput(s.policy),
		Candidate:    s.candidateInput(),
		Ledger:       s.ledger,
		Maintenance:  s.around.maintenance,
		Dependencies: s.around.dependencies,
		Checks:       s.around.checks,
		Steps:        s.stepAnswers(),
	}
	for _, target := range s.found.Targets {
		t := target.Input()
		if live, ok := s.pins[pin.Name(target.Kind, target.Name)]; ok {
			t.Pin = live.input()
			t.Finding = cmp.Or(t.Finding, live.broken)
			if live.elsewhere(target) {
				t.Pin.Memory.Marked = false // the line that counts has no marker
			}
		}
		in.Targets = append(in.Targets, t)
	}
	return in
}

func (p livePin) input() *rollout.Pin {
	return &rollout.Pin{Name: p.object.Name, Intent: p.intent, Memory: p.memory, Upgrade: p.upgrade, Batch: p.object.Labels[pin.BatchLabel]}
}

// policyInput is the policy with all defaults filled in.
func policyInput(policy *v1alpha1.AppUpgradePolicy) rollout.Policy {
	in := rollout.Policy{
		Namespace: policy.Namespace,
		Name:      policy.Name,
		Suspended: policy.Spec.Suspend,
		Deleting:  !policy.DeletionTimestamp.IsZero(),
		Range:     policy.Spec.Versions.Range,
		Exclude:   policy.Spec.Versions.Exclude,
		NeverSkip: policy.Spec.Versions.NeverSkip,
		MinAge:    durationOf(rolloutOf(policy).MinAge),
		Waves:     wavesInput(policy),
		Health:    healthInput(rolloutOf(policy).Health),
		Approve:   policy.Annotations[v1alpha1.ApproveAnnotation],
		Resume:    policy.Annotations[v1alpha1.ResumeAnnotation],
	}
	if filter := policy.Spec.Versions.FilterTags; filter != nil {
		in.FilterPattern, in.FilterExtract = filter.Pattern, filter.Extract
	}
	return in
}

func wavesInput(policy *v1alpha1.AppUpgradePolicy) []rollout.Wave {
	all := cmp.Or(rolloutOf(policy).AutoApprove, v1alpha1.ApproveAll)
	specs := rolloutOf(policy).Waves
	if len(specs) == 0 {
		return []rollout.Wave{{AutoApprove: all, Schedules: resolve.Schedules(policy, nil)}}
	}
	waves := make([]rollout.Wave, 0, len(specs))
	for i := range specs {
		waves = append(waves, rollout.Wave{
			Name:        specs[i].Name,
			Soak:        durationOf(specs[i].Soak),
			AutoApprove: cmp.Or(specs[i].AutoApprove, all),
			Schedules:   resolve.Schedules(policy, &specs[i]),
		})
	}
	return waves
}

func healthInput(health *v1alpha1.Health) rollout.Health {
	if health == nil {
		return rollout.Health{Timeout: defaultHealthTimeout}
	}
	return rollout.Health{
		Timeout:   cmp.Or(durationOf(health.Timeout), defaultHealthTimeout),
		MaxFailed: int(health.MaxFailed),
		Rollback:  health.OnFailure == v1alpha1.FailureRollback,
	}
}

// rolloutOf is the policy's rollout; the zero one if it has none.
func rolloutOf(policy *v1alpha1.AppUpgradePolicy) v1alpha1.Rollout {
	if policy.Spec.Rollout == nil {
		return v1alpha1.Rollout{}
	}
	return *policy.Spec.Rollout
}

func durationOf(duration *metav1.Duration) time.Duration {
	if duration == nil {
		return 0
	}
	return duration.Duration
}
