package placement

import (
	"slices"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// decide says whose line it is.
func (v *visit) decide(at place, claims []claim) error {
	problem, undecided := unshareable(at, claims)
	if problem != nil {
		return v.refuse(at, claims, problem)
	}
	marker := claims[0].location.Marker
	if marker == nil || v.unmarked[marker.Ref] {
		return v.mark(at, claims, undecided)
	}
	owner := batch.Key{Namespace: marker.Ref.Namespace, Name: marker.Ref.Policy}
	problem = foreign(at, *marker, v.known[owner])
	for _, c := range claims {
		switch {
		case c.Key == owner && marker.Suffix == markers.SuffixTag:
			v.marked(claims, owner)
			return nil
		case c.Key == owner:
			problem = incomplete(at, *marker)
		}
	}
	for _, c := range claims {
		v.remember(c.Pin, c.line(problem), nil)
	}
	return nil
}

// refuse leaves a line unmarked that its targets cannot share. The marker stays of one that is suspended, or whose commits
// another key signs: it writes nothing while it has a finding.
func (v *visit) refuse(at place, claims []claim, problem *pin.Finding) error {
	for _, c := range claims {
		stays := c.Intent.Unmanaged || c.Suspended || c.Later
		if marker := c.location.Marker; marker != nil && marker.Ref == c.ref() && !stays {
			if _, err := v.remove(at.file, c.ref()); err != nil {
				return err
			}
		}
		v.remember(c.Pin, c.line(problem), func(m *pin.Memory) { m.Marked = m.Marked && stays })
	}
	return nil
}

// marked: the owner leads, the others follow.
func (v *visit) marked(claims []claim, owner batch.Key) {
	for _, c := range claims {
		v.remember(c.Pin, c.line(nil), func(m *pin.Memory) {
			if c.Key == owner {
				m.Marked = true
				return
			}
			m.Marked, m.Leader = false, owner.Name
		})
	}
}

// mark lets the first lead and places its marker, unless a human took one away, or their waves are undecided.
func (v *visit) mark(at place, claims []claim, undecided bool) error {
	if lost := slices.IndexFunc(claims, func(c claim) bool { return c.Memory.Marked }); lost >= 0 {
		for _, other := range claims {
			v.remember(other.Pin, other.line(missing(at, claims[lost].Pin)), nil)
		}
		return nil
	}
	leader := claims[0]
	if !leader.Intent.Unmanaged && (undecided || !leader.mayMark()) {
		v.follow(claims, leader, nil)
		return nil
	}
	if others, err := v.others(claims); err != nil || len(others) > 0 {
		return v.leaveShared(at, claims, others, err)
	}
	if leader.Intent.Unmanaged {
		v.follow(claims, leader, unmanaged(at, leader.ref()))
		return nil
	}
	return v.place(at, claims, leader)
}

// place puts the leader's marker on the line.
func (v *visit) place(at place, claims []claim, leader claim) error {
	content, err := v.content(at.file)
	if err != nil {
		return err
	}
	placed, err := markers.Place(content, leader.location, leader.ref())
	if problem, ok := problemOf(err); ok {
		v.follow(claims, leader, problem)
		return nil
	}
	if err != nil {
		return err
	}
	v.plan.Files[at.file] = placed
	v.plan.Placed = append(v.plan.Placed, at.String())
	for i := range claims {
		claims[i].Memory.Finding = nil
	}
	v.marked(claims, leader.Key)
	return nil
}

// mayMark: this visit may place the pin's marker.
func (p Pin) mayMark() bool { return !p.Later && batch.MayMark(p.Pin) }

// follow remembers a line without a marker.
func (v *visit) follow(claims []claim, leader claim, finding *pin.Finding) {
	for _, c := range claims {
		v.remember(c.Pin, c.line(finding), func(m *pin.Memory) {
			if c.Key != leader.Key && finding == nil {
				m.Leader = leader.Key.Name
			}
		})
	}
}
