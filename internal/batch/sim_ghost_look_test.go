package batch

// look makes sure of what must hold after every step.
func (g *ghost) look(w *world) {
	reader := &process{w: w, leader: "ghost"}
	if state := StateOf(reader.observe(w.api)).State; state == Rest || state == Preparing || state == Settling {
		for key, r := range w.runs {
			if r.stage <= pushing && len(r.tags) > 0 {
				g.fail("state %s, and a run of %s in flight can write %d pins", state, key.Name, len(r.tags))
			}
		}
	}
	for name, policy := range w.api.policies {
		if (!policy.suspended || policy.deleted) && !policy.schedule.covers(w.now) {
			delete(g.quiet, name)
			continue
		}
		if g.quiet[name] {
			continue
		}
		g.quiet[name] = true
		for _, p := range w.api.pins {
			if p.policy == name && w.selected(p.batch) {
				g.quiet[name] = false
			}
		}
	}
}

// selected: an automation is armed with the batch.
func (w *world) selected(batch string) bool {
	for _, a := range w.api.automations {
		if batch != "" && a.selects == batch {
			return true
		}
	}
	return false
}
