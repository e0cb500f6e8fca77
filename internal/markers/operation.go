package markers

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// operation is one step of a JSON6902 patch; value is nil for those without.
type operation struct {
	op         string
	path, from []string
	value      *yaml.Node
	// blocked is about the step's own place.
	blocked *Problem
}

// operations is a JSON6902 patch. Flux finds no marker in one.
type operations []operation

func (p operations) apply(field []string, before *place) *place {
	for _, step := range p {
		before = step.apply(field, before)
	}
	return before
}

// movesAway reports whether the operation takes the field from where it is.
func (o operation) movesAway(field []string) bool {
	n := len(o.from)
	return o.op == "move" && n > 0 && n <= len(field) && slices.Equal(o.from, field[:n])
}

func (o operation) apply(field []string, before *place) *place {
	if o.movesAway(field) {
		before = nil
	}
	n := len(o.path)
	if o.op == "test" || n > len(field) || !slices.Equal(o.path, field[:n]) {
		return before
	}
	switch o.op {
	case "remove":
		return nil
	case "copy", "move":
		return &place{file: o.blocked.File, blocked: o.blocked}
	}
	value := o.value
	for _, key := range field[n:] {
		value = child(follow(value), key)
	}
	if value == nil {
		return nil
	}
	return &place{file: o.blocked.File, site: site{node: value}, blocked: o.blocked}
}

// removes tells which step takes the field away that was there before.
func (p operations) removes(field []string) (file string, line int) {
	for _, step := range slices.Backward(p) {
		if step.apply(field, &place{}) == nil {
			return step.blocked.File, step.blocked.Line
		}
	}
	return "", 0
}

// pointer splits a JSON pointer; that of the whole object has no parts.
func pointer(s string) []string {
	if s == "" {
		return nil
	}
	parts := strings.Split(strings.TrimPrefix(s, "/"), "/")
	for i, part := range parts {
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
	}
	return parts
}

func readOperations(doc *document, at source) operations {
	var all operations
	for _, item := range doc.root.Content {
		item = follow(item)
		path := scalarValue(child(item, "path"))
		if path != "" && path[0] != '/' {
			continue
		}
		step := operation{op: scalarValue(child(item, "op")), path: pointer(path), value: child(item, "value"), blocked: at.stepwise}
		if from := scalarValue(child(item, "from")); from != "" {
			step.from = pointer(from)
		}
		if step.blocked == nil {
			step.blocked = problem(NotMarkable, at.file, doc.line(item),
				"the version is set by a JSON6902 patch, in which Flux ignores markers; use a strategic merge patch in a file of its own")
		}
		all = append(all, step)
	}
	return all
}
