package placement

import (
	"fmt"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func shared(at place, policies []string) *pin.Finding {
	return &pin.Finding{Reason: v1alpha1.LineSharedReason, Message: fmt.Sprintf(
		"%s sets the version of targets of the policies %s; let one policy select them all, or give each target a line of its own",
		at, strings.Join(policies, ", "))}
}

// foreign: the marker of a line names something else than the pin of a target that has its version there.
func foreign(at place, marker markers.Found, policy string) *pin.Finding {
	if policy != "" {
		return &pin.Finding{Reason: v1alpha1.MarkerCopiedReason, Message: fmt.Sprintf(
			"%s has the marker of another target, %s of policy %s; remove it, so that this target gets its own", at, marker.Ref, policy)}
	}
	return &pin.Finding{Reason: markers.ForeignMarker, Message: fmt.Sprintf(
		"%s has a marker for %s already; remove it, and that ImagePolicy, to let this policy manage the version", at, marker.Raw)}
}

// incomplete: the marker is the right one, but Flux would write more than the tag.
func incomplete(at place, marker markers.Found) *pin.Finding {
	return &pin.Finding{Reason: v1alpha1.MarkerMissingReason, Message: fmt.Sprintf(
		"%s has the marker %s, by which Flux would not write the tag alone; write %s", at, marker.Raw, marker.Ref.Comment())}
}

func missing(at place, ref markers.Ref) *pin.Finding {
	return &pin.Finding{Reason: v1alpha1.MarkerMissingReason, Message: fmt.Sprintf(
		"somebody removed the marker from %s, so this version is left alone; to go on, put back %s", at, ref.Comment())}
}

func unmanaged(at place, ref markers.Ref) *pin.Finding {
	return &pin.Finding{Reason: v1alpha1.MarkerUnmanagedReason, Message: fmt.Sprintf(
		"put this at the end of the line %s: %s", at, ref.Comment())}
}

func copied(places []string, ref markers.Ref) *pin.Finding {
	return &pin.Finding{Reason: v1alpha1.MarkerCopiedReason, Message: fmt.Sprintf(
		"the marker for %s stands on several lines, and Flux would write them all: %s; keep one", ref.Policy, strings.Join(places, ", "))}
}
