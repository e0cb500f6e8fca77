package fluxobjects

import (
	"strconv"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Candidate is the ImagePolicy that finds the newest version in a policy's range. No marker names it.
//
// scan is the name of its ImageRepository, semver the range with the exclusions composed into it, and round the newest
// round of the policy whose intents are all written, see pin.RoundAnnotation.
func Candidate(policy *v1alpha1.AppUpgradePolicy, scan, semver string, round int64) *imagev1.ImagePolicy {
	object := imagePolicy(policy, pin.CandidateName(policy.Name), pin.RoleCandidate, scan)
	object.Annotations = map[string]string{pin.RoundAnnotation: strconv.FormatInt(round, 10)}
	object.Spec.Policy.SemVer = &imagev1.SemVerPolicy{Range: semver}
	if filter := policy.Spec.Versions.FilterTags; filter != nil {
		object.Spec.FilterTags = &imagev1.TagFilter{Pattern: filter.Pattern, Extract: filter.Extract}
	}
	return object
}

// Pin is the part of a pin that the policy decides on: which tag it selects is not among it.
//
// scan is the name of its ImageRepository, repository the key of the repository branch, see gitops.Key.
func Pin(policy *v1alpha1.AppUpgradePolicy, intent pin.Intent, scan, repository string) *imagev1.ImagePolicy {
	object := imagePolicy(policy, pin.Name(intent.Target.Kind, intent.Target.Name), pin.RolePin, scan)
	object.Labels[pin.RepositoryLabel] = repository
	object.Annotations = map[string]string{pin.IntentAnnotation: intent.Encode()}
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
