package reflector

import (
	"context"
	"errors"
	"fmt"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	aclapi "github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/runtime/acl"
	"github.com/fluxcd/pkg/runtime/predicates"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/lifecycle"
	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/selection"
)

// repositoryIndex finds the ImagePolicies of an ImageRepository.
const repositoryIndex = ".spec.imageRepositoryRef"

// dependencyRetry is how often a policy without tags looks again.
const dependencyRetry = 30 * time.Second

// tagsPatience makes a policy wait almost five seconds for the first scan, and its worker with it.
var tagsPatience = wait.Backoff{Steps: 4, Duration: time.Second, Factor: 1.5, Jitter: 0.1}

var errNoTagsInDatabase = errors.New("no tags in database")

func (r *Reflector) setupPolicies(ctx context.Context, mgr ctrl.Manager) error {
	index := func(obj client.Object) []string {
		return []string{repositoryOf(obj.(*imagev1.ImagePolicy)).String()}
	}
	if err := mgr.GetFieldIndexer().IndexField(ctx, &imagev1.ImagePolicy{}, repositoryIndex, index); err != nil {
		return err
	}
	reconciler := &lifecycle.Controller[*imagev1.ImagePolicy]{
		Client:             mgr.GetClient(),
		Events:             r.Events,
		Name:               Name,
		New:                func() *imagev1.ImagePolicy { return &imagev1.ImagePolicy{} },
		Suspended:          func(policy *imagev1.ImagePolicy) bool { return policy.Spec.Suspend },
		ObservedGeneration: func(policy *imagev1.ImagePolicy) int64 { return policy.Status.ObservedGeneration },
		TokenAlways: func(policy *imagev1.ImagePolicy, token string) {
			policy.Status.SetLastHandledReconcileRequest(token)
		},
		Interval: func(policy *imagev1.ImagePolicy) time.Duration { return policy.GetInterval() },
		Run:      r.selectTag,
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&imagev1.ImagePolicy{}, builder.WithPredicates(
			predicate.Or(predicate.GenerationChangedPredicate{}, predicates.ReconcileRequestedPredicate{}))).
		Watches(&imagev1.ImageRepository{},
			handler.EnqueueRequestsFromMapFunc(r.policiesOfRepository),
			builder.WithPredicates(predicate.Funcs{UpdateFunc: tagsChanged})).
		WithOptions(controller.Options{RateLimiter: r.RateLimiter()}).
		Complete(reconciler)
}

// selectTag elects the policy's tag. A policy that elects none keeps the reference it had.
func (r *Reflector) selectTag(ctx context.Context, policy *imagev1.ImagePolicy, _ lifecycle.Progress) lifecycle.Outcome {
	if policy.GetDigestReflectionPolicy() == imagev1.ReflectAlways && policy.Spec.Interval == nil {
		err := errors.New("spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'")
		return lifecycle.Outcome{Err: &lifecycle.StallError{Reason: imagev1.IntervalNotConfiguredReason, Err: err}}
	}
	repo, err := r.repository(ctx, policy)
	if err != nil {
		return lifecycle.Outcome{Err: err}
	}
	tag, err := r.latestTag(ctx, policy, repo)
	if err != nil {
		return lifecycle.Outcome{Err: err}
	}
	if err := r.setLatestRef(ctx, policy, repo, tag); err != nil {
		return lifecycle.Outcome{Err: err}
	}
	return lifecycle.Outcome{Next: policy.GetInterval(), Message: readyMessage(policy)}
}

// repository returns the policy's ImageRepository if the policy may read it.
func (r *Reflector) repository(ctx context.Context, policy *imagev1.ImagePolicy) (*imagev1.ImageRepository, error) {
	fail := func(reason string, err error) error {
		err = fmt.Errorf("failed to get the referred ImageRepository: %w", err)
		return &lifecycle.FailureError{Reason: reason, Err: err}
	}
	key := repositoryOf(policy)
	if r.NoCrossNamespaceRefs && key.Namespace != policy.Namespace {
		return nil, fail(aclapi.AccessDeniedReason,
			fmt.Errorf("cannot access 'ImageRepository/%s', cross-namespace references have been blocked", key))
	}
	repo := &imagev1.ImageRepository{}
	if err := r.Client.Get(ctx, key, repo); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, fail(imagev1.DependencyNotReadyReason, fmt.Errorf("referenced ImageRepository does not exist: %w", err))
		}
		return nil, fail(metav1.StatusFailure, err)
	}
	if err := acl.NewAuthorization(r.Client).HasAccessToRef(ctx, policy, key, repo.Spec.AccessFrom); err != nil {
		return nil, fail(aclapi.AccessDeniedReason, fmt.Errorf("access denied: %w", err))
	}
	if _, err := parseImage(repo); err != nil {
		return nil, &lifecycle.StallError{Reason: imagev1.ImageURLInvalidReason, Err: err}
	}
	return repo, nil
}

// latestTag elects a tag of those that the last scan of the repository found.
func (r *Reflector) latestTag(ctx context.Context, policy *imagev1.ImagePolicy, repo *imagev1.ImageRepository) (string, error) {
	order, err := selection.NewOrder(policy.Spec.Policy)
	if err != nil {
		return "", policyFailure(err)
	}
	tags, err := r.waitForTags(ctx, repo.Status.CanonicalImageName)
	if errors.Is(err, errNoTagsInDatabase) {
		err = fmt.Errorf("retrying in %s error: %w", dependencyRetry, err)
		return "", &lifecycle.WaitError{Reason: imagev1.DependencyNotReadyReason, Err: err, After: dependencyRetry}
	}
	if err != nil {
		return "", err
	}
	tag, err := selection.Latest(order, policy.Spec.FilterTags, tags)
	if err != nil {
		return "", policyFailure(err)
	}
	return tag, nil
}

func policyFailure(err error) error {
	var invalid *selection.InvalidPolicyError
	if errors.As(err, &invalid) {
		return &lifecycle.StallError{Reason: "InvalidPolicy", Err: err}
	}
	return &lifecycle.FailureError{Reason: metav1.StatusFailure, Err: err}
}

func (r *Reflector) waitForTags(ctx context.Context, image string) (tags []string, err error) {
	isWorthWaiting := func(err error) bool {
		return errors.Is(err, errNoTagsInDatabase) && ctx.Err() == nil
	}
	err = retry.OnError(tagsPatience, isWorthWaiting, func() error {
		tags = r.Tags.Of(image)
		if len(tags) == 0 {
			return errNoTagsInDatabase
		}
		return nil
	})
	return tags, err
}

// setLatestRef records the elected tag, and the one before if it is another.
func (r *Reflector) setLatestRef(ctx context.Context, policy *imagev1.ImagePolicy, repo *imagev1.ImageRepository, tag string) error {
	old := policy.Status.LatestRef
	latest := imagev1.ImageRef{Name: repo.Spec.Image, Tag: tag}
	reflection := policy.GetDigestReflectionPolicy()
	isSameTag := old != nil && old.Name == latest.Name && old.Tag == latest.Tag
	if reflection == imagev1.ReflectIfNotPresent && isSameTag {
		latest.Digest = old.Digest
	}
	if reflection != imagev1.ReflectNever && latest.Digest == "" {
		digest, err := r.fetchDigest(ctx, repo, tag)
		if err != nil {
			return fmt.Errorf("failed fetching digest of %s: %w", latest.String(), err)
		}
		latest.Digest = digest
	}
	if old == nil || *old != latest {
		policy.Status.ObservedPreviousRef = old
		policy.Status.LatestRef = &latest
	}
	return nil
}

func (r *Reflector) fetchDigest(ctx context.Context, repo *imagev1.ImageRepository, tag string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, repo.GetTimeout())
	defer cancel()
	access := registry{reader: r.Client, repo: repo}
	return access.digest(ctx, tag)
}

func readyMessage(policy *imagev1.ImagePolicy) string {
	latest, previous := policy.Status.LatestRef, policy.Status.ObservedPreviousRef
	message := fmt.Sprintf("Latest image tag for %s resolved to %s", latest.Name, latest.Tag)
	if latest.Digest != "" {
		message += " with digest " + latest.Digest
	}
	if previous != nil && *previous != *latest {
		message += fmt.Sprintf(" (previously %s)", previous)
	}
	return message
}

func (r *Reflector) policiesOfRepository(ctx context.Context, repo client.Object) []reconcile.Request {
	var policies imagev1.ImagePolicyList
	key := client.ObjectKeyFromObject(repo).String()
	if err := r.Client.List(ctx, &policies, client.MatchingFields{repositoryIndex: key}); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Failed to list the ImagePolicies of an ImageRepository")
		return nil
	}
	requests := make([]reconcile.Request, 0, len(policies.Items))
	for i := range policies.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&policies.Items[i])})
	}
	return requests
}

// tagsChanged wakes the policies of a repository whose scan found other tags.
func tagsChanged(update event.UpdateEvent) bool {
	before, now := update.ObjectOld.(*imagev1.ImageRepository), update.ObjectNew.(*imagev1.ImageRepository)
	if now.Status.LastScanResult == nil {
		return false
	}
	return before.Status.LastScanResult == nil ||
		before.Status.LastScanResult.Revision != now.Status.LastScanResult.Revision
}

func repositoryOf(policy *imagev1.ImagePolicy) types.NamespacedName {
	ref := policy.Spec.ImageRepositoryRef
	if ref.Namespace == "" {
		return types.NamespacedName{Namespace: policy.Namespace, Name: ref.Name}
	}
	return types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}
}
