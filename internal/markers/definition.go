package markers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// definition is an object that gives variables, as a root builds it: a
// ConfigMap or a Secret that is referred to, or a Flux Kustomization.
type definition struct {
	*object
	root root
}

// definitions are those of a kind by name, or why they cannot be told.
type definitions struct {
	byName  map[string][]definition
	problem error
	// names are those that were looked for, of ConfigMaps and Secrets.
	names map[string]bool
}

// definitions builds the objects of a kind from every root, once. Of
// ConfigMaps and Secrets only those are kept to which a Kustomization refers.
func (s *Survey) definitions(kind groupKind) (definitions, error) {
	known, asked := s.defined[kind]
	for !asked || known.misses(s.referred(kind)) {
		asked = true
		names := s.referred(kind)
		known = definitions{byName: map[string][]definition{}, names: names}
		s.builds = kept(kind, names)
		err := s.eachRoot(kind, func(r root, b *build) error {
			for _, o := range b.objects {
				if kind == fluxKustomizationKind || names[o.name] {
					known.byName[o.name] = append(known.byName[o.name], definition{o, r})
				}
			}
			return nil
		})
		s.builds = nil
		if err != nil && !isProblem(err) {
			return definitions{}, err
		}
		known.problem = err
	}
	s.defined[kind] = known
	return known, known.problem
}

func (d definitions) all() []definition {
	var all []definition
	for _, named := range d.byName {
		all = append(all, named...)
	}
	return all
}

// key is the same for what is one object in a cluster.
func (d definition) key() string {
	if d.root.inCluster() {
		return d.namespace + "/" + d.name
	}
	return d.namespace + "/" + d.name + " " + d.builder()
}

// misses reports whether a name was not looked for: the roots themselves are
// found with the first question.
func (d definitions) misses(names map[string]bool) bool {
	for name := range names {
		if !d.names[name] {
			return true
		}
	}
	return false
}

// referred are the names that Kustomizations refer to; none for a kind that
// nobody can refer to.
func (s *Survey) referred(kind groupKind) map[string]bool {
	names := map[string]bool{}
	if kind == fluxKustomizationKind {
		return names
	}
	for from := range s.manifests.announced {
		if from.Kind == kind.kind {
			names[from.Name] = true
		}
	}
	for _, r := range s.roots {
		for _, from := range r.SubstituteFrom {
			if from.Kind == kind.kind {
				names[from.Name] = true
			}
		}
	}
	return names
}

// kept tells the documents that may become an object of one of the names, since
// a repository may be full of ConfigMaps. A kustomization may add to the name
// that a document gives.
func kept(kind groupKind, names map[string]bool) func(text string) bool {
	if kind == fluxKustomizationKind {
		return nil
	}
	all := make([]string, 0, len(names))
	for name := range names {
		all = append(all, name)
	}
	joined := strings.Join(all, "\n")
	return func(text string) bool {
		return givesName(text, func(name string) bool {
			return name != "" && (strings.Contains(joined, name) || strings.Contains(name, "${"))
		})
	}
}

// providers are the objects that a Kustomization's reference may mean: if it is
// one of the cluster, what the cluster's Kustomizations build. The others are
// of the same kind and name.
func (s *Survey) providers(from Reference, of root) (own, others []definition, err error) {
	known, err := s.definitions(groupKind{kind: from.Kind})
	if err != nil {
		return nil, nil, err
	}
	for _, d := range known.byName[from.Name] {
		if d.namespace == of.Kustomization.Namespace && d.namespace != "" && d.root.inCluster() && of.ofCluster() {
			own = append(own, d)
		} else {
			others = append(others, d)
		}
	}
	return own, others, nil
}

// inCluster reports whether the cluster has what the root builds, and ofCluster
// whether its Kustomization is one of the cluster, or will be.
func (r root) inCluster() bool { return r.applied && !r.Remote }
func (r root) ofCluster() bool { return r.entry == "" && r.Kustomization.Name != "" }

func objectsOf(all []definition) []*object {
	objects := make([]*object, 0, len(all))
	for _, d := range all {
		objects = append(objects, d.object)
	}
	return objects
}

// builder names what builds the object, for messages.
func (d definition) builder() string {
	if d.root.Kustomization.Name == "" {
		return "the folder " + d.root.Path
	}
	return d.root.Kustomization.String()
}

// elsewhere says what is known of the objects that are not what is referred to.
func elsewhere(others []definition, namespace string) string {
	if len(others) == 0 {
		return ", which no Kustomization of the cluster builds from the repository"
	}
	d := others[0]
	switch {
	case d.namespace == "":
		return fmt.Sprintf("; %s may be that, but gives no namespace; write metadata.namespace: %s there if that is the one", d.definition(), namespace)
	case d.namespace != namespace:
		return fmt.Sprintf(", which no Kustomization of the cluster builds from the repository; %s becomes one in namespace %s", d.definition(), d.namespace)
	}
	return fmt.Sprintf("; %s may be that, but no Kustomization of the cluster builds it, only %s; let one apply it", d.definition(), d.builder())
}

// unsurveyed is a Problem about the variable for one about the whole
// repository.
func (v variable) unsurveyed(err error) error {
	var p *Problem
	if !errors.As(err, &p) {
		return err
	}
	return v.problem("and the repository builds too much to find what sets that; write the version itself in this line")
}

// ownManifests are the manifests of a source's Kustomization: those that the
// cluster's Kustomizations build under its name, or else, since a cluster may
// get it from elsewhere, files of its name and path. Repositories of several
// clusters have Kustomizations of one name for each.
func (s *Survey) ownManifests(of root) ([]*object, error) {
	known, err := s.definitions(fluxKustomizationKind)
	if err != nil {
		return nil, err
	}
	var own []*object
	for _, d := range known.byName[of.Kustomization.Name] {
		if of.ofCluster() && d.root.inCluster() && d.namespace == of.Kustomization.Namespace {
			own = append(own, d.object)
		}
	}
	if len(own) > 0 {
		return own, nil
	}
	if _, err := s.manifests.fluxKustomizations(); err != nil {
		return nil, err
	}
	for _, o := range s.manifests.fluxNamed[of.Kustomization.Name] {
		if o.named(of.Kustomization.Namespace, of.Kustomization.Name) && !o.hasOtherPath(of.Kustomization.Path) {
			own = append(own, o)
		}
	}
	return own, nil
}

func (o *object) hasOtherPath(dir string) bool {
	at := o.lookup([]string{"spec", "path"})
	return at != nil && at.site.node != nil && !strings.Contains(at.site.value(), "${") && !samePath(at.site.value(), dir)
}

// owner knows the manifests of one Kustomization, and in which variables each
// differs from it.
type owner struct {
	manifests []*object
	differing []map[string]bool
}

func (s *Survey) owner(of root) (*owner, error) {
	manifests, err := s.ownManifests(of)
	if err != nil || len(manifests) < 2 {
		return &owner{manifests: manifests}, err
	}
	own := &owner{manifests: manifests}
	for _, o := range manifests {
		differing := map[string]bool{}
		for name, value := range of.Substitute {
			if disagrees(o, name, value) {
				differing[name] = true
			}
		}
		own.differing = append(own.differing, differing)
	}
	return own, nil
}

// setting are the manifests that may set a variable. Of several those count
// that have the other variables as the cluster has them, if any does.
func (own *owner) setting(variable string) []*object {
	if len(own.manifests) < 2 {
		return own.manifests
	}
	var agreeing []*object
	for i, o := range own.manifests {
		n := len(own.differing[i])
		if own.differing[i][variable] {
			n--
		}
		if n == 0 {
			agreeing = append(agreeing, o)
		}
	}
	if len(agreeing) == 0 {
		return own.manifests
	}
	return slices.Clip(agreeing)
}
