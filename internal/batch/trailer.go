package batch

import (
	"regexp"
	"strconv"
	"strings"
)

const (
	batchTrailer  = "Upgrade-Batch: "
	changeTrailer = "Upgrade-Change: "
)

// DefaultMessage is the subject of Flux's commits if the user gives no template.
const DefaultMessage = "Upgrade {{ len .Changed.Changes }} version{{ if ne (len .Changed.Changes) 1 }}s{{ end }}"

// MessageTemplate is the automation's template: the user's, and a trailer that names the batch and each setter's old and new
// value. The old values tell whether a human committed between the check and Flux's run.
func MessageTemplate(user string) string {
	if strings.TrimSpace(user) == "" {
		user = DefaultMessage
	}
	return strings.TrimRight(user, "\n") + "\n\n" + batchTrailer + "{{ .Values.batch }}\n" +
		"{{ range .Changed.Changes }}" + changeTrailer + "{{ .Setter }} {{ printf \"%q\" .OldValue }} -> {{ printf \"%q\" .NewValue }}\n{{ end }}"
}

// Trailer is what a commit of Flux says of its batch.
type Trailer struct {
	// Hash of the commit.
	Hash string
	// Batch is the batch's id.
	Batch string
	// Old and New values by pin.
	Old, New map[Key]string
	// Again: the batch had written this pin before, so a human has moved the line in between.
	Again map[Key]bool
}

// Combine is what all commits of one batch say, newest first; nil if there is none. Flux commits twice if a human moves a
// line while the batch is still armed: then Old has what Flux overwrote last.
func Combine(newestFirst []Trailer) *Trailer {
	if len(newestFirst) == 0 {
		return nil
	}
	all := Trailer{Hash: newestFirst[0].Hash, Batch: newestFirst[0].Batch, Old: map[Key]string{}, New: map[Key]string{}, Again: map[Key]bool{}}
	for _, t := range newestFirst {
		for key, old := range t.Old {
			if _, newer := all.Old[key]; newer {
				all.Again[key] = true
				continue
			}
			all.Old[key], all.New[key] = old, t.New[key]
		}
	}
	return &all
}

var change = regexp.MustCompile(`^([a-z0-9-]+):([a-z0-9.-]+):tag ("(?:[^"\\]|\\.)*") -> ("(?:[^"\\]|\\.)*")$`)

// ParseTrailer reads a commit message; ok is false if it has no batch trailer.
func ParseTrailer(hash, message string) (t Trailer, ok bool) {
	t = Trailer{Hash: hash, Old: map[Key]string{}, New: map[Key]string{}}
	for line := range strings.Lines(message) {
		line = strings.TrimSpace(line)
		if id, found := strings.CutPrefix(line, batchTrailer); found {
			t.Batch, ok = strings.TrimSpace(id), true
			continue
		}
		text, found := strings.CutPrefix(line, changeTrailer)
		if !found {
			continue
		}
		if m := change.FindStringSubmatch(text); m != nil {
			key := Key{Namespace: m[1], Name: m[2]}
			t.Old[key], t.New[key] = unquote(m[3]), unquote(m[4])
		}
	}
	return t, ok
}

func unquote(quoted string) string {
	text, err := strconv.Unquote(quoted)
	if err != nil {
		return quoted
	}
	return text
}
