package resolve

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// mostNamed is how many objects a finding names.
const mostNamed = 5

// Resolver finds what policies are about.
type Resolver struct {
	// Cached reads targets and what kinds.Kind names, Kustomizations, GitRepositories, MaintenanceSchedules, the metadata of
	// Namespaces, and AppUpgradePolicies, these by the index TargetIndex.
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
	// Object is nil if there is none.
	Object client.Object
	// Facts are what is known of it.
	Facts kinds.Facts
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
	// Ungranted is what the owner of the repository must do before the policy's git.allowShared counts for all; empty: nothing.
	Ungranted string
	// Ignore is what the repository hides from Flux: see Ignore.
	Ignore string
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
		if targets[i].Object != nil {
			targets[i].Waves = waves.Of(targets[i].Object.GetLabels())
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
	if target.Object == nil {
		return nil
	}
	steps := []func(context.Context, *v1alpha1.AppUpgradePolicy, *Target) (*pin.Finding, error){
		rivals.conflict,
		r.look,
		shared,
		r.locate,
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

// look finds what its kind knows of a target.
func (r *Resolver) look(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, target *Target) (*pin.Finding, error) {
	reader := kinds.Reader{Cached: r.Cached, Live: r.Live, NoCrossNamespaceRefs: r.NoCrossNamespaceRefs}
	query := kinds.Query{Chart: explicitChart(policy), Filter: FilterOf(policy)}
	facts, err := kinds.Of(target.Kind).Look(ctx, reader, query, target.Object)
	target.Facts, target.Chart = facts, facts.Chart
	return facts.Finding, err
}

// shared is a finding if objects that the policy does not select have the target's version, too.
func shared(_ context.Context, policy *v1alpha1.AppUpgradePolicy, target *Target) (*pin.Finding, error) {
	written := target.Facts.Written
	if policy.Spec.Git != nil && policy.Spec.Git.AllowShared || len(target.Facts.Sharers) == 0 ||
		Selects(policy, written.Kind.Kind, written.Object.GetName(), written.Object.GetLabels()) {
		return nil, nil
	}
	var others []string
	for _, sharer := range target.Facts.Sharers {
		switch {
		case sharer.GetNamespace() != policy.Namespace:
			others = append(others, "one of another namespace")
		case !Selects(policy, target.Kind, sharer.GetName(), sharer.GetLabels()):
			others = append(others, sharer.GetName())
		}
	}
	if len(others) == 0 {
		return nil, nil
	}
	slices.Sort(others)
	return finding(v1alpha1.LineSharedReason,
		"The version of %s %s is that of %s %s, which %d others that the policy does not select have, too (%s): select them, "+
			"give this one its own, or set git.allowShared to true",
		target.Kind, target.Name, written.Kind.Kind, written.Object.GetName(), len(others), strings.Join(others[:min(len(others), mostNamed)], ", ")), nil
}

// locate finds where a target's version is looked for. If its kind does not know in which object that is, it has said why.
func (r *Resolver) locate(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, target *Target) (*pin.Finding, error) {
	if target.Facts.Written.Object == nil {
		return nil, nil
	}
	return r.findLocation(ctx, policy, target)
}

// Input is the target as a decision sees it. Its pin is left to the caller.
func (t Target) Input() rollout.Target {
	in := rollout.Target{Kind: t.Kind, Name: t.Name, Finding: t.Finding, Chart: t.Chart, Waves: t.Waves, ApplyMessage: t.ApplyMessage}
	in.Spec, in.Verbatim = t.Facts.Version, t.Facts.Verbatim
	in.Installed = t.Facts.Installed
	in.ReleaseStatus, in.ReleaseReason, in.Trouble = t.Facts.ReleaseStatus, t.Facts.ReleaseReason, t.Facts.Trouble
	in.Excused = t.Facts.Excused
	return in
}

func finding(reason, format string, args ...any) *pin.Finding {
	return &pin.Finding{Reason: reason, Message: fmt.Sprintf(format, args...)}
}
