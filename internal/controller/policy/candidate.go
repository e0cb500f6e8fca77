package policy

import (
	"fmt"
	"maps"
	"slices"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// candidateInput is the newest version in the range as Flux shows it, or why there is none. Flux keeps showing an old
// tag when nothing satisfies the range any more, so a tag counts only if it is about the present spec and satisfies it.
func (s scope) candidateInput() rollout.Candidate {
	if s.chart.URL == "" {
		return rollout.Candidate{Reason: v1alpha1.NoCandidateReason, Message: "The chart is not known yet"}
	}
	if reason, message := scanProblem(s.scan, s.scanName()); reason != "" && !scanned(s.scan) {
		return rollout.Candidate{Reason: reason, Message: message}
	}
	wanted, err := s.wantedCandidate(s.scanName(), roundOf(s.candidate), s.ledger)
	if err != nil {
		return rollout.Candidate{Reason: v1alpha1.NoCandidateReason, Message: err.Error()}
	}
	return candidateOf(s.policy, s.candidate, wanted)
}

// candidateScan is the name of the ImageRepository that the candidate selects from: that of the chart once Flux has scanned
// it; until then, and while no target tells the chart, the one that the candidate has, or if somebody deleted it the
// pins. It is empty if there is none: then there is nothing for which a round could matter either.
func (s scope) candidateScan() string {
	if scanned(s.scan) {
		return s.scanName()
	}
	if s.candidate != nil {
		return s.candidate.Spec.ImageRepositoryRef.Name
	}
	names := slices.Sorted(maps.Keys(s.pins))
	if len(names) == 0 {
		return ""
	}
	return s.pins[names[0]].object.Spec.ImageRepositoryRef.Name
}

// wantedCandidate is the candidate ImagePolicy as it should be, with the name of its ImageRepository, a round, and what the
// policy remembers. Its range leaves out the versions that are blocked there, so that Flux shows the newest of the others.
func (s scope) wantedCandidate(scan string, round int64, ledger pin.Ledger) (*imagev1.ImagePolicy, error) {
	semver, err := versions.ComposeBlocked(s.policy.Spec.Versions.Range, s.policy.Spec.Versions.Exclude, blockedVersions(s.policy, ledger))
	if err != nil {
		return nil, err
	}
	return fluxobjects.Candidate(s.policy, scan, semver, round, ledger), nil
}

func candidateOf(policy *v1alpha1.AppUpgradePolicy, live, wanted *imagev1.ImagePolicy) rollout.Candidate {
	name := wanted.Namespace + "/" + wanted.Name
	if live == nil || !equality.Semantic.DeepEqual(live.Spec, wanted.Spec) && !live.Spec.Suspend {
		return rollout.Candidate{Reason: v1alpha1.ScanPendingReason, Message: fmt.Sprintf("Flux has not looked for a version with ImagePolicy %s yet", name)}
	}
	if live.Spec.Suspend {
		return rollout.Candidate{
			Reason:  v1alpha1.NoCandidateReason,
			Message: fmt.Sprintf("ImagePolicy %s is suspended: set its spec.suspend to false", name),
		}
	}
	if failure := failureOf(live, wanted); failure != nil {
		return rollout.Candidate{
			Reason:  v1alpha1.NoCandidateReason,
			Message: fmt.Sprintf("No version of the chart satisfies %q (ImagePolicy %s: %s)", wanted.Spec.Policy.SemVer.Range, name, failure.Message),
		}
	}
	// Flux writes conditions before the rest of a status, and leaves a condition alone whose text stays the same
	// (fluxcd/pkg/runtime, conditions.Set): the generation of the status tells what the tag is about.
	if live.Status.ObservedGeneration != live.Generation || live.Status.LatestRef == nil {
		return rollout.Candidate{Reason: v1alpha1.ScanPendingReason, Message: fmt.Sprintf("Flux has not looked for a version with ImagePolicy %s yet", name)}
	}
	tag := live.Status.LatestRef.Tag
	if !satisfies(policy, tag) {
		return rollout.Candidate{
			Reason:  v1alpha1.NoCandidateReason,
			Message: fmt.Sprintf("ImagePolicy %s shows tag %s, which does not satisfy %q", name, tag, wanted.Spec.Policy.SemVer.Range),
		}
	}
	return rollout.Candidate{Tag: tag}
}

// failureOf is the condition by which Flux says that it could not select for the present spec; nil if it does not say that.
func failureOf(live, wanted *imagev1.ImagePolicy) *metav1.Condition {
	ready := readyOf(live)
	if ready == nil || ready.Status != metav1.ConditionFalse {
		return nil
	}
	if ready.ObservedGeneration != live.Generation && !handled(live, wanted) {
		return nil
	}
	return ready
}

// satisfies says whether a tag's version is one that the policy allows.
func satisfies(policy *v1alpha1.AppUpgradePolicy, tag string) bool {
	allowed, err := versions.ParseRange(policy.Spec.Versions.Range)
	if err != nil {
		return false
	}
	version, considered := resolve.FilterOf(policy).Version(tag)
	return considered && allowed.Contains(version) && !versions.Excluded(version, policy.Spec.Versions.Exclude)
}

// scanned says whether Flux has ever scanned the registry. An ImagePolicy made before that blocks a worker of Flux for
// seconds and emits a warning.
func scanned(scan *imagev1.ImageRepository) bool {
	return scan != nil && scan.Status.LastScanResult != nil
}

// scanProblem says why nothing new can come from the registry; the reason is empty if there is no problem.
func scanProblem(scan *imagev1.ImageRepository, name string) (reason, message string) {
	if scan != nil {
		ready := apimeta.FindStatusCondition(scan.Status.Conditions, meta.ReadyCondition)
		if ready != nil && ready.Status == metav1.ConditionFalse {
			return v1alpha1.ScanFailedReason, fmt.Sprintf("Flux cannot scan %s (ImageRepository %s/%s): %s", scan.Spec.Image, scan.Namespace, scan.Name, ready.Message)
		}
	}
	if !scanned(scan) {
		return v1alpha1.ScanPendingReason, fmt.Sprintf("Flux has not scanned the chart's registry yet (ImageRepository %s)", name)
	}
	if scan.Spec.Suspend {
		return v1alpha1.ScanFailedReason, fmt.Sprintf("ImageRepository %s/%s is suspended: set its spec.suspend to false", scan.Namespace, scan.Name)
	}
	return "", ""
}
