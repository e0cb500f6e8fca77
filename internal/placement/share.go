package placement

import (
	"maps"
	"slices"

	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// others are the users of a line that no claim is about. Nobody looks for them if every claim's policy allows to share.
func (v *visit) others(claims []claim) ([]markers.User, error) {
	if !slices.ContainsFunc(claims, func(c claim) bool { return !c.Intent.AllowShared }) {
		return nil, nil
	}
	users, err := v.survey.Users(target(claims[0].Intent.Place()), claims[0].location)
	if err != nil {
		return nil, err
	}
	left := slices.Clone(claims)
	var others []markers.User
	for _, u := range users {
		mine := slices.IndexFunc(left, func(c claim) bool { return c.isAbout(u) })
		switch {
		case mine < 0:
			others = append(others, u)
		case !left[mine].anywhere():
			left = slices.Delete(left, mine, mine+1)
		}
	}
	return others, nil
}

// isAbout: the user is where the version of the claim is written, as the Kustomization of the claim applies it.
func (c claim) isAbout(u markers.User) bool {
	t, k := c.Intent.Place(), c.Intent.Source.Kustomization
	same := u.Target.Kind == t.Kind && u.Target.Name == t.Name && (u.Target.Namespace == t.Namespace || u.Target.Namespace == "")
	if !same || c.anywhere() {
		return same
	}
	return u.Applied && u.Kustomization.Namespace == k.Namespace && u.Kustomization.Name == k.Name
}

// anywhere: the user said where the target is looked for, and not what applies it, which may then be any.
func (c claim) anywhere() bool {
	return c.Intent.Source.Path != "" || c.Intent.Source.Kustomization.Name == ""
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
		var offer *markers.Overlay
		if i < offered {
			if offer, err = v.offer(c); err != nil {
				return err
			}
		}
		v.remember(c.Pin, v.line(c, sharedWithOthers(at, c.location.Variable, others, offer)), nil)
	}
	return nil
}

// offered bounds the targets of a line to which an overlay is offered: each is tried.
const offered = 10

// offer is what would give the target a line of its own; nil if nothing can be offered.
func (v *visit) offer(c claim) (*markers.Overlay, error) {
	users, err := v.survey.Users(target(c.Intent.Place()), c.location)
	if err != nil {
		return nil, err
	}
	mine := slices.IndexFunc(users, c.isAbout)
	if mine < 0 {
		return nil, nil
	}
	offer, ok, err := v.survey.Overlay(users[mine], c.location)
	if !ok || err != nil {
		return nil, err
	}
	return &offer, nil
}

// unshareable says why the targets of a line cannot move together: they are of several policies, or of several waves of one.
// While the policy still writes its intents, their waves may differ for a moment: that is undecided, and nothing is done
// about it yet.
func unshareable(at place, claims []claim) (problem *pin.Finding, undecided bool) {
	policies, waves := map[string][]claim{}, map[string][]claim{}
	for _, c := range claims {
		policies[c.Policy] = append(policies[c.Policy], c)
		waves[c.Intent.Wave] = append(waves[c.Intent.Wave], c)
		undecided = undecided || !c.Decided
	}
	switch {
	case len(policies) > 1:
		return shared(at, slices.Sorted(maps.Keys(policies))), false
	case len(waves) == 1:
		return nil, false
	case undecided:
		return nil, true
	}
	return severalWaves(at, waves), false
}
