package placement

import (
	"slices"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// decide says whose line it is.
func (v *visit) decide(at place, claims []claim) error {
	apart, undecided := unshareable(at, claims)
	if apart != nil {
		return v.refuse(at, claims, apart)
	}
	var problem *pin.Finding
	marker := claims[0].location.Marker
	if marker == nil || v.plan.Unmarked[keyOf(marker.Ref)] != "" {
		return v.mark(at, claims, undecided)
	}
	owner := keyOf(marker.Ref)
	ours := slices.ContainsFunc(claims, func(c claim) bool { return c.Key == owner })
	switch policy := v.known[owner]; {
	case ours && marker.Suffix == markers.SuffixTag:
		v.marked(at, claims, owner)
		return nil
	case ours:
		problem = incomplete(at, *marker)
	case policy != "":
		problem = anothers(at, *marker, policyText(policy, claims[0].Key.Namespace))
	default:
		return v.yield(at, claims, *marker, undecided)
	}
	for _, c := range claims {
		v.remember(c.Pin, v.line(c, problem), nil)
	}
	return nil
}

// refuse leaves a line unmarked that its targets cannot share. The marker stays of one that is suspended, or whose commits
// another key signs: it writes nothing while it has a finding.
func (v *visit) refuse(at place, claims []claim, problem func(claim) *pin.Finding) error {
	for _, c := range claims {
		stays := c.Intent.Unmanaged || c.Suspended || c.Later || c.Unread != nil
		if marker := c.location.Marker; marker != nil && marker.Ref == c.ref() && !stays {
			if err := v.remove(at.file, c.ref()); err != nil {
				return err
			}
		}
		v.remember(c.Pin, v.line(c, problem(c)), func(m *pin.Memory) { m.Marked = m.Marked && stays })
	}
	return nil
}

// marked: the owner leads, the others follow.
func (v *visit) marked(at place, claims []claim, owner batch.Key) {
	for _, c := range claims {
		v.remember(c.Pin, v.line(c, v.reader.refused(at.file, c.Pin)), func(m *pin.Memory) {
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
		problem := missing(at, claims[lost].Pin)
		if astray := claims[lost].astray; astray != (place{}) {
			problem = leftBehind(at, astray, claims[lost].Pin)
		}
		for _, other := range claims {
			v.remember(other.Pin, v.line(other, problem), nil)
		}
		return nil
	}
	leader := claims[0]
	if !leader.Intent.Unmanaged && (undecided || !leader.mayMark()) {
		v.follow(claims, leader, nil)
		return nil
	}
	if left, err := v.leaveAlone(at, claims); left || err != nil {
		return err
	}
	if leader.Intent.Unmanaged {
		v.follow(claims, leader, unmanaged(at, leader.ref()))
		return nil
	}
	placed, err := v.put(at, claims, v.draftPlace)
	if placed {
		v.plan.Placed = append(v.plan.Placed, at.String())
	}
	return err
}

// leaveAlone says of a line that others share, that may not be the right one, or whose file would not keep its layout, that it is left
// alone.
func (v *visit) leaveAlone(at place, claims []claim) (left bool, err error) {
	if others, err := v.others(claims); err != nil || len(others) > 0 {
		return true, v.leaveShared(at, claims, others, err)
	}
	problem := v.reader.refused(at.file, claims[0].Pin)
	if unlike := slices.IndexFunc(claims, claim.differs); unlike >= 0 {
		problem = differs(at, claims[unlike].Pin, claims[unlike].location.Value)
	}
	if problem != nil {
		v.follow(claims, claims[0], problem)
	}
	return problem != nil, nil
}

// differs: the line has another version than the target, as far as both are known.
func (c claim) differs() bool {
	return c.location.Value != "" && c.Intent.Has != "" && !versions.Same(c.location.Value, c.Intent.Has)
}

// put writes the marker of the first of the claims into their line, and reports whether it did.
func (v *visit) put(at place, claims []claim, write func([]byte, markers.Location, markers.Ref) ([]byte, error)) (bool, error) {
	leader := claims[0]
	content, err := v.content(at.file)
	if err != nil {
		return false, err
	}
	placed, err := write(content, leader.location, leader.ref())
	if problem, ok := problemOf(err); ok {
		v.follow(claims, leader, problem)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	v.plan.Files[at.file] = placed
	for i := range claims {
		claims[i].Memory.Finding = nil
	}
	v.marked(at, claims, leader.Key)
	return true, nil
}

// draftPlace is markers.Place. The lines come file by file, so that a file with many targets is read once for all of them.
func (v *visit) draftPlace(content []byte, at markers.Location, ref markers.Ref) ([]byte, error) {
	if v.draft == nil || !v.draft.Is(at.File, content) {
		v.draft = markers.NewDraft(at.File, content)
	}
	if err := v.draft.Place(at, ref); err != nil {
		return nil, err
	}
	return v.draft.Content(), nil
}

// mayMark: this visit may place the pin's marker.
func (p Pin) mayMark() bool { return !p.Later && p.Unread == nil && batch.MayMark(p.Pin) }

// follow remembers a line without a marker.
func (v *visit) follow(claims []claim, leader claim, finding *pin.Finding) {
	for _, c := range claims {
		v.remember(c.Pin, v.line(c, finding), func(m *pin.Memory) {
			if c.Key != leader.Key && finding == nil {
				m.Leader = leader.Key.Name
			}
		})
	}
}
