package markers

import (
	"regexp"
	"slices"
	"strings"
)

// Kinds of a Reference.
const (
	configMapKind = "ConfigMap"
	secretKind    = "Secret"
)

// variableForm matches a value that is one variable and nothing else, maybe
// with a default.
var variableForm = regexp.MustCompile(`^\$\{([_A-Za-z][_A-Za-z0-9]*)(:?[=-][^{}]*)?\}$`)

// isVariable reports whether Flux replaces something in the object's value.
func isVariable(o *object, value string) bool {
	return o.substituted() && strings.Contains(value, "${")
}

// setter finds the place that sets the variable which a target's version is,
// and the name of that variable. loc is where the version stands.
func (x *Index) setter(loc Location, target Target) (at *place, name string, err error) {
	form := variableForm.FindStringSubmatch(loc.Value)
	if form == nil {
		return nil, "", problem(Substituted, loc.File, loc.Line,
			"the %s of %s is %q, in which a variable is only a part; let one variable have the whole version, or write the version itself in this line",
			target.field(), target, loc.Value)
	}
	v := variable{name: form[1], loc: loc, text: "the " + target.field() + " of " + target.String() + " is the variable " + loc.Value}
	if x.source.Kustomization.Name == "" {
		return nil, "", v.problem("and no Flux Kustomization is known that sets it; write the version itself in this line")
	}
	v.by = x.source.Kustomization.String()
	if _, inline := x.source.Substitute[v.name]; inline {
		at, err = x.inlineSetter(v)
	} else {
		at, err = x.referenceSetter(v)
	}
	return at, v.name, err
}

// variable is one that is a version.
type variable struct {
	name string
	// loc is where the version stands.
	loc Location
	// text and by begin the messages about it.
	text, by string
}

func (v variable) problem(text string) *Problem {
	return problem(Substituted, v.loc.File, v.loc.Line, "%s, %s", v.text, text)
}

// inlineSetter finds the line of spec.postBuild.substitute.
func (x *Index) inlineSetter(v variable) (*place, error) {
	own, err := x.ownManifests()
	if err != nil {
		return nil, v.unsurveyed(err)
	}
	manifests := own.setting(v.name)
	if len(manifests) == 0 {
		return nil, v.problem("which " + v.by + " sets, and the repository has no manifest of that Kustomization as the cluster has it; " +
			"keep the manifest in this repository, or write the version itself in this line")
	}
	at, p := onlyPlace(manifests, inlineField(v.name), v)
	switch live := x.source.Substitute[v.name]; {
	case p != nil:
		return nil, p
	case at == nil:
		return nil, v.problem("which " + v.by + " sets, but not by its manifest " + manifests[0].definition() +
			"; set it there, in spec.postBuild.substitute, or write the version itself in this line")
	case at.overridden(live):
		return nil, v.problem("which " + v.by + " has as " + quoted(live) + " in the cluster and as " +
			quoted(at.site.value()) + " in " + at.text() + "; wait until Flux has applied that, or take away what overrides it")
	}
	return at, nil
}

// ownManifests are those of the source's Kustomization.
func (x *Index) ownManifests() (*owner, error) {
	if x.own == nil {
		own, err := x.survey.owner(x.root())
		if err != nil {
			return nil, err
		}
		x.own = own
	}
	return x.own, nil
}

// root is the source, which the cluster has.
func (x *Index) root() root { return root{Source: x.source, applied: true} }

// inlineField is where a Flux Kustomization sets a variable.
func inlineField(variable string) []string {
	return []string{"spec", "postBuild", "substitute", variable}
}

// overridden reports whether the cluster has another value than the place,
// which no marker of ours explains.
func (p *place) overridden(live string) bool {
	return p.blocked == nil && p.doc.markerAt(p.file, p.site.node) == nil &&
		p.site.value() != live && !strings.Contains(p.site.value(), "${")
}

// referenceSetter finds the line in a ConfigMap of spec.postBuild.substituteFrom,
// of which the last that has the variable counts. What counts is the ConfigMap
// that Kustomizations of the cluster build, so that the line is what Git makes
// of it; a manifest of that name alone may be somebody else's.
func (x *Index) referenceSetter(v variable) (*place, error) {
	const fix = "; set it in spec.postBuild.substitute there, or write the version itself in this line"
	namespace := x.source.Kustomization.Namespace
	for _, from := range slices.Backward(x.source.SubstituteFrom) {
		found, others, err := x.survey.providers(from, x.root())
		if err != nil {
			return nil, v.unsurveyed(err)
		}
		if len(found) == 0 {
			return nil, v.problem("which may come from " + from.Kind + " " + namespace + "/" + from.Name + " of " + v.by +
				elsewhere(others, namespace) + fix)
		}
		if from.Kind == secretKind {
			if setsKey(objectsOf(found), v.name) {
				return nil, v.problem("which comes from Secret " + from.Name + " of " + v.by + ", and Flux must not write into Secrets" + fix)
			}
			continue
		}
		at, p := onlyPlace(objectsOf(found), []string{"data", v.name}, v)
		if p != nil {
			return nil, p
		}
		if at != nil && slices.ContainsFunc(found, definition.immutable) {
			return nil, v.problem("which is set in " + at.text() + ", in a ConfigMap that is immutable; take that away there, or write the version itself in this line")
		}
		if at != nil {
			return at, nil
		}
	}
	return nil, v.problem("which " + v.by + " does not set" + fix)
}

// immutable reports whether the API server lets nobody change the values.
func (d definition) immutable() bool {
	at := d.lookup([]string{"immutable"})
	return at != nil && at.site.node != nil && at.site.value() == "true"
}

// setsKey reports whether a manifest of a Secret has a key. Those that are
// encrypted show their keys.
func setsKey(manifests []*object, key string) bool {
	return slices.ContainsFunc(manifests, func(o *object) bool {
		return o.lookup([]string{"data", key}) != nil || o.lookup([]string{"stringData", key}) != nil
	})
}

// same reports whether both are one line.
func (p *place) same(other *place) bool { return p.isAt(other.location()) }

// onlyPlace is the one place of the manifests that sets the field; nil if there
// is none.
func onlyPlace(manifests []*object, field []string, v variable) (*place, *Problem) {
	var found []*place
	for _, o := range manifests {
		if at := o.lookup(field); at != nil && !slices.ContainsFunc(found, at.same) {
			found = append(found, at)
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	if len(found) > 1 {
		p := v.problem("which is set in " + found[0].text() + " and in " + found[1].text() +
			"; keep one of them, or write the version itself in this line")
		p.Reason = Ambiguous
		return nil, p
	}
	return found[0], nil
}

// disagrees reports whether a manifest sets a variable to another value than
// the cluster has. One with a marker may be ahead of the cluster, which Flux
// brings up to it, and tells nothing.
func disagrees(o *object, variable, live string) bool {
	at := o.lookup(inlineField(variable))
	if at == nil || at.site.node == nil || isVariable(o, at.site.value()) || at.doc.markerAt(at.file, at.site.node) != nil {
		return false
	}
	return at.site.value() != live
}

func samePath(a, b string) bool { return FluxPath(a) == FluxPath(b) }

func quoted(s string) string { return `"` + s + `"` }

// encrypted reports whether SOPS keeps a checksum over the document, which any
// change would break.
func (d *document) encrypted() bool {
	return scalarValue(child(follow(child(d.root, "sops")), "mac")) != ""
}
