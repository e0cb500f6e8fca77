package placement

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// ForeignPolicy is an ImagePolicy that is no pin of the repository branch.
type ForeignPolicy struct {
	// Managed: the operator made it, for something else. Nothing else is set then.
	Managed bool
	// Selects says in words which tags it selects.
	Selects string
	// Image is the image repository of the tags; empty: not known.
	Image string
	// Latest is the tag that it selected last; empty: none yet.
	Latest string
	// Adopt: its owner lets a policy of the same chart take its place.
	Adopt bool
	// Labels by which automations select it.
	Labels map[string]string
	// Automations of its namespace over the repository branch that the operator did not make.
	Automations []batch.ForeignAutomation
}

// fingerprintBytes of a hash tell one state of a ForeignPolicy from another.
const fingerprintBytes = 8

// Fingerprint differs when something has changed that a finding about the ImagePolicy says, but for the tags that come and go.
func (f ForeignPolicy) Fingerprint() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%t\n%t\n%s\n%s", f.Managed, f.Adopt, f.Image, f.Selects))
	return hex.EncodeToString(sum[:fingerprintBytes])
}

// SeenFrom is what a pin of a namespace may know of the ImagePolicy owner: nothing of one of another namespace, unless it is
// there to be adopted.
func (f ForeignPolicy) SeenFrom(namespace string, owner batch.Key) ForeignPolicy {
	if owner.Namespace != namespace && !f.Adopt {
		return ForeignPolicy{}
	}
	return f
}

// Adoption is a marker that took the place of somebody else's.
type Adoption struct {
	// Pin that the line has now, and the ImagePolicy that it had.
	Pin, From batch.Key
	// At is where, as `file:line`.
	At string
}

// yield lets the first of the claims take the place of somebody else's marker if its owner says so, and else tells whose it is.
func (v *visit) yield(at place, claims []claim, marker markers.Found, undecided bool) error {
	owner := keyOf(marker.Ref)
	leader := claims[0]
	policy, exists := v.foreign[owner]
	policy = policy.SeenFrom(leader.Key.Namespace, owner)
	if policy.Adopt && sameImage(policy.Image, leader.Image) && !undecided && leader.mayMark() {
		if left, err := v.leaveAlone(at, claims); left || err != nil {
			return err
		}
		placed, err := v.put(at, claims, markers.Adopt)
		if placed {
			v.plan.Adopted = append(v.plan.Adopted, Adoption{Pin: leader.Key, From: owner, At: at.String()})
		}
		return err
	}
	finding := foreign(at, marker, leader.Pin, policy, exists)
	for _, c := range claims {
		line := v.line(c, finding)
		line.Foreign = owner.String()
		if !c.Later { // the visit that may adopt has not seen it
			line.ForeignSeen = batch.Seen(c.Pin.Pin, policy.Fingerprint())
		}
		v.remember(c.Pin, line, nil)
	}
	return nil
}

func keyOf(ref markers.Ref) batch.Key { return batch.Key{Namespace: ref.Namespace, Name: ref.Policy} }

// foreign: the marker of a line names an ImagePolicy that is not ours.
func foreign(at place, marker markers.Found, p Pin, policy ForeignPolicy, exists bool) *pin.Finding {
	owner := keyOf(marker.Ref)
	text := fmt.Sprintf("%s has a marker for ImagePolicy %s", at, owner)
	switch {
	case owner.Namespace != p.Key.Namespace && !policy.Adopt:
		text += fmt.Sprintf(", which no automation of namespace %s sees; remove it, or annotate that ImagePolicy with %s=true",
			p.Key.Namespace, v1alpha1.AdoptAnnotation)
	case policy.Managed:
		text += ", which the operator made for something else; remove the marker"
	case !exists && strings.HasPrefix(owner.Name, "pin."):
		text += ", which is gone with its policy; remove the marker, so that this policy can place its own"
	case !exists:
		text += ", which does not exist, so nothing writes the version; remove the marker, so that this policy can place its own"
	default:
		text += whatItDoes(at, marker, policy) + howToAdopt(owner, p, policy)
	}
	return &pin.Finding{Reason: markers.ForeignMarker, Message: text}
}

// sameImage: two image repositories are one, by whatever name of Docker's registry.
func sameImage(a, b string) bool { return canonical(a) == canonical(b) }

func canonical(image string) string {
	repository, err := name.NewRepository(image)
	if err != nil {
		return image
	}
	registry := repository.RegistryStr()
	if registry == "registry-1.docker.io" { // where the API of "docker.io" is
		registry = name.DefaultRegistry
	}
	return registry + "/" + repository.RepositoryStr()
}

// whatItDoes tells what an ImagePolicy of somebody else's selects, and who writes it.
func whatItDoes(at place, marker markers.Found, policy ForeignPolicy) string {
	text := ", which selects " + policy.Selects
	if policy.Image != "" {
		text += " of " + policy.Image
	}
	if policy.Latest != "" {
		text += ", now " + policy.Latest
	}
	if marker.Suffix != markers.SuffixTag {
		text += fmt.Sprintf("; the marker does not end with :%s, so Flux would not write the version alone", markers.SuffixTag)
	}
	for _, automation := range policy.Automations {
		if automation.Writes(at.file, policy.Labels) {
			return text + fmt.Sprintf("; ImageUpdateAutomation %s writes it", automation.Key)
		}
	}
	return text + "; no ImageUpdateAutomation writes it"
}

func howToAdopt(owner batch.Key, p Pin, policy ForeignPolicy) string {
	switch {
	case !sameImage(policy.Image, p.Image):
		return fmt.Sprintf("; the chart of this policy is %s, so it cannot take over: remove the marker", p.Image)
	case p.Intent.Unmanaged:
		return "; to let this policy manage the version, put this in its place: " + p.ref().Comment()
	case policy.Adopt:
		return "; this policy takes over once it may place markers"
	}
	return fmt.Sprintf("; to let this policy manage the version instead, in the range %q and with no version changed by that, run: "+
		"kubectl annotate imagepolicy -n %s %s %s=true (or, if Flux applies it from Git, in its manifest, else Flux removes it again)", p.Range, owner.Namespace, owner.Name, v1alpha1.AdoptAnnotation)
}
