package fluxobjects

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// SearchAnnotation on the ImagePolicy of a step is the search whose span it asks about, see versions.Search.
const SearchAnnotation = "upgrades.giantswarm.io/search"

// TuningAnnotation on the ImagePolicy of a step is a hash of what the user says of versions, see Tuning.
const TuningAnnotation = "upgrades.giantswarm.io/search-tuning"

// tokenBytes of the SHA-256 of a question are its token.
const tokenBytes = 8

// Candidate is the ImagePolicy that finds the newest version in a policy's range. No marker names it.
//
// scan is the name of its ImageRepository, semver the range with the exclusions and the blocked versions composed into it,
// round the newest round of the policy whose intents are all written, see pin.RoundAnnotation, and ledger what the policy
// remembers.
func Candidate(policy *v1alpha1.AppUpgradePolicy, scan, semver string, round int64, ledger pin.Ledger) *imagev1.ImagePolicy {
	object := finder(policy, pin.CandidateName(policy.Name), pin.RoleCandidate, scan, semver)
	object.Annotations[pin.RoundAnnotation] = strconv.FormatInt(round, 10)
	if text := ledger.Encode(); text != (pin.Ledger{}).Encode() {
		object.Annotations[pin.LedgerAnnotation] = text
	}
	return object
}

// Step is the ImagePolicy that finds the newest version in the span of a search for the step after of.
//
// scan is the name of its ImageRepository, semver the range within the span.
func Step(policy *v1alpha1.AppUpgradePolicy, scan, semver, of string, search versions.Search) *imagev1.ImagePolicy {
	object := finder(policy, pin.StepName(policy.Name, of), pin.RoleStep, scan, semver)
	object.Annotations[SearchAnnotation] = search.String()
	object.Annotations[TuningAnnotation] = Tuning(policy.Spec.Versions)
	return object
}

// Tuning tells whether a search was made for other versions than the user admits now: what it passed over may count again.
func Tuning(admitted v1alpha1.Versions) string {
	tuned := append([]string{admitted.Range, string(admitted.NeverSkip)}, admitted.Exclude...)
	if filter := admitted.FilterTags; filter != nil {
		tuned = append(tuned, filter.Pattern, filter.Extract)
	}
	return hash(tuned)
}

func hash(texts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\n")))
	return hex.EncodeToString(sum[:tokenBytes])
}

// finder is an ImagePolicy that finds the newest version in a range. It asks Flux for a reconciliation by a token of its
// own for each question: a condition of Flux's whose text stays the same keeps its generation, and `nothing found` has
// the same text for every range, so only the token tells what that answer is about.
func finder(policy *v1alpha1.AppUpgradePolicy, name, role, scan, semver string) *imagev1.ImagePolicy {
	object := imagePolicy(policy, name, role, scan)
	object.Spec.Policy.SemVer = &imagev1.SemVerPolicy{Range: semver}
	question := []string{scan, semver}
	if filter := policy.Spec.Versions.FilterTags; filter != nil {
		object.Spec.FilterTags = &imagev1.TagFilter{Pattern: filter.Pattern, Extract: filter.Extract}
		question = append(question, filter.Pattern, filter.Extract)
	}
	object.Annotations = map[string]string{meta.ReconcileRequestAnnotation: hash(question)}
	return object
}

// Pin is the part of a pin that the policy decides on: which tag it selects is not among it.
//
// upgrade is what is remembered of the target, scan the name of the pin's ImageRepository, and repository the key of the
// repository branch, see gitops.Key.
func Pin(policy *v1alpha1.AppUpgradePolicy, intent pin.Intent, upgrade pin.Upgrade, scan, repository string) *imagev1.ImagePolicy {
	object := imagePolicy(policy, pin.Name(intent.Target.Kind, intent.Target.Name), pin.RolePin, scan)
	object.Labels[pin.RepositoryLabel] = repository
	object.Annotations = map[string]string{pin.IntentAnnotation: intent.Encode()}
	if text := upgrade.Encode(); text != (pin.Upgrade{}).Encode() {
		object.Annotations[pin.UpgradeAnnotation] = text
	}
	object.Spec.Policy.Alphabetical = &imagev1.AlphabeticalPolicy{Order: "asc"}
	return object
}

func imagePolicy(policy *v1alpha1.AppUpgradePolicy, name, role, scan string) *imagev1.ImagePolicy {
	object := &imagev1.ImagePolicy{
		TypeMeta: metav1.TypeMeta{APIVersion: imagev1.GroupVersion.String(), Kind: imagev1.ImagePolicyKind},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: policy.Namespace,
			Name:      name,
			Labels:    labels(role),
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(policy, v1alpha1.GroupVersion.WithKind(v1alpha1.AppUpgradePolicyKind)),
			},
		},
		Spec: imagev1.ImagePolicySpec{
			ImageRepositoryRef:     meta.NamespacedObjectReference{Name: scan},
			DigestReflectionPolicy: imagev1.ReflectNever,
		},
	}
	object.Labels[pin.PolicyLabel] = policy.Name
	// Blocking the owner's deletion needs a permission on its finalizers that nothing else here needs.
	object.OwnerReferences[0].BlockOwnerDeletion = nil
	return object
}

func labels(role string) map[string]string {
	return map[string]string{pin.ManagedByLabel: pin.ManagedBy, pin.RoleLabel: role}
}
