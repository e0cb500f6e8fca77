package releases

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// artifact is a chart that source-controller has pulled.
type artifact struct {
	chart
	// version is the chart's as the status of a HelmRelease names it, with the start of the digest if there is one.
	version, digest string
}

// findChart is the chart that a HelmRelease asks for; nil until source-controller has it.
func (c *Controller) findChart(ctx context.Context, release *helmv2.HelmRelease) (*artifact, error) {
	if release.Spec.ChartRef != nil {
		return c.ofSource(ctx, release)
	}
	return c.ofTemplate(ctx, release)
}

// ofSource is the chart of an OCIRepository. The real controller reads the version in the chart; here it is the tag.
func (c *Controller) ofSource(ctx context.Context, release *helmv2.HelmRelease) (*artifact, error) {
	reference := release.Spec.ChartRef
	source := &sourcev1.OCIRepository{}
	key := client.ObjectKey{Namespace: cmp.Or(reference.Namespace, release.Namespace), Name: reference.Name}
	if err := c.client.Get(ctx, key, source); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	if source.Status.Artifact == nil || !isReady(source.Status.Conditions, source.Generation, source.Status.ObservedGeneration) {
		return nil, nil
	}
	tag, digest, _ := strings.Cut(source.Status.Artifact.Revision, "@")
	version := strings.TrimPrefix(tag, "v")
	_, sum, _ := strings.Cut(digest, ":")
	return &artifact{chart{path.Base(source.Spec.URL), version}, version + "+" + sum[:min(len(sum), 12)], digest}, nil
}

// ofTemplate is the chart of a HelmChart, which it makes from the HelmRelease.
func (c *Controller) ofTemplate(ctx context.Context, release *helmv2.HelmRelease) (*artifact, error) {
	spec := release.Spec.Chart.Spec
	wanted := &sourcev1.HelmChart{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: cmp.Or(spec.SourceRef.Namespace, release.Namespace), Name: release.Namespace + "-" + release.Name,
		},
		Spec: sourcev1.HelmChartSpec{
			Chart: spec.Chart, Version: spec.Version, Interval: release.Spec.Interval, ReconcileStrategy: sourcev1.ReconcileStrategyChartVersion,
			SourceRef: sourcev1.LocalHelmChartSourceReference{Kind: spec.SourceRef.Kind, Name: spec.SourceRef.Name},
		},
	}
	made := &sourcev1.HelmChart{}
	err := c.client.Get(ctx, client.ObjectKeyFromObject(wanted), made)
	if apierrors.IsNotFound(err) {
		return nil, client.IgnoreAlreadyExists(c.client.Create(ctx, wanted))
	}
	if err != nil {
		return nil, fmt.Errorf("read HelmChart %s: %w", wanted.Name, err)
	}
	if !equality.Semantic.DeepEqual(made.Spec, wanted.Spec) {
		before := made.DeepCopy()
		made.Spec = wanted.Spec
		return nil, c.client.Patch(ctx, made, client.MergeFrom(before))
	}
	if made.Status.Artifact == nil || !isReady(made.Status.Conditions, made.Generation, made.Status.ObservedGeneration) {
		return nil, nil
	}
	version := made.Status.Artifact.Revision
	return &artifact{chart{spec.Chart, version}, version, ""}, nil
}

func isReady(conditions []metav1.Condition, generation, observed int64) bool {
	return generation == observed && apimeta.IsStatusConditionTrue(conditions, meta.ReadyCondition)
}
