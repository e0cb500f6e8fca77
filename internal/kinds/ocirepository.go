package kinds

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// ownField is an index of OCIRepositories by themselves, `namespace/name`.
const ownField = "ocirepository.own"

// tagField is where an OCIRepository has its version.
var tagField = []string{"spec", "ref", "tag"}

// ociRepository is Flux's OCIRepository with a Helm chart, which the HelmReleases install that name it.
type ociRepository struct{}

func (ociRepository) GroupVersionKind() schema.GroupVersionKind {
	return sourcev1.GroupVersion.WithKind(sourcev1.OCIRepositoryKind)
}

func (ociRepository) Needs() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind)}
}

func (ociRepository) Installs() string                    { return fluxHelm }
func (ociRepository) AddToScheme(s *runtime.Scheme) error { return helmRelease{}.AddToScheme(s) }
func (ociRepository) New() client.Object                  { return &sourcev1.OCIRepository{} }
func (ociRepository) NewList() client.ObjectList          { return &sourcev1.OCIRepositoryList{} }

func (ociRepository) Changed(before, after client.Object) bool {
	was, ok := before.(*sourcev1.OCIRepository)
	is, okToo := after.(*sourcev1.OCIRepository)
	return !ok || !okToo || sourceStateOf(was) != sourceStateOf(is)
}

func (ociRepository) Watches() []Watch {
	return []Watch{{
		Object: &helmv2.HelmRelease{}, Field: ownField, Keys: ownKey, KeysOf: chartRefKeys, ObjectField: chartRefField,
		Changed: helmRelease{}.Changed,
	}}
}

// Look judges the OCIRepository and the HelmReleases that install its chart.
func (ociRepository) Look(ctx context.Context, reader Reader, query Query, object client.Object) (Facts, error) {
	source, ok := object.(*sourcev1.OCIRepository)
	if !ok {
		return Facts{}, fmt.Errorf("%T is no OCIRepository", object)
	}
	facts := Facts{Verbatim: true, Chart: query.Chart, Excused: excused(source, source.Spec.Suspend)}
	facts.writtenIn(source, query)
	consumers, err := consumersOf(ctx, reader, source)
	if err != nil {
		return facts, err
	}
	judged := slices.DeleteFunc(slices.Clone(consumers), func(r helmv2.HelmRelease) bool { return excused(&r, r.Spec.Suspend) != "" })
	if facts.Excused == "" && len(consumers) > 0 && len(judged) == 0 {
		facts.Excused = excusedPaused
	}
	facts.setHealth(healthOfSource(source, judged, query))
	return facts, nil
}

// consumersOf are the HelmReleases that install an OCIRepository's chart, those of other namespaces too, where Flux lets them.
func consumersOf(ctx context.Context, reader Reader, source *sourcev1.OCIRepository) ([]helmv2.HelmRelease, error) {
	var list helmv2.HelmReleaseList
	options := []client.ListOption{client.MatchingFields{chartRefField: ownKey(source)[0]}}
	if reader.NoCrossNamespaceRefs {
		options = append(options, client.InNamespace(source.Namespace))
	}
	if err := reader.Cached.List(ctx, &list, options...); err != nil {
		return nil, fmt.Errorf("list HelmReleases of OCIRepository %s/%s: %w", source.Namespace, source.Name, err)
	}
	return list.Items, nil
}

// healthOfSource is that of the HelmRelease that is worst, or of the OCIRepository if it is not ready or nobody installs it.
func healthOfSource(source *sourcev1.OCIRepository, consumers []helmv2.HelmRelease, query Query) health {
	artifact, current := artifactOf(source)
	if !current {
		installed := artifact.tag
		if len(consumers) > 0 {
			installed = releaseStateOf(&consumers[0]).installed()
		}
		return sourceStateOf(source).health(installed)
	}
	worst := health{installed: versions.Tag(artifact.tag), status: helmDeployed}
	for i := range consumers {
		w := wanted{version: query.Filter.VersionOf(artifact.tag), tag: artifact.tag, digest: artifact.digest}
		h := releaseStateOf(&consumers[i]).health(w)
		if h.rank() > worst.rank() {
			worst = h
			worst.reason = reasonOf(source, &consumers[i], h)
		}
	}
	return worst
}

// reasonOf says what is wrong with a HelmRelease. Of one of another namespace that is nothing to tell to those of this one.
func reasonOf(source *sourcev1.OCIRepository, release *helmv2.HelmRelease, h health) string {
	if release.Namespace != source.Namespace {
		return "a HelmRelease of another namespace does not run it"
	}
	return strings.TrimSuffix("HelmRelease "+release.Name+": "+h.reason, ": ")
}

// rank orders healths from the best one.
func (h health) rank() int {
	switch {
	case h.trouble == rollout.TroubleLasting:
		return 3
	case h.trouble == rollout.TroublePassing:
		return 2
	case h.status != helmDeployed:
		return 1
	default:
		return 0
	}
}

// writtenIn says that a target's version is that of an OCIRepository, whose chart it has.
func (f *Facts) writtenIn(source *sourcev1.OCIRepository, query Query) {
	f.Written = Written{Kind: ociRepository{}.GroupVersionKind(), Object: source, Field: tagField}
	f.Chart = cmp.Or(query.Chart, strings.TrimRight(source.Spec.URL, "/"))
	if source.Spec.Reference != nil {
		f.Version = source.Spec.Reference.Tag
	}
	f.Finding = cmp.Or(checkReference(source), checkVersion(f.Written, f.Version, query.Filter))
}

// checkReference is a finding if something else than the tag decides what Flux pulls.
func checkReference(source *sourcev1.OCIRepository) *pin.Finding {
	reference := source.Spec.Reference
	if reference == nil {
		return nil
	}
	var field string
	switch {
	case reference.Digest != "":
		field = "spec.ref.digest"
	case reference.SemVer != "":
		field = "spec.ref.semver"
	default:
		return nil
	}
	return finding(v1alpha1.VersionUnsupportedReason,
		"OCIRepository %s/%s has %s, beside which a tag has no effect: remove it, and set spec.ref.tag to the version that it starts from",
		source.Namespace, source.Name, field)
}

// artifact is what an OCIRepository pulled.
type artifact struct{ tag, digest string }

// artifactOf is what an OCIRepository pulled last, and whether that is what its present spec asks for. It need not be Ready:
// one look at the registry that fails takes nothing away, and helm-controller goes on with the artifact, too.
func artifactOf(source *sourcev1.OCIRepository) (pulled artifact, current bool) {
	s := sourceStateOf(source)
	pulled.tag, pulled.digest, _ = strings.Cut(s.revision, "@")
	reference := source.Spec.Reference
	current = !s.stalled && s.observed == s.generation && reference != nil && pulled.tag == reference.Tag && pulled.tag != "" && pulled.digest != ""
	return pulled, current
}

// sourceState is all that matters of an OCIRepository's metadata and status.
type sourceState struct {
	generation, observed int64
	revision             string
	stalled              bool
	// ready is the status of the condition Ready; empty: there is none. The others are about one that is not ready.
	ready           metav1.ConditionStatus
	readyGeneration int64
	reason, message string
}

func sourceStateOf(source *sourcev1.OCIRepository) sourceState {
	s := sourceState{generation: source.Generation, observed: source.Status.ObservedGeneration}
	if source.Status.Artifact != nil {
		s.revision = source.Status.Artifact.Revision
	}
	s.stalled = apimeta.IsStatusConditionTrue(source.Status.Conditions, meta.StalledCondition)
	ready := apimeta.FindStatusCondition(source.Status.Conditions, meta.ReadyCondition)
	if ready == nil {
		return s
	}
	s.ready = ready.Status
	if ready.Status != metav1.ConditionTrue {
		s.readyGeneration, s.reason, s.message = ready.ObservedGeneration, ready.Reason, ready.Message
	}
	return s
}

// health judges an OCIRepository whose artifact is not what its spec asks for. A tag that is missing may still come.
func (s sourceState) health(installed string) health {
	h := health{installed: installed, status: atWork, reason: s.message}
	if s.ready == metav1.ConditionFalse && (s.readyGeneration == s.generation || s.observed == s.generation) {
		h.status, h.trouble = s.reason, rollout.TroublePassing
	}
	return h
}
