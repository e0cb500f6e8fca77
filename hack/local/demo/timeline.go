package demo

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// label says what kind of thing happened.
type label string

const (
	labelSetup     label = "setup"
	labelStep      label = "step"
	labelPush      label = "chart pushed"
	labelPolicy    label = "policy"
	labelTag       label = "tag seen"
	labelCandidate label = "candidate"
	labelArmed     label = "pin armed"
	labelCommit    label = "commit"
	labelApp       label = "App changed"
	labelDeployed  label = "deployed"
	labelBroken    label = "broken"
	labelDisarmed  label = "disarmed"
	labelAtRest    label = "at rest"
	labelHeld      label = "held"
	labelWave      label = "wave"
	labelEnded     label = "ended"
	labelBlocked   label = "blocked"
	labelApproval  label = "approval"
	labelFinding   label = "finding"
	labelProblem   label = "problem"
	labelPassed    label = "passed"
	labelFailed    label = "FAILED"
)

// entry is one thing that happened, and lines below it.
type entry struct {
	label   label
	text    string
	details []string
}

func entryf(label label, format string, args ...any) entry {
	return entry{label: label, text: fmt.Sprintf(format, args...)}
}

// describe tells of a commit with what it changes; of the first one only that it is there.
func describe(c commit) entry {
	text := fmt.Sprintf("%s by %s (author %s)", c.short(), c.by, c.authorName())
	if c.batch != "" {
		text += ", batch " + c.batch
	}
	e := entry{label: labelCommit, text: text + ": " + c.subject()}
	if c.first() {
		return e
	}
	file := ""
	for _, changed := range c.lines {
		if changed.file != file {
			file = changed.file
			e.details = append(e.details, file)
		}
		if changed.before != "" {
			e.details = append(e.details, "-"+changed.before)
		}
		if changed.after != "" {
			e.details = append(e.details, "+"+changed.after)
		}
	}
	return e
}

// timeline prints entries with the time since its start. It may be used by several goroutines.
type timeline struct {
	mu     sync.Mutex
	out    io.Writer
	start  time.Time
	now    func() time.Time
	color  bool
	rest   []byte // of a line that Write was not given the end of
	labels int    // width
}

func newTimeline(out io.Writer) *timeline {
	return &timeline{out: out, start: time.Now(), now: time.Now, color: isTerminal(out), labels: len(labelPush)}
}

// isTerminal reports whether colours would be seen. See no-color.org for the variable.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(file.Fd()))
}

// print writes entries.
func (t *timeline) print(entries ...entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range entries {
		stamp := fmt.Sprintf("%6.1fs", t.now().Sub(t.start).Seconds())
		if e.label == labelStep {
			fmt.Fprintf(t.out, "\n%s  %s\n", stamp, t.paint(bold, e.text))
			continue
		}
		fmt.Fprintf(t.out, "%s  %s  %s\n", stamp, t.paint(colors[e.label], fmt.Sprintf("%-*s", t.labels, e.label)), e.text)
		for _, detail := range e.details {
			fmt.Fprintf(t.out, "%*s%s\n", len(stamp)+2+t.labels+2, "", t.paint(diffColor(detail), detail))
		}
	}
}

// text writes lines as they are.
func (t *timeline) text(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprint(t.out, text)
}

// Write prints each line that is written as an entry about the setup.
func (t *timeline) Write(data []byte) (int, error) {
	t.mu.Lock()
	t.rest = append(t.rest, data...)
	var lines []entry
	for {
		line, rest, found := bytes.Cut(t.rest, []byte("\n"))
		if !found {
			break
		}
		lines = append(lines, entryf(labelSetup, "%s", line))
		t.rest = rest
	}
	t.mu.Unlock()
	t.print(lines...)
	return len(data), nil
}

// The colours of a terminal.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "34"
	violet = "35"
	cyan   = "36"
	bold   = "1"
)

var colors = map[label]string{
	labelTag: cyan, labelCandidate: cyan, labelArmed: violet, labelCommit: yellow, labelApp: blue, labelDeployed: green,
	labelBroken: red, labelDisarmed: violet, labelAtRest: violet, labelHeld: red, labelWave: blue, labelBlocked: red, labelFinding: red, labelProblem: red, labelPassed: green, labelFailed: red,
}

func diffColor(detail string) string {
	switch {
	case strings.HasPrefix(detail, "-"):
		return red
	case strings.HasPrefix(detail, "+"):
		return green
	default:
		return ""
	}
}

func (t *timeline) paint(color, text string) string {
	if !t.color || color == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}
