package markers

import (
	"errors"
	"regexp"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// usesOfVariable finds the objects that use a variable which is set in a line,
// in everything that gets it from there. If that is the line of several Flux
// Kustomizations, these share it whatever they build.
func (s *Survey) usesOfVariable(at Location) ([]use, error) {
	own, err := s.usesOfField(fluxKustomizationKind, inlineField(at.Variable))
	if err != nil {
		return nil, err
	}
	uses := slices.Clone(own[line{at.File, at.Line}])
	if len(uses) == 1 {
		uses = nil
	}
	for i, r := range s.roots {
		takes, err := s.takes(r, at)
		if err != nil {
			return nil, err
		}
		if !takes {
			continue
		}
		mentioned, err := s.mentionedBy(i)
		if err != nil {
			return nil, err
		}
		uses = append(uses, mentioned[at.Variable]...)
	}
	return uses, nil
}

// mentionedBy is what a root's objects, of any kind, have variables in. It is
// built once for all variables.
func (s *Survey) mentionedBy(i int) (map[string][]use, error) {
	if mentioned, known := s.mentioned[i]; known {
		return mentioned, nil
	}
	r := s.roots[i]
	b := newBuilder(s.repo, anyKind)
	b.steps = s.steps
	built, err := b.source(r.Source)
	s.steps = b.steps
	var p *Problem
	if errors.As(err, &p) && p.Reason != TooLarge {
		return nil, nil // Flux cannot build it either
	}
	if p != nil {
		return nil, notSurveyed()
	}
	if err != nil {
		return nil, err
	}
	variables, err := s.manifests.variables(r.Source)
	if err != nil {
		return nil, err
	}
	built.substitute(variables)
	mentioned := map[string][]use{}
	for _, o := range built.objects {
		if !o.substituted() {
			continue
		}
		for name := range o.variables() {
			mentioned[name] = append(mentioned[name], r.use(o, nil, Location{}))
		}
	}
	s.mentioned[i] = mentioned
	return mentioned, nil
}

// takes reports whether what a root builds gets the variable from the line.
func (s *Survey) takes(r root, at Location) (bool, error) {
	if r.Kustomization.Name == "" {
		return false, nil
	}
	x := &Index{repo: s.repo, manifests: s.manifests, source: r.Source}
	v := variable{name: at.Variable, by: r.Kustomization.String()}
	from := x.referenceSetter
	if _, inline := r.Substitute[v.name]; inline {
		from = x.inlineSetter
	}
	setter, err := from(v)
	if isProblem(err) {
		return s.mayTake(r, at)
	}
	if err != nil {
		return false, err
	}
	return setter.isAt(at), nil
}

// mayTake reports whether a root names the ConfigMap of the line, when
// something else that it names, such as a Secret, cannot be read here and so
// nobody can say which of them counts.
func (s *Survey) mayTake(r root, at Location) (bool, error) {
	if _, inline := r.Substitute[at.Variable]; inline {
		return false, nil
	}
	for _, from := range r.SubstituteFrom {
		manifests, err := s.manifests.named(from, r.Kustomization.Namespace)
		if err != nil {
			return false, err
		}
		for _, o := range manifests {
			if sets := o.lookup([]string{"data", at.Variable}); sets != nil && sets.isAt(at) {
				return true, nil
			}
		}
	}
	return false, nil
}

func (p *place) isAt(loc Location) bool {
	here := p.location()
	return here.File == loc.File && here.Line == loc.Line
}

// variableName finds variables, whatever function is applied to them.
var variableName = regexp.MustCompile(`\$\{#?([_A-Za-z][_A-Za-z0-9]*)`)

// variables are those that the object has anywhere.
func (o *object) variables() map[string]bool {
	names := map[string]bool{}
	look := func(node *yaml.Node) {
		for _, found := range variableName.FindAllStringSubmatch(node.Value, -1) {
			names[found[1]] = true
		}
	}
	for _, l := range o.layers {
		switch l := l.(type) {
		case merge:
			visitScalars(l.root, look)
		case operations:
			for _, step := range l {
				if step.value != nil {
					visitScalars(step.value, look)
				}
			}
		}
	}
	return names
}
