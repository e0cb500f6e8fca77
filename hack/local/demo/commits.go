package demo

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

// author says whose commit it is. Names prove nothing: users choose them.
type author string

const (
	byHuman    author = "a human"
	byFlux     author = "Flux" // its message names a batch
	byOperator author = "the operator"
)

// commit is a commit and what it changes.
type commit struct {
	gitserver.Commit
	by    author
	batch string // of Flux's commits
	// changes that the trailer names, by the setter's App.
	trailer map[string]change
	lines   []line
}

// change is a version before and after.
type change struct{ from, to string }

// line is one line that a commit replaces. Before or after is empty if it was added or removed.
type line struct{ file, before, after string }

// Trailers that the operator lets Flux write.
var (
	batchTrailer  = regexp.MustCompile(`(?m)^Upgrade-Batch: (\S+)$`)
	changeTrailer = regexp.MustCompile(`(?m)^Upgrade-Change: \S+:pin\.app\.(\S+):tag ("[^"]*") -> ("[^"]*")$`)
)

// readCommit reads a commit's message and its diff, which has no lines of context.
func readCommit(entry gitserver.Commit, diff string) commit {
	c := commit{Commit: entry, by: byOperator, trailer: map[string]change{}, lines: diffLines(diff)}
	if m := batchTrailer.FindStringSubmatch(entry.Message); m != nil {
		c.by, c.batch = byFlux, m[1]
	} else if entry.Author == gitserver.Human {
		c.by = byHuman
	}
	for _, m := range changeTrailer.FindAllStringSubmatch(entry.Message, -1) {
		c.trailer[m[1]] = change{from: unquote(m[2]), to: unquote(m[3])}
	}
	return c
}

func unquote(text string) string {
	plain, err := strconv.Unquote(text)
	if err != nil {
		return text
	}
	return plain
}

// diffLines pairs the lines that each hunk of a unified diff removes and adds.
func diffLines(diff string) []line {
	var lines []line
	var before, after []string
	name, header := "", false
	flush := func() {
		for i := range max(len(before), len(after)) {
			lines = append(lines, line{file: name, before: at(before, i), after: at(after, i)})
		}
		before, after = nil, nil
	}
	for text := range strings.Lines(diff) {
		text = strings.TrimSuffix(text, "\n")
		switch {
		case strings.HasPrefix(text, "diff --git "):
			flush()
			name, header = text[strings.LastIndex(text, " b/")+len(" b/"):], true
		case strings.HasPrefix(text, "@@ "):
			flush()
			header = false
		case header: // modes, hashes and names
		case strings.HasPrefix(text, "-"):
			before = append(before, text[1:])
		case strings.HasPrefix(text, "+"):
			after = append(after, text[1:])
		}
	}
	flush()
	return lines
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// versionLine is a version's line in an App's manifest, with its marker if it has one.
var versionLine = regexp.MustCompile(`^  version: (\S+)( # \{"\$imagepolicy": "[^"]+:tag"\})?$`)

// version takes a line apart; ok is false if it does not set a version.
func version(text string) (value, marker string, ok bool) {
	m := versionLine.FindStringSubmatch(text)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// short is the hash as people write it.
func (c commit) short() string { return c.Hash[:min(7, len(c.Hash))] }

// first reports whether the commit starts the repository.
func (c commit) first() bool { return len(c.Parents) == 0 }

// subject is the first line of the message.
func (c commit) subject() string {
	subject, _, _ := strings.Cut(c.Message, "\n")
	return subject
}

// authorName is the author without the address.
func (c commit) authorName() string {
	name, _, _ := strings.Cut(c.Author, " <")
	return name
}
