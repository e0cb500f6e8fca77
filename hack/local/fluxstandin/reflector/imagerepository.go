package reflector

import (
	"context"
	"fmt"
	"slices"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/predicates"
	fluxreconcile "github.com/fluxcd/pkg/runtime/reconcile"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/lifecycle"
)

// latestTagsShown is how many tags a scan's status shows.
const latestTagsShown = 10

// why a repository is scanned.
const (
	scanFirst          = "first scan"
	scanRequested      = "reconcile requested"
	scanNewImage       = "new image name"
	scanNewExclusions  = "updated exclusion list"
	scanEmptyDatabase  = "no tags in database"
	scanIntervalPassed = "triggered by interval"
)

func (r *Reflector) setupRepositories(mgr ctrl.Manager) error {
	reconciler := &lifecycle.Controller[*imagev1.ImageRepository]{
		Client:             mgr.GetClient(),
		Events:             r.Events,
		Name:               Name,
		New:                func() *imagev1.ImageRepository { return &imagev1.ImageRepository{} },
		Suspended:          func(repo *imagev1.ImageRepository) bool { return repo.Spec.Suspend },
		ObservedGeneration: func(repo *imagev1.ImageRepository) int64 { return repo.Status.ObservedGeneration },
		TokenBefore:        hasNewToken,
		TokenAlways: func(repo *imagev1.ImageRepository, token string) {
			repo.Status.SetLastHandledReconcileRequest(token)
		},
		Interval: func(repo *imagev1.ImageRepository) time.Duration { return repo.GetRequeueAfter() },
		Run:      r.scan,
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&imagev1.ImageRepository{}, builder.WithPredicates(
			predicate.Or(predicate.GenerationChangedPredicate{}, predicates.ReconcileRequestedPredicate{}))).
		WithOptions(controller.Options{RateLimiter: r.RateLimiter()}).
		Complete(reconciler)
}

// scan lists the repository's tags if it is time to.
func (r *Reflector) scan(ctx context.Context, repo *imagev1.ImageRepository, progress lifecycle.Progress) lifecycle.Outcome {
	ref, err := parseImage(repo)
	if err != nil {
		return lifecycle.Outcome{Err: &lifecycle.StallError{Reason: imagev1.ImageURLInvalidReason, Err: err}}
	}
	image := ref.Context()
	ctx, cancel := context.WithTimeout(ctx, repo.GetTimeout())
	defer cancel()
	access := registry{reader: r.Client, repo: repo}
	options, err := access.options(ctx)
	if err != nil {
		err = fmt.Errorf("failed to configure authentication options: %w", err)
		return lifecycle.Outcome{Err: &lifecycle.FailureError{Reason: imagev1.AuthenticationFailedReason, Err: err}}
	}
	reason, next := r.nextScan(repo, image, time.Now())
	if reason != "" {
		isDrift := reason == scanEmptyDatabase
		fluxreconcile.ProgressiveStatus(isDrift, repo, meta.ProgressingReason, "scanning: %s", reason)
		if err := progress.Save(); err != nil {
			return lifecycle.Outcome{Err: err}
		}
		if err := r.storeTags(repo, image, options); err != nil {
			err = fmt.Errorf("scan failed: %w", err)
			return lifecycle.Outcome{Err: &lifecycle.FailureError{Reason: imagev1.ReadOperationFailedReason, Err: err}}
		}
	}
	repo.Status.CanonicalImageName = image.String()
	repo.Status.ObservedExclusionList = repo.GetExclusionList()
	found := repo.Status.LastScanResult
	return lifecycle.Outcome{
		Next:    next,
		Message: fmt.Sprintf("successful scan: found %d tags with checksum %s", found.TagCount, found.Revision),
	}
}

// nextScan returns why to scan now, or no reason and the time until the next scan.
func (r *Reflector) nextScan(repo *imagev1.ImageRepository, image name.Repository, now time.Time) (reason string, next time.Duration) {
	interval := repo.Spec.Interval.Duration
	last := repo.Status.LastScanResult
	switch {
	case last == nil:
		return scanFirst, interval
	case hasNewToken(repo):
		return scanRequested, interval
	case image.String() != repo.Status.CanonicalImageName:
		return scanNewImage, interval
	case !sameElements(repo.GetExclusionList(), repo.Status.ObservedExclusionList):
		return scanNewExclusions, interval
	case len(r.Tags.Of(image.String())) == 0:
		return scanEmptyDatabase, interval
	}
	if left := interval - now.Sub(last.ScanTime.Time); left >= time.Second {
		return "", left
	}
	return scanIntervalPassed, interval
}

// storeTags scans the registry into the database and the object's status.
func (r *Reflector) storeTags(repo *imagev1.ImageRepository, image name.Repository, options []remote.Option) error {
	tags, err := listTags(image, repo.GetExclusionList(), options)
	if err != nil {
		return err
	}
	revision, err := r.Tags.Store(image.String(), tags)
	if err != nil {
		return err
	}
	repo.Status.LastScanResult = &imagev1.ScanResult{
		Revision:   revision,
		TagCount:   len(tags),
		ScanTime:   metav1.Now(),
		LatestTags: slices.Clone(tags[:min(len(tags), latestTagsShown)]),
	}
	return nil
}

func hasNewToken(repo *imagev1.ImageRepository) bool {
	token, ok := meta.ReconcileAnnotationValue(repo.GetAnnotations())
	return ok && token != repo.Status.GetLastHandledReconcileRequest()
}

func sameElements(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
