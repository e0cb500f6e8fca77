package rollout

import (
	"fmt"
	"slices"
	"strings"
)

// tell notes what a user would see change, targets of which the same is to be said together.
func (w *world) tell(d Decision) {
	names, lines := map[string][]string{}, []string{}
	say := func(name string, now []string) {
		for _, line := range now {
			if slices.Contains(w.told[name], line) {
				continue
			}
			if names[line] == nil {
				lines = append(lines, line)
			}
			names[line] = append(names[line], name)
		}
		w.told[name] = now
	}
	say("", policyLines(d))
	for i, t := range d.Targets {
		if w.members[i].target.Pin != nil {
			say(t.Name, targetLines(w.members[i], t))
		}
	}
	for _, line := range lines {
		if who := strings.Join(names[line], ", "); who != "" {
			line = who + ": " + line
		}
		w.note("operator", "%s", line)
	}
}

// policyLines are what the policy remembers, and what can never work.
func policyLines(d Decision) []string {
	var lines []string
	for _, b := range d.Ledger.Blocked {
		lines = append(lines, fmt.Sprintf("blocks %s: %s", b.Tag, b.Message))
	}
	for _, wave := range sortedKeys(d.Ledger.Proven) {
		for _, version := range d.Ledger.Proven[wave] {
			lines = append(lines, fmt.Sprintf("wave %s has proven %s", wave, version))
		}
	}
	for _, a := range d.Ledger.Approvals {
		lines = append(lines, strings.TrimSuffix(fmt.Sprintf("notes the approval of %s for wave %s", a.Version, a.Wave), " for wave "))
	}
	for _, token := range d.Ledger.Resumes {
		lines = append(lines, fmt.Sprintf("notes the token %q, and forgets what failed and what humans held", token))
	}
	for _, problem := range d.Problems {
		lines = append(lines, problem.Reason+": "+problem.Message)
	}
	return lines
}

func targetLines(m *member, t TargetDecision) []string {
	var lines []string
	git, u := m.target.Pin.Memory.Git, t.Upgrade
	switch {
	case t.Back != "":
		lines = append(lines, fmt.Sprintf("goes back from %s to %s", t.Back, t.Want))
	case t.Want != "" && t.Want != git:
		lines = append(lines, fmt.Sprintf("may go from %s to %s", git, t.Want))
	case u.Result != "":
		lines = append(lines, fmt.Sprintf("%s → %s: %s", u.From, u.To, u.Result))
	}
	if t.Finding != nil {
		lines = append(lines, fmt.Sprintf("%s: %s", t.Finding.Reason, t.Finding.Message))
	}
	for _, hold := range t.Holds {
		lines = append(lines, fmt.Sprintf("%s is held, %s: %s", hold.Version, hold.Reason, hold.Message))
	}
	return lines
}
