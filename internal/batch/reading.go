package batch

import (
	"path"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Reading is what one fresh clone shows.
type Reading struct {
	// Revision is the commit.
	Revision string
	Lines    map[Key]Line
}

// Line is what a clone shows of one pin.
type Line struct {
	File string
	Line int
	// Value is the text of the version.
	Value string
	// Note is what a human should know of the file although nothing is wrong; nil: nobody looked.
	Note *string
	// Foreign is the ImagePolicy, `namespace/name`, that somebody else's marker on the line names, and ForeignSeen what is
	// known of it, see Seen; empty: none.
	Foreign, ForeignSeen string
	// Astray is a file in which the pin's marker stands although the version is here; empty: none.
	Astray string
	// Push and Checkout are the pin's push branch and what the checkout branch has, see Proposed; empty: it has none.
	Push, Checkout string
	// Stale: the push branch has something else than the checkout branch, and no proposal.
	Stale bool
	// Barred is why nothing is pushed to the push branch at all, see Standing; empty: it may be.
	Barred string
	// Problem is why there is no such line, or why Flux would not write it as it should; nil if all is well.
	Problem *pin.Finding
}

// Recall updates a memory at rest by what was read. A value that is not the remembered one is a human's: one that is not
// newer keeps the pin away from what the human left, a newer one ends that.
func Recall(m pin.Memory, l Line, revision string) pin.Memory {
	m.Revision = revision
	m.Foreign, m.ForeignSeen = l.Foreign, l.ForeignSeen
	if l.Note != nil {
		m.Note = *l.Note
	}
	if l.File != "" {
		if m.Proposal.Branch != l.Push && failedToMove(m.Finding) { // that was on another branch
			m.Finding, m.Failures, m.RetryAt = nil, 0, ""
		}
		m = recallValue(m, l)
		m.Astray = l.Astray
	}
	if l.Problem != nil {
		m.Finding, m.Failures, m.RetryAt = l.Problem, 0, ""
	} else if !aboutMoving(m.Finding) {
		m.Finding, m.Failures, m.RetryAt = nil, 0, ""
	}
	return m
}

func recallValue(m pin.Memory, l Line) pin.Memory {
	if l.Push != "" {
		return recallProposal(m, l)
	}
	before := m.OnCheckout().Git
	m.Proposal = pin.Proposal{}
	m.File, m.Line, m.Git = l.File, l.Line, l.Value
	return chosen(m, before, l.Value)
}

// chosen is a memory after a line read before and reads now.
func chosen(m pin.Memory, before, now string) pin.Memory {
	if before == "" || before == now {
		return m
	}
	m = givenBack(m)
	switch {
	case versions.Same(before, now):
	case !versions.Newer(now, before):
		return held(m, before)
	case m.Hold != nil && !versions.Newer(m.Hold.UpTo, now):
		m.Hold = nil
	}
	return m
}

// aboutMoving: the finding is about a version that could not be written, not about the file. Reading the file does not
// end it.
func aboutMoving(f *pin.Finding) bool {
	return f != nil && (f.Reason == reasonTagMissing || f.Reason == reasonUpdateFailed || f.Reason == reasonGitUnwritable ||
		f.Reason == reasonStaleBranch)
}

// held keeps a pin away from versions up to the newest that a human left. What is no version keeps nothing away.
func held(m pin.Memory, left string) pin.Memory {
	upTo := versions.Tag(left)
	if _, err := versions.Parse(upTo); err != nil || m.Hold != nil && versions.Newer(m.Hold.UpTo, upTo) {
		return m
	}
	m.Hold = &pin.Hold{Reason: reasonManualHold, UpTo: upTo}
	return m
}

// Begin is the memory of a pin that joins a batch.
func Begin(m pin.Memory, id, wanted string) pin.Memory {
	if m.Wanted != wanted {
		m.Failures, m.RetryAt = 0, ""
	}
	if m.Restore != wanted {
		m.Commit = ""
	}
	m.From, m.Wanted, m.Batch = m.Git, wanted, id
	return m
}

// givenBack ends what is owed to a human. A batch that was to give it back only undid an earlier one: that is told again, so
// that a rollback which the human turned away is known to have been.
func givenBack(m pin.Memory) pin.Memory {
	if m.Restore != "" && m.Restore == m.Wanted {
		m.From, m.Wanted = m.Wanted, m.From
		if aboutMoving(m.Finding) {
			m.Finding, m.Failures, m.RetryAt = nil, 0, ""
		}
	}
	m.Restore = ""
	return m
}

// downward: the batch takes the location to an older version, as a rollback does.
func downward(m pin.Memory) bool { return versions.Newer(m.From, m.Wanted) }

// Check judges the pins of a prepared batch by a fresh clone: each line still reads From and has its one marker. It returns
// the pins that may be armed and the memories of those that are left out.
func Check(pins []Pin, r Reading) (armed []Key, out map[Key]pin.Memory) {
	out = map[Key]pin.Memory{}
	for _, p := range pins {
		m, line := p.Memory, r.Lines[p.Key]
		switch {
		case line.Problem != nil:
			m = Recall(m, line, r.Revision)
		case line.Value == m.Wanted: // somebody was faster
			m = Recall(adopted(p, m), line, r.Revision)
			m.Finding, m.Failures, m.RetryAt = nil, 0, ""
		case line.Value != m.From && (downward(m) || p.Push != ""):
			m = Recall(m, line, r.Revision)
		case line.Value != m.From:
			m = held(Recall(m, line, r.Revision), m.Wanted)
		default:
			armed = append(armed, p.Key)
			continue
		}
		out[p.Key] = m
	}
	return armed, out
}

// written ends what was said about a version that is now in Git.
func written(m pin.Memory) pin.Memory {
	m.Note = "" // Flux has written the file as it likes it
	m.Finding, m.Failures, m.RetryAt = nil, 0, ""
	if m.Restore == m.Wanted {
		return givenBack(m)
	}
	if m.Hold != nil && versions.Newer(m.Hold.UpTo, m.From) && versions.Newer(m.Hold.UpTo, m.Wanted) {
		return m // neither what failed nor what was withdrawn is what the human turned away
	}
	m.Hold = nil
	return m
}

// UpdatePath is the deepest folder that has all files, as an automation's update.path.
func UpdatePath(files []string) string {
	if len(files) == 0 {
		return "./"
	}
	common := strings.Split(path.Dir(files[0]), "/")
	for _, file := range files[1:] {
		folders := strings.Split(path.Dir(file), "/")
		n := 0
		for n < len(common) && n < len(folders) && common[n] == folders[n] {
			n++
		}
		common = common[:n]
	}
	if folder := path.Join(common...); folder != "." {
		return "./" + folder
	}
	return "./"
}
