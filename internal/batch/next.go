package batch

// Next is the one thing to do now. Who waits looks again when a schedule opens or closes: nothing else may tell.
func Next(o Observation) Action {
	action := next(o)
	if wait, waits := action.(Wait); waits {
		wait.Until = sooner(o.Now, wait.Until, o.Turns)
		return wait
	}
	return action
}

func next(o Observation) Action {
	position := StateOf(o)
	switch position.State {
	case Armed:
		return nextArmed(o, position)
	case Disarming:
		return nextDisarming(o, position)
	case Settling:
		if position.Automation.Memory.Outcome == Abandoned {
			return Release{ID: position.ID, Pins: memories(position.Pins)}
		}
		if at := o.GitRetryAt[position.Pins[0].Intent.Source.Repository]; at.After(o.Now) { // it is read only
			return Wait{For: "the repository to be readable, to see what batch " + position.ID + " wrote", Until: at}
		}
		return Conclude{ID: position.ID, Automation: position.Automation.Key}
	case Preparing:
		return nextPreparing(o, position)
	default:
		return nextRest(o)
	}
}

// maxAsks bounds how often a run is asked for that succeeded and did not observe every pin.
const maxAsks = 5

// nextArmed ends arming at the first of: every pin observed, a reason to withdraw, a failure that more time cannot
// mend, the deadline.
func nextArmed(o Observation, position Position) Action {
	a := position.Automation
	if why := withdraws(o, position); why != "" {
		return disarm(o, *a, Withdrawn, why)
	}
	deadline := a.Memory.ArmedAt.Add(o.Limits.Arm)
	succeeded, failed := a.Handled == a.Requested && a.Ready.True, a.Handled == a.Requested && a.Ready.False
	switch {
	case succeeded && observed(*a, position.Pins):
		return disarm(o, *a, Observed, "")
	case failed && hopeless[a.Ready.Reason]:
		return disarm(o, *a, Failed, a.Ready.Message)
	case !o.Now.Before(deadline):
		return disarm(o, *a, failure(*a), a.Ready.Message)
	case succeeded && asks(a.Requested) < maxAsks:
		return Ask{Automation: a.Key, Token: armToken(position.ID, asks(a.Requested)+1)}
	}
	return Wait{For: "image-automation-controller to write batch " + position.ID, Until: deadline}
}

func observed(a Automation, pins []Pin) bool {
	for _, p := range pins {
		if a.Observed[p.Key.Name] != p.Memory.Wanted {
			return false
		}
	}
	return true
}
