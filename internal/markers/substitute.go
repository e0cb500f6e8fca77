package markers

import (
	"strings"

	"github.com/fluxcd/pkg/envsubst"
)

// substitution is what Flux does with variables after a build.
type substitution struct {
	variables map[string]string
	// always is set if Flux does it without any variables, too, for example
	// for their defaults.
	always bool
	// unread are the references that may set more variables.
	unread []unreadReference
}

// leaves reports whether Flux leaves every text alone.
func (s substitution) leaves() bool { return len(s.variables) == 0 && !s.always }

// lookup finds the value of a variable for a name; unset tells that of one
// which has none.
func (s substitution) lookup(unset func(variable string) string) func(string) (string, bool) {
	return func(variable string) (string, bool) {
		value, ok := s.variables[variable]
		if !ok {
			return unset(variable), true
		}
		value = strings.ReplaceAll(value, "\n", "")
		return value[:min(len(value), maxName)], true
	}
}

// substitute replaces the variables in the objects' names as Flux does after
// the build.
func (b *build) substitute(by substitution) {
	b.substituted = by
	var incomplete bool
	lookup := by.lookup(func(string) string {
		incomplete = true
		return ""
	})
	for _, o := range b.objects {
		if !o.substituted() {
			continue
		}
		incomplete = false
		to := identity{namespace: evaluate(o.namespace, lookup), name: evaluate(o.name, lookup)}
		if incomplete && len(b.unnamed) < maxUnnamed {
			b.unnamed = append(b.unnamed, unnamed{object: o, written: o.identity})
		}
		if !by.leaves() {
			o.identity = to
		}
	}
	b.byName = map[string][]*object{}
	for _, o := range b.objects {
		b.byName[o.name] = append(b.byName[o.name], o)
	}
}

// maxName is longer than any name of an object, and than any expression of one.
const maxName = 1024

// evaluate returns text unchanged if it is too long for a name, or no valid
// expression; Flux then fails to build, and the object is not found under any
// name.
func evaluate(text string, lookup func(string) (string, bool)) string {
	if len(text) > maxName {
		return text
	}
	value, err := envsubst.Eval(text, lookup)
	if err != nil {
		return text
	}
	return value
}

// named returns the objects that the target means. An object that gives no
// namespace, in a source that gives none, may be in any.
func (b *build) named(target Target) []*object {
	var exact, open []*object
	for _, o := range b.byName[target.Name] {
		switch o.namespace {
		case target.Namespace:
			exact = append(exact, o)
		case "":
			open = append(open, o)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return open
}
