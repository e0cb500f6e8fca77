package placement

import (
	"errors"
	"maps"
	"path"
	"slices"

	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// others are the users of a line that are no targets and that a policy of the targets may not move. Nobody looks for them if
// all may be moved.
func (v *visit) others(claims []claim) ([]markers.User, error) {
	if !slices.ContainsFunc(claims, func(c claim) bool { return !c.Intent.AllowShared || c.Ungranted != "" }) {
		return nil, nil
	}
	users, err := v.survey.Users(target(claims[0].Intent.Place()), claims[0].location)
	if err != nil {
		return nil, err
	}
	mine := map[int]bool{}
	for _, c := range claims {
		for _, i := range v.usesOf(c, users) {
			mine[i] = true
		}
	}
	var others []markers.User
	for i, u := range users {
		if !mine[i] && slices.ContainsFunc(claims, func(c claim) bool { return !v.mayMove(c, u) }) {
			others = append(others, u)
		}
	}
	return others, nil
}

// usesOf are those of the users of a line that are the claim's target, by their index.
//
// A Kustomization that applies from the repository branch tells which: that of the claim takes the version from the line, and
// what others apply to this cluster under the same name is the same object. One that applies from elsewhere, say from an
// OCIRepository that is made from the branch, does not tell, so the target is one of those that nothing else applies. If no
// Kustomization is proven to apply the target, the user has said where it is written: it is what this cluster's Kustomizations
// have of its name or else one user of that folder, or of any. Others of its name may be of other clusters.
func (v *visit) usesOf(c claim, users []markers.User) []int {
	k := c.Intent.Source.Kustomization
	if k.Name == "" {
		return v.unproven(c, users)
	}
	if _, here := v.applied[k]; !here {
		free := indexes(users, func(u markers.User) bool {
			return c.named(u) && (u.Kustomization.Name == "" || !u.Applied && applierOf(u) == k)
		})
		return free[:min(len(free), 1)]
	}
	own := func(u markers.User) bool { return c.named(u) && u.Applied && applierOf(u) == k }
	if !slices.ContainsFunc(users, own) {
		return nil
	}
	return indexes(users, func(u markers.User) bool { return own(u) || c.named(u) && v.sameObject(u) })
}

// unproven are usesOf where no Kustomization is proven to apply the target.
func (v *visit) unproven(c claim, users []markers.User) []int {
	if here := indexes(users, func(u markers.User) bool { return c.named(u) && v.inCluster(u) }); len(here) > 0 {
		return here
	}
	folder := path.Clean(c.Intent.Source.Path)
	free := indexes(users, func(u markers.User) bool { return c.named(u) && u.Folder == folder })
	free = append(free, indexes(users, c.named)...)
	return free[:min(len(free), 1)]
}

// sameObject: what has the name of an object of this cluster is that object.
func (v *visit) sameObject(u markers.User) bool { return u.Target.Namespace != "" && v.inCluster(u) }

func indexes(users []markers.User, of func(markers.User) bool) []int {
	var found []int
	for i, u := range users {
		if of(u) {
			found = append(found, i)
		}
	}
	return found
}

// named: the user has the kind and the name of where the version of the claim is written.
func (c claim) named(u markers.User) bool {
	t := c.Intent.Place()
	return u.Target.Kind == t.Kind && u.Target.Name == t.Name && (u.Target.Namespace == t.Namespace || u.Target.Namespace == "")
}

// applierOf is the Kustomization that applies a user; zero: none is known.
func applierOf(u markers.User) pin.NamespacedName {
	return pin.NamespacedName{Namespace: u.Kustomization.Namespace, Name: u.Kustomization.Name}
}

// inCluster: a Kustomization of this cluster applies the user, and to this cluster.
func (v *visit) inCluster(u markers.User) bool {
	return u.Applied && !u.Remote
}

// mayMove: the policy of the claim may move the user of its line. It can say so itself for its own namespace in this cluster.
// Whatever is of other namespaces or clusters, or nobody knows whose it is, moves only if the owner of the GitRepository lets
// this namespace decide: the line is changed with the owner's credentials, not with those of the policy's namespace.
func (v *visit) mayMove(c claim, u markers.User) bool {
	own := v.inCluster(u) && u.Target.Namespace == c.Key.Namespace
	return c.Intent.AllowShared && (own || c.Ungranted == "")
}

// leaveShared says to the targets of a line with whom they share it, and how each could have its own.
func (v *visit) leaveShared(at place, claims []claim, others []markers.User, err error) error {
	if problem, ok := problemOf(err); ok {
		v.follow(claims, claims[0], problem)
		return nil
	}
	if err != nil {
		return err
	}
	for i, c := range claims {
		said := sharedLine{variable: c.location.Variable, others: v.usersText(c, others), ungranted: c.ungranted()}
		if said.offer, said.omitted, err = v.offer(c, i); err != nil {
			return err
		}
		v.remember(c.Pin, v.line(c, sharedWithOthers(at, said)), nil)
	}
	return nil
}

// ungranted is what would have to be granted for the policy's git.allowShared to count; empty if it has none.
func (c claim) ungranted() string {
	if !c.Intent.AllowShared {
		return ""
	}
	return c.Ungranted
}

const (
	// offeredOfLine bounds the targets of a line to which an overlay is offered.
	offeredOfLine = 10
	// offeredOfVisit bounds those of a visit.
	offeredOfVisit = 100
)

// offer is what would give a target, which is the nth of its line, a line of its own; nil if nothing can be offered, or if it is
// omitted since others have been offered enough.
func (v *visit) offer(c claim, nth int) (offer *markers.Overlay, omitted bool, err error) {
	if c.location.Variable != "" {
		return nil, false, nil
	}
	if nth >= offeredOfLine || v.offers >= offeredOfVisit {
		return nil, true, nil
	}
	v.offers++
	users, err := v.survey.Users(target(c.Intent.Place()), c.location)
	if err != nil {
		return nil, false, err
	}
	mine := v.usesOf(c, users)
	if len(mine) == 0 {
		return nil, false, nil
	}
	overlay, ok, err := v.survey.Overlay(users[mine[0]], c.location)
	switch {
	case errors.Is(err, markers.ErrEnough):
		return nil, true, nil
	case !ok || err != nil:
		return nil, false, err
	}
	return &overlay, false, nil
}

// unshareable says why the targets of a line cannot move together: they are of several policies, or of several waves of one.
// While the policy still writes its intents, their waves may differ for a moment: that is undecided, and nothing is done
// about it yet.
func unshareable(at place, claims []claim) (problem func(claim) *pin.Finding, undecided bool) {
	policies, waves := map[string][]claim{}, map[string][]claim{}
	for _, c := range claims {
		policies[c.Policy] = append(policies[c.Policy], c)
		waves[c.Intent.Wave] = append(waves[c.Intent.Wave], c)
		undecided = undecided || !c.Decided
	}
	switch {
	case len(policies) > 1:
		names := slices.Sorted(maps.Keys(policies))
		return func(c claim) *pin.Finding { return sharedByPolicies(at, names, c.Key.Namespace) }, false
	case len(waves) == 1:
		return nil, false
	case undecided:
		return nil, true
	}
	several := severalWaves(at, waves)
	return func(claim) *pin.Finding { return several }, false
}
