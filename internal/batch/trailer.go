package batch

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	batchTrailer  = "Upgrade-Batch: "
	fileTrailer   = "Upgrade-File: "
	changeTrailer = "Upgrade-Change: "
)

// DefaultMessage is the subject of Flux's commits if the user gives no template. Its verb is what Verb says.
const DefaultMessage = "{{ .Values.verb }} {{ len .Changed.Changes }} version{{ if ne (len .Changed.Changes) 1 }}s{{ end }}"

// MessageTemplate is the automation's template: the user's, and a trailer that names the batch and, document by document, each
// setter's old and new value. The old values tell whether a human committed between the check and Flux's run, the documents
// whether that was our line or a copy of its marker.
func MessageTemplate(user string) string {
	if strings.TrimSpace(user) == "" {
		user = DefaultMessage
	}
	return strings.TrimRight(user, "\n") + "\n\n" + batchTrailer + "{{ .Values.batch }}\n" +
		"{{ range $file, $objects := .Changed.FileChanges }}{{ range $object, $changes := $objects }}" +
		fileTrailer + "{{ printf \"%q %q\" $file (printf \"%s %s\" $object.Kind $object.Name) }}\n" +
		"{{ range $changes }}" + changeTrailer + "{{ .Setter }} {{ printf \"%q\" .OldValue }} -> {{ printf \"%q\" .NewValue }}\n{{ end }}" +
		"{{ end }}{{ end }}"
}

// Verb says what a batch of pins does, for the subject of its commit.
func Verb(pins []Pin) string {
	does := map[string]bool{}
	for _, p := range pins {
		switch {
		case withdrawal(p) != "" && p.Memory.Wanted == withdrawal(p):
			does["withdraw"] = true
		case p.Intent.Back != "":
			does["roll back"] = true
		default:
			does["upgrade"] = true
		}
	}
	var verbs []string
	for _, verb := range []string{"upgrade", "roll back", "withdraw"} {
		if does[verb] {
			verbs = append(verbs, verb)
		}
	}
	text := cmp.Or(strings.Join(verbs, " and "), "upgrade")
	return strings.ToUpper(text[:1]) + text[1:]
}

// Trailer is what a commit of Flux says of its batch.
type Trailer struct {
	// Batch is the batch's id.
	Batch   string
	Changes []Change
}

// Change is one field that Flux gave another value.
type Change struct {
	Pin Key
	// File is relative to the automation's update.path, Object the kind and name in the field's document.
	File, Object string
	Old, New     string
	// Commit is the hash of the commit.
	Commit string
}

// Combine is what all commits of one batch say, newest first; nil if there is none. Flux commits twice if a human moves a
// line while the batch is still armed.
func Combine(newestFirst []Trailer) *Trailer {
	if len(newestFirst) == 0 {
		return nil
	}
	all := Trailer{Batch: newestFirst[0].Batch}
	for _, t := range newestFirst {
		all.Changes = append(all.Changes, t.Changes...)
	}
	return &all
}

const quoted = `("(?:[^"\\]|\\.)*")`

var (
	place  = regexp.MustCompile(`^` + quoted + ` ` + quoted + `$`)
	change = regexp.MustCompile(`^([a-z0-9-]+):([a-z0-9.-]+):tag ` + quoted + ` -> ` + quoted + `$`)
)

// ParseTrailer reads a commit message; ok is false if it has no batch trailer.
func ParseTrailer(hash, message string) (t Trailer, ok bool) {
	var file, object string
	for text := range strings.Lines(message) {
		text = strings.TrimSpace(text)
		if id, found := strings.CutPrefix(text, batchTrailer); found {
			t, ok = Trailer{Batch: strings.TrimSpace(id)}, true
		} else if at, found := strings.CutPrefix(text, fileTrailer); found {
			if m := place.FindStringSubmatch(at); m != nil {
				file, object = unquote(m[1]), unquote(m[2])
			}
		} else if what, found := strings.CutPrefix(text, changeTrailer); found {
			if m := change.FindStringSubmatch(what); m != nil {
				t.Changes = append(t.Changes, Change{
					Pin: Key{Namespace: m[1], Name: m[2]}, File: file, Object: object, Old: unquote(m[3]), New: unquote(m[4]), Commit: hash,
				})
			}
		}
	}
	return t, ok
}

func unquote(text string) string {
	plain, err := strconv.Unquote(text)
	if err != nil {
		return text
	}
	return plain
}

// changesOf are the changes of a pin's own line, newest first; none if Flux did not write it. The marker may have been copied
// meanwhile: a copy in another file does not count, and of several in one file the one that read what the pin's line read.
func (t *Trailer) changesOf(p Pin, l Line) []Change {
	if t == nil {
		return nil
	}
	documents := map[string][]Change{}
	best := ""
	for _, c := range t.Changes {
		if c.Pin != p.Key || !names(p.Memory.File, c.File) && !names(l.File, c.File) {
			continue
		}
		document := c.File + "\n" + c.Object
		documents[document] = append(documents[document], c)
		if best == "" {
			best = document
		}
	}
	for _, document := range slices.Sorted(maps.Keys(documents)) {
		if likelier(documents[document], documents[best], p.Memory.From) {
			best = document
		}
	}
	return documents[best]
}

// names: the path of a file, from the repository's root, ends with what a trailer says.
func names(file, said string) bool {
	return said == "" || file == said || strings.HasSuffix(file, "/"+said)
}

// likelier: a is rather the document of a line that read from than b.
func likelier(a, b []Change, from string) bool {
	wasA, wasB := a[len(a)-1].Old == from, b[len(b)-1].Old == from
	if wasA != wasB {
		return wasA
	}
	return len(a[0].File) > len(b[0].File)
}
