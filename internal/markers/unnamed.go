package markers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// maxUnnamed bounds the objects of a build that are kept because a variable
	// of their names has no value.
	maxUnnamed = 10_000
	// shownReferences bounds those that a message names.
	shownReferences = 3
	// hole stands for a value that is not known. No name contains it.
	hole = "\x00"
)

// unnamed is an object whose name in the cluster is not known.
type unnamed struct {
	*object
	// written is its identity with the variables.
	written identity
	// unset are the variables that have no value, sorted. They and the patterns
	// are known once somebody asked for candidates.
	unset           []string
	name, namespace pattern
}

// unreadReference is a reference of a Kustomization whose values are not known, with the
// number of its manifests in the repository.
type unreadReference struct {
	Reference
	manifests int
}

// pattern is a text by its parts, between which anything may stand.
type pattern []string

func patternOf(text string) pattern { return strings.Split(text, hole) }

func (p pattern) matches(text string) bool {
	if len(p) == 1 {
		return p[0] == text
	}
	text, ok := strings.CutPrefix(text, p[0])
	if !ok {
		return false
	}
	for _, part := range p[1 : len(p)-1] {
		if _, text, ok = strings.Cut(text, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(text, p[len(p)-1])
}

// known is the length of what is known.
func (p pattern) known() int { return len(strings.Join(p, "")) }

// complete evaluates the names as far as they are known.
func (u *unnamed) complete(by substitution) {
	unset := map[string]bool{}
	lookup := by.lookup(func(variable string) string {
		unset[variable] = true
		return hole
	})
	u.name, u.namespace = patternOf(evaluate(u.written.name, lookup)), patternOf(evaluate(u.written.namespace, lookup))
	u.unset = slices.Sorted(maps.Keys(unset))
}

// candidate is the object that is the target if its variables have the right
// values: of several, the one whose name says most; nil if there is none.
func (b *build) candidate(target Target) *unnamed {
	var best *unnamed
	for i := range b.unnamed {
		u := &b.unnamed[i]
		if u.name == nil {
			u.complete(b.substituted)
		}
		fits := u.name.matches(target.Name) && (u.written.namespace == "" || u.namespace.matches(target.Namespace))
		if fits && (best == nil || u.name.known() > best.name.known()) {
			best = u
		}
	}
	return best
}

// maybe says of what target may be why that is not known.
func (x *Index) maybe(u *unnamed, by substitution, target Target) *Problem {
	named := Target{Kind: target.Kind, Namespace: u.written.namespace, Name: u.written.name}
	variables := strings.Join(u.unset, ", ")
	switch {
	case x.source.Kustomization.Name == "":
		return problem(NotFound, u.file, u.line, "%s may be %s, but no Flux Kustomization is known that sets the variables of its name: %s; "+
			"write the name itself, or let a Kustomization apply it that sets them", named, target, variables)
	case len(by.unread) == 0:
		return problem(NotFound, u.file, u.line, "%s may be %s, but nothing in the repository sets variables of its name: %s; "+
			"set them in spec.postBuild.substitute of %s", named, target, variables, x.source.Kustomization)
	}
	whence, fix := x.whence(by.unread)
	return problem(NotFound, u.file, u.line, "%s may be %s, but nothing that is read here sets variables of its name: %s. They may come from %s; %s"+
		"set them in spec.postBuild.substitute of %s", named, target, variables, prose(whence), prose(fix), x.source.Kustomization)
}

// whence names references for messages, and says how they would be read.
func (x *Index) whence(references []unreadReference) (whence, fix string) {
	texts := []string{}
	for _, from := range references[:min(len(references), shownReferences)] {
		text := from.Kind + " " + brief(x.source.Kustomization.Namespace+"/"+from.Name)
		switch {
		case from.Kind != configMapKind:
			text += ", which is not looked at"
		case from.manifests == 0:
			text += ", which has no manifest in the repository"
			fix = "write a manifest of that ConfigMap into the repository, or "
		default:
			text += fmt.Sprintf(", of which the repository has %d manifests", from.manifests)
			fix = "keep one manifest of that ConfigMap, or "
		}
		texts = append(texts, text)
	}
	if more := len(references) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(texts, "; or from "), fix
}
