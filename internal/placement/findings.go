package placement

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/message"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// severalWaves: targets of one policy and one line, by their waves.
func severalWaves(at place, waves map[string][]claim) *pin.Finding {
	texts := make([]string, 0, len(waves))
	for _, wave := range slices.Sorted(maps.Keys(waves)) {
		texts = append(texts, fmt.Sprintf("%s: %s", waveText(wave), targetsText(waves[wave])))
	}
	return &pin.Finding{Reason: v1alpha1.SeveralWavesReason, Message: fmt.Sprintf(
		"%s sets the version of targets of several waves (%s); put them into one wave, or give each wave a line of its own",
		at, strings.Join(texts, "; "))}
}

func waveText(wave string) string {
	if wave == "" {
		return "in no wave"
	}
	return "wave " + wave
}

// namedTargets bounds the targets that a message names of each wave.
const namedTargets = 5

func targetsText(claims []claim) string {
	names := make([]string, 0, len(claims))
	for _, c := range claims {
		names = append(names, c.Intent.Target.Kind+" "+c.Intent.Target.Name)
	}
	sort.Strings(names)
	if more := len(names) - namedTargets; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:namedTargets], ", "), more)
	}
	return strings.Join(names, ", ")
}

// anothers: the marker of a line names the pin of a target that has its version elsewhere.
func anothers(at place, marker markers.Found, policy string) *pin.Finding {
	return &pin.Finding{Reason: v1alpha1.MarkerCopiedReason, Message: fmt.Sprintf(
		"%s has the marker of another target, %s of a policy (%s); remove it, so that this target gets its own", at, message.Brief(marker.Ref.String()), policy)}
}

// taken: since it was marked the line has got somebody else's marker.
func taken(at place, marker markers.Found) *pin.Finding {
	return &pin.Finding{Reason: markers.ForeignMarker, Message: fmt.Sprintf("%s has got the marker %s; remove it", at, message.Brief(marker.Raw))}
}

// reformatted: Flux would change the layout of the file, and the policy refuses that.
func reformatted(change markers.Reformat) *pin.Finding {
	return &pin.Finding{Reason: v1alpha1.WouldReformatReason, Message: change.String() +
		"; the policy refuses this: write the file as Flux would, or set spec.git.reformat to Allow"}
}

// differs: before the first marker the line must say what the cluster has, or it may not be what sets the version.
func differs(at place, p Pin, value string) *pin.Finding {
	return &pin.Finding{Reason: v1alpha1.VersionDiffersReason, Message: fmt.Sprintf(
		"%s says %s, and %s %s has %s in the cluster, so the line is not marked yet; wait until Flux has applied it, or look what else sets the version",
		at, message.Brief(value), p.Intent.Target.Kind, p.Intent.Target.Name, message.Brief(p.Intent.Has))}
}

// notBelow: the Kustomization takes the version from another place than the policy names.
func notBelow(location markers.Location, p Pin) *pin.Finding {
	return &pin.Finding{Reason: markers.NotFound, Message: fmt.Sprintf(
		"%s sets the version that Kustomization %s applies, which is not below the policy's git.path %s; correct git.path, or leave it out",
		place{location.File, location.Line}, p.Intent.Source.Kustomization, message.Brief(p.Intent.Source.Below))}
}

// endless: what stands there is no version that a tag could have.
func endless(at place) *pin.Finding {
	return &pin.Finding{Reason: markers.NotMarkable, Message: fmt.Sprintf(
		"%s: the version has more than %d characters, which no tag has; write a version there", at, maxTag)}
}

// incomplete: the marker is the right one, but Flux would write more than the tag.
func incomplete(at place, marker markers.Found) *pin.Finding {
	return &pin.Finding{Reason: v1alpha1.MarkerMissingReason, Message: fmt.Sprintf(
		"%s has the marker %s, by which Flux would not write the tag alone; write %s", at, message.Brief(marker.Raw), marker.Ref.Comment())}
}

func missing(at place, p Pin) *pin.Finding {
	message := fmt.Sprintf("somebody removed the marker of the version at %s, so it is left alone; to go on, put back %s", at, p.ref().Comment())
	if !p.Intent.Unmanaged {
		message += fmt.Sprintf(", or give the policy's annotation %s a new value", v1alpha1.ResumeAnnotation)
	}
	return &pin.Finding{Reason: v1alpha1.MarkerMissingReason, Message: message}
}

func unmanaged(at place, ref markers.Ref) *pin.Finding {
	return &pin.Finding{Reason: v1alpha1.MarkerUnmanagedReason, Message: fmt.Sprintf(
		"put this at the end of the line %s: %s", at, ref.Comment())}
}

// Unplaced is the memory of a pin after a look, whose marker was placed on another branch than the one that counts.
func Unplaced(p Pin, looked pin.Memory, branch, into string) pin.Memory {
	unpushed := Unpushed(p, looked)
	unpushed.Leader = p.Memory.Leader
	if looked.Finding != nil {
		looked.Marked, looked.Astray = unpushed.Marked, unpushed.Astray
		return looked
	}
	if looked.Marked == unpushed.Marked && looked.Leader == unpushed.Leader && looked.Astray == unpushed.Astray {
		return looked
	}
	looked = unpushed
	looked.Finding = &pin.Finding{Reason: v1alpha1.AwaitingMergeReason, Message: fmt.Sprintf(
		"the server does not let markers be pushed to %s; merge %s, which has the marker for %s", into, branch, place{looked.File, looked.Line})}
	return looked
}

// Unremoved is the finding of a pin that leaves, whose marker is removed on another branch than the one that counts.
func Unremoved(at, branch, from string) *pin.Finding {
	return &pin.Finding{Reason: v1alpha1.AwaitingMergeReason, Message: fmt.Sprintf(
		"the server does not let markers be removed from %s; merge %s, which removes the one at %s", from, branch, at)}
}

func copied(places []string, ref markers.Ref) *pin.Finding {
	return &pin.Finding{Reason: v1alpha1.MarkerCopiedReason, Message: fmt.Sprintf(
		"the marker for %s stands on several lines, and Flux would write them all: %s; keep one", ref.Policy, several(places, len(places)))}
}
