package placement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/message"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// What a finding may name. It ends in the status of a policy, which everybody reads who may read the policy's namespace. They
// know this namespace, and what stands in the repository, since their targets are made from it: files, folders, and the objects
// of manifests with the names that these give them. They need not know the names that only objects of other namespaces have in
// the cluster: policies, the Kustomizations that read the repository for somebody else, and what those put into names. The
// Kustomization of the target itself is named on the target.

// sharedByPolicies: the line sets the version of targets of several policies. It is told to one of the namespace.
func sharedByPolicies(at place, policies []string, namespace string) *pin.Finding {
	texts := make([]string, 0, len(policies))
	for _, policy := range policies {
		if text := policyText(policy, namespace); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return &pin.Finding{Reason: v1alpha1.LineSharedReason, Message: fmt.Sprintf(
		"%s sets the version of targets of several policies (%s); let one policy select them all, or give each target a line of its own",
		at, several(texts, len(texts)))}
}

// policyText names a policy, `namespace/name`, to those of a namespace.
func policyText(policy, namespace string) string {
	if strings.HasPrefix(policy, namespace+"/") {
		return policy
	}
	return "one of another namespace"
}

// sharedLine is what is told about a line that sets the version of others, too.
type sharedLine struct {
	// variable is the one that the line sets; empty: it sets the version itself.
	variable string
	// others names them.
	others string
	// offer is what would give the target its own line; nil: nothing can be offered.
	offer *markers.Overlay
	// omitted: none was looked for, since there are so many.
	omitted bool
	// ungranted lets the policy's git.allowShared count for all of them; empty: the policy has none.
	ungranted string
}

// maxOffer bounds a message that shows an overlay, in bytes: what is longer is cut off where people see it.
const maxOffer = 1000

// sharedWithOthers: the line sets the version of objects that are no targets and that the policy may not move. The overlay that
// would give the target its own, if there is one, is shown as it is to be pasted.
func sharedWithOthers(at place, s sharedLine) *pin.Finding {
	text := fmt.Sprintf("%s sets the version of others too: %s", at, s.others)
	allow := "or set git.allowShared to move them all"
	if s.ungranted != "" {
		allow = "or let this namespace's git.allowShared count for objects of other namespaces and clusters: " + s.ungranted
	}
	switch {
	case s.variable != "":
		text += fmt.Sprintf("; give the target a variable of its own instead of ${%s}, %s", message.Brief(s.variable), allow)
	case s.omitted:
		text += "; give the target a line of its own, for example by a patch (patches are shown for the first targets of a line and of the " +
			"repository, and omitted here), " + allow
	case s.offer == nil:
		text += "; give the target a line of its own, for example by a variable that each Kustomization sets in postBuild.substitute, " + allow
	default:
		text = offerText(text, allow, *s.offer)
	}
	return &pin.Finding{Reason: v1alpha1.LineSharedReason, Message: text}
}

func offerText(text, allow string, offer markers.Overlay) string {
	file := message.Brief(offer.Kustomization)
	whole := fmt.Sprintf("%s; give the target a line of its own as shown here, %s. Add to the patches of %s:\n%sand write %s:\n%s",
		text, allow, file, offer.Entry, offer.Patch, offer.PatchContent)
	if len(whole) <= maxOffer && message.Brief(offer.Patch) == offer.Patch {
		return whole
	}
	return fmt.Sprintf("%s; give the target a line of its own by a patch file that the patches of %s name, %s", text, file, allow)
}

// usersText names users of the claim's line that are not its target.
func (v *visit) usersText(c claim, users []markers.User) string {
	names := make([]string, 0, namedTargets)
	for _, u := range users {
		if name := v.userText(c, u); !slices.Contains(names, name) {
			names = append(names, name)
		}
		if len(names) == namedTargets {
			break
		}
	}
	return several(names, len(users))
}

// several lists the first of some names, of which there are all in all.
func several(names []string, all int) string {
	names = names[:min(len(names), namedTargets)]
	text := strings.Join(names, ", ")
	if more := all - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// userText names one user, as far as the claim's namespace may know, and says of one with the name of the target why it is
// another.
func (v *visit) userText(c claim, u markers.User) string {
	object := message.Brief(u.Target.String())
	if !v.mayName(c, u) {
		object = message.Brief(u.Target.Kind) + " of another namespace"
	}
	by, mine := applierOf(u), c.Intent.Source.Kustomization
	from := "folder " + message.Brief(u.Folder)
	if by.Name != "" && (ofFiles(u) || by.Namespace == c.Key.Namespace || by == mine) {
		from = message.Brief(u.Kustomization.String())
	}
	if by.Name != "" && ofFiles(u) {
		from += " of " + message.Brief(u.Entry)
	}
	if c.named(u) && mine.Name != "" {
		from += v.whyAnother(u, by, mine)
	}
	return object + " (" + from + ")"
}

// whyAnother says why a user with the name of the target, which the Kustomization mine applies, is not the target.
func (v *visit) whyAnother(u markers.User, by, mine pin.NamespacedName) string {
	if u.Applied && !v.inCluster(u) || !u.Applied && by == mine {
		return ", in another cluster"
	}
	return "; the target is the one that Kustomization " + mine.String() + " applies"
}

// ofFiles: the user, and what applies it, come from the repository alone: from one of its folders or files, and not by what a
// Kustomization of this cluster makes of these.
func ofFiles(u markers.User) bool {
	made := u.Entry == "" || strings.HasPrefix(u.Entry, "Kustomization ")
	return !u.Applied && (u.Kustomization.Name == "" || !made)
}

// mayName: the claim's namespace may know the name of the user. That of another namespace it may if the repository alone gives
// it, and no Kustomization adds what only the cluster has.
func (v *visit) mayName(c claim, u markers.User) bool {
	by := applierOf(u)
	if ofFiles(u) || u.Target.Namespace == c.Key.Namespace || by.Namespace == c.Key.Namespace {
		return true
	}
	source, ok := v.applied[by]
	return ok && source.NamePrefix == "" && source.NameSuffix == "" && source.TargetNamespace == "" &&
		len(source.Substitute) == 0 && len(source.Patches) == 0
}
