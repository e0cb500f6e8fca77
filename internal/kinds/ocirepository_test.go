package kinds

import (
	"testing"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// pulledSource has pulled 1.5.0, as source-controller says it at generation 2.
func pulledSource(edits ...func(*sourcev1.OCIRepository)) *sourcev1.OCIRepository {
	source := &sourcev1.OCIRepository{
		ObjectMeta: metav1.ObjectMeta{Namespace: "org-acme", Name: "hello", Generation: 2},
		Spec:       sourcev1.OCIRepositorySpec{URL: "oci://example.com/charts/hello", Reference: &sourcev1.OCIRepositoryRef{Tag: "1.5.0"}},
		Status: sourcev1.OCIRepositoryStatus{
			ObservedGeneration: 2,
			Artifact:           &meta.Artifact{Revision: "1.5.0@" + newDigest},
			Conditions:         []metav1.Condition{ready(metav1.ConditionTrue, meta.SucceededReason, "stored artifact")},
		},
	}
	for _, edit := range edits {
		edit(source)
	}
	return source
}

func sourceSays(status metav1.ConditionStatus, reason string) func(*sourcev1.OCIRepository) {
	return func(s *sourcev1.OCIRepository) {
		s.Status.Conditions = []metav1.Condition{ready(status, reason, "because")}
	}
}

func pulledBefore(s *sourcev1.OCIRepository) { s.Status.Artifact.Revision = "1.4.0@" + oldDigest }

func consumer(name string, edits ...func(*helmv2.HelmRelease)) helmv2.HelmRelease {
	release := upgradedRelease(append([]func(*helmv2.HelmRelease){ran("1.5.0+111111111111", "deployed", newDigest), tried("1.5.0+111111111111", newDigest)}, edits...)...)
	release.Name = name
	return *release
}

func TestHealthOfSource(t *testing.T) {
	runs := consumer("runs")
	waits := consumer("waits", ran("1.4.0+000000000000", "deployed", oldDigest))
	fails := consumer("fails", ran("1.5.0+111111111111", "failed", newDigest), says(metav1.ConditionFalse, helmv2.UpgradeFailedReason))
	elsewhere := *fails.DeepCopy()
	elsewhere.Namespace = "org-other"
	lacks := consumer("lacks", says(metav1.ConditionFalse, "ValuesError"))
	edits := func(all ...func(*sourcev1.OCIRepository)) []func(*sourcev1.OCIRepository) { return all }
	for name, tc := range map[string]struct {
		source    []func(*sourcev1.OCIRepository)
		consumers []helmv2.HelmRelease
		want      health
	}{
		"nobody installs it": {want: health{installed: "1.5.0", status: "deployed"}},
		"all run it":         {consumers: []helmv2.HelmRelease{runs, runs}, want: health{installed: "1.5.0", status: "deployed"}},
		"one has not looked": {consumers: []helmv2.HelmRelease{runs, waits}, want: health{installed: "1.4.0", status: atWork, reason: "HelmRelease waits"}},
		"one fails": {
			consumers: []helmv2.HelmRelease{waits, lacks, fails, runs},
			want:      health{installed: "1.5.0", status: "UpgradeFailed", reason: "HelmRelease fails: because", trouble: rollout.TroubleLasting},
		},
		"one lacks something": {
			consumers: []helmv2.HelmRelease{waits, lacks},
			want:      health{installed: "1.5.0", status: "ValuesError", reason: "HelmRelease lacks: because", trouble: rollout.TroublePassing},
		},
		"nothing is said": {
			source: edits(func(s *sourcev1.OCIRepository) { s.Status = sourcev1.OCIRepositoryStatus{} }), want: health{status: atWork},
		},
		"ready with the tag of before": {source: edits(pulledBefore), want: health{installed: "1.4.0", status: atWork}},
		"generation not observed": {
			source:    edits(func(s *sourcev1.OCIRepository) { s.Status.ObservedGeneration = 1 }),
			consumers: []helmv2.HelmRelease{waits}, want: health{installed: "1.4.0", status: atWork},
		},
		"pulls": {
			source: edits(pulledBefore, sourceSays(metav1.ConditionUnknown, meta.ProgressingReason)),
			want:   health{installed: "1.4.0", status: atWork, reason: "because"},
		},
		"cannot be pulled": {
			source:    edits(pulledBefore, sourceSays(metav1.ConditionFalse, sourcev1.OCIPullFailedReason)),
			consumers: []helmv2.HelmRelease{waits},
			want:      health{installed: "1.4.0", status: "OCIArtifactPullFailed", reason: "because", trouble: rollout.TroublePassing},
		},
		"a look at the registry fails": {
			source:    edits(sourceSays(metav1.ConditionFalse, sourcev1.OCIPullFailedReason)),
			consumers: []helmv2.HelmRelease{runs}, want: health{installed: "1.5.0", status: "deployed"},
		},
		"stalled": {
			source: edits(sourceSays(metav1.ConditionFalse, sourcev1.URLInvalidReason), func(s *sourcev1.OCIRepository) {
				s.Status.Conditions = append(s.Status.Conditions, metav1.Condition{Type: meta.StalledCondition, Status: metav1.ConditionTrue})
			}),
			consumers: []helmv2.HelmRelease{runs},
			want:      health{installed: "1.5.0", status: sourcev1.URLInvalidReason, reason: "because", trouble: rollout.TroublePassing},
		},
		"one of another namespace fails": {
			consumers: []helmv2.HelmRelease{runs, elsewhere},
			want:      health{installed: "1.5.0", status: "UpgradeFailed", reason: "a HelmRelease of another namespace does not run it", trouble: rollout.TroubleLasting},
		},
		"could not be pulled before": {
			source: edits(pulledBefore, sourceSays(metav1.ConditionFalse, sourcev1.OCIPullFailedReason), func(s *sourcev1.OCIRepository) { s.Generation = 3 }),
			want:   health{installed: "1.4.0", status: atWork, reason: "because"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := healthOfSource(pulledSource(tc.source...), tc.consumers, Query{Filter: versions.Filter{}})
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(health{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLongerTag: a chart whose tag is longer than its version is recognized by its digest, and Installed is the tag.
func TestLongerTag(t *testing.T) {
	filter, err := versions.NewFilter("^release-(.*)$", "$1")
	if err != nil {
		t.Fatal(err)
	}
	source := pulledSource(func(s *sourcev1.OCIRepository) {
		s.Spec.Reference.Tag, s.Status.Artifact.Revision = "release-1.5.0", "release-1.5.0@"+newDigest
	})
	got := healthOfSource(source, []helmv2.HelmRelease{consumer("runs")}, Query{Filter: filter})
	if !rollout.Deployed(rollout.Target{Spec: "release-1.5.0", Installed: got.installed, ReleaseStatus: got.status}) {
		t.Errorf("got %+v", got)
	}
}

func TestSourceChanged(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(*sourcev1.OCIRepository)
		want bool
	}{
		"nothing":           {func(*sourcev1.OCIRepository) {}, false},
		"the text of Ready": {func(s *sourcev1.OCIRepository) { s.Status.Conditions[0].Message = "again" }, false},
		"time of artifact":  {func(s *sourcev1.OCIRepository) { s.Status.Artifact.LastUpdateTime = metav1.Now() }, false},
		"artifact":          {pulledBefore, true},
		"not ready":         {sourceSays(metav1.ConditionFalse, sourcev1.OCIPullFailedReason), true},
		"spec":              {func(s *sourcev1.OCIRepository) { s.Generation++ }, true},
	} {
		if got := (ociRepository{}).Changed(pulledSource(), pulledSource(tc.edit)); got != tc.want {
			t.Errorf("%s: changed %v", name, got)
		}
	}
}
