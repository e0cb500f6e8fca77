package automation

import (
	"context"
	"errors"
	"fmt"
	"maps"

	securejoin "github.com/cyphar/filepath-securejoin"
	imagev1 "github.com/fluxcd/image-automation-controller/api/v1"
	reflectorv1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/git"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/lifecycle"
	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/setters"
)

// readyMessage is that of every successful run, whether or not it pushed.
const readyMessage = "repository up-to-date"

// run is one run of an automation: list the policies once, clone, set, commit, push.
func (a *Automation) run(ctx context.Context, auto *imagev1.ImageUpdateAutomation, _ lifecycle.Progress) lifecycle.Outcome {
	event, err := a.update(ctx, auto)
	return lifecycle.Outcome{Err: err, Next: auto.GetRequeueAfter(), Message: readyMessage, Event: event}
}

// update returns what was pushed, if anything was.
func (a *Automation) update(ctx context.Context, auto *imagev1.ImageUpdateAutomation) (pushed string, err error) {
	policies, err := a.policies(ctx, auto)
	if err != nil {
		return "", err
	}
	observed := observe(policies)
	src, err := a.source(ctx, auto)
	if err != nil {
		return "", err
	}
	clone, err := src.clone(ctx, skippableRevision(auto, src, observed))
	if err != nil {
		return "", failed(imagev1.GitOperationFailedReason, "failed to checkout source: %w", err)
	}
	defer clone.remove(ctx)
	if !git.IsConcreteCommit(*clone.head) {
		return "", nil
	}
	changes, err := applySetters(clone.dir, auto, policies)
	if err != nil {
		return "", err
	}
	commit, err := clone.commitAndPush(ctx, auto, changes)
	if err != nil {
		return "", pushFailure(err)
	}
	auto.Status.ObservedPolicies = observed
	if commit == nil {
		auto.Status.ObservedSourceRevision = clone.head.String()
		return "", nil
	}
	recordPush(auto, src, clone, commit)
	return summary(src, commit), nil
}

// policies lists, once for the whole run, the selected policies that have elected a tag at some time. Neither a
// suspended nor a failing policy is left out.
func (a *Automation) policies(ctx context.Context, auto *imagev1.ImageUpdateAutomation) ([]reflectorv1.ImagePolicy, error) {
	selector := labels.Everything()
	if auto.Spec.PolicySelector != nil {
		var err error
		if selector, err = metav1.LabelSelectorAsSelector(auto.Spec.PolicySelector); err != nil {
			return nil, stalled(imagev1.InvalidPolicySelectorReason, "failed to parse policy selector: %w", err)
		}
	}
	var all reflectorv1.ImagePolicyList
	options := &client.ListOptions{Namespace: auto.Namespace, LabelSelector: selector}
	if err := a.Client.List(ctx, &all, options); err != nil {
		return nil, fmt.Errorf("failed to list policies: %w", err)
	}
	var elected []reflectorv1.ImagePolicy
	for _, policy := range all.Items {
		if policy.Status.LatestRef != nil {
			elected = append(elected, policy)
		}
	}
	return elected, nil
}

func observe(policies []reflectorv1.ImagePolicy) imagev1.ObservedPolicies {
	observed := imagev1.ObservedPolicies{}
	for _, policy := range policies {
		observed[policy.Name] = imagev1.ImageRef(*policy.Status.LatestRef)
	}
	return observed
}

// skippableRevision is the revision at which nothing can have changed since the last run; empty asks for a full clone.
func skippableRevision(auto *imagev1.ImageUpdateAutomation, src *source, observed imagev1.ObservedPolicies) string {
	if src.switchesBranch || auto.Spec.GitSpec.HasRefspec() {
		return ""
	}
	if !maps.Equal(auto.Status.ObservedPolicies, observed) {
		return ""
	}
	return auto.Status.ObservedSourceRevision
}

func applySetters(dir string, auto *imagev1.ImageUpdateAutomation, policies []reflectorv1.ImagePolicy) (setters.Result, error) {
	strategy := auto.Spec.Update
	if strategy == nil {
		return setters.Result{}, stalled(imagev1.InvalidUpdateStrategyReason, "no update strategy")
	}
	if strategy.Strategy != imagev1.UpdateStrategySetters {
		return setters.Result{}, stalled(imagev1.InvalidUpdateStrategyReason, "unsupported update strategy: %s", strategy.Strategy)
	}
	path, err := securejoin.SecureJoin(dir, strategy.Path)
	if err != nil {
		return setters.Result{}, failed(imagev1.UpdateFailedReason, "failed to apply policies: %w", err)
	}
	changes, err := setters.Apply(path, policies)
	if err != nil {
		return setters.Result{}, failed(imagev1.UpdateFailedReason, "failed to apply policies: %w", err)
	}
	return changes, nil
}

func pushFailure(err error) error {
	if errors.Is(err, errRemovedField) {
		return stalled(imagev1.RemovedTemplateFieldReason, "%w", err)
	}
	return failed(imagev1.GitOperationFailedReason, "failed to update source: %w", err)
}

// recordPush notes what the next run may take for granted. With a push branch of its own that is the checked out
// revision, since the pushed one is on another branch.
func recordPush(auto *imagev1.ImageUpdateAutomation, src *source, clone *clone, commit *pushedCommit) {
	auto.Status.ObservedSourceRevision = commit.String()
	if src.switchesBranch {
		auto.Status.ObservedSourceRevision = clone.head.String()
	}
	auto.Status.LastPushCommit = commit.Hash.String()
	auto.Status.LastPushTime = &metav1.Time{Time: commit.pushedAt}
}

// summary is the text of the event for a push.
func summary(src *source, commit *pushedCommit) string {
	text := fmt.Sprintf("pushed commit '%.7s' to branch '%s'", commit.Hash, src.pushBranch)
	if src.pushRefspec != "" {
		text += fmt.Sprintf(" and refspecs '%s'", src.pushRefspec)
	}
	return text + "\n" + commit.Message
}

func stalled(reason, format string, args ...any) error {
	return &lifecycle.StallError{Reason: reason, Err: fmt.Errorf(format, args...)}
}

func failed(reason, format string, args ...any) error {
	return &lifecycle.FailureError{Reason: reason, Err: fmt.Errorf(format, args...)}
}
