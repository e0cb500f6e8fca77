package resolve

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// Resolver finds what policies are about.
type Resolver struct {
	// Cached reads Apps, Catalogs, Kustomizations, GitRepositories, MaintenanceSchedules, the metadata of Namespaces, and
	// AppUpgradePolicies, these by the index TargetIndex.
	Cached client.Reader
	// Live reads the few ConfigMaps that matter, which are not worth a cache of every ConfigMap of the cluster.
	Live client.Reader
	// NoCrossNamespaceRefs forbids GitRepositories of other namespaces, whatever these grant.
	NoCrossNamespaceRefs bool
}

// Result is what a policy is about.
type Result struct {
	// Targets in the order of kind and name.
	Targets []Target
	// Chart is the address of the targets' chart, with its scheme; empty if no target tells.
	Chart string
	// Problem is set if the policy cannot work at all as it is.
	Problem *pin.Finding
}

// Target is one target and where its version is written.
type Target struct {
	Kind, Name string
	// App is nil if there is none.
	App *appv1alpha1.App
	// Finding says why the target cannot be managed. What could be found all the same is set.
	Finding *pin.Finding
	// Chart is the address of its chart, with its scheme.
	Chart string
	// Location is where its version is looked for; nil if that is not known.
	Location *Location
	// Waves are the indexes of the waves that select the target.
	Waves []int
	// ApplyMessage is what its Kustomization says if that is not ready.
	ApplyMessage string
}

// Location is where a target's version is looked for.
type Location struct {
	Source pin.Source
	// RepositoryKey is the key of the repository branch, see gitops.Key.
	RepositoryKey string
	// Revision is the one that the Kustomization tried to apply last, or without a Kustomization that of the repository.
	Revision string
}

// Resolve finds what a policy, whose selectors are valid, is about. Errors are those of reading.
func (r *Resolver) Resolve(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) (Result, error) {
	targets, err := r.targets(ctx, policy)
	if err != nil {
		return Result{}, err
	}
	rivals, err := r.rivalsOf(ctx, policy)
	if err != nil {
		return Result{}, err
	}
	waves := WavesOf(policy)
	for i := range targets {
		if targets[i].App != nil {
			targets[i].Waves = waves.Of(targets[i].App.Labels)
		}
		if err := r.complete(ctx, policy, rivals, &targets[i]); err != nil {
			return Result{}, fmt.Errorf("look at %s %s/%s: %w", targets[i].Kind, policy.Namespace, targets[i].Name, err)
		}
	}
	result := Result{Targets: targets}
	result.Chart, result.Problem = commonChart(policy, targets)
	return result, nil
}

// complete finds everything about one target. The first finding is the one that is shown; chart and location are found
// in spite of it.
func (r *Resolver) complete(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, rivals rivals, target *Target) error {
	if target.App == nil {
		return nil
	}
	steps := []func(context.Context, *v1alpha1.AppUpgradePolicy, *Target) (*pin.Finding, error){
		rivals.conflict,
		r.checkVersion,
		r.findChart,
		r.findLocation,
	}
	for _, step := range steps {
		finding, err := step(ctx, policy, target)
		if err != nil {
			return err
		}
		if target.Finding == nil {
			target.Finding = finding
		}
	}
	return nil
}

// Input is the target as a decision sees it. Its pin is left to the caller.
func (t Target) Input() rollout.Target {
	in := rollout.Target{Kind: t.Kind, Name: t.Name, Finding: t.Finding, Chart: t.Chart, Waves: t.Waves, ApplyMessage: t.ApplyMessage}
	if t.App == nil {
		return in
	}
	in.Spec = t.App.Spec.Version
	in.Installed = t.App.InstalledVersion()
	in.ReleaseStatus, in.ReleaseReason = t.App.ReleaseStatus()
	in.Excused = Excused(t.App)
	return in
}

func finding(reason, format string, args ...any) *pin.Finding {
	return &pin.Finding{Reason: reason, Message: fmt.Sprintf(format, args...)}
}
