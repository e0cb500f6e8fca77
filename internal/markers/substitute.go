package markers

import (
	"maps"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
)

// substitute replaces the variables in the objects' names as Flux does after
// the build. Without any variables Flux leaves the text alone.
func (b *build) substitute(variables map[string]string) {
	b.variables = variables
	unknown := map[string]bool{}
	for _, o := range b.objects {
		if !o.substituted() {
			continue
		}
		lookup := func(name string) (string, bool) {
			value, ok := variables[name]
			if !ok && strings.Contains(o.namespace+o.name, "${"+name+"}") {
				unknown[name] = true
			}
			value = strings.ReplaceAll(value, "\n", "")
			return value[:min(len(value), maxName)], true
		}
		to := identity{namespace: evaluate(o.namespace, lookup), name: evaluate(o.name, lookup)}
		if len(variables) > 0 {
			o.identity = to
		}
	}
	b.unknown = slices.Sorted(maps.Keys(unknown))
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
