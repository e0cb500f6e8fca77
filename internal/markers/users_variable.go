package markers

import (
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
	budget := maxSurveyed
	for _, r := range s.roots {
		takes, err := s.takes(r, at)
		if err != nil {
			return nil, err
		}
		if !takes {
			continue
		}
		err = s.buildRoot(newBuilder(s.repo, anyKind), r, &budget, func(r root, built *build) error {
			for _, o := range built.objects {
				if o.substituted() && o.mentions(at.Variable) {
					uses = append(uses, r.use(o, nil, at))
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return uses, nil
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
		return false, nil
	}
	if err != nil {
		return false, err
	}
	loc := setter.location()
	return loc.File == at.File && loc.Line == at.Line, nil
}

// mentions reports whether the object uses a variable anywhere.
func (o *object) mentions(variable string) bool {
	form := regexp.MustCompile(`\$\{#?` + regexp.QuoteMeta(variable) + `[^_A-Za-z0-9]`)
	found := false
	look := func(node *yaml.Node) { found = found || form.MatchString(node.Value) }
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
	return found
}
