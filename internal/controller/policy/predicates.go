package policy

import (
	"maps"
	"reflect"
	"slices"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
)

// onChange lets an update pass if the two states differ in what matters. Creation and deletion always matter.
func onChange[T client.Object](differ func(before, after T) bool) predicate.TypedPredicate[T] {
	return predicate.TypedFuncs[T]{
		UpdateFunc: func(e event.TypedUpdateEvent[T]) bool {
			return !e.ObjectOld.GetDeletionTimestamp().Equal(e.ObjectNew.GetDeletionTimestamp()) || differ(e.ObjectOld, e.ObjectNew)
		},
	}
}

// onlyChange is onChange that takes no notice of creation and deletion.
func onlyChange[T client.Object](differ func(before, after T) bool) predicate.TypedPredicate[T] {
	return predicate.TypedFuncs[T]{
		CreateFunc: func(event.TypedCreateEvent[T]) bool { return false },
		DeleteFunc: func(event.TypedDeleteEvent[T]) bool { return false },
		UpdateFunc: func(e event.TypedUpdateEvent[T]) bool { return differ(e.ObjectOld, e.ObjectNew) },
	}
}

func specChanged[T client.Object]() predicate.TypedPredicate[T] {
	return onChange(func(before, after T) bool { return before.GetGeneration() != after.GetGeneration() })
}

func targetChanged(kind kinds.Kind) predicate.TypedPredicate[client.Object] {
	return onChange(func(before, after client.Object) bool {
		return writtenChanged(before, after) || kind.Changed(before, after)
	})
}

// writtenChanged looks at what says who applies an object in which versions may be written, and whether that is done.
func writtenChanged(before, after client.Object) bool {
	return !maps.Equal(before.GetLabels(), after.GetLabels()) || kinds.Unapplied(before) != kinds.Unapplied(after)
}

// relatedChanged looks at the labels only if versions may be written in the object: they name its Kustomization.
func relatedChanged(watch kinds.Watch) predicate.TypedPredicate[client.Object] {
	return onChange(func(before, after client.Object) bool {
		return watch.Writes && writtenChanged(before, after) || watch.Changed(before, after)
	})
}

func inventoryChanged() predicate.TypedPredicate[*kustomizev1.Kustomization] {
	return onChange(func(before, after *kustomizev1.Kustomization) bool {
		return before.Generation != after.Generation || !reflect.DeepEqual(before.Status.Inventory, after.Status.Inventory)
	})
}

// attemptedChanged looks at which revision was tried, and at what came of it.
func attemptedChanged() predicate.TypedPredicate[*kustomizev1.Kustomization] {
	return onlyChange(func(before, after *kustomizev1.Kustomization) bool {
		return before.Status.LastAttemptedRevision != after.Status.LastAttemptedRevision ||
			resolve.ApplyMessage(before) != resolve.ApplyMessage(after)
	})
}

// grants are the annotations of a GitRepository by which other namespaces may use it.
var grants = []string{
	v1alpha1.AllowNamespacesAnnotation, v1alpha1.AllowPushBranchesAnnotation, v1alpha1.AllowPushOptionsAnnotation, v1alpha1.AllowSharedAnnotation,
}

func sourceChanged() predicate.TypedPredicate[*sourcev1.GitRepository] {
	return onChange(func(before, after *sourcev1.GitRepository) bool {
		return before.Generation != after.Generation || slices.ContainsFunc(grants, func(grant string) bool {
			return before.Annotations[grant] != after.Annotations[grant]
		})
	})
}

func artifactChanged() predicate.TypedPredicate[*sourcev1.GitRepository] {
	return onlyChange(func(before, after *sourcev1.GitRepository) bool {
		return revisionOf(before) != revisionOf(after)
	})
}

func revisionOf(repository *sourcev1.GitRepository) string {
	if repository.Status.Artifact == nil {
		return ""
	}
	return repository.Status.Artifact.Revision
}

// scanChanged leaves out that a scan took place: what it found comes by the candidates.
func scanChanged() predicate.TypedPredicate[*imagev1.ImageRepository] {
	return onChange(func(before, after *imagev1.ImageRepository) bool {
		was, _ := scanProblem(before, before.Name)
		is, _ := scanProblem(after, after.Name)
		return was != is || scanned(before) != scanned(after) || before.Generation != after.Generation ||
			!maps.Equal(before.Labels, after.Labels) || !maps.Equal(before.Annotations, after.Annotations)
	})
}

// scanNeedChanged looks at which scan a policy needs, and how often.
func scanNeedChanged() predicate.Predicate {
	return onChange(func(before, after client.Object) bool {
		was, ok := before.(*v1alpha1.AppUpgradePolicy)
		is, okToo := after.(*v1alpha1.AppUpgradePolicy)
		return !ok || !okToo || was.Status.Chart != is.Status.Chart || !reflect.DeepEqual(was.Spec.Chart, is.Spec.Chart)
	})
}

// labelsChanged looks at the labels of a Namespace.
func labelsChanged() predicate.TypedPredicate[*metav1.PartialObjectMetadata] {
	return onChange(func(before, after *metav1.PartialObjectMetadata) bool {
		return !maps.Equal(before.Labels, after.Labels)
	})
}

// readinessChanged looks at what those that depend on a policy see of it, and at what it depends on itself: circles come
// and go by that.
func readinessChanged() predicate.TypedPredicate[*v1alpha1.AppUpgradePolicy] {
	return onChange(func(before, after *v1alpha1.AppUpgradePolicy) bool {
		return before.Generation != after.Generation || resolve.Readiness(before) != resolve.Readiness(after)
	})
}

// imagePolicyChanged looks at all that the operator or a human writes, and at what Flux selects.
func imagePolicyChanged() predicate.TypedPredicate[*imagev1.ImagePolicy] {
	return onChange(func(before, after *imagev1.ImagePolicy) bool {
		return before.Generation != after.Generation || before.Status.ObservedGeneration != after.Status.ObservedGeneration ||
			!maps.Equal(before.Labels, after.Labels) || !maps.Equal(before.Annotations, after.Annotations) ||
			!reflect.DeepEqual(before.OwnerReferences, after.OwnerReferences) ||
			!reflect.DeepEqual(before.Status.LatestRef, after.Status.LatestRef) ||
			!reflect.DeepEqual(readyOf(before), readyOf(after)) || tokenHandled(before) != tokenHandled(after)
	})
}

// tokenHandled is the token that tells what an answer of Flux's is about. Those of pins matter to nobody.
func tokenHandled(policy *imagev1.ImagePolicy) string {
	switch policy.Labels[pin.RoleLabel] {
	case pin.RoleCandidate, pin.RoleStep:
		return policy.Status.GetLastHandledReconcileRequest()
	default:
		return ""
	}
}

func readyOf(policy *imagev1.ImagePolicy) *metav1.Condition {
	return apimeta.FindStatusCondition(policy.Status.Conditions, meta.ReadyCondition)
}
