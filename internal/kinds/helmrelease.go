package kinds

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Indexes of HelmReleases by the source of their chart, `namespace/name`.
const (
	chartRefField       = "helmrelease.chartRef"
	helmRepositoryField = "helmrelease.helmRepository"
)

// fluxHelm says what brings HelmReleases and their sources.
const fluxHelm = "Flux 2.7 or newer with source-controller and helm-controller"

// +kubebuilder:rbac:groups=helm.toolkit.fluxcd.io,resources=helmreleases,verbs=get;list;watch
// +kubebuilder:rbac:groups=source.toolkit.fluxcd.io,resources=helmrepositories;ocirepositories,verbs=get;list;watch

// helmRelease is Flux's HelmRelease. Its version is written in itself, or in the OCIRepository that its chartRef names.
type helmRelease struct{}

func (helmRelease) GroupVersionKind() schema.GroupVersionKind {
	return helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind)
}

func (helmRelease) Needs() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		sourcev1.GroupVersion.WithKind(sourcev1.HelmRepositoryKind), sourcev1.GroupVersion.WithKind(sourcev1.OCIRepositoryKind),
	}
}

func (helmRelease) Installs() string           { return fluxHelm }
func (helmRelease) New() client.Object         { return &helmv2.HelmRelease{} }
func (helmRelease) NewList() client.ObjectList { return &helmv2.HelmReleaseList{} }

func (helmRelease) AddToScheme(s *runtime.Scheme) error {
	if err := helmv2.AddToScheme(s); err != nil {
		return err
	}
	return sourcev1.AddToScheme(s)
}

func (helmRelease) Changed(before, after client.Object) bool {
	was, ok := before.(*helmv2.HelmRelease)
	is, okToo := after.(*helmv2.HelmRelease)
	return !ok || !okToo || releaseStateOf(was) != releaseStateOf(is)
}

func (helmRelease) Watches() []Watch {
	return []Watch{
		{
			Object: &sourcev1.OCIRepository{}, NewList: func() client.ObjectList { return &sourcev1.OCIRepositoryList{} },
			Field: chartRefField, Keys: chartRefKeys, KeysOf: ownKey, Changed: ociRepository{}.Changed, Writes: true,
		},
		{
			Object: &sourcev1.HelmRepository{}, Field: helmRepositoryField, Keys: helmRepositoryKeys, KeysOf: ownKey, Changed: generationChanged,
		},
		{ // those that share an OCIRepository
			Object: &helmv2.HelmRelease{}, Field: chartRefField, Keys: chartRefKeys, KeysOf: chartRefKeys, Changed: chartRefChanged,
		},
	}
}

func ownKey(object client.Object) []string {
	return []string{client.ObjectKeyFromObject(object).String()}
}

// chartRefKeys are the OCIRepository that a HelmRelease names, if it does.
func chartRefKeys(object client.Object) []string {
	release, ok := object.(*helmv2.HelmRelease)
	if !ok || release.Spec.ChartRef == nil || release.Spec.ChartRef.Kind != sourcev1.OCIRepositoryKind {
		return nil
	}
	return []string{chartRefOf(release).String()}
}

func chartRefChanged(before, after client.Object) bool {
	return !slices.Equal(chartRefKeys(before), chartRefKeys(after))
}

func chartRefOf(release *helmv2.HelmRelease) client.ObjectKey {
	reference := release.Spec.ChartRef
	return client.ObjectKey{Namespace: cmp.Or(reference.Namespace, release.Namespace), Name: reference.Name}
}

func helmRepositoryKeys(object client.Object) []string {
	release, ok := object.(*helmv2.HelmRelease)
	if !ok || release.Spec.Chart == nil || release.Spec.Chart.Spec.SourceRef.Kind != sourcev1.HelmRepositoryKind {
		return nil
	}
	return []string{helmRepositoryOf(release).String()}
}

func helmRepositoryOf(release *helmv2.HelmRelease) client.ObjectKey {
	reference := release.Spec.Chart.Spec.SourceRef
	return client.ObjectKey{Namespace: cmp.Or(reference.Namespace, release.Namespace), Name: reference.Name}
}

// Look finds the version and the chart in the HelmRelease and its HelmRepository, or in its OCIRepository.
func (h helmRelease) Look(ctx context.Context, reader Reader, query Query, object client.Object) (Facts, error) {
	release, ok := object.(*helmv2.HelmRelease)
	if !ok {
		return Facts{}, fmt.Errorf("%T is no HelmRelease", object)
	}
	switch {
	case release.Spec.ChartRef != nil:
		return h.lookAtReferred(ctx, reader, query, release)
	case release.Spec.Chart != nil:
		return h.lookAtTemplate(ctx, reader, query, release)
	default:
		return Facts{Finding: finding(v1alpha1.ChartSourceUnsupportedReason,
			"HelmRelease %s/%s has neither spec.chart nor spec.chartRef: set one of them", release.Namespace, release.Name)}, nil
	}
}

// lookAtTemplate looks at a HelmRelease that has its version itself.
func (h helmRelease) lookAtTemplate(ctx context.Context, reader Reader, query Query, release *helmv2.HelmRelease) (Facts, error) {
	version := release.Spec.Chart.Spec.Version
	facts := Facts{
		Version: version, Verbatim: true,
		Written: Written{Kind: h.GroupVersionKind(), Object: release, Field: []string{"spec", "chart", "spec", "version"}},
		Excused: excused(release, release.Spec.Suspend),
	}
	facts.setHealth(releaseStateOf(release).health(wanted{version: query.Filter.VersionOf(version), tag: version}))
	chart, problem, err := chartOfTemplate(ctx, reader, query, release)
	facts.Chart = chart
	facts.Finding = cmp.Or(problem, checkNoRange(facts.Written, version, query), checkVersion(facts.Written, version, query.Filter))
	return facts, err
}

// checkNoRange is a finding if Flux chooses the version itself.
func checkNoRange(written Written, text string, query Query) *pin.Finding {
	if text == "" || versions.Valid(query.Filter.VersionOf(text)) {
		return nil
	}
	if _, err := versions.ParseRange(text); err != nil {
		return nil
	}
	return finding(v1alpha1.VersionUnsupportedReason,
		"HelmRelease %s/%s has %s %q, a range from which Flux chooses by itself: write the one version there that it starts from, such as 1.2.3",
		written.Object.GetNamespace(), written.Object.GetName(), strings.Join(written.Field, "."), text)
}

// chartOfTemplate is the address of a chart in a HelmRepository, or why it is not known.
func chartOfTemplate(ctx context.Context, reader Reader, query Query, release *helmv2.HelmRelease) (string, *pin.Finding, error) {
	who := "HelmRelease " + release.Namespace + "/" + release.Name
	spec := release.Spec.Chart.Spec
	if kind := spec.SourceRef.Kind; kind != sourcev1.HelmRepositoryKind {
		return "", finding(v1alpha1.ChartSourceUnsupportedReason,
			"%s takes its chart from %s %s, where spec.chart.spec.version has no effect: take it from a HelmRepository of type oci or an OCIRepository",
			who, kind, spec.SourceRef.Name), nil
	}
	if query.Chart != "" {
		return query.Chart, nil, nil
	}
	key := helmRepositoryOf(release)
	if reader.NoCrossNamespaceRefs && key.Namespace != release.Namespace {
		return "", finding(v1alpha1.ChartSourceUnsupportedReason,
			"%s takes its chart from HelmRepository %s of another namespace, which this operator does not read (--no-cross-namespace-refs): "+
				"use one of its own namespace, or set chart.url in the policy", who, key), nil
	}
	repository := &sourcev1.HelmRepository{}
	err := reader.Cached.Get(ctx, key, repository)
	if apierrors.IsNotFound(err) {
		return "", finding(v1alpha1.ChartSourceMissingReason,
			"There is no HelmRepository %s, which %s names: create it, or set chart.url in the policy", key, who), nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("read HelmRepository %s: %w", key, err)
	}
	if repository.Spec.Type != sourcev1.HelmRepositoryTypeOCI {
		return "", finding(v1alpha1.ChartSourceUnsupportedReason,
			"HelmRepository %s of %s is an HTTP one, which Flux cannot scan for versions: use one with spec.type oci, "+
				"or set chart.url in the policy to the OCI repository that has the same chart", key, who), nil
	}
	return strings.TrimRight(repository.Spec.URL, "/") + "/" + spec.Chart, nil, nil
}

// lookAtReferred looks at a HelmRelease whose version is that of an OCIRepository.
func (helmRelease) lookAtReferred(ctx context.Context, reader Reader, query Query, release *helmv2.HelmRelease) (Facts, error) {
	facts := Facts{Verbatim: true, Chart: query.Chart, Excused: excused(release, release.Spec.Suspend)}
	facts.Installed = releaseStateOf(release).installed()
	source, problem, err := referred(ctx, reader, release)
	if problem != nil || err != nil {
		facts.Finding = problem
		return facts, err
	}
	facts.writtenIn(source, query)
	if facts.Sharers, err = sharersOf(ctx, reader, source, release); err != nil {
		return facts, err
	}
	if facts.Excused == "" {
		facts.Excused = excused(source, source.Spec.Suspend)
	}
	artifact, current := artifactOf(source)
	if !current {
		facts.setHealth(sourceStateOf(source).health(facts.Installed))
		return facts, nil
	}
	facts.setHealth(releaseStateOf(release).health(wanted{version: query.Filter.VersionOf(artifact.tag), tag: artifact.tag, digest: artifact.digest}))
	return facts, nil
}

// sharersOf are the other HelmReleases of an OCIRepository: they have its version, too.
func sharersOf(ctx context.Context, reader Reader, source *sourcev1.OCIRepository, self *helmv2.HelmRelease) ([]client.Object, error) {
	consumers, err := consumersOf(ctx, reader, source)
	var sharers []client.Object
	for i := range consumers {
		if client.ObjectKeyFromObject(&consumers[i]) != client.ObjectKeyFromObject(self) && consumers[i].DeletionTimestamp.IsZero() {
			sharers = append(sharers, &consumers[i])
		}
	}
	return sharers, err
}

// referred is the OCIRepository that a HelmRelease names, or why its version cannot be managed there.
func referred(ctx context.Context, reader Reader, release *helmv2.HelmRelease) (*sourcev1.OCIRepository, *pin.Finding, error) {
	who := "HelmRelease " + release.Namespace + "/" + release.Name
	reference := release.Spec.ChartRef
	if reference.Kind != sourcev1.OCIRepositoryKind {
		return nil, finding(v1alpha1.ChartSourceUnsupportedReason,
			"%s takes its chart from %s %s, which has no version that can be managed: let spec.chartRef name an OCIRepository",
			who, reference.Kind, reference.Name), nil
	}
	key := chartRefOf(release)
	if key.Namespace != release.Namespace {
		return nil, finding(v1alpha1.ChartSourceUnsupportedReason,
			"%s takes its chart from OCIRepository %s of another namespace: make a policy there that has the OCIRepository as its target",
			who, key), nil
	}
	source := &sourcev1.OCIRepository{}
	err := reader.Cached.Get(ctx, key, source)
	if apierrors.IsNotFound(err) || err == nil && !source.DeletionTimestamp.IsZero() {
		return nil, finding(v1alpha1.ChartSourceMissingReason,
			"There is no OCIRepository %s, which spec.chartRef of %s names: create it, or correct the name", key, who), nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read OCIRepository %s: %w", key, err)
	}
	return source, nil, nil
}
