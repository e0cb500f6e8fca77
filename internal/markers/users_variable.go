package markers

import (
	"maps"
	"slices"
)

// usesOfVariable finds the objects that use a variable which is set in a line,
// in everything that gets it from there. If that is the line of several
// objects, these share it whatever they build.
func (s *Survey) usesOfVariable(at Location) ([]use, error) {
	uses, err := s.copiesAt(at)
	if err != nil {
		return nil, err
	}
	setters, err := s.settersAt(at)
	if err != nil {
		return nil, err
	}
	uses = append(uses, setters...)
	for i, r := range s.roots {
		takes, err := s.takes(i, at)
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
		uses = append(uses, mentioned.by[at.Variable]...)
		if mentioned.unread != "" {
			uses = append(uses, r.mayUse(mentioned.unread))
		}
	}
	apart, err := s.readElsewhere(at)
	return append(uses, apart...), err
}

// readElsewhere are the Kustomizations of other sources that may have the variable from the line.
func (s *Survey) readElsewhere(at Location) ([]use, error) {
	var uses []use
	for _, src := range s.elsewhere {
		r := root{Source: src, applied: true}
		reads, err := s.reads(r, at)
		if err != nil {
			return nil, err
		}
		if _, inline := src.Substitute[at.Variable]; reads && !inline {
			uses = append(uses, r.mayUse("it applies from another source, which is not read"))
		}
	}
	return uses, nil
}

// setter is a kind of objects that set variables, and where they do.
type setter struct {
	kind  groupKind
	field []string
}

func settersOf(variable string) []setter {
	return []setter{{fluxKustomizationKind, inlineField(variable)}, {configMapGroupKind, []string{"data", variable}}}
}

// copiesAt are the objects to which replacements copy the variable from the line.
func (s *Survey) copiesAt(at Location) ([]use, error) {
	var uses []use
	for _, setter := range settersOf(at.Variable) {
		known, err := s.definitions(setter.kind)
		if err != nil {
			return nil, err
		}
		for _, d := range known.all() {
			for _, c := range d.copies {
				if sets := c.lookup(setter.field); sets != nil && sets.isAt(at) {
					uses = append(uses, c.use(d.root))
				}
			}
		}
	}
	return uses, nil
}

// settersAt are the Flux Kustomizations or ConfigMaps that have the variable
// from the line, if they are several.
func (s *Survey) settersAt(at Location) ([]use, error) {
	for _, setter := range settersOf(at.Variable) {
		known, err := s.definitions(setter.kind)
		if err != nil {
			return nil, err
		}
		here := map[string]use{}
		for _, d := range known.all() {
			if sets := d.lookup(setter.field); sets != nil && sets.isAt(at) {
				here[d.key()] = d.root.use(d.object, setter.field, at)
			}
		}
		if len(here) > 1 {
			return slices.Collect(maps.Values(here)), nil
		}
		if len(here) == 1 {
			break
		}
	}
	return nil, nil
}

// mayUse is a Kustomization of which nobody can tell here what it uses.
func (r root) mayUse(why string) use {
	return use{root: r, User: User{
		Target:        Target{APIVersion: fluxGroup + "/v1", Kind: fluxKustomizationKind.kind, Namespace: r.Kustomization.Namespace, Name: r.Kustomization.Name},
		Kustomization: r.Kustomization, Applied: r.applied, Folder: r.Path, Unread: why,
	}}
}

// takes reports whether what a root builds gets the variable from the line, or
// may.
func (s *Survey) takes(i int, at Location) (bool, error) {
	r := s.roots[i]
	if r.Kustomization.Name == "" {
		return false, nil
	}
	if _, inline := r.Substitute[at.Variable]; !inline {
		return s.reads(r, at)
	}
	own, known := s.owners[i]
	if !known {
		var err error
		if own, err = s.owner(r); err != nil {
			return false, err
		}
		s.owners[i] = own
	}
	return setsAt(own.setting(at.Variable), inlineField(at.Variable), at), nil
}

// reads reports whether a Kustomization may have the variable from a ConfigMap
// that the line is in. Of its references the last that surely has it counts.
func (s *Survey) reads(r root, at Location) (bool, error) {
	field := []string{"data", at.Variable}
	for _, from := range slices.Backward(r.SubstituteFrom) {
		if from.Kind != configMapKind {
			continue // what a Secret has may not be in the repository
		}
		own, others, err := s.providers(from, r)
		if err != nil {
			return false, err
		}
		if len(own) == 0 {
			own = maybe(others, r)
		}
		if setsAt(objectsOf(own), field, at) {
			return true, nil
		}
		sets := func(d definition) bool { return d.lookup(field) != nil }
		if r.ofCluster() && len(own) > 0 && slices.ContainsFunc(own, sets) {
			return false, nil
		}
	}
	return false, nil
}

// maybe are the definitions that may be the ones of a Kustomization which is not
// known to be in the cluster: it may be of another one, which has its own.
func maybe(all []definition, r root) []definition {
	var inCluster, others []definition
	for _, d := range all {
		switch {
		case d.namespace != r.Kustomization.Namespace && d.namespace != "" && r.Kustomization.Namespace != "":
		case d.root.inCluster():
			inCluster = append(inCluster, d)
		default:
			others = append(others, d)
		}
	}
	if len(others) > 0 && !r.ofCluster() {
		return others
	}
	return append(others, inCluster...)
}

// setsAt reports whether one of the objects has the field from the line.
func setsAt(objects []*object, field []string, at Location) bool {
	return slices.ContainsFunc(objects, func(o *object) bool {
		sets := o.lookup(field)
		return sets != nil && sets.isAt(at)
	})
}

func (p *place) isAt(loc Location) bool {
	here := p.location()
	return here.File == loc.File && here.Line == loc.Line
}
