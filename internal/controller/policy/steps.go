package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/apply"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Flux says one of these if no tag is in a range (fluxcd/image-reflector-controller, internal/policy/semver.go). Any other
// failure tells nothing about the tags: to take it for "none" could skip a step.
var nothingFound = []string{"unable to determine latest version", "version list argument cannot be empty"}

// readSteps reads the ImagePolicies that look for the policy's next steps, by the step that each starts from.
func (r *Reconciler) readSteps(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) (map[string]*imagev1.ImagePolicy, error) {
	var list imagev1.ImagePolicyList
	if err := r.client.List(ctx, &list, client.InNamespace(policy.Namespace), client.MatchingFields{stepIndex: policy.Name}); err != nil {
		return nil, fmt.Errorf("list the searches of AppUpgradePolicy %s/%s for next steps: %w", policy.Namespace, policy.Name, err)
	}
	steps := make(map[string]*imagev1.ImagePolicy, len(list.Items))
	for i := range list.Items {
		of := strings.TrimPrefix(list.Items[i].Name, pin.StepName(policy.Name, ""))
		steps[strings.ReplaceAll(of, "-", ".")] = &list.Items[i]
	}
	return steps, nil
}

// stepAnswers are what Flux found in the spans of the searches. One whose annotation somebody garbled begins anew, and so does
// one that was made before the user changed which versions are admitted.
func (s scope) stepAnswers() []rollout.StepAnswer {
	var answers []rollout.StepAnswer
	for _, of := range slices.Sorted(maps.Keys(s.steps)) {
		live := s.steps[of]
		search, err := versions.ParseSearch(live.Annotations[fluxobjects.SearchAnnotation])
		if err != nil || live.Annotations[fluxobjects.TuningAnnotation] != fluxobjects.Tuning(s.policy.Spec.Versions) {
			continue
		}
		answer := rollout.StepAnswer{Of: of, Search: search}
		wanted, err := s.wantedStep(s.scanName(), rollout.StepQuery{Of: of, Search: search}, s.ledger)
		if err == nil && scanned(s.scan) {
			answer.Tag, answer.Answered = answerOf(s.policy, live, wanted)
		}
		answers = append(answers, answer)
	}
	return answers
}

// wantedStep is the ImagePolicy of a search as it should be.
func (s scope) wantedStep(scan string, query rollout.StepQuery, ledger pin.Ledger) (*imagev1.ImagePolicy, error) {
	semver, err := query.Search.Within(s.policy.Spec.Versions.Range, s.policy.Spec.Versions.Exclude, blockedVersions(s.policy, ledger))
	if err != nil {
		return nil, err
	}
	return fluxobjects.Step(s.policy, scan, semver, query.Of, query.Search), nil
}

// answerOf is the newest tag in the span that live asks about, empty if there is none, and whether Flux has answered what
// is wanted. Flux handles a token with all that it found for the object that had it.
func answerOf(policy *v1alpha1.AppUpgradePolicy, live, wanted *imagev1.ImagePolicy) (tag string, answered bool) {
	if !equality.Semantic.DeepEqual(live.Spec, wanted.Spec) || !handled(live, wanted) {
		return "", false
	}
	ready := readyOf(live)
	if ready == nil {
		return "", false // Flux has only added its finalizer
	}
	if ready.Status == metav1.ConditionFalse {
		return "", slices.ContainsFunc(nothingFound, func(text string) bool { return strings.Contains(ready.Message, text) })
	}
	if live.Status.LatestRef == nil {
		return "", false
	}
	tag = live.Status.LatestRef.Tag
	span, err := versions.ParseRange(wanted.Spec.Policy.SemVer.Range)
	version, considered := resolve.FilterOf(policy).Version(tag)
	if err != nil || !considered || !span.Contains(version) {
		return "", false
	}
	return tag, true
}

// handled says whether Flux has handled the token of the present question.
func handled(live, wanted *imagev1.ImagePolicy) bool {
	token := wanted.Annotations[meta.ReconcileRequestAnnotation]
	return live.Annotations[meta.ReconcileRequestAnnotation] == token && live.Status.GetLastHandledReconcileRequest() == token
}

// applySteps writes the searches that go on, and deletes those that are left over. One that somebody suspended stays as it
// is: Flux handles its token without an answer.
func (r *Reconciler) applySteps(ctx context.Context, s scope, scan string) error {
	left := maps.Clone(s.steps)
	var failed []error
	var stalled error
	for _, query := range s.decision.Steps {
		live := left[query.Of]
		delete(left, query.Of)
		if live != nil && live.Spec.Suspend {
			continue
		}
		wanted, err := s.wantedStep(scan, query, s.decision.Ledger)
		if err != nil {
			stalled = &stalledError{pin.Finding{Reason: v1alpha1.InvalidSpecReason, Message: err.Error()}}
			continue
		}
		failed = append(failed, r.applyObject(ctx, live, wanted))
	}
	for _, of := range slices.Sorted(maps.Keys(left)) {
		failed = append(failed, apply.Delete(ctx, r.client, left[of]))
	}
	return cmp.Or(errors.Join(failed...), stalled) // what may pass by itself is tried again
}

// blockedVersions are those of the ledger, the newest first: a range has room for a limited number.
func blockedVersions(policy *v1alpha1.AppUpgradePolicy, ledger pin.Ledger) []string {
	filter := resolve.FilterOf(policy)
	blocked := make([]string, 0, len(ledger.Blocked))
	for _, entry := range ledger.Blocked {
		blocked = append(blocked, filter.VersionOf(entry.Tag))
	}
	slices.SortFunc(blocked, func(a, b string) int {
		switch {
		case versions.Newer(a, b):
			return -1
		case versions.Newer(b, a):
			return 1
		default:
			return cmp.Compare(a, b)
		}
	})
	return blocked
}
