package batch

import "github.com/giantswarm/app-upgrade-operator/internal/pin"

// resumed are the memories of pins whose human asked to go on. Nothing is done in Git for it: what kept the pins is forgotten,
// and what is due then follows.
func resumed(o Observation) map[Key]pin.Memory {
	memories := map[Key]pin.Memory{}
	for _, p := range o.Pins {
		token := p.Intent.Resume
		if token == "" || token == p.Memory.Resume || !p.Decided || Leaves(p) {
			continue
		}
		memory := goOn(p)
		memory.Resume = token
		memories[p.Key] = memory
	}
	return memories
}

// goOn forgets a human's hold, what failed, and that a marker which a human deleted was ever there: it is placed anew, unless
// markers are the human's.
func goOn(p Pin) pin.Memory {
	m := p.Memory
	m.Hold = nil
	deleted := m.Finding != nil && m.Finding.Reason == reasonMarkerMissing && !p.Intent.Unmanaged
	if deleted {
		m.Marked = false
	}
	if deleted || failedToMove(m.Finding) {
		m.Finding, m.Failures, m.RetryAt = nil, 0, ""
	}
	return m
}

func failedToMove(f *pin.Finding) bool {
	return aboutMoving(f) || f != nil && f.Reason == reasonMarkerIneffective
}
