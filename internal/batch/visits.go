package batch

import (
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// nextVisit is the visit of the first GitRepository that has a pin which needs one, on behalf of who signs for that pin, with the
// options that its policy pushes with. Those that could not be read or signed for come again later: the earliest time is the second result.
func nextVisit(o Observation) (next *Visit, retry time.Time) {
	needing := Visitors(o)
	for _, p := range o.Pins {
		if !needing[p.Key] {
			continue
		}
		if at := o.retryAt(p); at.After(o.Now) {
			retry = sooner(o.Now, retry, at)
			continue
		}
		return &Visit{Repository: p.Intent.Source.Repository, Signer: SignerOf(p), Options: p.Intent.Commit.Push.Options}, retry
	}
	return nil, retry
}

// Visitors are the pins that need Git to be read, or their marker placed or removed.
func Visitors(o Observation) map[Key]bool {
	names, mixed := map[Key]bool{}, mixedLines(o)
	for _, p := range o.Pins {
		names[p.Key] = true
	}
	needing := map[Key]bool{}
	for _, p := range o.Pins {
		if visits(o, p, names) || parted(p) && !mixed[lineOf(p)] {
			needing[p.Key] = true
		}
	}
	return needing
}

func visits(o Observation, p Pin, names map[Key]bool) bool {
	m := p.Memory
	switch {
	case Leaves(p):
		return unmarks(o, p)
	case p.Intent.Prompt != "" && p.Intent.Prompt != m.Prompt:
		return true
	case onAnotherBranch(p), comesBack(p):
		return true
	case m.Finding != nil:
		return revisits(o, p)
	case m.Leader != "":
		return !names[Key{p.Key.Namespace, m.Leader}]
	}
	return m.File == "" || MayMark(p) && !m.Marked
}

// unmarks: it is time to remove the marker of a pin that leaves.
func unmarks(o Observation, p Pin) bool {
	return (p.Orphaned || p.Decided) && !awaitsMerge(o, p) && !Recalls(o, p)
}

// onAnotherBranch: the push branch has never been read. What failed on the one before does not matter there.
func onAnotherBranch(p Pin) bool {
	m := p.Memory
	return m.Proposal.Branch != p.Push && (m.Finding == nil || failedToMove(m.Finding))
}

// revisits: what was found may have ended although no new fact prompts a look.
func revisits(o Observation, p Pin) bool {
	m := p.Memory
	switch {
	case m.Finding.Reason == reasonMarkerUnmanaged && !p.Intent.Unmanaged,
		m.Finding.Reason == reasonWouldReformat && !p.Intent.RefuseReformat,
		m.Finding.Reason == reasonVersionDiffers && versions.Same(p.Intent.Has, m.Git),
		m.Foreign != "" && m.ForeignSeen != Seen(p, p.ForeignPolicy):
		return true
	}
	return m.RetryAt != "" && due(o, p) && (!m.Marked || m.Astray != "" || !aboutMoving(m.Finding))
}

// comesBack: the marker stands astray, and may be moved to where the version is.
func comesBack(p Pin) bool {
	f := p.Memory.Finding
	return p.Memory.Astray != "" && MayMark(p) && (f == nil || f.Reason == reasonMarkerMissing)
}

// MayMark: the operator may place this pin's marker.
func MayMark(p Pin) bool {
	return p.Intent.Mark && p.Decided && !Leaves(p) && stopped(p) == ""
}

// Seen is what a finding about somebody else's marker was made from: what is known of the ImagePolicy that it names, and
// whether the operator may take its place.
func Seen(p Pin, foreignPolicy string) string {
	if MayMark(p) {
		return foreignPolicy + "+"
	}
	return foreignPolicy
}

func due(o Observation, p Pin) bool {
	at, err := time.Parse(time.RFC3339, p.Memory.RetryAt)
	return err != nil || !o.Now.Before(at)
}

// parted: the pin's line was left unmarked because its pins were of several waves.
func parted(p Pin) bool {
	f := p.Memory.Finding
	return f != nil && f.Reason == reasonSeveralWaves && !Leaves(p)
}

// lineAt is a line of the repository.
type lineAt struct {
	file   string
	number int
}

func lineOf(p Pin) lineAt { return lineAt{p.Memory.File, p.Memory.Line} }

// mixedLines are those, as they were read last, whose pins are of several waves, or may be until their policy has decided.
func mixedLines(o Observation) map[lineAt]bool {
	mixed, waves := map[lineAt]bool{}, map[lineAt]string{}
	for _, p := range o.Pins {
		if Leaves(p) {
			continue
		}
		at := lineOf(p)
		wave, known := waves[at]
		mixed[at] = mixed[at] || !p.Decided || known && wave != p.Intent.Wave
		waves[at] = p.Intent.Wave
	}
	return mixed
}
