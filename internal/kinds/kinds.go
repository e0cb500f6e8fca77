// Package kinds knows the kinds of objects whose versions can be managed: where each has its version, which chart that is of,
// what runs, and how well. Nobody else asks what kind a target is.
//
// To add a kind, write one file that implements Kind, add the kind to All, and let the API admit its name.
package kinds

import (
	"context"
	"fmt"
	"slices"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Kind is one kind of target.
type Kind interface {
	// GroupVersionKind of the targets.
	GroupVersionKind() schema.GroupVersionKind
	// Needs are the other kinds that a cluster must know for targets of this one to be managed, beside Flux's that every
	// policy needs.
	Needs() []schema.GroupVersionKind
	// Installs says for a human what brings these kinds.
	Installs() string
	// AddToScheme registers the types that are read.
	AddToScheme(scheme *runtime.Scheme) error
	// New and NewList are empty objects to read into.
	New() client.Object
	NewList() client.ObjectList
	// Watches are the other objects that tell something about targets.
	Watches() []Watch
	// Changed says whether two states of a target differ in what Look finds. Labels and deletion need not be compared.
	Changed(before, after client.Object) bool
	// Look finds everything about one target of the kind. Errors are those of reading: what is wrong with the target is a
	// finding, and what could be found in spite of it is set.
	Look(ctx context.Context, reader Reader, query Query, object client.Object) (Facts, error)
}

// Watch is a kind of objects that tell something about targets of another kind.
type Watch struct {
	// Object is an empty object of the kind, and NewList an empty list, needed only if Writes.
	Object  client.Object
	NewList func() client.ObjectList
	// Field is an index of the targets, by Keys of each. A change of an object is about the targets that have one of its KeysOf.
	Field        string
	Keys, KeysOf client.IndexerFunc
	// ObjectField, if set, is an index of these objects by KeysOf, which Look needs.
	ObjectField string
	// Changed says whether two states of an object differ in what matters.
	Changed func(before, after client.Object) bool
	// Writes: the versions of targets may be written in these objects, so that the Kustomizations of these count.
	Writes bool
}

// Reader reads what kinds look at.
type Reader struct {
	// Cached reads what is watched.
	Cached client.Reader
	// Live reads the few objects that are not worth a cache.
	Live client.Reader
	// NoCrossNamespaceRefs forbids Flux's sources of other namespaces.
	NoCrossNamespaceRefs bool
}

// Query is what the policy says about a target.
type Query struct {
	// Chart is the address of the chart, with its scheme, if the policy gives it.
	Chart string
	// Filter takes the version out of a longer tag.
	Filter versions.Filter
}

// Facts are what is known of one target.
type Facts struct {
	// Version is the one that the target is to have, as it is in the cluster. It is a tag, of which a leading `v` may be left
	// out unless Verbatim.
	Version  string
	Verbatim bool
	// Written is where that is.
	Written Written
	// Sharers are other objects of the kind whose version is the same one.
	Sharers []client.Object
	// Chart is the address of the chart, with its scheme; empty if it is not known.
	Chart string
	// Installed is the version that runs (without `v`), see rollout.Target for it and for what follows.
	Installed                    string
	ReleaseStatus, ReleaseReason string
	Trouble                      rollout.Trouble
	Excused                      string
	// Finding is the first thing that keeps the target from being managed.
	Finding *pin.Finding
}

// Written is the object in which a target's version is written, and the path of the field there. Object is nil if it is not
// known.
type Written struct {
	Kind   schema.GroupVersionKind
	Object client.Object
	Field  []string
}

// Values of Facts.Excused that more than one kind has.
const (
	excusedDeleting = "deleting"
	excusedPaused   = Paused
)

// Paused is the Facts.Excused of a target to which Flux applies nothing now.
const Paused = "paused"

// Unapplied is the label or annotation by which Flux does not apply changes to an object that exists, as `key: value`; empty: there is
// none. (Controlling the apply behavior of resources, in the documentation of kustomize-controller.)
func Unapplied(object client.Object) string {
	for _, mark := range []struct{ key, value string }{
		{kustomizev1.GroupVersion.Group + "/reconcile", kustomizev1.DisabledValue},
		{kustomizev1.GroupVersion.Group + "/ssa", kustomizev1.IgnoreValue},
		{kustomizev1.GroupVersion.Group + "/ssa", kustomizev1.IfNotPresentValue},
	} {
		if object.GetLabels()[mark.key] == mark.value || object.GetAnnotations()[mark.key] == mark.value {
			return mark.key + ": " + mark.value
		}
	}
	return ""
}

// excused says why nothing can be told of a version by what becomes of an object of Flux's now; empty: it can.
func excused(object client.Object, suspended bool) string {
	switch {
	case !object.GetDeletionTimestamp().IsZero():
		return excusedDeleting
	case suspended:
		return excusedPaused
	default:
		return ""
	}
}

// All are the kinds of targets. The first one is that of targets that name none.
var All = []Kind{app{}, helmRelease{}, ociRepository{}}

// Of is the kind of that name, that of a target that names none if it is empty; nil if there is no such kind.
func Of(name string) Kind {
	if name == "" {
		return All[0]
	}
	i := slices.IndexFunc(All, func(k Kind) bool { return Name(k) == name })
	if i < 0 {
		return nil
	}
	return All[i]
}

// Name is the name of a kind, such as `App`.
func Name(k Kind) string { return k.GroupVersionKind().Kind }

// AddToScheme registers the types of all kinds.
func AddToScheme(scheme *runtime.Scheme) error {
	for _, kind := range All {
		if err := kind.AddToScheme(scheme); err != nil {
			return fmt.Errorf("register the types of %s: %w", Name(kind), err)
		}
	}
	return nil
}

func finding(reason, format string, args ...any) *pin.Finding {
	return &pin.Finding{Reason: reason, Message: fmt.Sprintf(format, args...)}
}
